//! Bodies of every size arrive byte for byte, and none of them in the
//! gateway's memory.

use cuttle_tests::{Gateway, Origin, Outgoing, Pattern, Reply, TestResult, Usage};
use serde_json::json;

use crate::support::{WAYS, service, three_ways, three_ways_by};

const SIZES: [u64; 4] = [0, 1, 64 << 10, 64 << 20];
const GIBIBYTE: u64 = 1 << 30;
/// What the gateway's memory may grow while a gibibyte passes through.
const GROWTH: u64 = 16 << 20;

#[tokio::test]
async fn answers_of_every_size_and_framing_arrive_whole() -> TestResult {
    for size in SIZES {
        let expected = Pattern::new(size).digest();
        for (framing, reply) in [
            ("length", Reply::long(size)),
            ("chunks", Reply::chunked(size)),
        ] {
            let origin = Origin::start(move |_| reply.clone()).await;
            let gateway = Gateway::start(service(three_ways(&origin))).await?;
            for way in WAYS {
                let answer = gateway.get(way).await?;
                assert!(answer.complete, "{size} bytes by {framing}, {way}");
                assert_eq!(answer.digest, expected, "{size} bytes by {framing}, {way}");
                let length = answer.field("content-length").map(ToOwned::to_owned);
                if framing == "length" {
                    assert_eq!(
                        length,
                        Some(size.to_string()),
                        "{way}: a known length stays known"
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn requests_of_every_size_and_framing_arrive_whole() -> TestResult {
    let origin = Origin::replying("thanks").await;
    let gateway = Gateway::start(service(three_ways_by("POST", &origin))).await?;
    for size in SIZES {
        let expected = Pattern::new(size).digest();
        for way in WAYS {
            for chunked in [false, true] {
                let request = Outgoing::new("POST", way);
                let request = match chunked {
                    true => request.chunks(Pattern::new(size)),
                    false => request.body(Pattern::new(size)),
                };
                let answer = gateway.ask(request).await?;
                assert_eq!(answer.status, 200, "{size} bytes, chunked {chunked}, {way}");
                assert_eq!(
                    origin.last().body,
                    expected,
                    "{size} bytes, chunked {chunked}, {way}"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_gibibyte_down_through_the_plugin_leaves_the_memory_alone() -> TestResult {
    let origin = Origin::start(|head| match head.target().ends_with("/plugin") {
        true => Reply::long(GIBIBYTE),
        false => Reply::text("warm"),
    })
    .await;
    let mut endpoints = three_ways(&origin);
    endpoints[1]["timeout"] = json!("10m");
    let gateway = Gateway::start(service(endpoints)).await?;
    warm_up(&gateway, "GET").await?;
    let before = gateway.usage()?.resident;
    Usage::reset_peak(gateway.pid())?;

    let answer = gateway.get("/plugin").await?;
    assert!(answer.complete);
    assert_eq!(answer.digest, Pattern::new(GIBIBYTE).digest());
    grown(&gateway, before)
}

#[tokio::test]
async fn a_gibibyte_up_through_the_plugin_leaves_the_memory_alone() -> TestResult {
    let origin = Origin::replying("thanks").await;
    let mut endpoints = three_ways_by("POST", &origin);
    endpoints[1]["timeout"] = json!("10m");
    let gateway = Gateway::start(service(endpoints)).await?;
    warm_up(&gateway, "POST").await?;
    let before = gateway.usage()?.resident;
    Usage::reset_peak(gateway.pid())?;

    let mut exchange = gateway.connect().await?;
    exchange
        .send(Outgoing::new("POST", "/plugin").body(Pattern::new(GIBIBYTE)))
        .await?;
    assert_eq!(exchange.answer().await?.status, 200);
    assert_eq!(origin.last().body, Pattern::new(GIBIBYTE).digest());
    grown(&gateway, before)
}

/// The first request on each way makes pools and instances, which stay.
async fn warm_up(gateway: &Gateway, method: &str) -> TestResult {
    for way in ["/direct", "/client"] {
        let request = Outgoing::new(method, way);
        let request = if method == "POST" {
            request.text("warm")
        } else {
            request
        };
        assert_eq!(gateway.ask(request).await?.status, 200);
    }
    Ok(())
}

fn grown(gateway: &Gateway, before: u64) -> TestResult {
    let growth = gateway.usage()?.peak.saturating_sub(before);
    assert!(growth < GROWTH, "grew by {} KiB", growth >> 10);
    Ok(())
}
