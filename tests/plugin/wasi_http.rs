//! Components of `wasi:http/proxy` 0.2, which know nothing of this gateway.

use std::time::Duration;

use bytes::Bytes;
use cuttle_egress::Body;
use cuttle_plugin::{
    Binding, CallError, Isolation, Limits, LoadError, Plugin, PluginFailure, World,
};
use http::{Method, Request, header::CONTENT_LENGTH};
use http_body_util::BodyExt;

use crate::support::{
    Journal, NOWHERE, Origin, binding, bytes, call, component, engine, get, get_with, post, read,
};

const PROXY: &str = "wasi-http-proxy";
pub(crate) const MISBEHAVES: &str = "wasi-http-misbehaves";
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

/// Waits until it is so, or far longer than it may take.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
    waited.expect("it does not become so");
}

/// A request to `uri` that sends the guest to `target`.
pub(crate) fn to_target(uri: &str, mode: &str, target: &str) -> Request<Body> {
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
