//! Components of `wasi:http/proxy` 0.2 that misbehave: before, in and after
//! their response.

use std::time::Duration;

use cuttle_egress::Body;
use cuttle_plugin::{Binding, CallError, Limits, PluginFailure};
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, sleep},
};

use crate::{
    chains::{dropped, errors},
    support::{Journal, NOWHERE, call, call_within, get_with},
    wasi_http::{MISBEHAVES, bound, drain, isolated, to_target, until},
};

const DEADLINE: Duration = Duration::from_millis(200);
/// A tick of the clock, and what a busy machine adds to it.
const LATE: Duration = Duration::from_millis(300);

async fn in_mode(mode: &str) -> Result<Response<Body>, CallError> {
    let plugin = bound(MISBEHAVES, isolated()).await;
    call(&plugin, get_with(NOWHERE, "x-mode", mode)).await
}

/// A target that takes half of a request with its guest must not take it for
/// all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_guest_is_gone_does_not_look_finished() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let received = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        let _ = stream.shutdown().await;
        String::from_utf8(all).unwrap()
    });
    let plugin = bound(MISBEHAVES, isolated()).await;
    let url = format!("http://{authority}/");
    let error = call(&plugin, to_target(&url, "half-a-request", &authority)).await;
    assert!(
        matches!(error, Err(CallError::Trap { .. })),
        "{:?}",
        error.err()
    );

    let received = received.await.unwrap();
    assert!(received.contains("half"), "{received}");
    assert!(!received.ends_with("0\r\n\r\n"), "{received}");
}

#[tokio::test]
async fn a_guest_without_a_response_is_an_error() {
    match in_mode("silent").await {
        Err(CallError::Invalid { message, .. }) => {
            assert!(message.contains("without"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let error = in_mode("error").await.unwrap_err();
    assert!(
        matches!(
            &error,
            CallError::Failed {
                error: PluginFailure::Connect(_),
                ..
            }
        ),
        "{error:?}"
    );
    let error = in_mode("trap").await.unwrap_err();
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unusable_head_is_an_error() {
    for (mode, expected) in [("status", "199"), ("no-body", "body")] {
        match in_mode(mode).await {
            Err(CallError::Invalid { message, .. }) => {
                assert!(message.contains(expected), "{message}");
            }
            other => panic!("{mode}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_finished_does_not_look_complete() {
    for mode in ["trap-after-head", "unfinished", "dropped"] {
        let answer = in_mode(mode).await.unwrap();
        assert_eq!(answer.status(), 200, "{mode}");
        let (body, end) = drain(answer.into_body()).await;
        assert_eq!(body, "begun", "{mode}");
        assert!(end.is_err(), "{mode} looks complete");
    }
}

#[tokio::test]
async fn a_trap_after_the_body_is_for_the_log_alone() {
    let journal = Journal::start();
    let answer = in_mode("trap-after-body").await.unwrap();
    assert_eq!(drain(answer.into_body()).await, ("all".into(), Ok(())));
    let lines = journal.lines();
    assert!(
        lines.iter().any(|line| line.contains("after its response")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn what_a_guest_does_after_its_response_is_done() {
    let journal = Journal::start();
    let plugin = bound(MISBEHAVES, isolated()).await;
    let answer = call(&plugin, get_with(NOWHERE, "x-mode", "works-on"))
        .await
        .unwrap();
    assert_eq!(drain(answer.into_body()).await, ("all".into(), Ok(())));
    assert_eq!(plugin.instances().live, 1, "it is at work still");
    while plugin.instances().live > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let lines = journal.lines();
    assert!(
        lines.iter().any(|line| line.contains("worked on")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_stops_the_guest() {
    let plugin = bound(MISBEHAVES, isolated()).await;
    let request = get_with(NOWHERE, "x-mode", "spin-after-head");
    let answer = call(&plugin, request).await.unwrap();
    assert_eq!(plugin.instances().live, 1);
    drop(answer);
    assert_eq!(plugin.instances().live, 0);
}

#[tokio::test]
async fn the_deadline_ends_a_guest_before_and_after_its_head() {
    let plugin = bound(MISBEHAVES, isolated()).await;
    let started = Instant::now();
    let request = get_with(NOWHERE, "x-mode", "spin");
    let error = call_within(&plugin, request, DEADLINE).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline { .. }), "{error:?}");
    assert!(
        started.elapsed() < DEADLINE + LATE,
        "{:?}",
        started.elapsed()
    );

    let started = Instant::now();
    let request = get_with(NOWHERE, "x-mode", "spin-after-head");
    let answer = call_within(&plugin, request, DEADLINE).await.unwrap();
    let (body, end) = drain(answer.into_body()).await;
    assert_eq!(body, "begun");
    let error = end.unwrap_err();
    assert!(error.contains("did not answer within"), "{error}");
    assert!(
        started.elapsed() < DEADLINE + LATE,
        "{:?}",
        started.elapsed()
    );
    assert_eq!(plugin.instances().live, 0);
}

#[tokio::test]
async fn memory_and_instances_end_at_their_limits() {
    let error = in_mode("memory").await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Limit {
                limit: "memory",
                ..
            }
        ),
        "{error:?}"
    );

    let limits = Limits {
        instances: 1,
        ..Limits::default()
    };
    let plugin = bound(
        MISBEHAVES,
        Binding {
            limits,
            ..isolated()
        },
    )
    .await;
    let request = || get_with(NOWHERE, "x-mode", "spin-after-head");
    let first = call(&plugin, request()).await.unwrap();
    let error = call(&plugin, request()).await.unwrap_err();
    assert!(matches!(error, CallError::Exhausted { .. }), "{error:?}");
    drop(first);
    call(&plugin, request()).await.unwrap();
}

/// As of any other plugin: whichever way a call ends, and when.
#[tokio::test]
async fn what_it_costs_is_counted() {
    let origin = crate::support::Origin::start().await;
    let plugin = bound("wasi-http-proxy", isolated()).await;
    let answer = call(&plugin, get_with(&origin.url("/"), "x-kept", "1")).await;
    assert_eq!(crate::support::read(answer.unwrap()).await, "ok");
    let cost = plugin.meter().cost();
    assert_eq!((cost.calls, errors(&cost, "trap")), (1, 0), "{cost:?}");
    assert!(cost.busy > Duration::ZERO, "{cost:?}");
    assert!(cost.busy <= cost.duration * 2, "{cost:?}");
    assert!(cost.host_calls > 0 && cost.peak_memory > 0, "{cost:?}");

    let plugin = bound(MISBEHAVES, isolated()).await;
    let trapped = call(&plugin, get_with(NOWHERE, "x-mode", "trap")).await;
    assert!(trapped.is_err());
    let cost = plugin.meter().cost();
    assert_eq!((cost.calls, errors(&cost, "trap")), (1, 1), "{cost:?}");
    assert_eq!(dropped(&cost, "trap"), 1, "{cost:?}");

    let endless = get_with(NOWHERE, "x-mode", "spin");
    let late = call_within(&plugin, endless, DEADLINE).await;
    assert!(matches!(late, Err(CallError::Deadline { .. })));
    let cost = plugin.meter().cost();
    assert_eq!(errors(&cost, "deadline"), 1, "{cost:?}");
    assert_eq!(dropped(&cost, "deadline"), 1, "{cost:?}");
    assert!(cost.busy > DEADLINE / 4, "{cost:?}");
}

#[tokio::test]
async fn the_deadline_ends_a_guest_whose_body_nobody_reads() {
    let plugin = bound(MISBEHAVES, isolated()).await;
    let request = get_with(NOWHERE, "x-mode", "spin-after-head");
    let answer = call_within(&plugin, request, DEADLINE).await.unwrap();
    until(|| plugin.instances().live == 0).await;
    assert_eq!(dropped(&plugin.meter().cost(), "deadline"), 1);

    let (body, end) = drain(answer.into_body()).await;
    assert_eq!(body, "begun", "what it had written is there");
    let error = end.unwrap_err();
    assert!(error.contains("did not answer within"), "{error}");
}

#[tokio::test]
async fn an_error_of_its_own_is_not_taken_for_that_of_its_request() {
    let plugin = bound(MISBEHAVES, isolated()).await;
    let failed = |mode| call(&plugin, to_target(NOWHERE, mode, "elsewhere.test"));
    for (mode, own) in [("reach-out", false), ("own-error", true)] {
        match failed(mode).await {
            Err(CallError::Failed { error, .. }) => match error {
                PluginFailure::Denied(text) => assert!(!own && text.contains("grants"), "{text}"),
                PluginFailure::Protocol(_) => assert!(own, "{mode}"),
                other => panic!("{mode}: {other:?}"),
            },
            other => panic!("{mode}: {other:?}"),
        }
    }
}
