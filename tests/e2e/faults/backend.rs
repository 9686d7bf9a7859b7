//! The same faults, and those of TLS, as answers of a backend itself: of one
//! whose answers are passed on as they come, and of one whose answers are read.

use std::time::Duration;

use bytes::Bytes;
use cuttle_tests::{Authority, FaultProxy, Gateway, Origin, Step, TestResult};
use serde_json::{Value, json};

use super::{
    run::{
        Outcome::{self, Failure, Passes, Truncated},
        are_closed, limited, wrong,
    },
    table::{Fault, faults},
};
use crate::support::{endpoint, trusting, with, with_backend};

/// Answers that are read: text becomes JSON.
fn read(path: &str, host: &str) -> Value {
    let endpoint = with_backend(endpoint(path, host), "encoding", json!("string"));
    with(endpoint, "output_encoding", json!("json"))
}

/// What the client gets where the answer is passed on, and where it is read.
fn of_a_backend(fault: &Fault) -> [Outcome; 2] {
    let passed = match fault.name {
        // Nobody can tell that it is not all.
        "http10_without_length" => fault.outcome,
        // What a proxy alone may not say a backend may.
        _ => fault.inside,
    };
    // Half an answer is none, and neither is one with an unexpected status.
    let read = match passed {
        Passes(200, "ok") => Passes(200, r#"{"content":"ok"}"#),
        Passes(200, "half") => Passes(200, r#"{"content":"half"}"#),
        Failure | Truncated | Passes(..) => Failure,
    };
    [passed, read]
}

fn paths(name: &str) -> [String; 2] {
    ["passed", "read"].map(|way| format!("/{name}/{way}"))
}

/// Each backend by both ways, with what to expect of them.
async fn run(authority: &Authority, backends: Vec<(&str, String, [Outcome; 2])>) -> TestResult {
    let origin = Origin::replying("well").await;
    let mut endpoints = vec![endpoint("/healthy", &origin.url())];
    let mut calls = Vec::new();
    for (name, url, expected) in backends {
        let [passed, read_] = paths(name);
        endpoints.push(limited(endpoint(&passed, &url)));
        endpoints.push(limited(read(&read_, &url)));
        calls.extend([passed, read_].into_iter().zip(expected));
    }
    let gateway = Gateway::start(trusting(authority, endpoints)).await?;
    assert_eq!(gateway.get("/healthy").await?.body, "well");
    let before = gateway.usage()?;
    let text = wrong(&gateway, calls).await;
    anyhow::ensure!(text.is_empty(), "{text}");
    assert_eq!(gateway.get("/healthy").await?.body, "well");
    are_closed(&gateway, &before).await;
    Ok(())
}

#[tokio::test]
async fn as_the_answer_of_a_backend() -> TestResult {
    let (mut peers, mut backends) = (Vec::new(), Vec::new());
    for fault in faults() {
        let expected = of_a_backend(&fault);
        let peer = FaultProxy::start(fault.script).await;
        backends.push((fault.name, peer.url(), expected));
        peers.push(peer);
    }
    run(&Authority::new(), backends).await
}

#[tokio::test]
async fn tls_with_a_backend_that_comes_to_nothing() -> TestResult {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let bytes = |bytes: &'static [u8]| Step::Send(Bytes::from_static(bytes));
    let drip = Step::Drip(Bytes::from_static(&[0x16; 100]), Duration::from_millis(20));
    let ok = || {
        vec![
            Step::Head,
            Step::send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"),
        ]
    };
    let scripts = [
        ("closed", vec![Step::Close]),
        ("reset", vec![Step::Reset]),
        ("silent", vec![Step::Silence]),
        ("flooding", vec![Step::Flood]),
        (
            "plain_http",
            vec![Step::send("HTTP/1.1 400 Bad Request\r\n\r\n")],
        ),
        ("an_alert", vec![bytes(b"\x15\x03\x03\x00\x02\x02\x28")]),
        (
            "half_a_hello",
            vec![
                bytes(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"),
                Step::Silence,
            ],
        ),
        ("a_handshake_byte_by_byte", vec![drip]),
    ];
    let (mut peers, mut backends) = (Vec::new(), Vec::new());
    for (name, script) in scripts {
        let peer = FaultProxy::start(script).await;
        backends.push((name, peer.url().replace("http:", "https:"), [Failure; 2]));
        peers.push(peer);
    }
    let strange = FaultProxy::start_tls(&stranger, ok()).await;
    let known = FaultProxy::start_tls(&authority, ok()).await;
    let secure = |peer: &FaultProxy| peer.url().replace("http:", "https:");
    let named = secure(&known).replace("127.0.0.1", "localhost");
    backends.extend([
        ("certificate_of_a_stranger", secure(&strange), [Failure; 2]),
        ("certificate_for_another_name", named, [Failure; 2]),
        ("tls_where_none_is_expected", known.url(), [Failure; 2]),
        ("nobody_listens", FaultProxy::refused().await, [Failure; 2]),
    ]);
    run(&authority, backends).await
}
