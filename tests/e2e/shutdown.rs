//! SIGTERM: what is being answered is answered to its end, nothing new begins.

use std::time::Duration;

use cuttle_tests::{Exchange, Gate, Gateway, Origin, Outgoing, Reply, Step, TestResult, soon};
use serde_json::json;

use crate::support::{WAYS, service, three_ways};

/// An origin that has sent half of its answer and waits.
async fn halfway(gate: &Gate) -> Origin {
    let steps = vec![
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"),
        Step::Wait(gate.clone()),
        Step::send("done"),
    ];
    Origin::start(move |_| Reply::steps(steps.clone())).await
}

async fn refuses_connections(gateway: &Gateway) {
    let address = gateway.address();
    soon("the listener's end", async {
        while Exchange::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_gateway_ends_at_once_with_code_0() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut gateway = Gateway::start(service(three_ways(&origin))).await?;
    // A connection that is kept alive is no reason to wait.
    let mut idle = gateway.connect().await?;
    idle.send(Outgoing::new("GET", "/direct")).await?;
    assert_eq!(idle.answer().await?.status, 200);
    let start = std::time::Instant::now();
    assert_eq!(gateway.stop().await?, 0);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "took {:?}",
        start.elapsed()
    );
    assert!(idle.closed().await);
    Ok(())
}

#[tokio::test]
async fn requests_under_way_are_finished_on_every_way() -> TestResult {
    for way in WAYS {
        let gate = Gate::new();
        let origin = halfway(&gate).await;
        let mut gateway = Gateway::start(service(three_ways(&origin))).await?;
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", way)).await?;
        assert_eq!(exchange.piece_after_head().await?, "half", "{way}");

        gateway.terminate()?;
        refuses_connections(&gateway).await;
        gate.open();
        assert_eq!(
            exchange.piece().await?.as_deref(),
            Some(&b"done"[..]),
            "{way}"
        );
        assert_eq!(exchange.piece().await?, None, "{way}");
        assert_eq!(gateway.ended().await?, 0, "{way}");
    }
    Ok(())
}

#[tokio::test]
async fn the_wait_for_them_has_the_configured_limit() -> TestResult {
    let gate = Gate::new();
    let origin = halfway(&gate).await;
    let mut config = service(three_ways(&origin));
    config["max_shutdown_wait_time"] = json!("300ms");
    let mut gateway = Gateway::start(config).await?;
    let mut exchange = gateway.connect().await?;
    exchange.send(Outgoing::new("GET", "/plugin")).await?;
    assert_eq!(exchange.piece_after_head().await?, "half");
    let start = std::time::Instant::now();
    gateway.stop().await?;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "took {:?}",
        start.elapsed()
    );
    assert!(exchange.piece().await.is_err(), "cut off, and seen to be");
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() -> TestResult {
    let gate = Gate::new();
    let origin = halfway(&gate).await;
    let mut gateway = Gateway::start(service(three_ways(&origin))).await?;
    let mut exchange = gateway.connect().await?;
    exchange.send(Outgoing::new("GET", "/direct")).await?;
    assert_eq!(exchange.piece_after_head().await?, "half");
    gateway.terminate()?;
    refuses_connections(&gateway).await;
    gateway.terminate()?;
    gateway.ended().await?;
    assert!(exchange.piece().await.is_err());
    Ok(())
}
