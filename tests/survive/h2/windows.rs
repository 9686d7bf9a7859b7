//! Games with windows, and streams beyond the number allowed.

use cuttle_tests::{Origin, Reply, TestResult};
use serde_json::json;

use super::wire::{
    Client, DATA, HEADERS, Outcome, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, number, request,
};
use crate::healthy::{Healthy, cut, descriptors_are_back, gateway};

/// SETTINGS_INITIAL_WINDOW_SIZE.
pub(crate) const INITIAL_WINDOW: u16 = 4;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const REFUSED_STREAM: u32 = 7;
const LONG: u64 = 32 << 20;

async fn origin() -> Origin {
    Origin::start(|head| match head.target() {
        "/x" => Reply::text("ok"),
        _ => Reply::long(LONG),
    })
    .await
}

#[tokio::test]
async fn clients_that_give_no_window_end_by_their_deadline() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({ "stall_timeout": "2s" })).await?;
    let before = gateway.usage()?;
    let healthy = Healthy::start(&gateway);
    let mut clients = Vec::new();
    for number in 0..20 {
        let mut client = Client::with_settings(gateway.address(), &[(INITIAL_WINDOW, 0)]).await;
        let path = ["/big", "/whole", "/x"][number % 3];
        client.send(&request(1, path)).await;
        clients.push(client);
    }
    for mut client in clients {
        let seen = client.gone().await;
        assert!(seen.iter().any(|frame| frame.kind == HEADERS), "{seen:?}");
        assert!(
            seen.iter().all(|frame| frame.kind != DATA),
            "no room for it"
        );
    }
    cut(&gateway, "stall", 20).await;
    healthy.unharmed().await;
    descriptors_are_back(&gateway, &before).await;
    Ok(())
}

/// The answer is complete for the gateway, which has no more than to send it; but there is
/// room for a byte of its two.
#[tokio::test]
async fn clients_that_leave_the_end_of_an_answer_end_by_their_deadline() -> TestResult {
    let origin = origin().await;
    for (limit, root) in [
        ("stall", json!({})),
        ("answer", json!({ "write_timeout": "2s" })),
    ] {
        let stall = if limit == "stall" { "1s" } else { "60s" };
        let gateway = gateway(&origin, root, json!({ "stall_timeout": stall })).await?;
        let mut client = Client::with_settings(gateway.address(), &[(INITIAL_WINDOW, 1)]).await;
        client.send(&request(1, "/x")).await;
        let seen = client.gone().await;
        let body: Vec<_> = seen.iter().filter(|frame| frame.kind == DATA).collect();
        assert_eq!(body.len(), 1, "{seen:?}");
        assert_eq!(body[0].payload, b"o", "{seen:?}");
        cut(&gateway, limit, 1).await;
    }
    Ok(())
}

/// A byte for each WINDOW_UPDATE would be three million frames.
#[tokio::test]
async fn a_window_by_bytes_ends_the_connection() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let healthy = Healthy::start(&gateway);
    let mut client = Client::with_settings(gateway.address(), &[(INITIAL_WINDOW, 0)]).await;
    client.send(&request(1, "/big")).await;
    let one = frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]);
    assert!(client.flood(100_000, |_| one.clone()).await, "let through");
    client.gone().await;
    cut(&gateway, "frames", 1).await;
    healthy.unharmed().await;
    Ok(())
}

/// Back and forth, which makes each stream's window be counted anew.
#[tokio::test]
async fn windows_that_change_all_the_time_end_the_connection() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let mut client = Client::with_settings(gateway.address(), &[(INITIAL_WINDOW, 0)]).await;
    for stream in 0..50 {
        client.send(&request(2 * stream + 1, "/x")).await;
    }
    let change = |number: usize| {
        let window = (number % 2) as u8;
        frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, window])
    };
    assert!(client.flood(100_000, change).await, "let through");
    client.gone().await;
    Ok(())
}

#[tokio::test]
async fn more_streams_than_announced_are_refused() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let mut client = Client::with_settings(gateway.address(), &[(INITIAL_WINDOW, 0)]).await;
    let announced = loop {
        let first = client.frame().await.expect("settings");
        if first.kind == SETTINGS && first.flags == 0 {
            break first.payload;
        }
    };
    let streams = announced
        .chunks(6)
        .find(|one| one[..2] == MAX_CONCURRENT_STREAMS.to_be_bytes())
        .map(|one| number(&one[2..]));
    assert_eq!(streams, Some(100));
    let all: Vec<u8> = (0..130).flat_map(|n| request(2 * n + 1, "/x")).collect();
    client.send(&all).await;
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < 130 {
        let frame = client.frame().await.expect("the connection stays");
        match frame.kind {
            HEADERS => answered += 1,
            RST_STREAM => {
                assert_eq!(number(&frame.payload), REFUSED_STREAM);
                refused += 1;
            }
            _ => {}
        }
    }
    assert_eq!((answered, refused), (100, 30));
    Ok(())
}

#[tokio::test]
async fn a_window_of_the_connection_that_overflows_ends_it() -> TestResult {
    let origin = origin().await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let mut client = Client::connect(gateway.address()).await;
    let most = frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]);
    client
        .send(&[most.clone(), most, request(1, "/x")].concat())
        .await;
    assert_eq!(client.outcome(1).await, Outcome::Gone);
    Ok(())
}
