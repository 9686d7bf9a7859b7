//! Limits that hold over thousands of requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    peer::{Peer, Wire},
    *,
};

/// Connections that a peer has, now and at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    /// A peer that runs `script` for every connection, and counts it until the
    /// client is gone.
    async fn peer<F, R>(self: &Arc<Self>, script: F) -> Peer
    where
        F: Fn(Wire) -> R + Clone + Send + 'static,
        R: Future<Output = Wire> + Send + 'static,
    {
        let gauge = Arc::clone(self);
        Peer::start(move |wire| {
            let (gauge, script) = (Arc::clone(&gauge), script.clone());
            async move {
                let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
                gauge.most.fetch_max(now, Ordering::SeqCst);
                script(wire).await.closed().await;
                gauge.now.fetch_sub(1, Ordering::SeqCst);
            }
        })
        .await
    }

    async fn falls_to_zero(&self) {
        while self.now.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn answer_all(mut wire: Wire) -> Wire {
    while wire.request().await.is_some() && wire.write(OK.as_bytes()).await {}
    wire
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_in_a_row_need_no_more_than_two_connections() {
    let (origin, plain, tunnel) = (
        Peer::start(|wire| async move { drop(answer_all(wire).await) }).await,
        Peer::start(|wire| async move { drop(answer_all(wire).await) }).await,
        Peer::forwarding().await,
    );
    let tunnelling = ProxyOptions {
        always_tunnel: true,
        ..ProxyOptions::default()
    };
    let tunnelling = Proxy::new(&tunnel.url(""), tunnelling).unwrap();
    let client = client();
    for (way, peer) in [
        (Way::Direct, &origin),
        (through(&plain.url("")), &plain),
        (Way::Proxy(Arc::new(tunnelling)), &tunnel),
    ] {
        for _ in 0..10_000 {
            let response = get(&client, &origin.url("/"), &way).await.unwrap();
            assert_eq!(text(response).await.unwrap(), "ok");
        }
        assert!(peer.connections() <= 2, "{}: {way:?}", peer.connections());
    }
    assert_eq!(client.counters().requests, 30_000);
    assert!(client.counters().connections <= 6);
}

/// A socket that is forgotten once per failure ends the process in a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_failures_leave_no_connection_open() {
    let answers = [
        "HTTP/1.1 407 No\r\nContent-Length: 9999\r\n\r\n",
        "HTTP/1.1 503 No\r\n\r\nmore",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\n\r\nearly bytes",
        "HTTP/1.1 200 OK\r\n\r\n",
    ];
    let gauge = Arc::<Gauge>::default();
    let peer = gauge
        .peer(move |mut wire| async move {
            wire.head().await;
            let answer = answers[wire.number % answers.len()];
            wire.write(answer.as_bytes()).await;
            // Inside the tunnel: half an answer.
            if answer.ends_with("OK\r\n\r\n") && wire.head().await.is_some() {
                wire.write(b"HTTP/1.1 200 OK\r\nContent-").await;
                wire.shutdown().await;
            }
            wire
        })
        .await;
    let options = ProxyOptions {
        always_tunnel: true,
        ..ProxyOptions::default()
    };
    let way = Way::Proxy(Arc::new(Proxy::new(&peer.url(""), options).unwrap()));
    let client = client();
    for _ in 0..10_000 {
        get(&client, "http://a.test/", &way).await.unwrap_err();
    }
    gauge.falls_to_zero().await;
    let most = gauge.most.load(Ordering::SeqCst);
    assert!(most < 50, "{most} connections at a time for one request");
}

#[tokio::test]
async fn requests_are_repeated_within_a_budget() {
    // Every connection is closed upon its second request.
    let origin = Peer::start(|mut wire| async move {
        wire.request().await;
        wire.write(OK.as_bytes()).await;
        wire.request().await;
    })
    .await;
    let client = client();
    let mut failed = 0;
    for _ in 0..1000 {
        match get(&client, &origin.url("/"), &Way::Direct).await {
            Ok(response) => assert_eq!(text(response).await.unwrap(), "ok"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Closed);
                failed += 1;
            }
        }
    }
    let counters = client.counters();
    assert!(
        failed > 0,
        "a peer like this got twice the load: {counters:?}"
    );
    assert_eq!(counters.repetitions_refused, failed);
    assert!(
        (250..=250 + 200).contains(&counters.repetitions),
        "{counters:?}"
    );
}

/// One peer's bad habits must not use up what another may need.
#[tokio::test]
async fn the_budget_of_one_peer_is_not_anothers() {
    let script = |mut wire: Wire| async move {
        wire.request().await;
        wire.write(OK.as_bytes()).await;
        wire.request().await;
    };
    let (bad, other) = (Peer::start(script).await, Peer::start(script).await);
    let client = client();
    for _ in 0..1000 {
        let _ = get(&client, &bad.url("/"), &Way::Direct).await.map(text);
    }
    for _ in 0..10 {
        let response = get(&client, &other.url("/"), &Way::Direct).await.unwrap();
        text(response).await.unwrap();
    }
}
