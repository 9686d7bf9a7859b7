//! Frames that cost nothing to send. Each flood ends with its connection, soon,
//! and beside it nobody notices.

use cuttle_tests::{Gateway, Origin, TestResult};
use serde_json::json;

use super::wire::{
    CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, HEADERS, Outcome, PING, PRIORITY,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, fields, frame, get, request, text,
};
use crate::healthy::{Healthy, cut, descriptors_are_back, gateway};

/// Far more than any limit.
const BATCHES: usize = 20_000;
const IN_A_BATCH: usize = 100;
const MIB: u64 = 1 << 20;

/// What is sent over and over, given a stream of its own.
type Way<'a> = &'a dyn Fn(u32) -> Vec<u8>;

/// The `n`th stream of a client.
fn stream(n: usize) -> u32 {
    u32::try_from(2 * n + 1).expect("a stream")
}

fn batch(number: usize, one: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let first = number * IN_A_BATCH;
    let streams = (first..first + IN_A_BATCH).map(stream);
    streams.flat_map(one).collect()
}

/// Ends with the connection, with healthy traffic unharmed.
async fn is_ended(
    gateway: &Gateway,
    name: &str,
    start: &[u8],
    one: impl Fn(u32) -> Vec<u8>,
) -> TestResult {
    let before = gateway.usage()?;
    let healthy = Healthy::start(gateway);
    let mut client = Client::connect(gateway.address()).await;
    client.send(start).await;
    let ended = client.flood(BATCHES, |number| batch(number, &one)).await;
    assert!(ended, "{name} was let through");
    client.gone().await;
    healthy.unharmed().await;
    descriptors_are_back(gateway, &before).await;
    let grown = gateway.usage()?.peak.saturating_sub(before.resident);
    assert!(grown < 48 * MIB, "{name}: {grown} bytes");
    Ok(())
}

#[tokio::test]
async fn frames_that_ask_for_nothing_end_the_connection() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let post = fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", "/x"),
    ]);
    let open = frame(HEADERS, END_HEADERS, 1, &post);
    let empty = |_| frame(DATA, 0, 1, &[]);
    let cases: [(&str, &[u8], Way<'_>); 8] = [
        ("PING", &[], &|_| frame(PING, 0, 0, &[7; 8])),
        ("acknowledged PING", &[], &|_| frame(PING, 1, 0, &[7; 8])),
        ("SETTINGS", &[], &|_| {
            frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255])
        }),
        ("empty SETTINGS", &[], &|_| frame(SETTINGS, 0, 0, &[])),
        ("PRIORITY", &[], &|stream| {
            frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 9])
        }),
        ("empty DATA", &open, &empty),
        ("unknown frames", &[], &|_| frame(0xbe, 0, 0, &[])),
        ("WINDOW_UPDATE", &open, &|_| {
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])
        }),
    ];
    for (name, start, one) in cases {
        is_ended(&gateway, name, start, one).await?;
    }
    // h2 has a limit of its own for empty DATA, which is lower.
    cut(&gateway, "frames", 7).await;
    Ok(())
}

/// Rapid reset (CVE-2023-44487).
#[tokio::test]
async fn requests_that_are_taken_back_end_the_connection() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    is_ended(&gateway, "rapid reset", &[], |stream| {
        let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [request(stream, "/big"), reset].concat()
    })
    .await?;
    let journal = origin.journal();
    let reached = journal.heads.iter().filter(|head| head.target() == "/big");
    assert!(reached.count() <= 1_100, "the account's worth of requests");
    Ok(())
}

/// MadeYouReset (CVE-2025-8671): it is the gateway that resets.
#[tokio::test]
async fn streams_that_have_to_be_reset_end_the_connection() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let ways: [(&str, Way<'_>); 4] = [
        ("a window made larger by nothing", &|stream| {
            frame(WINDOW_UPDATE, 0, stream, &[0; 4])
        }),
        ("a window too large", &|stream| {
            frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff])
        }),
        ("a body behind its end", &|stream| {
            frame(DATA, 0, stream, b"more")
        }),
        ("a stream that depends on itself", &|stream| {
            let priority = [&stream.to_be_bytes()[..], &[9]].concat();
            frame(PRIORITY, 0, stream, &priority)
        }),
    ];
    for (name, second) in ways {
        is_ended(&gateway, name, &[], |stream| {
            [request(stream, "/x"), second(stream)].concat()
        })
        .await?;
    }
    Ok(())
}

/// CVE-2024-27316 and relatives: a head that never ends.
#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let start = frame(HEADERS, END_STREAM, 1, &get("/endless"));
    let long = fields(&[("x-long", &"a".repeat(16_000))]);
    let short = fields(&[("x", "a")]);
    for payload in [&[][..], &short, &long] {
        is_ended(&gateway, "CONTINUATION", &start, |_| {
            frame(CONTINUATION, 0, 1, payload)
        })
        .await?;
    }
    assert!(!origin.journal().text().contains("/endless"));
    Ok(())
}

/// A head of 15 KiB that is 60 MB when unpacked.
#[tokio::test]
async fn a_head_that_unpacks_to_a_flood_is_refused() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let before = gateway.usage()?;
    let healthy = Healthy::start(&gateway);
    let mut block = get("/bomb");
    // Into the table, and out of it again and again (RFC 7541 section 6).
    block.push(0x40);
    text(&mut block, "x-bomb");
    text(&mut block, &"a".repeat(4_000));
    block.extend([0xbe; 12_000]);
    for _ in 0..20 {
        let mut client = Client::connect(gateway.address()).await;
        client
            .send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block))
            .await;
        let outcome = client.outcome(1).await;
        assert_ne!(outcome, Outcome::Status(200));
    }
    healthy.unharmed().await;
    let grown = gateway.usage()?.peak.saturating_sub(before.resident);
    assert!(grown < 32 * MIB, "{grown} bytes");
    assert!(!origin.journal().text().contains("/bomb"));
    Ok(())
}
