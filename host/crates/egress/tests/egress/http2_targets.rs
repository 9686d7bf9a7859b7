//! HTTP/2 with targets, chosen by ALPN.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use h2::{Reason, server};
use tokio::{net::TcpListener, sync::watch};
use tokio_rustls::TlsAcceptor;

use super::{
    http2::H2Proxy,
    peer::Peer,
    tls::{Identity, https, origin},
    *,
};

/// A target that speaks HTTP/2, and answers by path: `/cut` with a body that is
/// reset, all else with the body of the request.
struct H2Origin {
    address: SocketAddr,
    seen: Arc<Seen>,
    kill: watch::Sender<usize>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    open: AtomicUsize,
    requests: Mutex<Vec<String>>,
    /// The client has the head of `/cut`.
    head_arrived: tokio::sync::Notify,
}

impl H2Origin {
    async fn start(tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let (kill, killed) = watch::channel(0);
        let for_all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, tls) = (Arc::clone(&for_all), tls.clone());
                let mut killed = killed.clone();
                killed.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else {
                        return;
                    };
                    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                    seen.connections.fetch_add(1, Ordering::SeqCst);
                    seen.open.fetch_add(1, Ordering::SeqCst);
                    tokio::select! {
                        () = serve(stream, &seen) => {}
                        _ = killed.changed() => {}
                    }
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            seen,
            kill,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    async fn all_closed(&self) {
        while self.seen.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve<T>(stream: T, seen: &Arc<Seen>)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut connection = server::Builder::new()
        // By this the library measures how many small frames it bears unread.
        .initial_connection_window_size(16 * 1024 * 1024)
        .handshake::<_, Bytes>(stream)
        .await
        .unwrap();
    let mut answers = tokio::task::JoinSet::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let seen = Arc::clone(seen);
        answers.spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut content = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                let _ = body.flow_control().release_capacity(data.len());
                content.extend_from_slice(&data);
            }
            let shown = format!("{} {} {:?}", head.method, head.uri, head.headers);
            seen.requests.lock().unwrap().push(shown);
            let mut send = respond.send_response(Response::new(()), false).unwrap();
            send.send_data(Bytes::from(content), false).unwrap();
            if head.uri.path() == "/cut" {
                seen.head_arrived.notified().await;
                send.send_reset(Reason::INTERNAL_ERROR);
                return;
            }
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-sum", "1".parse().unwrap());
            send.send_trailers(trailers).unwrap();
        });
    }
}

async fn h2_origin() -> (H2Origin, Identity) {
    let identity = Identity::of(&["localhost"]);
    let acceptor = identity.acceptor_speaking(&[b"h2", b"http/1.1"]);
    (H2Origin::start(acceptor).await, identity)
}

fn speaking(identity: &Identity, change: impl Fn(&mut Settings)) -> Client {
    let mut settings = Settings {
        http2: true,
        tls: identity.settings(),
        ..Settings::default()
    };
    change(&mut settings);
    Client::new(settings).unwrap()
}

#[tokio::test]
async fn a_request_has_an_authority_and_no_field_of_http1() {
    let (origin, identity) = h2_origin().await;
    let client = speaking(&identity, |_| {});
    for body in [full("body"), pieces(vec![Ok("bo"), Ok("dy")])] {
        let mut sent = request("POST", &origin.url("/p?q"), body);
        for (name, value) in [("x-own", "1"), ("te", "trailers"), ("host", "evil.test")] {
            sent.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = send(&client, sent, &Way::Direct).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_11);
        let read = response.into_body().collect().await.unwrap();
        assert!(read.trailers().is_none());
        assert_eq!(read.to_bytes(), "body");
    }
    let seen = origin.seen.requests.lock().unwrap().clone();
    let url = origin.url("/p?q");
    assert_eq!(
        seen,
        [
            format!("POST {url} {{\"x-own\": \"1\", \"content-length\": \"4\"}}"),
            format!("POST {url} {{\"x-own\": \"1\"}}"),
        ]
    );
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn http1_is_spoken_unless_both_sides_want_more() {
    let (both, identity) = (Peer::start_tls, Identity::of(&["localhost"]));
    let acceptor = identity.acceptor_speaking(&[b"h2", b"http/1.1"]);
    let peer = both(acceptor, |mut wire| async move {
        while wire.request().await.is_some() && wire.write(OK.as_bytes()).await {}
    })
    .await;
    let response = get(
        &identity.trusting(),
        &https("localhost", &peer),
        &Way::Direct,
    )
    .await;
    assert_eq!(
        text(response.unwrap()).await.unwrap(),
        "ok",
        "it is off by default"
    );
    let one_by_one = speaking(&identity, |settings| settings.disable_keep_alives = true);
    let response = get(&one_by_one, &https("localhost", &peer), &Way::Direct).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");

    let (old, identity) = origin(&["localhost"]).await;
    let client = speaking(&identity, |_| {});
    let response = get(&client, &https("localhost", &old), &Way::Direct).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_share_a_connection_whichever_way_they_take() {
    let (origin, identity) = h2_origin().await;
    let proxy = Peer::forwarding().await;
    let h2_proxy = H2Proxy::plain().await;
    for (n, way) in [Way::Direct, through(&proxy.url("")), h2_proxy.way("http")]
        .into_iter()
        .enumerate()
    {
        let client = speaking(&identity, |_| {});
        let url = origin.url("/");
        text(get(&client, &url, &way).await.unwrap()).await.unwrap();
        let calls = (0..90).map(|_| async {
            let sent = send(&client, request("PUT", &url, full("body")), &way).await;
            assert_eq!(text(sent.unwrap()).await.unwrap(), "body");
        });
        futures_util::future::join_all(calls).await;
        assert_eq!(origin.connections(), n + 1, "{way:?}");
    }
    assert_eq!((proxy.connections(), h2_proxy.connections()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_leaves_no_more_connections_than_it_needs() {
    let (origin, identity) = h2_origin().await;
    let client = speaking(&identity, |_| {});
    let url = origin.url("/");
    let calls = (0..50).map(|_| async {
        text(get(&client, &url, &Way::Direct).await.unwrap())
            .await
            .unwrap();
    });
    futures_util::future::join_all(calls).await;
    while origin.seen.open.load(Ordering::SeqCst) > 1 {
        tokio::task::yield_now().await;
    }
    let before = origin.connections();
    text(get(&client, &url, &Way::Direct).await.unwrap())
        .await
        .unwrap();
    assert_eq!(origin.connections(), before);
}

#[tokio::test]
async fn a_body_that_is_reset_is_an_error_not_an_end() {
    let (origin, identity) = h2_origin().await;
    let client = speaking(&identity, |_| {});
    let sent = request("POST", &origin.url("/cut"), full("half"));
    let response = send(&client, sent, &Way::Direct).await.unwrap();
    origin.seen.head_arrived.notify_one();
    let error = text(response).await.unwrap_err();
    assert_eq!(kind_of(&error), ErrorKind::Closed);
    let response = get(&client, &origin.url("/"), &Way::Direct).await.unwrap();
    text(response).await.unwrap();
    assert_eq!(origin.connections(), 1, "the connection is not to blame");
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_for_a_request_that_may_be_repeated() {
    let (origin, identity) = h2_origin().await;
    let client = speaking(&identity, |_| {});
    for round in 1..=3 {
        let response = get(&client, &origin.url("/"), &Way::Direct).await.unwrap();
        text(response).await.unwrap();
        assert_eq!(origin.connections(), round);
        origin.kill.send_modify(|count| *count += 1);
        origin.all_closed().await;
    }
}

#[tokio::test]
async fn an_unused_connection_is_closed_after_its_time_and_with_the_client() {
    for timeout in [Some(Duration::from_millis(50)), None] {
        let (origin, identity) = h2_origin().await;
        let client = speaking(&identity, |settings| {
            settings.idle_connection_timeout = timeout
        });
        let response = get(&client, &origin.url("/"), &Way::Direct).await.unwrap();
        text(response).await.unwrap();
        if timeout.is_none() {
            drop(client);
        }
        origin.all_closed().await;
    }
}
