//! Modifiers of answers that are data.

use super::*;

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
