//! What a single backend's failure is, to the client and to the operator.

use super::{
    harness::{ask, endpoint_of, pipeline_of, pipeline_with, show},
    recorder::{Recorder, Script, answer},
    *,
};

#[tokio::test]
async fn only_200_and_201_are_answers_and_both_become_200() {
    for status in [200, 201] {
        let recorder = Recorder::saying(status, r#"{"a":1}"#);
        let shown = ask("", &[""], &[recorder]).await.unwrap();
        assert_eq!((shown.status, shown.line()), (200, (r#"{"a":1}"#, true)));
    }
    for status in [202, 204, 206, 301, 304, 400, 404, 500, 503] {
        let recorder = Recorder::saying(status, r#"{"a":1}"#);
        let failure = ask("", &[""], &[recorder]).await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Status);
        assert_eq!(
            failure.to_string(),
            format!("invalid status code {status} [GET /0]: http://h0/0")
        );
        assert!(failure.answer.is_none());
    }
}

#[tokio::test]
async fn the_message_about_a_status_holds_no_credentials_and_no_query() {
    let backend = r#""url_pattern": "/v1/{id}?api_key=s3cret", "disable_host_sanitize": true,
        "host": ["http://user:s3cret@h:81/base"]"#;
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"endpoint": "/a/{{id}}", "backend": [{{{backend}}}]}}]}}"#
    );
    let recorder = Recorder::saying(404, "s3cret");
    let pipeline = pipeline_of(&parse(&text)[0], &[recorder]);
    let failure = pipeline
        .serve(with_params(&[("id", "7")]))
        .await
        .err()
        .unwrap();
    let text = "invalid status code 404 [GET /v1/{id}]: http://h:81/base/v1/7";
    assert_eq!(failure.to_string(), text);
    assert_eq!(failure.source.to_string(), text);
}

#[tokio::test]
async fn return_error_code_hands_the_answer_on() {
    let returning = r#""extra_config": {"backend/http": {"return_error_code": true}}"#;
    let fields = [("content-type", "text/x"), ("x-secret", "1")];
    let recorder = Recorder::playing(Script::Answer(answer(418, &fields, "teapot")));
    let failure = ask("", &[returning], &[recorder]).await.err().unwrap();
    let answer = failure.answer.as_ref().unwrap();
    assert_eq!(answer.status, 418);
    assert_eq!(answer.content_type.as_ref().unwrap(), "text/x");
    assert_eq!(answer.body, "teapot");
    assert_eq!(failure.to_string(), "teapot");
    assert_eq!(
        failure.source.to_string(),
        "invalid status code 418 [GET /0]: http://h0/0"
    );
}

#[tokio::test]
async fn return_error_details_is_data_that_is_not_manipulated() {
    #[rustfmt::skip]
    let cases = [
        (answer(404, &[("content-type", "text/x")], "it\"s"),
            r#"{"error_n":{"http_body":"it\"s","http_body_encoding":"text/x","http_status_code":404}}"#),
        (answer(500, &[], "x"), r#"{"error_n":{"http_body":"x","http_status_code":500}}"#),
        (answer(204, &[], ""),  r#"{"error_n":{"http_status_code":204}}"#),
    ];
    let backend = r#""group": "g", "target": "t", "extra_config":
        {"backend/http": {"return_error_details": "n", "return_error_code": true}}"#;
    for (response, body) in cases {
        let recorder = Recorder::playing(Script::Answer(response));
        let shown = ask("", &[backend], &[recorder]).await.unwrap();
        assert_eq!((shown.status, shown.line()), (200, (body, false)));
    }
}

#[tokio::test]
async fn a_body_that_is_no_data_fails_with_krakends_words() {
    #[rustfmt::skip]
    let cases = [
        ("",    "EOF"),
        ("[1]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ];
    for (body, message) in cases {
        let failure = ask("", &[""], &[Recorder::saying(200, body)])
            .await
            .err()
            .unwrap();
        assert_eq!(failure.kind, FailureKind::Decode);
        assert_eq!(failure.to_string(), message, "{body:?}");
    }
}

#[tokio::test]
async fn a_null_is_an_answer_without_data() {
    let shown = ask("", &[""], &[Recorder::saying(200, "null")])
        .await
        .unwrap();
    assert_eq!(shown.line(), ("null", false));
}

/// A body that ends after `text` in an error.
fn cut(text: &'static str) -> Response<Body> {
    let body = body_of(text).with_trailers(async { Some(Err("cut off".into())) });
    Response::new(body.boxed_unsync())
}

#[tokio::test]
async fn a_cut_off_body_counts_if_its_json_is_whole() {
    let recorder = Recorder::playing(Script::Answer(cut(r#"{"a":1}"#)));
    let shown = ask("", &[""], &[recorder]).await.unwrap();
    assert_eq!(shown.line(), (r#"{"a":1}"#, true));

    for (encoding, text) in [("json", r#"{"a":1"#), ("json", ""), ("string", "half")] {
        let recorder = Recorder::playing(Script::Answer(cut(text)));
        let backend = format!(r#""encoding": "{encoding}""#);
        let failure = ask("", &[&backend], &[recorder]).await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Backend, "{text:?}");
        assert_eq!(failure.source.to_string(), "cut off");
    }
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_a_failure() {
    let settings = Settings {
        decoded_body: 6,
        ..Settings::default()
    };
    for (body, fits) in [("{\"a\":1}", false), ("{}    ", true)] {
        let recorder = Recorder::saying(200, body);
        let pipeline = pipeline_with(&endpoint_of("", &[""]), settings, &[recorder]);
        assert_eq!(pipeline.serve(inbound()).await.is_ok(), fits, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_backend_has_the_whole_timeout_for_head_and_body() {
    for script in [
        Script::Hang,
        Script::Answer(Response::new(scripted(&["{"], Then::Hang, &Arc::default()))),
    ] {
        let recorder = Recorder::playing(script);
        let started = Instant::now();
        let failure = ask("", &[""], &[recorder]).await.err().unwrap();
        assert_eq!(started.elapsed().as_millis() / 5, 200);
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert_eq!(failure.to_string(), "context deadline exceeded");
    }
}

#[tokio::test]
async fn cache_control_is_for_complete_answers_with_data() {
    let cached = r#""cache_ttl": "90s""#;
    let details = r#""extra_config": {"backend/http": {"return_error_details": "n"}}"#;
    #[rustfmt::skip]
    let cases = [
        (cached, "",      200, r#"{"a":1}"#, Some("public, max-age=90")),
        ("",     "",      200, r#"{"a":1}"#, None),
        (cached, "",      200, "{}",         None),
        (cached, "",      200, "null",       None),
        (cached, details, 404, "",           None),
    ];
    for (keys, backend, status, body, sent) in cases {
        let recorder = Recorder::saying(status, body);
        let shown = ask(keys, &[backend], &[recorder]).await.unwrap();
        let found = shown
            .headers
            .get("cache-control")
            .map(|v| v.to_str().unwrap());
        assert_eq!(found, sent, "{status} {body}");
    }
    let partial = [
        Recorder::saying(200, r#"{"a":1}"#),
        Recorder::saying(500, ""),
    ];
    let shown = ask(cached, &["", ""], &partial).await.unwrap();
    assert!(!shown.headers.contains_key("cache-control"));
}

#[tokio::test]
async fn fields_of_backends_stay_behind() {
    let fields = [
        ("set-cookie", "a=1"),
        ("x-a", "1"),
        ("cache-control", "no-store"),
    ];
    let recorder = Recorder::playing(Script::Answer(answer(200, &fields, r#"{"a":1}"#)));
    let shown = ask("", &[""], &[recorder]).await.unwrap();
    let names: Vec<_> = shown.headers.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["content-type"]);
    assert_eq!(
        shown.headers["content-type"],
        "application/json; charset=utf-8"
    );
}

#[tokio::test]
async fn gzip_is_asked_for_unless_the_client_or_the_configuration_says_otherwise() {
    let all = r#""input_headers": ["*"]"#;
    let plugin = r#""extra_config": {"plugin/http-client": {"name": "x"}}"#;
    #[rustfmt::skip]
    let cases = [
        ("",  "",                       true,  None,       Some("gzip")),
        ("",  "",                       true,  Some("br"), Some("gzip")),
        (all, "",                       true,  Some("br"), Some("br")),
        ("",  "",                       false, None,       None),
        ("",  plugin,                   true,  None,       None),
        ("",  r#""encoding": "no-op""#, true,  None,       None),
    ];
    for (keys, backend, compression, client, sent) in cases {
        let recorder = Recorder::saying(200, "{}");
        let settings = Settings {
            compression,
            ..Settings::default()
        };
        let endpoint = endpoint_of(keys, &[backend]);
        let pipeline = pipeline_with(&endpoint, settings, &[Arc::clone(&recorder)]);
        let mut asked = inbound();
        if let Some(value) = client {
            let value = HeaderValue::from_static(value);
            asked.headers.insert("accept-encoding", value);
        }
        show(pipeline.serve(asked).await).await.unwrap();
        let headers = recorder.only().head.headers;
        let found = headers.get("accept-encoding").map(|v| v.to_str().unwrap());
        assert_eq!(found, sent, "{keys} {backend} {client:?}");
    }
}

/// Somebody else's documents may take as long as they like.
#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_to_be_written_ends_at_the_deadline() {
    let large = "x".repeat(1 << 20);
    let keys =
        format!(r#""extra_config": {{"proxy": {{"static": {{"data": {{"s": "{large}"}}}}}}}}"#);
    let recorder = Recorder::saying(200, r#"{"a":1}"#);
    let turns = crate::aggregate::offload::all_turns().await;
    let asked = ask(&keys, &[""], std::slice::from_ref(&recorder));
    let outcome = timeout(Duration::from_secs(60), asked).await.unwrap();
    assert_eq!(outcome.err().unwrap().kind, FailureKind::Timeout);
    assert_eq!(recorder.calls(), 1);
    drop(turns);
    assert!(ask(&keys, &[""], &[recorder]).await.is_ok());
}
