//! Modifiers that answer, refuse, fail or hang.

use super::*;

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
async fn failures_behind_an_answer_at_the_endpoint_are_not_forgotten() {
    let fake = Arc::new(Fake::answered(|_| answers(418, "short")).partial());
    let recorders = [
        Recorder::playing(Script::Fail(FailureKind::Backend)),
        Recorder::saying(200, JSON),
    ];
    let scene = around!("", &["", ""], &[&fake]);
    let shown = scene.ask(&recorders).await.unwrap();
    assert_eq!((shown.status, shown.line()), (418, ("short", false)));
    let kinds: Vec<_> = shown.failures.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [FailureKind::Backend]);
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
