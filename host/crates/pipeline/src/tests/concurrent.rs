//! The same call several times.

use super::{
    harness::{ask, endpoint_of, pipeline_of, show},
    recorder::{Recorder, Script, after, answer},
    *,
};

const THREE: &str = r#""concurrent_calls": 3"#;

#[tokio::test(start_paused = true)]
async fn the_first_complete_answer_wins_and_the_rest_is_cancelled() {
    let recorder = Recorder::sequence(vec![
        after(300, r#"{"a":"slow"}"#),
        after(100, r#"{"a":"fast"}"#),
        Script::Hang,
    ]);
    let started = Instant::now();
    let shown = ask(THREE, &[""], &[Arc::clone(&recorder)]).await.unwrap();
    assert_eq!(shown.line(), (r#"{"a":"fast"}"#, true));
    assert_eq!(started.elapsed().as_millis() / 10, 10);
    assert_eq!(recorder.calls(), 3);
    assert_eq!(recorder.running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn failures_are_outrun_unless_all_fail() {
    let recorder = Recorder::sequence(vec![
        Script::Fail(FailureKind::Backend),
        Script::Panic,
        after(10, r#"{"a":1}"#),
    ]);
    let shown = ask(THREE, &[""], &[recorder]).await.unwrap();
    assert_eq!(shown.line(), (r#"{"a":1}"#, true));

    let recorder = Recorder::saying(404, "");
    let failure = ask(THREE, &[""], &[recorder]).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Status);
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_answer_is_better_than_none() {
    let details = r#""extra_config": {"backend/http": {"return_error_details": "n"}}"#;
    let recorder = Recorder::sequence(vec![
        Script::Answer(answer(404, &[], "")),
        Script::Fail(FailureKind::Backend),
        Script::Hang,
    ]);
    let shown = ask(THREE, &[details], &[recorder]).await.unwrap();
    assert_eq!(
        shown.line(),
        (r#"{"error_n":{"http_status_code":404}}"#, false)
    );

    let recorder = Recorder::sequence(vec![
        Script::Answer(answer(404, &[], "")),
        after(5, r#"{"a":1}"#),
        Script::Hang,
    ]);
    let shown = ask(THREE, &[details], &[recorder]).await.unwrap();
    assert_eq!(
        shown.line(),
        (r#"{"a":1}"#, true),
        "a complete one is better still"
    );
}

#[tokio::test(start_paused = true)]
async fn each_call_has_three_quarters_of_the_time() {
    for keys in [
        THREE,
        r#""concurrent_calls": 3, "output_encoding": "no-op""#,
    ] {
        let hanging = vec![Script::Hang, Script::Hang, Script::Hang];
        let started = Instant::now();
        let failure = ask(keys, &[""], &[Recorder::sequence(hanging)])
            .await
            .err()
            .unwrap();
        assert_eq!(started.elapsed().as_millis() / 5, 150);
        assert_eq!(failure.kind, FailureKind::Timeout);
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_has_the_body_and_asks_for_a_host() {
    for keys in ["", r#", "output_encoding": "no-op""#] {
        let keys = format!(r#""method": "POST", {THREE} {keys}"#);
        let answers = (0..3).map(|_| after(1, r#"{"a":1}"#));
        let recorder = Recorder::sequence(answers.collect());
        let endpoint = endpoint_of(&keys, &[r#""host": ["h1", "h2", "h3"]"#]);
        let asked = Inbound {
            method: Method::POST,
            body: body_of("hello"),
            ..inbound()
        };
        let pipeline = pipeline_of(&endpoint, &[Arc::clone(&recorder)]);
        let shown = show(pipeline.serve(asked).await).await.unwrap();
        assert_eq!(shown.body, r#"{"a":1}"#);
        let mut lines = recorder.lines();
        lines.sort();
        let hosts = ["POST http://h1/0", "POST http://h2/0", "POST http://h3/0"];
        assert_eq!(lines, hosts);
        assert_eq!(recorder.bodies().await, ["hello", "hello", "hello"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_winner_of_a_no_op_race_streams_within_the_whole_timeout() {
    let keys = r#""concurrent_calls": 2, "output_encoding": "no-op""#;
    let alive = Arc::default();
    let streaming = Response::new(scripted(&["begin"], Then::Hang, &alive));
    let recorder = Recorder::sequence(vec![Script::Answer(streaming), Script::Hang]);
    let pipeline = pipeline_of(&endpoint_of(keys, &[""]), &[recorder]);
    let started = Instant::now();
    let answer = pipeline.serve(inbound()).await.unwrap();
    assert!(!answer.completed);
    let mut body = answer.response.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(error.is::<TimedOut>());
    assert_eq!(started.elapsed().as_millis() / 10, 100);
}
