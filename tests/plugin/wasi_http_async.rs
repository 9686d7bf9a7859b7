//! Components of `wasi:http/service` 0.3, which know nothing of this gateway.

use std::time::Duration;

use bytes::Bytes;
use cuttle_plugin::{Binding, CallError, Isolation, Limits, Plugin, PluginFailure, World};
use http::header::CONTENT_LENGTH;
use tokio::time::Instant;

use crate::{
    support::{
        Journal, NOWHERE, Origin, binding, call, call_within, component, get, get_with, post, read,
    },
    wasi_http::{bound, drain, isolated, until},
};

const SERVICE: &str = "wasi-http-service";
const DEADLINE: Duration = Duration::from_millis(200);
/// A tick of the clock, and what a busy machine adds to it.
const LATE: Duration = Duration::from_millis(300);

#[test]
fn its_world_is_told() {
    let service = component(SERVICE);
    assert_eq!(
        service.worlds().collect::<Vec<_>>(),
        [World::WasiHttpService]
    );
    assert_eq!(service.default_isolation(), Isolation::Request);
}

#[tokio::test]
async fn it_answers_in_place_of_a_plugin() {
    let origin = Origin::start().await;
    let plugin = bound(SERVICE, isolated()).await;
    let answer = call(&plugin, get(&origin.url("/a?b=c"))).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(read(answer).await, "ok");
    let seen = &origin.seen()[0];
    assert_eq!(seen.target, "/a?b=c");
    assert_eq!(seen.headers["x-added"], "by an asynchronous component");
    assert_eq!(seen.headers["host"], origin.authority().as_str());
}

/// Its next handler is the backend, by the way of the backend.
#[tokio::test]
async fn a_middleware_is_a_plugin_too() {
    let origin = Origin::start().await;
    let plugin = bound("wasi-http-middleware", isolated()).await;
    let sent = Bytes::from(vec![b'y'; 1 << 20]);
    let answer = call(&plugin, post(&origin.url("/echo"), sent.clone())).await;
    assert!(read(answer.unwrap()).await == sent);
    let seen = &origin.seen()[0];
    assert_eq!(seen.headers["x-added"], "in the middle");
    assert_eq!(seen.headers["host"], origin.authority().as_str());
}

#[tokio::test]
async fn a_body_passes_without_entering_it() {
    let origin = Origin::start().await;
    let limits = Limits {
        memory: 2 << 20,
        body_read: 0,
        ..Limits::default()
    };
    let plugin = bound(
        SERVICE,
        Binding {
            limits,
            ..isolated()
        },
    )
    .await;

    let answer = call(&plugin, get(&origin.url("/large"))).await.unwrap();
    assert_eq!(answer.headers()[CONTENT_LENGTH], (80 << 20).to_string());
    assert_eq!(read(answer).await.len(), 80 << 20);

    let sent = Bytes::from(vec![b'y'; 8 << 20]);
    let answer = call(&plugin, post(&origin.url("/echo"), sent.clone())).await;
    assert!(read(answer.unwrap()).await == sent);
}

#[tokio::test]
async fn a_body_is_written_after_the_head() {
    let plugin = bound(SERVICE, isolated()).await;
    let answer = call(&plugin, get_with(NOWHERE, "x-mode", "writes")).await;
    let read = drain(answer.unwrap().into_body()).await;
    assert_eq!(read, ("begun, done".into(), Ok(())));
}

#[tokio::test]
async fn other_hosts_are_out_of_reach_without_a_grant() {
    let own = Origin::start().await;
    let other = Origin::start().await;
    let request = || get_with(&own.url("/"), "x-target", &other.authority());

    let plugin = bound(SERVICE, isolated()).await;
    match call(&plugin, request()).await {
        Err(CallError::Failed {
            error: PluginFailure::Denied(text),
            ..
        }) => assert!(text.contains("grants.wasi-http-service.outbound"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert!(other.seen().is_empty());

    let granted = Binding {
        hosts: vec![other.authority().parse().unwrap()],
        ..isolated()
    };
    let plugin = bound(SERVICE, granted).await;
    assert_eq!(call(&plugin, request()).await.unwrap().status(), 200);
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn a_trap_harms_its_own_call() {
    let plugin = bound(SERVICE, isolated()).await;
    let error = call(&plugin, get_with(NOWHERE, "x-mode", "trap")).await;
    assert!(
        matches!(error, Err(CallError::Trap { .. })),
        "{:?}",
        error.err()
    );

    let writing = call(&plugin, get_with(NOWHERE, "x-mode", "writes"))
        .await
        .unwrap();
    let answer = call(&plugin, get_with(NOWHERE, "x-mode", "trap-after-head")).await;
    let (body, end) = drain(answer.unwrap().into_body()).await;
    assert!("begun".as_bytes().starts_with(&body), "{body:?}");
    assert!(end.is_err(), "it looks complete");
    assert_eq!(
        drain(writing.into_body()).await,
        ("begun, done".into(), Ok(()))
    );
}

#[tokio::test]
async fn the_deadline_ends_a_guest_before_and_after_its_head() {
    let plugin = bound(SERVICE, isolated()).await;
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
    assert!("begun".as_bytes().starts_with(&body), "{body:?}");
    assert!(end.is_err(), "it looks complete");
    assert!(
        started.elapsed() < DEADLINE + LATE,
        "{:?}",
        started.elapsed()
    );
    assert_eq!(plugin.instances().live, 0);
}

#[tokio::test]
async fn the_deadline_ends_a_guest_whose_body_nobody_reads() {
    let plugin = bound(SERVICE, isolated()).await;
    let request = get_with(NOWHERE, "x-mode", "spin-after-head");
    let answer = call_within(&plugin, request, DEADLINE).await.unwrap();
    until(|| plugin.instances().live == 0).await;
    let (_, end) = drain(answer.into_body()).await;
    assert!(end.is_err(), "it looks complete");
}

/// By the runtime's own functions, of which the gateway sees nothing.
#[tokio::test]
async fn what_it_makes_and_writes_without_the_gateway_is_limited() {
    let limits = Limits {
        resources: 64,
        host_calls: 1_000,
        ..Limits::default()
    };
    let limited = Binding {
        limits,
        ..isolated()
    };
    let plugin = bound(SERVICE, limited).await;
    for (mode, reached) in [("leaves-many", "resources"), ("prints", "host_calls")] {
        match call(&plugin, get_with(NOWHERE, "x-mode", mode)).await {
            Err(CallError::Limit { limit, .. }) => assert_eq!(limit, reached, "{mode}"),
            other => panic!("{mode}: {other:?}"),
        }
    }
    let plugin = bound(SERVICE, isolated()).await;
    assert_eq!(in_mode(&plugin, "leaves-many").await, "begun, done");
}

async fn in_mode(plugin: &Plugin, mode: &str) -> Bytes {
    let answer = call(plugin, get_with(NOWHERE, "x-mode", mode)).await;
    read(answer.unwrap()).await
}

/// Another request would run what this one has left.
#[tokio::test]
async fn an_instance_is_used_again_once_nothing_is_left_to_do() {
    let journal = Journal::start();
    let plugin = bound(SERVICE, binding()).await;
    for expected in ["begun 1", "begun 2", "begun 3"] {
        assert_eq!(in_mode(&plugin, "count").await, expected);
        until(|| plugin.instances().idle == 1).await;
    }

    assert_eq!(in_mode(&plugin, "works-on").await, "begun, done");
    assert_eq!(plugin.instances().idle, 0, "it is at work still");
    assert_eq!(in_mode(&plugin, "count").await, "begun 1", "another one");
    until(|| plugin.instances().idle == 2).await;
    let lines = journal.lines();
    assert!(
        lines.iter().any(|line| line.contains("worked on")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn an_instance_with_something_left_is_not_used_again() {
    let plugin = bound(SERVICE, binding()).await;
    assert_eq!(in_mode(&plugin, "leaves-a-stream").await, "begun, done");
    until(|| plugin.instances().live == 0).await;
}
