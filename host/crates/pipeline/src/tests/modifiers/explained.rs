//! What is explained of requests that modifiers see.

use super::*;

const LISTS: &str = r#""input_headers": ["X-In", "X-Two"], "input_query_strings": ["q", "p"]"#;
const NARROW: &[&str] =
    &[r#""url_pattern": "/b", "input_headers": ["X-In"], "input_query_strings": ["q"]"#];

/// A request that has something for each filter.
fn asked() -> Inbound {
    let mut inbound = inbound();
    inbound.query = Some("q=1&p=2&code=hunter2".to_owned());
    for name in ["authorization", "x-in", "x-two"] {
        let value = HeaderValue::from_static("hunter2");
        inbound.headers.insert(name, value);
    }
    inbound
}

fn passes() -> Arc<Fake> {
    Arc::new(Fake::asked(Verdict::Proceed))
}

fn explain(scene: &Scene<'_>, inbound: Inbound) -> Explanation {
    let arrived = inbound.headers.clone();
    let recorder = Arc::<Recorder>::default();
    let pipeline = scene.pipeline(std::slice::from_ref(&recorder));
    let explanation = pipeline.explain(inbound, &arrived);
    assert_eq!(recorder.calls(), 0, "nothing is sent");
    explanation
}

#[tokio::test]
async fn the_filters_in_front_of_modifiers_count() {
    let repeated = r#", "concurrent_calls": 2"#;
    for keys in ["", repeated, ", \"output_encoding\": \"no-op\""] {
        let keys = format!("{LISTS}{keys}");
        for backend in [ONE, NARROW] {
            let fake = passes();
            let scene = around!(&keys, backend, &[&fake]);
            let calls = explain(&scene, asked()).calls.unwrap();
            let explained = calls[0].request.as_ref().unwrap();
            let mut headers = HeaderMap::new();
            for field in &explained.headers {
                headers.append(field.name.clone(), field.value.clone());
            }
            let recorder = Recorder::saying(200, JSON);
            let sent = scene.send(asked(), std::slice::from_ref(&recorder));
            sent.await.unwrap();
            for seen in recorder.seen.lock().unwrap().iter() {
                assert_eq!(explained.uri, seen.head.uri, "{keys} {backend:?}");
                assert_eq!(headers, seen.head.headers, "{keys} {backend:?}");
            }
        }
    }
}

#[test]
fn what_stays_behind_in_front_of_modifiers_has_its_reason() {
    let fake = passes();
    let explanation = explain(&around!(LISTS, NARROW, &[&fake]), asked());
    let calls = explanation.calls.unwrap();
    let explained = calls[0].request.as_ref().unwrap();
    let dropped = explained.dropped.iter();
    let dropped: Vec<_> = dropped.map(|(n, why)| (n.as_str(), *why)).collect();
    let reasons = [
        ("authorization", HeaderReason::Endpoint),
        ("x-two", HeaderReason::Backend),
    ];
    assert_eq!(dropped, reasons);
    let query: Vec<_> = explained.query.iter().map(|(_, why)| *why).collect();
    let (endpoint, backend) = (QueryReason::Endpoint, QueryReason::Backend);
    assert_eq!(query, [None, Some(backend), Some(endpoint)]);
}

#[test]
fn modifiers_that_may_change_a_request_are_named() {
    let (fake, late) = (passes(), Arc::new(replaces("{}")));
    let scene = Scene {
        keys: "",
        backends: ONE,
        around: &[&fake, &late],
        of_backends: &[&[&late, &fake, &fake]],
    };
    let explanation = explain(&scene, asked());
    assert_eq!(explanation.modifiers, ["fake"]);
    let calls = explanation.calls.unwrap();
    let request = calls[0].request.as_ref().unwrap();
    assert_eq!(request.modifiers, ["fake", "fake"]);
}

#[test]
fn a_modifier_makes_no_copy_of_a_body() {
    let limit = 16 << 20;
    let twice = r#""output_encoding": "no-op", "concurrent_calls": 2"#;
    for (keys, body) in [
        ("", BodyUse::Streamed),
        (NO_OP, BodyUse::Streamed),
        (twice, BodyUse::Copied(limit)),
    ] {
        let fake = passes();
        let explanation = explain(&around!(keys, ONE, &[&fake]), asked());
        assert_eq!(explanation.body, body, "{keys}");
    }
}

#[tokio::test]
async fn what_modifiers_cannot_be_shown_is_not_sent() {
    let bad = || Inbound {
        host: "a\nb".to_owned(),
        ..asked()
    };
    for keys in ["", NO_OP] {
        let fake = passes();
        let scene = around!(keys, ONE, &[&fake]);
        let failure = explain(&scene, bad()).calls.unwrap_err();
        let recorder = Recorder::saying(200, JSON);
        let sent = scene.send(bad(), std::slice::from_ref(&recorder)).await;
        assert_eq!(failure.kind, sent.err().unwrap().kind, "{keys}");
        assert_eq!(failure.kind, FailureKind::ClientRequest, "{keys}");
    }
}
