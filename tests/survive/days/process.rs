//! The process itself: suspended, killed, told to reload and to end.

use std::time::Duration;

use cuttle_tests::{
    Exchange, Gate, Gateway, Origin, Outgoing, Reply, Signal, Step, TestResult, soon,
};
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use super::{backend, recovers, service};
use crate::healthy::{self, Healthy};

/// An origin that has sent half of its answer and waits.
async fn halfway(gate: &Gate) -> Origin {
    let steps = vec![
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"),
        Step::Wait(gate.clone()),
        Step::send("done"),
    ];
    Origin::start(move |_| Reply::steps(steps.clone())).await
}

/// A request on its way at `GET /x`, of which half is there.
async fn under_way(address: std::net::SocketAddr) -> std::io::Result<Exchange> {
    let mut exchange = Exchange::connect(address).await?;
    exchange.send(Outgoing::new("GET", "/x")).await?;
    assert_eq!(exchange.piece_after_head().await?, "half");
    Ok(exchange)
}

async fn finished(mut exchange: Exchange) -> std::io::Result<()> {
    assert_eq!(exchange.piece().await?.as_deref(), Some(&b"done"[..]));
    assert_eq!(exchange.piece().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_suspended_gateway_goes_on_where_it_was() -> TestResult {
    let gate = Gate::new();
    let origin = halfway(&gate).await;
    let gateway = Gateway::start(service(backend(&origin.url()))).await?;
    let exchange = under_way(gateway.address()).await?;
    gateway.signal(Signal::STOP)?;
    // It is the time that is the test.
    sleep(Duration::from_secs(2)).await;
    gate.open();
    gateway.signal(Signal::CONT)?;
    finished(exchange).await?;
    recovers(&gateway).await;
    Ok(())
}

#[tokio::test]
async fn a_killed_gateway_can_be_started_on_its_port_at_once() -> TestResult {
    let gate = Gate::new();
    let origin = halfway(&gate).await;
    let mut config = service(backend(&origin.url()));
    let mut gateway = Gateway::start(config.clone()).await?;
    let address = gateway.address();
    let mut exchange = under_way(address).await?;
    gateway.signal(Signal::KILL)?;
    assert!(exchange.piece().await.is_err(), "seen to be cut off");
    gateway.ended().await?;
    gate.open();
    config["listen_ip"] = json!("127.0.0.1");
    let again = Gateway::configured(config).port(address.port());
    let again = again.start().await?;
    assert_eq!(again.address(), address);
    recovers(&again).await;
    Ok(())
}

async fn until_status(gateway: &Gateway, path: &str, status: u16) {
    soon("a configuration", async {
        while !matches!(gateway.get(path).await, Ok(answer) if answer.status == status) {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_reloads_fails_no_request() -> TestResult {
    const STORM: usize = 100;
    let origin = Origin::replying("ok").await;
    let gateway = healthy::gateway(&origin, json!({}), json!({})).await?;
    let load = Healthy::start(&gateway);
    for _ in 0..STORM {
        gateway.signal(Signal::HUP)?;
        sleep(Duration::from_millis(2)).await;
    }
    // Signals that come while one waits are one: what counts is the last, also
    // when it comes during a reload.
    let mut long = service(backend(&origin.url()));
    let endpoints = long["endpoints"].as_array_mut().expect("a list");
    endpoints.extend((0..2_000).map(|number| {
        let mut one = service(backend(&origin.url()))["endpoints"][0].take();
        one["endpoint"] = json!(format!("/long/{number}"));
        one
    }));
    gateway.configure(long)?;
    gateway.signal(Signal::HUP)?;
    until_status(&gateway, "/long/0", 200).await;
    let started = |line: &str| line.contains("\"reload started\"");
    let text = gateway.log().text();
    let count = text.lines().filter(|line| started(line)).count();
    gateway.signal(Signal::HUP)?;
    let during = gateway.log().nth("another reload", count + 1, started);
    assert!(during.await.is_some());
    gateway.configure(service(backend(&origin.url())))?;
    gateway.signal(Signal::HUP)?;
    until_status(&gateway, "/long/0", 404).await;
    load.unharmed().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_500_requests_under_way_finish() -> TestResult {
    const REQUESTS: usize = 500;
    let gate = Gate::new();
    let origin = halfway(&gate).await;
    let mut gateway = healthy::gateway(&origin, json!({}), json!({})).await?;
    let address = gateway.address();
    let mut starting = JoinSet::new();
    for _ in 0..REQUESTS {
        starting.spawn(under_way(address));
    }
    let mut exchanges = Vec::new();
    while let Some(exchange) = starting.join_next().await {
        exchanges.push(exchange??);
    }
    gateway.terminate()?;
    soon("the listener's end", async {
        while Exchange::connect(address).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    gate.open();
    let mut ending = JoinSet::new();
    for exchange in exchanges {
        ending.spawn(finished(exchange));
    }
    while let Some(end) = ending.join_next().await {
        end??;
    }
    assert_eq!(gateway.ended().await?, 0);
    Ok(())
}
