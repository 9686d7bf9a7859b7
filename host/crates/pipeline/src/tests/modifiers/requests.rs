//! What modifiers see and change of requests.

use super::*;

#[tokio::test]
async fn an_endpoints_modifier_sees_what_the_endpoint_lets_through() {
    let fake = Arc::new(Fake::asked(|mut passing| {
        let names: Vec<_> = passing
            .request
            .headers()
            .keys()
            .map(|k| k.as_str())
            .collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(passing.request.headers()["x-forwarded-for"], "192.0.2.7");
        set(&mut passing, "x-added", "1");
        passing.params = vec![("id".into(), "7 8".to_owned())];
        *passing.request.uri_mut() = "http://elsewhere/else?q=2&z=3".parse().unwrap();
        *passing.request.body_mut() = body_of("new");
        Verdict::Proceed(passing)
    }));
    let keys = r#""endpoint": "/u/{id}", "method": "POST", "input_headers": ["X-In"], "input_query_strings": ["q"]"#;
    for output in ["", r#", "output_encoding": "no-op""#] {
        let recorder = Recorder::saying(200, JSON);
        let keys = format!("{keys}{output}");
        let scene = around!(&keys, &[r#""url_pattern": "/b/{id}""#], &[&fake]);
        let mut inbound = with_params(&[("id", "a b")]);
        inbound.method = Method::POST;
        inbound.query = Some("x=1&q=1".to_owned());
        for name in ["x-in", "x-out"] {
            let value = HeaderValue::from_static("v");
            inbound.headers.insert(name, value);
        }
        scene
            .send(inbound, std::slice::from_ref(&recorder))
            .await
            .unwrap();
        let seen = recorder.only();
        assert_eq!(
            seen.head.uri, "http://h0/b/7%208?q=2&z=3",
            "the rest is the backend's"
        );
        assert_eq!(seen.head.headers["x-added"], "1");
        assert_eq!(seen.head.headers["x-in"], "v");
        assert!(!seen.head.headers.contains_key("x-out"));
        let body = seen.body.unwrap().collect().await.unwrap().to_bytes();
        assert_eq!(body, "new");
    }
    let expected = "POST http://client.example/u/a%20b?q=1 id=a b";
    assert_eq!(fake.seen(), [expected, expected]);
}

#[tokio::test]
async fn the_filter_of_a_backend_applies_to_what_modifiers_added() {
    let fake = Arc::new(Fake::asked(|mut passing| {
        set(&mut passing, "x-added", "1");
        set(&mut passing, "x-kept", "1");
        set(&mut passing, "connection", "x-kept");
        *passing.request.uri_mut() = "http://c/?a=1&b=2".parse().unwrap();
        Verdict::Proceed(passing)
    }));
    let recorder = Recorder::saying(200, JSON);
    let backend = r#""input_headers": ["X-Added"], "input_query_strings": ["b"]"#;
    let scene = around!("", &[backend], &[&fake]);
    scene.ask(std::slice::from_ref(&recorder)).await.unwrap();
    let seen = recorder.only();
    let mut names: Vec<_> = seen.head.headers.keys().map(|k| k.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "x-added"]);
    assert_eq!(seen.head.uri, "http://h0/0?b=2");
}

#[tokio::test]
async fn a_backends_modifier_rewrites_what_goes_out() {
    let fake = Arc::new(Fake::asked(|mut passing| {
        assert!(!passing.request.headers().contains_key("accept-encoding"));
        *passing.request.method_mut() = Method::PUT;
        *passing.request.uri_mut() = "http://h9/other?x=1".parse().unwrap();
        *passing.request.body_mut() = body_of("body");
        set(&mut passing, "x-added", "1");
        passing.params = vec![("id".into(), "ignored".to_owned())];
        Verdict::Proceed(passing)
    }));
    for keys in ["", NO_OP] {
        let recorder = Recorder::saying(200, JSON);
        let scene = Scene {
            keys,
            backends: ONE,
            around: &[],
            of_backends: &[&[&fake]],
        };
        scene.ask(std::slice::from_ref(&recorder)).await.unwrap();
        let seen = recorder.only();
        assert_eq!(
            format!("{} {}", seen.head.method, seen.head.uri),
            "PUT http://h9/other?x=1"
        );
        assert_eq!(seen.head.headers["x-added"], "1");
    }
    assert_eq!(fake.seen(), ["GET http://h0/b ", "GET http://h0/b "]);
}

#[tokio::test]
async fn modifiers_follow_each_other_in_the_order_of_the_list() {
    let (first, second) = (Arc::new(stamps("1")), Arc::new(stamps("2")));
    let (third, fourth) = (Arc::new(stamps("3")), Arc::new(stamps("4")));
    for keys in ["", NO_OP] {
        let recorder = Recorder::saying(200, JSON);
        let scene = Scene {
            keys,
            backends: ONE,
            around: &[&first, &second],
            of_backends: &[&[&third, &fourth]],
        };
        scene.ask(std::slice::from_ref(&recorder)).await.unwrap();
        let headers = recorder.only().head.headers;
        let order: Vec<_> = headers.get_all("x-order").iter().collect();
        assert_eq!(order, ["1", "2", "3", "4"]);
    }

    let recorder = Recorder::saying(200, JSON);
    let (inner, outer) = (
        Arc::new(replaces(r#"{"b":2}"#)),
        Arc::new(replaces(r#"{"c":3}"#)),
    );
    let scene = Scene {
        keys: "",
        backends: ONE,
        around: &[&outer],
        of_backends: &[&[&inner]],
    };
    let shown = scene.ask(&[recorder]).await.unwrap();
    assert_eq!(shown.line(), (r#"{"c":3}"#, true));
}

#[tokio::test]
async fn the_request_is_shown_beside_the_response_to_those_who_want_it() {
    let plain = || Fake::answered(Verdict::Proceed);
    let changes = Arc::new(Fake::asked(|mut passing| {
        *passing.request.uri_mut() = "http://h0/changed?x=1".parse().unwrap();
        Verdict::Proceed(passing)
    }));
    for keys in ["", NO_OP] {
        let (wants, other) = (Arc::new(plain().with_original()), Arc::new(plain()));
        let list: Fakes<'_> = &[&wants, &other, &changes];
        for (around, of_backends) in [(list, &[][..]), (&[][..], &[list][..])] {
            let scene = Scene {
                keys,
                backends: ONE,
                around,
                of_backends,
            };
            scene.ask(&[Recorder::saying(200, JSON)]).await.unwrap();
        }
        let seen = "GET http://h0/changed?x=1 ";
        assert_eq!(wants.seen(), [seen, seen]);
        assert_eq!(other.seen(), [""; 0]);
    }
}

#[tokio::test]
async fn values_of_earlier_answers_are_known_to_later_modifiers() {
    let fake = Arc::new(Fake::asked(Verdict::Proceed));
    let keys = r#""endpoint": "/u/{id}", "extra_config": {"proxy": {"sequential": true,
        "sequential_propagated_params": ["resp0_a"]}}"#;
    let scene = Scene {
        keys,
        backends: &[r#""url_pattern": "/x""#, r#""url_pattern": "/y""#],
        around: &[],
        of_backends: &[&[], &[&fake]],
    };
    let recorders = [
        Recorder::saying(200, JSON),
        Recorder::saying(200, r#"{"b":2}"#),
    ];
    scene
        .send(with_params(&[("id", "7")]), &recorders)
        .await
        .unwrap();
    assert_eq!(fake.seen(), ["GET http://h0/y id=7,resp0_a=1"]);
}

#[tokio::test]
async fn a_clients_body_passes_an_endpoints_modifier_unread() {
    let alive = Arc::new(AtomicUsize::new(0));
    let fake = Arc::new(stamps("1"));
    let recorder = Recorder::saying(200, JSON);
    let scene = around!(NO_OP, ONE, &[&fake]);
    let inbound = Inbound {
        body: scripted(&["a"], Then::Hang, &alive),
        ..inbound()
    };
    scene
        .send(inbound, std::slice::from_ref(&recorder))
        .await
        .unwrap();
    assert!(recorder.only().body.is_some());
}

#[tokio::test]
async fn each_of_several_concurrent_calls_is_shown() {
    let fake = Arc::new(stamps("1"));
    for keys in [
        r#""concurrent_calls": 3"#,
        r#""concurrent_calls": 3, "output_encoding": "no-op""#,
    ] {
        let recorder = Recorder::saying(200, JSON);
        let scene = Scene {
            keys,
            backends: ONE,
            around: &[&fake],
            of_backends: &[&[&fake]],
        };
        scene.ask(std::slice::from_ref(&recorder)).await.unwrap();
        let seen = recorder.seen.lock().unwrap();
        for seen in seen.iter() {
            assert_eq!(seen.head.headers.get_all("x-order").iter().count(), 2);
        }
    }
}

#[tokio::test]
async fn a_shadow_gets_what_modifiers_have_made() {
    let (outer, inner) = (Arc::new(stamps("1")), Arc::new(stamps("2")));
    let recorders = [Recorder::saying(200, JSON), Recorder::saying(200, JSON)];
    let scene = Scene {
        keys: "",
        backends: &["", r#""extra_config": {"proxy": {"shadow": true}}"#],
        around: &[&outer],
        of_backends: &[&[], &[&inner]],
    };
    scene.ask(&recorders).await.unwrap();
    while recorders[1].calls() == 0 {
        tokio::task::yield_now().await;
    }
    let headers = recorders[1].only().head.headers;
    assert_eq!(headers.get_all("x-order").iter().count(), 2);
    let headers = recorders[0].only().head.headers;
    assert_eq!(headers.get_all("x-order").iter().count(), 1);
}

/// Whoever asks for no call is not there.
#[tokio::test]
async fn a_modifier_without_hooks_costs_nothing() {
    let fake = Arc::new(Fake::default());
    let scene = around!(NO_OP, ONE, &[&fake]);
    let recorder = Recorder::saying(200, JSON);
    let shown = scene.ask(std::slice::from_ref(&recorder)).await.unwrap();
    assert_eq!(shown.status, 200);
    let request: Request<()> = Request::from_parts(recorder.only().head, ());
    assert_eq!(request.uri(), "http://h0/b");
    assert_eq!(fake.seen(), [""; 0]);
}
