//! What goes to a backend: method, URL, fields, body, host.

use super::*;

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
