//! Tunnels over HTTP/2 connections to a proxy.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use cuttle_egress::{ProxyGroup, Sharing};
use h2::{RecvStream, SendStream, server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use super::{
    peer::{Io, Peer},
    tls::{Identity, https, origin},
    *,
};

const BASIC: &str = "Basic YWxpY2U6czMgY3JAdA==";

/// A proxy that speaks HTTP/2 and opens every tunnel with `status`.
pub(crate) struct H2Proxy {
    address: SocketAddr,
    seen: Arc<Seen>,
    /// Ends every connection.
    kill: watch::Sender<usize>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    open: AtomicUsize,
    /// Method, URI and fields of each request.
    requests: Mutex<Vec<String>>,
}

impl H2Proxy {
    async fn start(tls: Option<TlsAcceptor>, status: u16, streams: Option<u32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let (kill, killed) = watch::channel(0);
        let for_all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                for_all.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, tls) = (Arc::clone(&for_all), tls.clone());
                let mut killed = killed.clone();
                killed.mark_unchanged();
                tokio::spawn(async move {
                    let io: Box<dyn Io> = match tls {
                        None => Box::new(stream),
                        Some(tls) => Box::new(tls.accept(stream).await.unwrap()),
                    };
                    seen.open.fetch_add(1, Ordering::SeqCst);
                    tokio::select! {
                        () = serve(io, &seen, status, streams) => {}
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

    pub(crate) async fn plain() -> Self {
        Self::start(None, 200, None).await
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn way(&self, scheme: &str) -> Way {
        self.way_with(scheme, ProxyOptions::default())
    }

    fn way_with(&self, scheme: &str, options: ProxyOptions) -> Way {
        let address = format!("{scheme}://alice:s3%20cr%40t@{}", self.address);
        let options = ProxyOptions {
            http2: true,
            ..options
        };
        Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()))
    }
}

async fn serve(io: Box<dyn Io>, seen: &Seen, status: u16, streams: Option<u32>) {
    let mut builder = server::Builder::new();
    // By this the library measures how many small frames it bears unread.
    builder.initial_connection_window_size(16 * 1024 * 1024);
    if let Some(streams) = streams {
        builder.max_concurrent_streams(streams);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(io).await else {
        return;
    };
    let mut tunnels = tokio::task::JoinSet::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (head, body) = request.into_parts();
        let shown = format!("{} {} {:?}", head.method, head.uri, head.headers);
        seen.requests.lock().unwrap().push(format!(
            "{shown} {:?}",
            head.headers.get("proxy-authorization")
        ));
        let target = head.uri.authority().unwrap().to_string();
        let mut answer = Response::new(());
        *answer.status_mut() = status.try_into().unwrap();
        if !answer.status().is_success() {
            respond.send_response(answer, true).unwrap();
            continue;
        }
        tunnels.spawn(async move {
            let target = TcpStream::connect(target).await.unwrap();
            let send = respond.send_response(answer, false).unwrap();
            carry(target, send, body).await;
        });
    }
}

async fn carry(target: TcpStream, mut send: SendStream<Bytes>, mut body: RecvStream) {
    let (mut read, mut write) = target.into_split();
    let up = async {
        while let Some(Ok(data)) = body.data().await {
            let _ = body.flow_control().release_capacity(data.len());
            write.write_all(&data).await.unwrap();
        }
        let _ = write.shutdown().await;
    };
    let down = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            let mut data = Bytes::copy_from_slice(&buffer[..length]);
            while !data.is_empty() {
                send.reserve_capacity(data.len());
                let Some(Ok(room)) = std::future::poll_fn(|cx| send.poll_capacity(cx)).await else {
                    return;
                };
                if send.send_data(data.split_to(room), false).is_err() {
                    return;
                }
            }
        }
        let _ = send.send_data(Bytes::new(), true);
    };
    tokio::join!(up, down);
}

#[tokio::test]
async fn a_tunnel_is_a_stream_with_an_authority_and_nothing_of_the_request() {
    let (origin, proxy) = (Peer::answering(OK).await, H2Proxy::plain().await);
    let mut connect_headers = http::HeaderMap::new();
    connect_headers.insert("x-team", "blue".parse().unwrap());
    let options = ProxyOptions {
        connect_headers,
        ..ProxyOptions::default()
    };
    let mut sent = request("POST", &origin.url("/p?q"), full("body"));
    sent.headers_mut().insert("cookie", "a=b".parse().unwrap());
    let response = send(&client(), sent, &proxy.way_with("http", options)).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
    let seen = proxy.requests().concat();
    assert!(
        seen.starts_with(&format!("CONNECT {} ", origin.address)),
        "no scheme and no path: {seen}"
    );
    assert!(seen.contains("blue") && !seen.contains("cookie") && !seen.contains("host"));
    let inside = origin.received();
    assert!(inside.starts_with("POST /p?q HTTP/1.1\r\n"), "{inside}");
    assert!(!inside.contains("YWxpY2U6"), "{inside}");
}

#[tokio::test]
async fn credentials_are_sent_with_every_tunnel() {
    let (one, two) = (Peer::answering(OK).await, Peer::answering(OK).await);
    let proxy = H2Proxy::plain().await;
    let (client, way) = (client(), proxy.way("http"));
    for origin in [&one, &two] {
        get(&client, &origin.url("/"), &way).await.unwrap();
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|seen| seen.contains(BASIC)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tunnels_to_several_targets_share_one_connection() {
    let origins = [
        Peer::answering(OK).await,
        Peer::answering(OK).await,
        Peer::answering(OK).await,
    ];
    let proxy = H2Proxy::start(None, 200, Some(1000)).await;
    let (client, way) = (client(), proxy.way("http"));
    let urls = (0..200).map(|n| origins[n % 3].url("/"));
    let calls = urls.map(|url| {
        let (client, way) = (&client, &way);
        async move { text(get(client, &url, way).await.unwrap()).await.unwrap() }
    });
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer == "ok"));
    assert_eq!(proxy.connections(), 1);
}

/// Tunnels stay open for later requests and would block those who wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_tunnels_than_the_proxy_allows_get_another_connection() {
    let origin = Peer::answering(OK).await;
    let proxy = H2Proxy::start(None, 200, Some(3)).await;
    let (client, way) = (client(), proxy.way("http"));
    let url = origin.url("/");
    let calls = (0..10).map(|_| get(&client, &url, &way));
    let open = futures_util::future::try_join_all(calls).await.unwrap();
    assert_eq!(open.len(), 10);
    assert_eq!(proxy.connections(), 4);
}

#[tokio::test]
async fn credentials_do_not_share_a_connection() {
    let (origin, proxy) = (Peer::answering(OK).await, H2Proxy::plain().await);
    let client = client();
    for user in ["a:x@", "b:x@", "a:y@"] {
        let options = ProxyOptions {
            http2: true,
            ..ProxyOptions::default()
        };
        let address = format!("http://{user}{}", proxy.address);
        let way = Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()));
        get(&client, &origin.url("/"), &way).await.unwrap();
    }
    assert_eq!(proxy.connections(), 3);
}

#[tokio::test]
async fn a_proxy_behind_tls_chooses_by_alpn_and_may_choose_http1() {
    let (origin, own) = origin(&["localhost"]).await;
    let identity = Identity::of(&["127.0.0.1"]);
    let options = || ProxyOptions {
        ca_pem: Some(identity.pem()),
        ..ProxyOptions::default()
    };
    let http2 = identity.acceptor_speaking(&[b"h2", b"http/1.1"]);
    let proxy = H2Proxy::start(Some(http2), 200, None).await;
    let way = proxy.way_with("https", options());
    let client = own.trusting();
    let url = https("127.0.0.1", &origin).replace("127.0.0.1", "localhost");
    let response = get(&client, &url, &way).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    assert_eq!(proxy.requests().len(), 1);

    let http1 = identity.acceptor_speaking(&[b"http/1.1"]);
    let old = Peer::start_tls(http1, super::peer::forward).await;
    let options = ProxyOptions {
        http2: true,
        ..options()
    };
    let address = format!("https://{}", old.address);
    let way = Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()));
    let response = get(&client, &url, &way).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    assert!(old.received().starts_with("CONNECT localhost:"));
}

#[tokio::test]
async fn any_2xx_opens_a_tunnel_and_any_other_status_is_the_proxys() {
    let origin = Peer::answering(OK).await;
    for status in [200, 201, 204, 299] {
        let proxy = H2Proxy::start(None, status, None).await;
        let response = get(&client(), &origin.url("/"), &proxy.way("http")).await;
        assert_eq!(text(response.unwrap()).await.unwrap(), "ok", "{status}");
    }
    for status in [302, 403, 407, 502] {
        let proxy = H2Proxy::start(None, status, None).await;
        let error = get(&client(), &origin.url("/"), &proxy.way("http"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProxyStatus(status));
        assert!(!shown(&error).contains("YWxpY2U6"), "{}", shown(&error));
    }
    assert_eq!(origin.connections(), 4);
}

#[tokio::test]
async fn a_proxy_that_speaks_no_http2_is_an_error_and_not_a_hang() {
    let old = Peer::start(|mut wire| async move {
        wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        wire.closed().await;
    })
    .await;
    let options = ProxyOptions {
        http2: true,
        ..ProxyOptions::default()
    };
    let way = Way::Proxy(Arc::new(Proxy::new(&old.url(""), options).unwrap()));
    let error = get(&client(), "http://a.test/", &way).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{}", shown(&error));
}

#[tokio::test]
async fn a_proxy_without_http2_gives_way_to_one_that_speaks_it() {
    let (origin, working) = (Peer::answering(OK).await, H2Proxy::plain().await);
    let old = Peer::start(|mut wire| async move {
        wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let proxies = [old.url(""), format!("http://{}", working.address)].map(|address| {
        let options = ProxyOptions {
            http2: true,
            ..ProxyOptions::default()
        };
        Arc::new(Proxy::new(&address, options).unwrap())
    });
    let group = Arc::new(ProxyGroup::new(proxies.to_vec(), Sharing::Order).unwrap());
    let client = client();
    for _ in 0..3 {
        let way = Way::Group(Arc::clone(&group));
        let response = get(&client, &origin.url("/"), &way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    assert_eq!((old.connections(), working.connections()), (1, 1));
}

#[tokio::test]
async fn a_lost_connection_is_made_anew() {
    let (origin, proxy) = (Peer::answering(OK).await, H2Proxy::plain().await);
    let (client, way) = (client(), proxy.way("http"));
    for round in 1..=3 {
        let response = get(&client, &origin.url("/"), &way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        assert_eq!(proxy.connections(), round);
        proxy.kill.send_modify(|count| *count += 1);
        while proxy.seen.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_body_cut_by_a_lost_connection_is_not_complete() {
    let origin = Peer::start(|mut wire| async move {
        wire.request().await;
        wire.write(b"HTTP/1.1 200 OK\r\n\r\nwithout a length").await;
        wire.closed().await;
    })
    .await;
    let proxy = H2Proxy::plain().await;
    let response = get(&client(), &origin.url("/"), &proxy.way("http")).await;
    let body = tokio::spawn(text(response.unwrap()));
    proxy.kill.send_modify(|count| *count += 1);
    assert!(body.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_passes_and_a_tunnel_that_nobody_reads_stops_no_other() {
    let length = 4 * 1024 * 1024;
    let origin = Peer::start(move |mut wire| async move {
        while let Some(request) = wire.request().await {
            let body = request.split_once("\r\n\r\n").unwrap().1.to_owned();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            if !wire.write(head.as_bytes()).await
                || !wire.write(&vec![b'x'; length - body.len()]).await
                || !wire.write(body.as_bytes()).await
            {
                return;
            }
        }
    })
    .await;
    let proxy = H2Proxy::plain().await;
    let (client, way) = (client(), proxy.way("http"));
    let url = origin.url("/");
    let mut unread = Vec::new();
    for _ in 0..20 {
        unread.push(get(&client, &url, &way).await.unwrap());
    }
    let content: String = (0..1024 * 1024)
        .map(|n| char::from(b'a' + (n % 23) as u8))
        .collect();
    let body = Full::new(Bytes::from(content.clone())).map_err(|never| match never {});
    let sent = send(&client, request("POST", &url, body.boxed_unsync()), &way).await;
    let answer = text(sent.unwrap()).await.unwrap();
    assert!(answer.len() == length && answer.ends_with(&content));
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn an_unused_connection_is_closed_after_its_time_and_with_the_client() {
    for timeout in [Some(Duration::from_millis(50)), None] {
        let (origin, proxy) = (Peer::answering(OK).await, H2Proxy::plain().await);
        let settings = Settings {
            idle_connection_timeout: timeout,
            ..Settings::default()
        };
        let client = Client::new(settings).unwrap();
        let response = get(&client, &origin.url("/"), &proxy.way("http")).await;
        text(response.unwrap()).await.unwrap();
        if timeout.is_none() {
            drop(client);
        }
        while proxy.seen.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }
}
