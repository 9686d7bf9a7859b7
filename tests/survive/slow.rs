//! Clients that take their time. Each is ended by its deadline, whatever it
//! does to look alive, and nobody else notices.

use std::{sync::Arc, time::Duration};

use cuttle_tests::{
    Authority, Exchange, Gateway, Origin, Outgoing, Reply, TestResult, command, soon,
};
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::healthy::{Healthy, cut, descriptors_are_back, gateway, listener, until};

const MIB: u64 = 1 << 20;
const LONG: u64 = 32 * MIB;

/// `ok`, or 32 MiB.
async fn origin() -> Origin {
    Origin::start(|head| match head.target() {
        "/x" => Reply::text("ok"),
        _ => Reply::long(LONG),
    })
    .await
}

/// Sends `start` and then a byte now and then, until the gateway ends it.
async fn drip(gateway: &Gateway, start: &str, count: usize) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for _ in 0..count {
        let mut client = gateway.connect().await.expect("a connection");
        let start = start.to_owned();
        clients.spawn(async move {
            if client.raw(start).await.is_err() {
                return;
            }
            while client.raw("a").await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
        });
    }
    clients
}

async fn ended(clients: JoinSet<()>) {
    soon("the end of all connections", clients.join_all()).await;
}

#[tokio::test]
async fn two_hundred_slow_heads_end_by_their_deadline() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({ "read_header_timeout": "2s" }), json!({})).await?;
    let before = gateway.usage()?;
    let healthy = Healthy::start(&gateway);
    let clients = drip(&gateway, "GET /slow HTTP/1.1\r\nX: ", 200).await;
    ended(clients).await;
    cut(&gateway, "head", 200).await;
    healthy.unharmed().await;
    descriptors_are_back(&gateway, &before).await;
    assert!(!origin.journal().text().contains("/slow"));
    Ok(())
}

#[tokio::test]
async fn two_hundred_slow_bodies_end_by_their_deadline() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({ "read_timeout": "2s" }), json!({})).await?;
    let before = gateway.usage()?;
    let healthy = Healthy::start(&gateway);
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n";
    ended(drip(&gateway, head, 200).await).await;
    cut(&gateway, "body", 200).await;
    healthy.unharmed().await;
    descriptors_are_back(&gateway, &before).await;
    let requests = origin.journal().requests;
    assert!(
        requests
            .iter()
            .all(|request| request.head.method() == "GET")
    );
    Ok(())
}

/// Without a limit of the listener the endpoint's own holds for bodies.
#[tokio::test]
async fn slow_bodies_end_with_their_endpoint() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({ "timeout": "2s" }), json!({})).await?;
    let before = gateway.usage()?;
    let healthy = Healthy::start(&gateway);
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1869f\r\n";
    ended(drip(&gateway, head, 50).await).await;
    healthy.unharmed().await;
    descriptors_are_back(&gateway, &before).await;
    Ok(())
}

#[tokio::test]
async fn twenty_readers_that_stall_end_by_their_deadline() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({ "stall_timeout": "2s" })).await?;
    let before = gateway.usage()?;
    let healthy = Healthy::start(&gateway);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = gateway.connect().await?;
        client.send(Outgoing::new("GET", "/big")).await?;
        clients.push(client);
    }
    cut(&gateway, "stall", 20).await;
    let peak = gateway.usage()?.peak;
    for mut client in clients {
        assert!(!client.answer().await?.complete, "not cut off cleanly");
    }
    healthy.unharmed().await;
    descriptors_are_back(&gateway, &before).await;
    let grown = peak.saturating_sub(before.resident);
    assert!(grown < 64 * MIB, "{grown} bytes for answers of {LONG}");
    Ok(())
}

/// It takes a little now and then: no single write stalls.
#[tokio::test]
async fn a_reader_by_drips_ends_by_its_deadline() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({ "flush_timeout": "2s" })).await?;
    let healthy = Healthy::start(&gateway);
    let mut client = gateway.connect().await?;
    client.send(Outgoing::new("GET", "/whole")).await?;
    assert_eq!(client.head().await?.status(), 200);
    let drips = async {
        while matches!(client.piece().await, Ok(Some(_))) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::join!(drips, cut(&gateway, "flush", 1));
    healthy.unharmed().await;
    Ok(())
}

async fn thousand(gateway: &Gateway, first: &str) -> anyhow::Result<Vec<Exchange>> {
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        let mut client = gateway.connect().await?;
        if !first.is_empty() {
            client.send(Outgoing::new("GET", first)).await?;
            assert_eq!(client.answer().await?.status, 200);
        }
        idle.push(client);
    }
    Ok(idle)
}

#[tokio::test]
async fn a_thousand_idle_connections_end_by_their_deadline() -> TestResult {
    for (limit, first, service, http) in [
        (
            "first_byte",
            "",
            json!({}),
            json!({ "first_byte_timeout": "5s" }),
        ),
        (
            "idle",
            "/__health",
            json!({ "idle_timeout": "5s" }),
            json!({}),
        ),
    ] {
        let origin = origin().await;
        let gateway = gateway(&origin, service, http).await?;
        let before = gateway.usage()?;
        let healthy = Healthy::start(&gateway);
        let idle = thousand(&gateway, first).await?;
        until(&gateway, "all accepted", |listener| {
            listener["accepted"].as_u64() >= Some(1_000)
        })
        .await;
        let grown = gateway.usage()?.resident.saturating_sub(before.resident);
        assert!(grown < 48 * MIB, "{limit}: {grown} bytes");
        for mut client in idle {
            assert!(client.closed().await, "{limit}");
        }
        cut(&gateway, limit, 1_000).await;
        healthy.unharmed().await;
        descriptors_are_back(&gateway, &before).await;
    }
    Ok(())
}

#[tokio::test]
async fn half_a_handshake_ends_by_its_deadline() -> TestResult {
    let (authority, folder) = (Authority::new(), Arc::new(tempfile::tempdir()?));
    let (certificate, key) = authority.issue(&["127.0.0.1"], folder.path());
    let gateway = Gateway::configured(json!({
        "version": 3, "endpoints": [],
        "tls": { "keys": [{ "public_key": certificate, "private_key": key }] },
        "extra_config": { "cuttle/http": { "status_path": "/__status", "tls_handshake_timeout": "1s" } },
    }));
    let gateway = gateway.dir(&folder).start().await?;
    // The start of a record of 255 bytes that never ends.
    let clients = drip(&gateway, "\u{16}\u{3}\u{1}\0", 50).await;
    ended(clients).await;
    let silent = gateway.connect().await?;
    ended(JoinSet::from_iter([async move {
        let mut silent = silent;
        assert!(silent.closed().await);
    }]))
    .await;
    let url = format!("https://{}/__status", gateway.address());
    let ca = authority.file();
    let output = command(
        "/usr/bin/curl",
        &["-s", "--cacert", &ca.to_string_lossy(), &url],
    )
    .output();
    let page: serde_json::Value = serde_json::from_slice(&soon("curl", output).await?.stdout)?;
    assert_eq!(page["listener"]["cut"]["tls_handshake"], 51, "{page}");
    Ok(())
}

/// The same numbers on both pages.
#[tokio::test]
async fn the_pages_tell_of_connections() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(
        &origin,
        json!({ "read_header_timeout": "200ms" }),
        json!({}),
    )
    .await?;
    ended(drip(&gateway, "GET", 3).await).await;
    cut(&gateway, "head", 3).await;
    let page = gateway.get("/__metrics").await?.body;
    for line in [
        "cuttle_listener_cut_total{limit=\"head\"} 3\n",
        "cuttle_listener_refused_total{cap=\"address\"} 0\n",
        "cuttle_listener_connections ",
        "cuttle_listener_accept_failures_total 0\n",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    until(&gateway, "all gone but this one", |listener| {
        listener["open"] == 1
    })
    .await;
    gateway.reload(1).await?;
    let later = listener(&gateway).await;
    assert_eq!(
        later["cut"]["head"], 3,
        "the process's, not the generation's"
    );
    Ok(())
}
