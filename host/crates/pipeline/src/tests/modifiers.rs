//! Modifiers around endpoints and backends.

mod fake;

use http::Request;
use http_body_util::Full;

use super::{
    harness::{endpoint_of, show},
    recorder::{Recorder, Script, body_of},
    *,
};
use fake::*;

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

/// What a modifier does after reading.
type Afterwards = fn(&mut PassingResponse);

#[tokio::test]
async fn data_are_seen_as_json_and_stay_unless_they_are_replaced() {
    let reads = |then: Afterwards| {
        Arc::new(Fake::answered(move |mut passing| {
            assert_eq!(passing.response.status(), 200);
            assert!(passing.response.headers().is_empty());
            assert!(passing.complete);
            let body = std::mem::replace(passing.response.body_mut(), body_of(""));
            let text = futures_util::FutureExt::now_or_never(body.collect());
            assert_eq!(text.unwrap().unwrap().to_bytes(), r#"{"a":1.50}"#);
            then(&mut passing);
            Verdict::Proceed(passing)
        }))
    };
    #[rustfmt::skip]
    let cases: [(Afterwards, &str, bool); 4] = [
        (|_| {},                                        r#"{"a":1.50}"#, true),
        (|p| p.complete = false,                        r#"{"a":1.50}"#, false),
        (|p| { *p.response.body_mut() = body_of("null"); p.replaced = true; }, "null", false),
        (|p| { *p.response.body_mut() = body_of(r#"{"b":1e5}"#); p.replaced = true; }, r#"{"b":1e5}"#, true),
    ];
    for (then, body, completed) in cases {
        let fake = reads(then);
        let recorder = Recorder::saying(200, r#"{ "a": 1.50 }"#);
        let scene = around!("", ONE, &[&fake]);
        let shown = scene.ask(&[recorder]).await.unwrap();
        assert_eq!(shown.line(), (body, completed));
    }
}

#[tokio::test]
async fn data_that_are_none_fail_their_request() {
    for (body, limit) in [
        ("[1]", false),
        ("x", false),
        ("", false),
        (r#"{"a":"xxxxxxxxxxxx"}"#, true),
    ] {
        let fake = Arc::new(replaces(body));
        let mut settings = Settings::default();
        if limit {
            settings.decoded_body = 10;
        }
        let endpoint = endpoint_of("", ONE);
        let recorder = Recorder::saying(200, JSON) as Arc<dyn Executor>;
        let modifiers = Modifiers {
            endpoint: list(&[&fake]),
            backends: Vec::new(),
        };
        let pipeline =
            Pipeline::build_modified(&endpoint, settings, vec![recorder], modifiers).unwrap();
        let failure = show(pipeline.serve(inbound()).await).await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Plugin, "{body}");
        assert!(causes(&failure).contains("`fake`"), "{failure:?}");
    }
}

/// More than is encoded where it comes up.
#[tokio::test]
async fn large_data_pass_too() {
    let text: &'static str = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(100_000)).leak();
    let fake = Arc::new(Fake::answered(|mut passing| {
        let body = std::mem::replace(passing.response.body_mut(), body_of(""));
        let read = futures_util::FutureExt::now_or_never(body.collect());
        let read = read.unwrap().unwrap().to_bytes();
        let body = Full::new(read).map_err(|never| match never {});
        *passing.response.body_mut() = body.boxed_unsync();
        passing.replaced = true;
        Verdict::Proceed(passing)
    }));
    let scene = around!("", ONE, &[&fake]);
    let shown = scene.ask(&[Recorder::saying(200, text)]).await.unwrap();
    assert_eq!(shown.line(), (text, true));
}

#[tokio::test]
async fn status_and_fields_reach_the_client() {
    let fake = || {
        Arc::new(Fake::answered(|mut passing| {
            *passing.response.status_mut() = StatusCode::ACCEPTED;
            let headers = passing.response.headers_mut();
            for (name, value) in [
                ("x-a", "1"),
                ("x-a", "2"),
                ("content-type", "application/hal+json"),
                ("content-length", "5000"),
                ("content-encoding", "gzip"),
            ] {
                headers.append(name, HeaderValue::from_static(value));
            }
            Verdict::Proceed(passing)
        }))
    };
    let (outer, inner) = (fake(), fake());
    let both: [(Fakes<'_>, &[Fakes<'_>]); 2] = [(&[&outer], &[]), (&[], &[&[&inner]])];
    for (around, of_backends) in both {
        let scene = Scene {
            keys: "",
            backends: ONE,
            around,
            of_backends,
        };
        let shown = scene.ask(&[Recorder::saying(200, JSON)]).await.unwrap();
        assert_eq!((shown.status, shown.line()), (202, (JSON, true)));
        let fields: Vec<_> = shown.headers.get_all("x-a").iter().collect();
        assert_eq!(fields, ["1", "2"]);
        assert_eq!(shown.headers["content-type"], "application/hal+json");
        assert!(!shown.headers.contains_key("content-encoding"));
        assert!(!shown.headers.contains_key("content-length"));
    }
    // Of several backends nobody can say whose they would be.
    let scene = Scene {
        keys: "",
        backends: &["", ""],
        around: &[],
        of_backends: &[&[&outer], &[&inner]],
    };
    let recorders = [
        Recorder::saying(200, JSON),
        Recorder::saying(200, r#"{"b":2}"#),
    ];
    let shown = scene.ask(&recorders).await.unwrap();
    assert_eq!(
        (shown.status, shown.body.as_str()),
        (200, r#"{"a":1,"b":2}"#)
    );
    assert!(!shown.headers.contains_key("x-a"));
}

#[tokio::test]
async fn an_answer_at_the_endpoint_is_the_clients() {
    let fakes = [
        Arc::new(Fake::asked(|_| answers(418, "short"))),
        Arc::new(Fake::answered(|_| answers(418, "short"))),
    ];
    let statics = r#""extra_config": {"proxy": {"static": {"data": {"s": 1}}}}"#;
    for keys in ["", NO_OP, statics] {
        for (fake, calls) in fakes.iter().zip([0, 1]) {
            let last = Arc::new(stamps("never"));
            let recorder = Recorder::saying(200, JSON);
            let scene = around!(keys, ONE, &[fake, &last]);
            let shown = scene.ask(std::slice::from_ref(&recorder)).await.unwrap();
            assert_eq!((shown.status, shown.line()), (418, ("short", false)));
            assert_eq!(shown.headers["x-from"], "modifier");
            assert_eq!(recorder.calls(), calls);
            if calls == 0 {
                assert_eq!(last.seen(), [""; 0], "an answer ends the list");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_at_a_backend_is_that_backends() {
    let asked = |status, body| Arc::new(Fake::asked(move |_| answers(status, body)));
    let never = Arc::new(Fake::answered(|_| panic!("an answer is final")));
    let fake = asked(200, r#"{"b":2,"x":3}"#);
    let scene = Scene {
        keys: "",
        backends: &[r#""deny": ["x"], "group": "g""#, ""],
        around: &[],
        of_backends: &[&[&fake, &never]],
    };
    let recorders = [Recorder::saying(200, ""), Recorder::saying(200, JSON)];
    let shown = scene.ask(&recorders).await.unwrap();
    assert_eq!(shown.line(), (r#"{"a":1,"g":{"b":2}}"#, true));
    assert_eq!(recorders[0].calls(), 0);

    let refused = asked(404, "");
    let scene = Scene {
        keys: "",
        backends: ONE,
        around: &[],
        of_backends: &[&[&refused]],
    };
    let failure = scene
        .ask(&[Recorder::saying(200, JSON)])
        .await
        .err()
        .unwrap();
    assert_eq!(failure.kind, FailureKind::Status, "its status is checked");

    let late = Arc::new(Fake::answered(|_| answers(200, r#"{"b":2,"x":3}"#)));
    let scene = Scene {
        keys: "",
        backends: &[r#""deny": ["x"]"#],
        around: &[],
        of_backends: &[&[&late]],
    };
    let shown = scene.ask(&[Recorder::saying(200, JSON)]).await.unwrap();
    assert_eq!(shown.line(), (r#"{"b":2}"#, true));

    let scene = Scene {
        keys: NO_OP,
        backends: ONE,
        around: &[],
        of_backends: &[&[&refused, &never]],
    };
    let shown = scene.ask(&[Recorder::saying(200, JSON)]).await.unwrap();
    assert_eq!(shown.status, 404);
}

#[tokio::test]
async fn a_refusal_keeps_its_status_for_a_single_backend_only() {
    let fakes = [
        Arc::new(Fake::asked(|_| refuses())),
        Arc::new(Fake::answered(|_| refuses())),
    ];
    for keys in ["", NO_OP] {
        for fake in &fakes {
            let places: [(Fakes<'_>, &[Fakes<'_>]); 2] = [(&[fake], &[]), (&[], &[&[fake]])];
            for (around, of_backends) in places {
                let scene = Scene {
                    keys,
                    backends: ONE,
                    around,
                    of_backends,
                };
                let failure = scene
                    .ask(&[Recorder::saying(200, JSON)])
                    .await
                    .err()
                    .unwrap();
                assert_eq!(failure.kind, FailureKind::Refused);
                assert_eq!(causes(&failure), "not you: told so");
                let answer = failure.answer.unwrap();
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
                assert_eq!(answer.headers["warning"], "no");
            }
        }
    }
    let scene = Scene {
        keys: "",
        backends: &["", ""],
        around: &[],
        of_backends: &[&[&fakes[0]]],
    };
    let recorders = [Recorder::saying(200, ""), Recorder::saying(200, JSON)];
    let shown = scene.ask(&recorders).await.unwrap();
    assert_eq!(shown.line(), (JSON, false));
    assert_eq!(shown.kinds(), [(Some(0), FailureKind::Refused)]);
}

#[tokio::test]
async fn a_modifier_that_fails_takes_its_part_only() {
    let fail = |fake: Fake| Arc::new(fake.failing());
    let fakes = [
        fail(Fake::asked(Verdict::Proceed)),
        fail(Fake::answered(Verdict::Proceed)),
    ];
    for fake in &fakes {
        let recorders = || {
            [
                Recorder::saying(200, r#"{"x":1}"#),
                Recorder::saying(200, JSON),
            ]
        };
        let scene = Scene {
            keys: "",
            backends: &["", ""],
            around: &[],
            of_backends: &[&[fake]],
        };
        let shown = scene.ask(&recorders()).await.unwrap();
        assert_eq!(shown.line(), (JSON, false));
        assert_eq!(shown.kinds(), [(Some(0), FailureKind::Plugin)]);

        let scene = around!("", &["", ""], std::slice::from_ref(&fake));
        let failure = scene.ask(&recorders()).await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Plugin);

        // Static data stand outside.
        let keys =
            r#""extra_config": {"proxy": {"static": {"strategy": "errored", "data": {"s": 1}}}}"#;
        let scene = around!(keys, &["", ""], std::slice::from_ref(&fake));
        let shown = scene.ask(&recorders()).await.unwrap();
        assert_eq!((shown.status, shown.line()), (200, (r#"{"s":1}"#, false)));
    }
}

#[tokio::test]
async fn partial_answers_are_shown_to_those_who_ask_for_them() {
    let mark = |mark: &'static str| {
        Fake::answered(move |mut passing| {
            assert!(!passing.complete);
            let value = HeaderValue::from_static(mark);
            passing.response.headers_mut().append("x-mark", value);
            Verdict::Proceed(passing)
        })
    };
    let (whole, partial) = (Arc::new(mark("whole")), Arc::new(mark("partial").partial()));
    let recorders = [
        Recorder::playing(Script::Fail(FailureKind::Backend)),
        Recorder::saying(200, JSON),
    ];
    let scene = around!("", &["", ""], &[&whole, &partial]);
    let shown = scene.ask(&recorders).await.unwrap();
    assert_eq!(shown.line(), (JSON, false));
    let marks: Vec<_> = shown.headers.get_all("x-mark").iter().collect();
    assert_eq!(marks, ["partial"]);
    assert_eq!(shown.failures.len(), 1, "and what failed is still told");

    // Where nothing is left there is nothing to show.
    let recorders = [0, 1].map(|_| Recorder::playing(Script::Fail(FailureKind::Backend)));
    let silent = Arc::new(Fake::answered(|_| panic!("nothing to show")).partial());
    let scene = around!("", &["", ""], &[&silent]);
    assert!(scene.ask(&recorders).await.is_err());

    // A failure on top of others keeps its status, and their lines.
    let refusing = Arc::new(Fake::answered(|_| refuses()).partial());
    let recorders = [
        Recorder::playing(Script::Fail(FailureKind::Backend)),
        Recorder::saying(200, JSON),
    ];
    let scene = around!("", &["", ""], &[&refusing]);
    let failure = scene.ask(&recorders).await.err().unwrap();
    let kinds: Vec<_> = failure.parts().iter().map(|part| part.kind).collect();
    assert_eq!(kinds, [FailureKind::Backend, FailureKind::Refused]);
    assert_eq!(failure.answer.unwrap().status, StatusCode::FORBIDDEN);
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
async fn a_stream_passes_a_message_modifier_unread() {
    let alive = Arc::new(AtomicUsize::new(0));
    let fake = Arc::new(Fake::answered(|mut passing| {
        let value = HeaderValue::from_static("1");
        passing.response.headers_mut().insert("x-seen", value);
        Verdict::Proceed(passing)
    }));
    let response = Response::new(scripted(&["begun"], Then::Hang, &alive));
    let recorder = Recorder::playing(Script::Answer(response));
    let scene = around!(NO_OP, ONE, &[&fake]);
    let pipeline = scene.pipeline(&[recorder]);
    let answer = pipeline.serve(inbound()).await.unwrap();
    assert_eq!(answer.response.headers()["x-seen"], "1");
    let mut body = answer.response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "begun");
    assert!(
        body.frame().await.unwrap().is_err(),
        "the timeout covers it"
    );
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

/// A modifier that never returns has the endpoint's time and no more.
struct Stuck;

impl Modifier for Stuck {
    fn name(&self) -> &str {
        "stuck"
    }

    fn hooks(&self) -> Hooks {
        Hooks {
            request: true,
            ..Hooks::default()
        }
    }

    fn modify_request(&self, _: PassingRequest, _: Instant) -> ModifyFuture<'_, PassingRequest> {
        Box::pin(std::future::pending())
    }

    fn modify_response(
        &self,
        _: PassingResponse,
        _: Option<PassingRequest>,
        _: Instant,
    ) -> ModifyFuture<'_, PassingResponse> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_modifier_that_hangs_is_left_at_the_deadline() {
    for keys in ["", NO_OP] {
        for at_endpoint in [true, false] {
            let stuck = || vec![Arc::new(Stuck) as Arc<dyn Modifier>];
            let modifiers = match at_endpoint {
                true => Modifiers {
                    endpoint: stuck(),
                    backends: Vec::new(),
                },
                false => Modifiers {
                    endpoint: Vec::new(),
                    backends: vec![stuck()],
                },
            };
            let recorder = Recorder::saying(200, JSON) as Arc<dyn Executor>;
            let endpoint = endpoint_of(keys, ONE);
            let built =
                Pipeline::build_modified(&endpoint, Settings::default(), vec![recorder], modifiers);
            let failure = built.unwrap().serve(inbound()).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Timeout);
        }
    }
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

#[tokio::test]
async fn a_body_of_a_head_request_is_not_announced() {
    let fake = Arc::new(Fake::asked(|mut passing| {
        *passing.request.method_mut() = Method::HEAD;
        Verdict::Proceed(passing)
    }));
    let response = super::recorder::answer(200, &[("content-length", "5")], "");
    let scene = Scene {
        keys: NO_OP,
        backends: ONE,
        around: &[],
        of_backends: &[&[&fake]],
    };
    let shown = scene
        .ask(&[Recorder::playing(Script::Answer(response))])
        .await
        .unwrap();
    assert!(!shown.headers.contains_key("content-length"));
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
