//! Backends that are not listened to.

use super::{
    harness::{ask, endpoint_of, pipeline_of, show},
    recorder::{Recorder, Script, after},
    *,
};

const SHADOW: &str = r#""extra_config": {"proxy": {"shadow": true}}"#;

async fn settled(recorder: &Recorder, calls: usize) {
    for _ in 0..1000 {
        if recorder.calls() == calls && recorder.running.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} calls", recorder.calls());
}

#[tokio::test]
async fn a_shadow_gets_a_copy_and_changes_nothing() {
    for script in [
        Script::Answer(recorder::answer(200, &[], r#"{"shadow":1}"#)),
        Script::Answer(recorder::answer(500, &[], "")),
        Script::Fail(FailureKind::Backend),
        Script::Panic,
    ] {
        let recorders = [
            Recorder::playing(script),
            Recorder::saying(200, r#"{"a":1}"#),
        ];
        let endpoint = endpoint_of(r#""method": "POST""#, &[SHADOW, ""]);
        let asked = Inbound {
            method: Method::POST,
            body: body_of("hello"),
            ..inbound()
        };
        let pipeline = pipeline_of(&endpoint, &recorders);
        let shown = show(pipeline.serve(asked).await).await.unwrap();
        assert_eq!(shown.line(), (r#"{"a":1}"#, true));
        assert!(shown.failures.is_empty());
        settled(&recorders[0], 1).await;
        for recorder in &recorders {
            assert_eq!(recorder.bodies().await, ["hello"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_shadow_and_it_has_a_time_of_its_own() {
    let slow = r#""extra_config": {"proxy": {"shadow": true, "shadow_timeout": "5s"}}"#;
    for (shadow, seconds) in [(SHADOW, 1), (slow, 5)] {
        let recorders = [
            Recorder::playing(Script::Hang),
            Recorder::saying(200, r#"{"a":1}"#),
        ];
        let started = Instant::now();
        let shown = ask("", &[shadow, ""], &recorders).await.unwrap();
        assert_eq!(shown.line(), (r#"{"a":1}"#, true));
        assert_eq!(started.elapsed(), Duration::ZERO);
        sleep(Duration::from_millis(seconds * 1000 - 10)).await;
        assert_eq!(recorders[0].running.load(Ordering::SeqCst), 1);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(recorders[0].running.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_regular_backend_beside_shadows_is_a_single_backend() {
    let recorders = [
        Recorder::saying(200, "{}"),
        Recorder::playing(after(950, r#"{"a":1}"#)),
    ];
    let shown = ask("", &[SHADOW, ""], &recorders).await.unwrap();
    assert_eq!(
        shown.line(),
        (r#"{"a":1}"#, true),
        "beyond 85 % of the time"
    );

    let returning = r#""extra_config": {"backend/http": {"return_error_code": true}}"#;
    let recorders = [Recorder::saying(200, "{}"), Recorder::saying(403, "")];
    let failure = ask("", &[SHADOW, returning], &recorders)
        .await
        .err()
        .unwrap();
    assert_eq!(failure.answer.unwrap().status, 403);
}

#[tokio::test]
async fn with_shadows_only_every_call_fails() {
    let recorder = Recorder::saying(200, "{}");
    let failure = ask("", &[SHADOW], &[Arc::clone(&recorder)])
        .await
        .err()
        .unwrap();
    assert_eq!(failure.kind, FailureKind::NoHosts);
    assert_eq!(
        failure.to_string(),
        "all backends of the endpoint are shadows: there is none to answer"
    );
    assert_eq!(recorder.calls(), 0);
}

/// A shadow host that has died must not pile up requests.
#[tokio::test(start_paused = true)]
async fn shadow_calls_are_bounded_in_number() {
    const LIMIT: usize = crate::aggregate::SHADOWS_AT_ONCE;
    let hanging = (0..LIMIT + 50).map(|_| Script::Hang).collect();
    let recorders = [
        Recorder::sequence(hanging),
        Recorder::saying(200, r#"{"a":1}"#),
    ];
    let pipeline = pipeline_of(&endpoint_of("", &[SHADOW, ""]), &recorders);
    for _ in 0..LIMIT + 50 {
        assert!(pipeline.serve(inbound()).await.is_ok());
    }
    // Time stands still while anything can run.
    sleep(Duration::from_millis(1)).await;
    assert_eq!(recorders[0].calls(), LIMIT);
    sleep(Duration::from_secs(2)).await;
    assert!(pipeline.serve(inbound()).await.is_ok());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(recorders[0].calls(), LIMIT + 1, "there is room again");
}
