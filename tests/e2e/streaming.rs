//! Bodies move as they come, at the speed of the slower side, and a body that
//! breaks off is seen to break off. All of it on every way to a backend.

use std::time::Duration;

use bytes::Bytes;
use cuttle_tests::{Gate, Gateway, Origin, Outgoing, Pattern, Reply, Step, TestResult};
use serde_json::json;

use crate::support::{WAYS, service, three_ways, three_ways_by, with};

/// What buffers of two sockets and the gateway may hold before a sender must
/// wait; far less than what the tests would send.
const BUFFERS: u64 = 48 << 20;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_piece_of_an_answer_arrives_before_the_next_is_written() -> TestResult {
    for way in WAYS {
        let gate = Gate::new();
        let steps = vec![
            Step::send(CHUNKED),
            Step::send("6\r\nfirst \r\n"),
            Step::Wait(gate.clone()),
            Step::send("6\r\nsecond\r\n0\r\n\r\n"),
        ];
        let origin = Origin::start(move |_| Reply::steps(steps.clone())).await;
        let gateway = Gateway::start(service(three_ways(&origin))).await?;
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", way)).await?;

        assert_eq!(exchange.head().await?.status(), 200, "{way}");
        assert_eq!(
            exchange.piece().await?.as_deref(),
            Some(&b"first "[..]),
            "{way}"
        );
        gate.open();
        assert_eq!(
            exchange.piece().await?.as_deref(),
            Some(&b"second"[..]),
            "{way}"
        );
        assert_eq!(exchange.piece().await?, None, "{way}");
    }
    Ok(())
}

#[tokio::test]
async fn a_piece_of_a_request_arrives_before_the_next_is_written() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::start(service(three_ways_by("POST", &origin))).await?;
    for way in WAYS {
        let mut exchange = gateway.connect().await?;
        let head = format!("POST {way} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        exchange.raw(head).await?;
        let (marker, chunk) = (format!("first of {way}"), format!("first of {way}"));
        exchange
            .raw(format!("{:x}\r\n{chunk}\r\n", chunk.len()))
            .await?;
        origin
            .wait("the first piece", |journal| {
                journal.text().contains(&marker).then_some(())
            })
            .await;
        exchange.raw("0\r\n\r\n").await?;
        assert_eq!(exchange.answer().await?.status, 200, "{way}");
        assert_eq!(origin.last().body.text(), marker);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_the_backend() -> TestResult {
    for way in WAYS {
        let origin = Origin::start(|_| {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                u64::MAX / 2
            );
            Reply::steps(vec![Step::send(&head), Step::Flood])
        })
        .await;
        let gateway = Gateway::start(service(three_ways(&origin))).await?;
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", way)).await?;
        exchange.head().await?;

        let sent = settled(|| origin.journal().sent).await;
        assert!(sent < BUFFERS, "{way}: {sent} bytes for nobody");
        let resident = gateway.usage()?.resident;
        for _ in 0..8 {
            exchange.piece().await?;
        }
        drop(exchange);
        origin
            .wait("the end of the backend call", |journal| {
                (journal.gone > 0).then_some(())
            })
            .await;
        assert!(resident < 256 << 20, "{way}: {resident} bytes resident");
    }
    Ok(())
}

#[tokio::test]
async fn a_backend_that_stops_reading_stops_the_client() -> TestResult {
    for way in WAYS {
        // `early` answers do not read the body, and this one never comes.
        let gate = Gate::new();
        let held = gate.clone();
        let origin =
            Origin::start(move |_| Reply::steps(vec![Step::Wait(held.clone())]).early()).await;
        let gateway = Gateway::start(service(three_ways_by("POST", &origin))).await?;
        let sent = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (address, counter) = (gateway.address(), sent.clone());
        let sender = tokio::spawn(async move {
            let mut exchange = cuttle_tests::Exchange::connect(address).await?;
            exchange
                .raw(format!(
                    "POST {way} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                    1_u64 << 40
                ))
                .await?;
            for piece in Pattern::new(1 << 40) {
                exchange.raw(&piece).await?;
                counter.fetch_add(piece.len() as u64, std::sync::atomic::Ordering::Relaxed);
            }
            std::io::Result::Ok(())
        });
        origin
            .wait("the head", |journal| journal.heads.first().map(|_| ()))
            .await;
        let passed = settled(|| sent.load(std::sync::atomic::Ordering::Relaxed)).await;
        assert!(passed < BUFFERS, "{way}: {passed} bytes went nowhere");
        sender.abort();
        gate.open();
    }
    Ok(())
}

/// The value once it has been the same for half a second: the only way to see
/// that something does *not* go on.
async fn settled(read: impl Fn() -> u64) -> u64 {
    let mut last = read();
    let mut still = 0;
    while still < 10 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = read();
        still = if now == last && now > 0 { still + 1 } else { 0 };
        last = now;
        if now > BUFFERS {
            return now;
        }
    }
    last
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_backend_call() -> TestResult {
    for way in WAYS {
        let origin = Origin::start(|_| Reply::steps(vec![Step::Silence])).await;
        let gateway = Gateway::start(service(three_ways(&origin))).await?;
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", way)).await?;
        origin
            .wait("the request", |journal| {
                journal.requests.first().map(|_| ())
            })
            .await;

        drop(exchange);
        origin
            .wait("the end of the backend call", |journal| {
                (journal.gone == 1).then_some(())
            })
            .await;
        // The gateway is well and its plugin answers the next request.
        assert_eq!(gateway.get("/__health").await?.status, 200, "{way}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_for_the_client_too() -> TestResult {
    let halves: [(&str, Vec<Step>); 4] = [
        (
            "length",
            vec![
                Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                Step::Close,
            ],
        ),
        (
            "chunk",
            vec![Step::send(CHUNKED), Step::send("9\r\nhalf"), Step::Close],
        ),
        (
            "no last chunk",
            vec![
                Step::send(CHUNKED),
                Step::send("4\r\nhalf\r\n"),
                Step::Close,
            ],
        ),
        (
            "large",
            vec![
                Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"),
                Step::Pattern(Pattern::new(1 << 20)),
                Step::Close,
            ],
        ),
    ];
    for (name, steps) in halves {
        let origin = Origin::start(move |_| Reply::steps(steps.clone())).await;
        let gateway = Gateway::start(service(three_ways(&origin))).await?;
        for way in WAYS {
            let answer = gateway.get(way).await?;
            assert_eq!(answer.status, 200, "{name}, {way}");
            assert!(!answer.complete, "{name}, {way}: {answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_breaks_off_is_broken_for_the_backend_too() -> TestResult {
    for way in WAYS {
        for (framing, part) in [
            ("Content-Length: 9", "half"),
            ("Transfer-Encoding: chunked", "4\r\nhalf\r\n"),
        ] {
            let origin = Origin::replying("ok").await;
            let gateway = Gateway::start(service(three_ways_by("POST", &origin))).await?;
            let mut exchange = gateway.connect().await?;
            exchange
                .raw(format!(
                    "POST {way} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{part}"
                ))
                .await?;
            origin
                .wait("the first half", |journal| {
                    journal.text().contains("half").then_some(())
                })
                .await;
            drop(exchange);
            origin
                .wait("the break", |journal| (journal.broken == 1).then_some(()))
                .await;
            assert_eq!(
                origin.journal().requests.len(),
                0,
                "{way} {framing}: taken for complete"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_timeout_covers_the_body() -> TestResult {
    let origin = Origin::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx";
        Reply::steps(vec![
            Step::send(head),
            Step::Drip(Bytes::from(vec![b'x'; 999]), Duration::from_millis(20)),
        ])
    })
    .await;
    let limited = |endpoint| with(endpoint, "timeout", json!("500ms"));
    let gateway = Gateway::start(service(
        three_ways(&origin).into_iter().map(limited).collect(),
    ))
    .await?;
    for way in WAYS {
        let start = std::time::Instant::now();
        let answer = gateway.get(way).await?;
        assert!(
            start.elapsed() < Duration::from_millis(1500),
            "{way}: {:?}",
            start.elapsed()
        );
        assert_eq!((answer.status, answer.complete), (200, false), "{way}");
    }
    Ok(())
}
