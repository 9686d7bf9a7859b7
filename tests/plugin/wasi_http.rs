//! Components of `wasi:http/proxy` 0.2, which know nothing of this gateway.

use std::time::Duration;

use bytes::Bytes;
use cuttle_egress::Body;
use cuttle_plugin::{
    Binding, CallError, Isolation, Limits, LoadError, Plugin, PluginFailure, World,
};
use http::{Method, Request, Response, header::CONTENT_LENGTH};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, sleep},
};

use crate::support::{
    Journal, NOWHERE, Origin, binding, bytes, call, call_within, component, engine, get, get_with,
    post, read,
};

const PROXY: &str = "wasi-http-proxy";
const MISBEHAVES: &str = "wasi-http-misbehaves";
const DEADLINE: Duration = Duration::from_millis(200);
/// A tick of the clock, and what a busy machine adds to it.
const LATE: Duration = Duration::from_millis(300);

/// With an instance for each request, as it is by default.
pub(crate) fn isolated() -> Binding {
    Binding {
        isolation: Isolation::Request,
        ..binding()
    }
}

pub(crate) async fn bound(name: &str, binding: Binding) -> Plugin {
    Plugin::bind(&component(name), binding).await.unwrap()
}

async fn in_mode(mode: &str) -> Result<Response<Body>, CallError> {
    let plugin = bound(MISBEHAVES, isolated()).await;
    call(&plugin, get_with(NOWHERE, "x-mode", mode)).await
}

/// What arrives of a body, and whether it looks complete.
pub(crate) async fn drain(body: Body) -> (Bytes, Result<(), String>) {
    let (mut all, mut body) = (Vec::new(), body);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => all.extend(frame.into_data().unwrap_or_default()),
            Err(error) => return (all.into(), Err(error.to_string())),
        }
    }
    (all.into(), Ok(()))
}

fn to_target(uri: &str, mode: &str, target: &str) -> Request<Body> {
    Request::get(uri)
        .header("x-mode", mode)
        .header("x-target", target)
        .body(get(NOWHERE).into_body())
        .unwrap()
}

#[test]
fn its_world_is_told_and_requests_do_not_share_an_instance_by_default() {
    let standard = component(PROXY);
    assert_eq!(
        standard.worlds().collect::<Vec<_>>(),
        [World::WasiHttpProxy]
    );
    assert_eq!(standard.default_isolation(), Isolation::Request);
    assert!(
        standard
            .imports()
            .iter()
            .any(|import| import.starts_with("wasi:http/outgoing-handler@0.2.")),
        "{:?}",
        standard.imports()
    );
    assert_eq!(
        component("adds-header").default_isolation(),
        Isolation::Instance
    );
}

/// A component that is not one of ours by its exports gets nothing more.
#[test]
fn only_a_component_with_a_standard_handler_may_import_standard_http() {
    let refused = engine()
        .load("wants-unknown", &bytes("wants-unknown"))
        .err();
    assert!(
        matches!(refused, Some(LoadError::UnknownImport { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn it_answers_in_place_of_a_plugin() {
    let origin = Origin::start().await;
    let plugin = bound(PROXY, isolated()).await;
    let answer = call(&plugin, get_with(&origin.url("/a?b=c"), "x-kept", "1")).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(read(answer).await, "ok");

    let seen = &origin.seen()[0];
    assert_eq!(seen.target, "/a?b=c");
    assert_eq!(seen.headers["x-added"], "by a standard component");
    assert_eq!(seen.headers["x-kept"], "1");
    assert_eq!(seen.headers["host"], origin.authority().as_str());
}

#[tokio::test]
async fn bodies_stream_through_it_in_both_directions() {
    let origin = Origin::start().await;
    // Far less memory than the body, and no right to read any of it in the way
    // of the contract.
    let limits = Limits {
        memory: 2 << 20,
        body_read: 0,
        ..Limits::default()
    };
    let plugin = bound(
        PROXY,
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
    assert_eq!(plugin.instances().live, 0, "all of them have ended");
}

#[tokio::test]
async fn a_head_request_has_no_body_to_wait_for() {
    let origin = Origin::start().await;
    let plugin = bound(PROXY, isolated()).await;
    let mut request = get(&origin.url("/"));
    *request.method_mut() = Method::HEAD;
    let answer = call(&plugin, request).await.unwrap();
    assert_eq!(answer.headers()[CONTENT_LENGTH], "2");
    assert_eq!(read(answer).await, "");
}

#[tokio::test]
async fn each_request_has_an_instance_of_its_own_unless_the_operator_says_otherwise() {
    let count = async |plugin: &Plugin| {
        let answer = call(plugin, get_with(NOWHERE, "x-mode", "count")).await;
        read(answer.unwrap()).await
    };
    let plugin = bound(MISBEHAVES, isolated()).await;
    assert_eq!(count(&plugin).await, "1");
    assert_eq!(count(&plugin).await, "1");

    let plugin = bound(MISBEHAVES, binding()).await;
    assert_eq!(count(&plugin).await, "1");
    // It goes back once it has ended, which it may do after its response.
    while plugin.instances().idle == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(&plugin).await, "2");
}

#[tokio::test]
async fn settings_are_a_store_of_configuration() {
    let settings = r#"{"name": "a", "n": 1, "list": [true, "x"]}"#;
    let plugin = bound(
        MISBEHAVES,
        Binding {
            settings: settings.into(),
            ..isolated()
        },
    )
    .await;
    let answer = call(&plugin, get_with(NOWHERE, "x-mode", "settings")).await;
    assert_eq!(
        read(answer.unwrap()).await,
        r#"[("list", "[true,\"x\"]"), ("n", "1"), ("name", "a")]"#
    );
}

#[tokio::test]
async fn other_hosts_are_out_of_reach_without_a_grant() {
    let journal = Journal::start();
    let own = Origin::start().await;
    let other = Origin::start().await;
    let request = || to_target(&own.url("/"), "reach-out", &other.authority());

    let plugin = bound(MISBEHAVES, isolated()).await;
    match call(&plugin, request()).await.unwrap_err() {
        CallError::Failed {
            error: PluginFailure::Denied(text),
            ..
        } => {
            assert!(
                text.contains("grants.wasi-http-misbehaves.outbound"),
                "{text}"
            );
            assert!(text.contains(&other.authority()), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert!(other.seen().is_empty());
    // The guest gets a code only, and may say nothing of it.
    let lines = journal.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("WARN") && line.contains("outbound")),
        "{lines:?}"
    );

    let granted = Binding {
        hosts: vec![other.authority().parse().unwrap()],
        ..isolated()
    };
    let plugin = bound(MISBEHAVES, granted).await;
    assert_eq!(call(&plugin, request()).await.unwrap().status(), 200);
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn credentials_in_an_authority_are_refused() {
    let origin = Origin::start().await;
    let plugin = bound(MISBEHAVES, isolated()).await;
    let request = to_target(&origin.url("/"), "user-information", &origin.authority());
    let answer = read(call(&plugin, request).await.unwrap()).await;
    assert!(
        answer.starts_with(b"Some(ErrorCode::HttpRequestUriInvalid"),
        "{answer:?}"
    );
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn one_call_does_not_become_a_flood_of_requests() {
    let origin = Origin::start().await;
    let plugin = bound(MISBEHAVES, isolated()).await;
    let request = to_target(&origin.url("/"), "many", &origin.authority());
    assert_eq!(read(call(&plugin, request).await.unwrap()).await, "68");
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
