//! Several backends at once.

use super::{
    harness::{ask, endpoint_of, pipeline_of, show},
    recorder::{Recorder, Script, after, answer},
    *,
};

fn saying(bodies: &[&'static str]) -> Vec<Arc<Recorder>> {
    bodies
        .iter()
        .map(|body| Recorder::saying(200, body))
        .collect()
}

#[tokio::test]
async fn first_level_fields_of_later_backends_replace_those_of_earlier_ones() {
    #[rustfmt::skip]
    let cases: &[(&[&str], &str, bool)] = &[
        (&[r#"{"b":1}"#, r#"{"a":2}"#],                    r#"{"a":2,"b":1}"#,       true),
        (&[r#"{"a":1,"b":1}"#, r#"{"a":2}"#],              r#"{"a":2,"b":1}"#,       true),
        (&[r#"{"a":{"x":1}}"#, r#"{"a":{"y":2}}"#],        r#"{"a":{"y":2}}"#,       true),
        (&[r#"{"a":[1]}"#, r#"{"a":null}"#],               r#"{"a":null}"#,          true),
        (&[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#],      r#"{"a":3}"#,             true),
        (&[r#"{"a":1.50}"#, r#"{"b":12345678901234567890}"#], r#"{"a":1.50,"b":12345678901234567890}"#, true),
        // What has no data has nothing to be complete about.
        (&["{}", "{}"],                                    "{}",                     false),
        (&["{}", r#"{"a":1}"#],                            r#"{"a":1}"#,             true),
        (&["null", r#"{"a":1}"#],                          r#"{"a":1}"#,             false),
        (&[r#"{"a":1}"#, "null"],                          r#"{"a":1}"#,             false),
        (&["null", "null"],                                "{}",                     false),
    ];
    for (bodies, body, completed) in cases {
        let backends = vec![""; bodies.len()];
        let shown = ask("", &backends, &saying(bodies)).await.unwrap();
        assert_eq!(shown.line(), (*body, *completed), "{bodies:?}");
        assert_eq!(shown.status, 200);
        assert!(shown.failures.is_empty());
    }
}

/// KrakenD lets the slower backend win.
#[tokio::test(start_paused = true)]
async fn the_list_decides_about_colliding_fields_not_the_order_of_arrival() {
    for (first, second) in [(1, 500), (500, 1)] {
        let recorders = [
            Recorder::playing(after(first, r#"{"a":"first"}"#)),
            Recorder::playing(after(second, r#"{"a":"second"}"#)),
        ];
        let shown = ask("", &["", ""], &recorders).await.unwrap();
        assert_eq!(shown.line(), (r#"{"a":"second"}"#, true));
    }
}

#[tokio::test(start_paused = true)]
async fn all_backends_are_called_at_once() {
    let recorders = [500, 500, 500].map(|time| Recorder::playing(after(time, r#"{"a":1}"#)));
    let started = Instant::now();
    ask("", &["", "", ""], &recorders).await.unwrap();
    assert_eq!(started.elapsed().as_millis() / 10, 50);
}

#[tokio::test]
async fn a_failing_backend_costs_its_part_only() {
    #[rustfmt::skip]
    let cases: Vec<(fn() -> Script, FailureKind)> = vec![
        (|| Script::Fail(FailureKind::Backend),                   FailureKind::Backend),
        (|| Script::Fail(FailureKind::Plugin),                    FailureKind::Plugin),
        (|| Script::Panic,                                        FailureKind::Panicked),
        (|| Script::Answer(answer(404, &[], "{}")),               FailureKind::Status),
        (|| Script::Answer(answer(200, &[], "no json")),          FailureKind::Decode),
        (|| Script::Answer(answer(200, &[], "")),                 FailureKind::Decode),
    ];
    for (script, kind) in cases {
        for failing in [0, 1] {
            let mut recorders = vec![Recorder::saying(200, r#"{"a":1}"#)];
            recorders.insert(failing, Recorder::playing(script()));
            let shown = ask("", &["", ""], &recorders).await.unwrap();
            assert_eq!(shown.status, 200);
            assert_eq!(shown.line(), (r#"{"a":1}"#, false), "{kind:?}");
            assert_eq!(shown.kinds(), [(Some(failing), kind)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_window_ends_what_is_there_is_the_answer() {
    let recorders = [
        Recorder::playing(after(849, r#"{"a":1}"#)),
        Recorder::playing(after(851, r#"{"b":1}"#)),
        Recorder::playing(Script::Hang),
    ];
    let started = Instant::now();
    let shown = ask("", &["", "", ""], &recorders).await.unwrap();
    assert_eq!(started.elapsed().as_millis() / 5, 170, "85 % of a second");
    assert_eq!(shown.line(), (r#"{"a":1}"#, false));
    let timeout = FailureKind::Timeout;
    assert_eq!(shown.kinds(), [(Some(1), timeout), (Some(2), timeout)]);
    for recorder in &recorders {
        assert_eq!(recorder.running.load(Ordering::SeqCst), 0, "cancelled");
    }
    let deadline = recorders[2].only().deadline - started;
    assert_eq!(deadline, Duration::from_millis(850));
}

#[tokio::test]
async fn when_all_fail_their_messages_are_the_failures() {
    let recorders = [
        Recorder::saying(404, ""),
        Recorder::playing(Script::Fail(FailureKind::Backend)),
    ];
    let failure = ask("", &["", ""], &recorders).await.err().unwrap();
    assert_eq!(
        failure.to_string(),
        "invalid status code 404 [GET /0]: http://h0/0\nthe backend could not be reached"
    );
    assert_eq!(failure.kind, FailureKind::Backend);
    let parts: Vec<_> = failure.parts().iter().map(|part| part.backend).collect();
    assert_eq!(parts, [Some(0), Some(1)]);
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_the_order_of_their_arrival() {
    let late = Script::After(
        Duration::from_millis(5),
        Box::new(Script::Answer(answer(500, &[], ""))),
    );
    let recorders = [Recorder::playing(late), Recorder::saying(404, "")];
    let failure = ask("", &["", ""], &recorders).await.err().unwrap();
    let lines: Vec<_> = failure.to_string().lines().map(str::to_owned).collect();
    assert!(
        lines[0].contains("404") && lines[1].contains("500"),
        "{lines:?}"
    );
}

/// Failures of one kind stay one: `gateway_errors` can tell a timeout.
#[tokio::test]
async fn backends_that_agree_in_their_failure_fail_as_one() {
    use FailureKind::{Backend, ClientRequest, Plugin, Timeout};
    #[rustfmt::skip]
    let cases = [
        (Timeout, Timeout, Timeout),
        (ClientRequest, ClientRequest, ClientRequest),
        (Timeout, Plugin, Backend),
    ];
    for (first, second, together) in cases {
        let recorders = [first, second].map(|kind| Recorder::playing(Script::Fail(kind)));
        let failure = ask("", &["", ""], &recorders).await.err().unwrap();
        assert_eq!(failure.kind, together);
    }
}

#[tokio::test]
async fn a_no_op_backend_among_others_gives_no_data_and_has_no_status() {
    let recorders = [
        Recorder::saying(200, r#"{"a":1}"#),
        Recorder::saying(500, "text"),
    ];
    let shown = ask("", &["", r#""encoding": "no-op""#], &recorders)
        .await
        .unwrap();
    assert_eq!(shown.line(), (r#"{"a":1}"#, true));

    let alone = ask("", &[r#""encoding": "no-op""#], &recorders[1..])
        .await
        .unwrap();
    assert_eq!(alone.line(), ("{}", false));
}

#[tokio::test]
async fn the_endpoints_flatmap_runs_when_nothing_has_failed() {
    let flatmap = r#""extra_config": {"proxy": {"flatmap_filter":
        [{"type": "del", "args": ["a"]}]}}"#;
    let both = saying(&[r#"{"a":1}"#, r#"{"b":2}"#]);
    let shown = ask(flatmap, &["", ""], &both).await.unwrap();
    assert_eq!(shown.line(), (r#"{"b":2}"#, true));

    let partial = [both[0].clone(), Recorder::saying(500, "")];
    let shown = ask(flatmap, &["", ""], &partial).await.unwrap();
    assert_eq!(shown.line(), (r#"{"a":1}"#, false), "not filtered");

    let shown = ask(flatmap, &[""], &both[..1]).await.unwrap();
    assert_eq!(shown.line(), (r#"{"a":1}"#, true), "one backend only");
}

#[tokio::test]
async fn an_answer_with_error_details_makes_the_whole_incomplete() {
    let details = r#""extra_config": {"backend/http": {"return_error_details": "b1"}}"#;
    let recorders = [
        Recorder::saying(200, r#"{"a":1}"#),
        Recorder::saying(404, "gone"),
    ];
    let shown = ask("", &["", details], &recorders).await.unwrap();
    let body = r#"{"a":1,"error_b1":{"http_body":"gone","http_status_code":404}}"#;
    assert_eq!(shown.line(), (body, false));
    assert!(shown.failures.is_empty(), "it is data");
}

/// One backend fails, one panics, one is late and two are well: a thousand
/// clients at a time all get what the well ones say.
#[tokio::test(start_paused = true)]
async fn a_thousand_requests_do_not_notice_each_others_failures() {
    let hanging: Vec<Script> = (0..1000).map(|_| Script::Hang).collect();
    let panicking: Vec<Script> = (0..1000).map(|_| Script::Panic).collect();
    let recorders = [
        Recorder::saying(200, r#"{"a":1}"#),
        Recorder::saying(500, ""),
        Recorder::sequence(panicking),
        Recorder::sequence(hanging),
        Recorder::saying(200, r#"{"b":2}"#),
    ];
    let endpoint = endpoint_of("", &[""; 5]);
    let pipeline = Arc::new(pipeline_of(&endpoint, &recorders));
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let pipeline = Arc::clone(&pipeline);
            tokio::spawn(async move { show(pipeline.serve(inbound()).await).await })
        })
        .collect();
    for call in calls {
        let shown = call.await.unwrap().unwrap();
        assert_eq!(shown.line(), (r#"{"a":1,"b":2}"#, false));
        assert_eq!(shown.failures.len(), 3);
    }
    assert_eq!(recorders[3].running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_cancels_all_calls() {
    let recorders = [Script::Hang, Script::Hang].map(Recorder::playing);
    let pipeline = pipeline_of(&endpoint_of("", &["", ""]), &recorders);
    tokio::select! {
        biased;
        _ = pipeline.serve(inbound()) => panic!("the calls hang"),
        () = sleep(Duration::from_millis(1)) => {}
    }
    for recorder in &recorders {
        assert_eq!(recorder.calls(), 1);
        assert_eq!(recorder.running.load(Ordering::SeqCst), 0);
    }
}
