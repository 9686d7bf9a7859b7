//! Pipelines of real configurations, with an executor that keeps what it gets.

mod bodies;
mod concurrent;
mod failures;
mod harness;
mod modifiers;
mod parallel;
mod recorder;
mod sequential;
mod shadow;
mod static_data;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::config::{Endpoint, Options};
use recorder::{Recorder, Script, Then, body_of, scripted};

/// The only endpoint of a configuration with these keys.
fn endpoint(endpoint: &str, backend: &str) -> Endpoint {
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"output_encoding": "no-op", "timeout": "2s", {endpoint},
           "backend": [{{"encoding": "no-op", {backend}}}]}}]}}"#
    );
    parse(&text).remove(0)
}

fn parse(text: &str) -> Vec<Endpoint> {
    let file = Path::new("krakend.json");
    match config::parse(text, file, &Options::default()) {
        Ok(loaded) => loaded.service.endpoints,
        Err(report) => panic!("{report}\n{text}"),
    }
}

fn pipeline(endpoint: &Endpoint, recorder: &Arc<Recorder>) -> Pipeline {
    Pipeline::build(endpoint, vec![Arc::clone(recorder) as Arc<dyn Executor>])
        .unwrap_or_else(|unsupported| panic!("{unsupported:?}"))
}

const PLAIN: (&str, &str) = (
    r#""endpoint": "/a""#,
    r#""host": ["http://h:80"], "url_pattern": "/b""#,
);

fn plain(recorder: &Arc<Recorder>) -> Pipeline {
    pipeline(&endpoint(PLAIN.0, PLAIN.1), recorder)
}

fn inbound() -> Inbound {
    Inbound {
        method: Method::GET,
        params: Vec::new(),
        query: None,
        headers: HeaderMap::new(),
        body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
        client_ip: [192, 0, 2, 7].into(),
        host: "client.example".to_owned(),
    }
}

fn with_params(params: &[(&str, &str)]) -> Inbound {
    Inbound {
        params: params
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).to_owned()))
            .collect(),
        ..inbound()
    }
}

fn causes(failure: &Failure) -> String {
    let cause = StdError::source(failure).expect("a failure has a cause");
    format!("{failure}: {cause}")
}

#[tokio::test]
async fn method_url_and_query_come_together() {
    #[rustfmt::skip]
    let cases = [
        (r#""endpoint": "/a""#, r#""host": ["h:8080"], "url_pattern": "/b""#,
            "GET http://h:8080/b"),
        (r#""endpoint": "/a", "method": "POST""#, r#""host": ["https://h"], "url_pattern": "/b""#,
            "POST https://h/b"),
        (r#""endpoint": "/a""#, r#""host": ["h"], "method": "PURGE", "url_pattern": "/b""#,
            "PURGE http://h/b"),
        (r#""endpoint": "/a/{id}/{x}""#, r#""host": ["h"], "url_pattern": "/b/{x}/{id}?i={id}""#,
            "GET http://h/b/X%20Y/7?i=7"),
        (r#""endpoint": "/a/{id}/{x}""#, r#""host": ["h"], "url_pattern": "/b?i={x}&k=v""#,
            "GET http://h/b?i=X+Y&k=v"),
        (r#""endpoint": "/a", "input_query_strings": ["q", "p"]"#, r#""host": ["h"], "url_pattern": "/b""#,
            "GET http://h/b?p=1&q=a+b&q=c"),
        (r#""endpoint": "/a", "input_query_strings": ["q", "p"]"#,
            r#""host": ["h"], "url_pattern": "/b?q=own", "input_query_strings": ["q"]"#,
            "GET http://h/b?q=own&q=a+b&q=c"),
        (r#""endpoint": "/a", "input_query_strings": ["*"]"#, r#""host": ["h"], "url_pattern": "/b""#,
            "GET http://h/b?p=1&q=a+b&q=c&z="),
        (r#""endpoint": "/a""#,
            r#""host": ["http://h/base/v1"], "disable_host_sanitize": true, "url_pattern": "/b""#,
            "GET http://h/base/v1/b"),
    ];
    for (of_endpoint, of_backend, sent) in cases {
        let recorder = Arc::new(Recorder::default());
        let inbound = Inbound {
            query: Some("q=a%20b&z&p=1&q=c".to_owned()),
            ..with_params(&[("id", "7"), ("x", "X Y")])
        };
        let pipeline = pipeline(&endpoint(of_endpoint, of_backend), &recorder);
        pipeline.serve(inbound).await.unwrap();
        let head = recorder.only().head;
        assert_eq!(
            format!("{} {}", head.method, head.uri),
            sent,
            "{of_endpoint} {of_backend}"
        );
    }
}

#[tokio::test]
async fn no_value_changes_the_authority_or_adds_a_segment_or_a_query() {
    let endpoint = endpoint(
        r#""endpoint": "/a/{x}""#,
        r#""host": ["http://h:8080"], "url_pattern": "/{x}/end?q={x}&k=v""#,
    );
    let hostile = [
        "@10.0.0.1/",
        "//10.0.0.1",
        "/../..",
        "%2e%2e",
        "%2f",
        "a&b=c",
        "?x",
        "#",
        "a b",
        "\\\\evil",
        ":80@evil",
        "http://evil",
        "evil:80",
        "{x}",
        "{{.X}}",
        "%00",
        "é",
        "\u{202e}",
        "\x7f",
        "a\tb",
    ];
    for value in hostile {
        let recorder = Arc::new(Recorder::default());
        let inbound = with_params(&[("x", value)]);
        pipeline(&endpoint, &recorder).serve(inbound).await.unwrap();
        let uri = recorder.only().head.uri;
        assert_eq!(uri.authority().unwrap(), "h:8080", "{value:?}");
        assert_eq!(uri.path().split('/').count(), 3, "{value:?}: {uri}");
        assert!(uri.path().ends_with("/end"), "{value:?}: {uri}");
        let names: Vec<_> = uri
            .query()
            .unwrap()
            .split('&')
            .map(|p| p.split('=').next())
            .collect();
        assert_eq!(names, [Some("q"), Some("k")], "{value:?}: {uri}");
    }
}

#[tokio::test]
async fn values_no_url_should_carry_are_the_clients_fault_and_not_sent() {
    let endpoint = endpoint(
        r#""endpoint": "/a/{x}""#,
        r#""host": ["http://h"], "url_pattern": "/{x}""#,
    );
    for value in [".", "..", "", "a\r\nX: 1", "a\nb", "\0"] {
        let recorder = Arc::new(Recorder::default());
        let inbound = with_params(&[("x", value)]);
        let failure = pipeline(&endpoint, &recorder)
            .serve(inbound)
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::ClientRequest, "{value:?}");
        assert_eq!(recorder.calls(), 0, "{value:?}");
    }
}

#[tokio::test]
async fn a_url_too_long_for_http_is_the_clients_fault() {
    let recorder = Arc::new(Recorder::default());
    let endpoint = endpoint(r#""endpoint": "/a", "input_query_strings": ["*"]"#, PLAIN.1);
    let inbound = Inbound {
        query: Some(format!("q={}", "a".repeat(70_000))),
        ..inbound()
    };
    let failure = pipeline(&endpoint, &recorder)
        .serve(inbound)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::ClientRequest);
    assert_eq!(recorder.calls(), 0);
}

#[tokio::test]
async fn headers_are_filtered_at_both_levels() {
    let recorder = Arc::new(Recorder::default());
    let endpoint = endpoint(
        r#""endpoint": "/a", "input_headers": ["X-One", "X-Two"]"#,
        r#""host": ["h"], "url_pattern": "/b", "input_headers": ["X-Two", "X-Forwarded-For"]"#,
    );
    let mut inbound = inbound();
    for name in ["x-one", "x-two", "x-three", "host", "content-length"] {
        inbound.headers.insert(name, HeaderValue::from_static("1"));
    }
    pipeline(&endpoint, &recorder).serve(inbound).await.unwrap();
    let headers = recorder.only().head.headers;
    assert_eq!(headers.len(), 2);
    assert_eq!(headers["x-two"], "1");
    assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
}

#[tokio::test]
async fn user_information_of_a_host_becomes_a_secret_header() {
    let backend = r#""host": ["http://us%65r:p%40ss:w@h:8080"], "disable_host_sanitize": true,
        "url_pattern": "/b""#;
    let endpoint = endpoint(r#""endpoint": "/a", "input_headers": ["*"]"#, backend);

    let recorder = Arc::new(Recorder::default());
    let pipeline = pipeline(&endpoint, &recorder);
    pipeline.serve(inbound()).await.unwrap();
    let head = recorder.only().head;
    assert_eq!(head.uri, "http://h:8080/b");
    assert_eq!(head.headers["authorization"], "Basic dXNlcjpwQHNzOnc=");
    assert!(head.headers["authorization"].is_sensitive());

    let mut own = inbound();
    own.headers
        .insert("authorization", HeaderValue::from_static("Bearer t"));
    pipeline.serve(own).await.unwrap();
    assert_eq!(recorder.only().head.headers["authorization"], "Bearer t");
}

#[tokio::test]
async fn several_hosts_share_the_calls_evenly() {
    let recorder = Arc::new(Recorder::default());
    let endpoint = endpoint(
        PLAIN.0,
        r#""host": ["h1", "h2", "h3"], "url_pattern": "/b""#,
    );
    let pipeline = pipeline(&endpoint, &recorder);
    for _ in 0..6 {
        pipeline.serve(inbound()).await.unwrap();
    }
    let seen = recorder.seen.lock().unwrap();
    let mut hosts: Vec<_> = seen.iter().filter_map(|s| s.head.uri.host()).collect();
    assert_eq!(hosts[..3], hosts[3..]);
    hosts.sort_unstable();
    assert_eq!(hosts, ["h1", "h1", "h2", "h2", "h3", "h3"]);
}

#[tokio::test]
async fn without_hosts_every_call_fails() {
    let recorder = Arc::new(Recorder::default());
    let endpoint = endpoint(PLAIN.0, r#""url_pattern": "/b""#);
    let failure = pipeline(&endpoint, &recorder)
        .serve(inbound())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoHosts);
    assert_eq!(failure.to_string(), "no hosts available");
}

#[tokio::test]
async fn the_clients_body_passes_as_it_is() {
    let recorder = Arc::new(Recorder::default());
    let pipeline = plain(&recorder);
    let alive = Arc::new(AtomicUsize::new(0));

    pipeline
        .serve(Inbound {
            body: body_of("hello"),
            ..inbound()
        })
        .await
        .unwrap();
    let seen = recorder.only();
    assert_eq!(seen.size.exact(), Some(5), "Content-Length can be written");
    assert_eq!(
        seen.body.unwrap().collect().await.unwrap().to_bytes(),
        "hello"
    );

    // Handed on before it is complete.
    let body = scripted(&["begin"], Then::Hang, &alive);
    pipeline.serve(Inbound { body, ..inbound() }).await.unwrap();
    let seen = recorder.only();
    assert_eq!(seen.size.exact(), None);
    let first = seen.body.unwrap().frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "begin");
}

#[tokio::test]
async fn the_answer_passes_as_it_is() {
    for status in [200, 204, 302, 404, 503] {
        let mut response = Response::new(body_of("text"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for cookie in ["a=1", "b=2"] {
            let value = HeaderValue::from_static(cookie);
            response.headers_mut().append("set-cookie", value);
        }
        response.extensions_mut().insert("from the executor");
        let recorder = Recorder::playing(Script::Answer(response));

        let answer = plain(&recorder).serve(inbound()).await.unwrap();
        assert!(!answer.completed && answer.failures.is_empty());
        let response = answer.response;

        assert_eq!(response.status(), status);
        assert_eq!(response.headers().len(), 2, "nothing is added");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.extensions().get(), Some(&"from the executor"));
        assert_eq!(response.body().size_hint().exact(), Some(4));
        assert_eq!(response.collect().await.unwrap().to_bytes(), "text");
    }
}

#[tokio::test]
async fn trailers_of_the_answer_pass() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("1"));
    let body = body_of("text").with_trailers(async { Some(Ok(trailers)) });
    let recorder = Recorder::playing(Script::Answer(Response::new(body.boxed_unsync())));
    let response = plain(&recorder).serve(inbound()).await.unwrap().response;
    let collected = response.collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-checksum"], "1");
}

#[tokio::test]
async fn an_answer_to_head_announces_no_body_to_a_client_that_asked_for_one() {
    let endpoint = endpoint(
        PLAIN.0,
        r#""host": ["h"], "method": "HEAD", "url_pattern": "/b""#,
    );
    for (method, announced) in [(Method::GET, false), (Method::HEAD, true)] {
        let mut response = Response::new(body_of(""));
        let length = HeaderValue::from_static("5");
        response.headers_mut().insert("content-length", length);
        let recorder = Recorder::playing(Script::Answer(response));
        let asked = Inbound {
            method,
            ..inbound()
        };
        let answer = pipeline(&endpoint, &recorder).serve(asked).await.unwrap();
        let response = answer.response;
        assert_eq!(response.headers().contains_key("content-length"), announced);
    }
}

#[tokio::test]
async fn failures_of_the_executor_keep_kind_and_cause() {
    use FailureKind::{Backend, ClientBody, ClientRequest, NoHosts, Overloaded, Plugin, Timeout};
    for kind in [
        Backend,
        Timeout,
        Overloaded,
        Plugin,
        ClientBody,
        ClientRequest,
        NoHosts,
    ] {
        let recorder = Recorder::playing(Script::Fail(kind));
        let failure = plain(&recorder).serve(inbound()).await.unwrap_err();
        assert_eq!(failure.kind, kind);
        assert_eq!(causes(&failure), format!("{kind}: the cause"));
        assert!(
            !failure.to_string().contains("cause"),
            "the cause is for the log"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_call_and_the_clients_body_are_dropped() {
    let recorder = Recorder::playing(Script::Hang);
    let client = Arc::new(AtomicUsize::new(0));
    let body = scripted(&["begin"], Then::Hang, &client);
    let started = Instant::now();

    let failure = plain(&recorder)
        .serve(Inbound { body, ..inbound() })
        .await
        .unwrap_err();

    assert_eq!(started.elapsed().as_millis() / 10, 200);
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(
        causes(&failure),
        "context deadline exceeded: the endpoint's timeout of 2s passed"
    );
    assert_eq!(recorder.running.load(Ordering::SeqCst), 0, "the call");
    assert_eq!(client.load(Ordering::SeqCst), 0, "the client's body");
    assert_eq!(recorder.only().deadline, started + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_cancels_the_call() {
    let recorder = Recorder::playing(Script::Hang);
    let pipeline = plain(&recorder);
    tokio::select! {
        biased;
        _ = pipeline.serve(inbound()) => panic!("the call hangs"),
        () = sleep(Duration::from_millis(1)) => {}
    }
    assert_eq!(recorder.calls(), 1);
    assert_eq!(recorder.running.load(Ordering::SeqCst), 0);
}

/// The worst there is: a shortened body that looks like a whole one.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_late_ends_in_an_error_and_lets_go_of_the_backend() {
    for then in [Then::Hang, Then::Repeat] {
        let backend = Arc::new(AtomicUsize::new(0));
        let body = scripted(&["begin"], then, &backend);
        let recorder = Recorder::playing(Script::Answer(Response::new(body)));
        let started = Instant::now();

        let answer = plain(&recorder).serve(inbound()).await.unwrap();
        let mut body = answer.response.into_body();

        let first = body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "begin");
        assert!(!body.is_end_stream());
        if then == Then::Repeat {
            sleep(Duration::from_secs(2)).await;
        }
        let last = timeout(Duration::from_secs(60), body.frame()).await;
        let error = last
            .expect("the body ends")
            .expect("not as if it were whole")
            .unwrap_err();
        assert_eq!(
            error.downcast_ref(),
            Some(&TimedOut {
                limit: Duration::from_secs(2),
                share: false,
            })
        );
        assert_eq!(started.elapsed().as_millis() / 10, 200);
        assert_eq!(
            backend.load(Ordering::SeqCst),
            0,
            "the backend's body is dropped"
        );
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_complete_in_time_may_be_read_later() {
    let recorder = Recorder::playing(Script::Answer(Response::new(body_of(""))));
    let response = plain(&recorder).serve(inbound()).await.unwrap().response;
    sleep(Duration::from_secs(3)).await;
    assert!(response.body().is_end_stream());
    assert!(response.collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn an_error_of_the_backends_body_passes() {
    let body = body_of("x")
        .map_err(|e| e)
        .with_trailers(async { Some(Err("cut off".into())) });
    let recorder = Recorder::playing(Script::Answer(Response::new(body.boxed_unsync())));
    let response = plain(&recorder).serve(inbound()).await.unwrap().response;
    assert_eq!(response.collect().await.unwrap_err().to_string(), "cut off");
}

/// The configuration does not get that far.
#[test]
fn no_op_with_several_backends_is_refused_with_its_key() {
    let mut endpoint = endpoint(PLAIN.0, PLAIN.1);
    endpoint.backends.push(endpoint.backends[0].clone());
    let executors: [Arc<Recorder>; 2] = Default::default();
    let executors = executors.map(|one| one as Arc<dyn Executor>);
    let unsupported = Pipeline::build(&endpoint, executors.to_vec()).err();
    let unsupported = unsupported.expect("refused");
    assert_eq!(unsupported.len(), 1);
    assert_eq!(
        unsupported[0].to_string(),
        "endpoints[0].backend: `no-op` passes one answer on, not those of 2 backends"
    );
    assert!(unsupported[0].help.is_some());
}

#[test]
fn placeholders_that_are_no_parameters_are_refused() {
    let mut endpoint = endpoint(
        r#""endpoint": "/a/{id}""#,
        r#""host": ["h"], "url_pattern": "/{id}""#,
    );
    let sub = config::UrlPart::Param("JWT.sub".to_owned());
    endpoint.backends[0].url_pattern.parts.push(sub);
    let unsupported = Pipeline::build(&endpoint, vec![Arc::<Recorder>::default()]).err();
    let unsupported = unsupported.expect("refused");
    assert_eq!(unsupported.len(), 1);
    assert_eq!(
        unsupported[0].to_string(),
        "endpoints[0].backend[0].url_pattern: `{JWT.sub}` is not a parameter of `/a/{id}`"
    );
}

#[test]
fn an_endpoint_without_an_executor_is_refused() {
    let endpoint = endpoint(PLAIN.0, PLAIN.1);
    let unsupported = Pipeline::build(&endpoint, Vec::new())
        .err()
        .expect("refused");
    assert_eq!(unsupported[0].path.as_str(), "endpoints[0].backend");
}
