//! Requests through a forward proxy, without TLS.

use std::collections::HashMap;

use cuttle_egress::{EnvironmentProxies, Via};

use super::{peer::Peer, *};

/// `alice`, `s3 cr@t`.
const BASIC: &str = "YWxpY2U6czMgY3JAdA==";
const SECRETS: [&str; 4] = ["s3 cr@t", "s3%20cr%40t", BASIC, "alice"];

fn with_credentials(proxy: &Peer) -> String {
    format!("http://alice:s3%20cr%40t@{}", proxy.address)
}

fn tunnelling(address: &str, options: ProxyOptions) -> Way {
    let options = ProxyOptions {
        always_tunnel: true,
        ..options
    };
    Way::Proxy(Arc::new(Proxy::new(address, options).unwrap()))
}

#[tokio::test]
async fn a_plain_target_is_asked_for_in_absolute_form() {
    for (url, line, host) in [
        (
            "http://a.test/p?q",
            "GET http://a.test/p?q HTTP/1.1",
            "a.test",
        ),
        ("http://a.test:80", "GET http://a.test/ HTTP/1.1", "a.test"),
        (
            "http://a.test:81?q",
            "GET http://a.test:81/?q HTTP/1.1",
            "a.test:81",
        ),
        (
            "http://u:p@[::1]:81/",
            "GET http://[::1]:81/ HTTP/1.1",
            "[::1]:81",
        ),
    ] {
        let proxy = Peer::answering(OK).await;
        let response = get(&client(), url, &through(&proxy.url(""))).await.unwrap();
        let via = response.extensions().get::<Via>().unwrap();
        assert_eq!(via.proxy.as_deref(), Some(&*proxy.url("")));
        assert_eq!(proxy.received(), format!("{line}\r\nhost: {host}\r\n\r\n"));
    }
}

#[tokio::test]
async fn credentials_reach_the_proxy_and_nobody_else() {
    let origin = Peer::answering(OK).await;
    let proxy = Peer::answering(OK).await;
    let mut asked = request("GET", "http://a.test/", empty());
    asked
        .headers_mut()
        .insert("proxy-authorization", "Basic eA==".parse().unwrap());
    send(&client(), asked, &through(&with_credentials(&proxy)))
        .await
        .unwrap();
    assert!(
        proxy
            .received()
            .contains(&format!("\r\nproxy-authorization: Basic {BASIC}\r\n"))
    );
    assert!(
        !proxy.received().contains("eA=="),
        "the caller's own went along"
    );

    let tunnel = Peer::forwarding().await;
    let way = tunnelling(&with_credentials(&tunnel), ProxyOptions::default());
    text(get(&client(), &origin.url("/"), &way).await.unwrap())
        .await
        .unwrap();
    get(&client(), &origin.url("/"), &Way::Direct)
        .await
        .unwrap();
    assert!(tunnel.received().contains(BASIC));
    assert_eq!(origin.connections(), 2);
    for secret in SECRETS {
        assert!(!origin.received().contains(secret), "{}", origin.received());
    }
}

#[tokio::test]
async fn a_tunnel_is_asked_for_by_host_and_port_and_nothing_of_the_request() {
    for (url, place) in [
        ("http://a.test/p?q", "a.test:80"),
        ("http://a.test:81/", "a.test:81"),
        ("http://[::1]/", "[::1]:80"),
    ] {
        let proxy = Peer::answering("HTTP/1.1 502 Bad\r\n\r\n").await;
        let mut connect_headers = http::HeaderMap::new();
        connect_headers.insert("x-team", "blue".parse().unwrap());
        let options = ProxyOptions {
            connect_headers,
            ..ProxyOptions::default()
        };
        let mut asked = request("POST", url, full("body"));
        asked.headers_mut().insert("cookie", "a=b".parse().unwrap());
        let way = tunnelling(&with_credentials(&proxy), options);
        send(&client(), asked, &way).await.unwrap_err();
        let expected = format!(
            "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nproxy-authorization: Basic {BASIC}\r\nx-team: blue\r\n\r\n"
        );
        assert_eq!(proxy.received(), expected);
    }
}

#[tokio::test]
async fn a_bearer_token_takes_the_place_of_the_credentials() {
    let proxy = Peer::answering("HTTP/1.1 502 Bad\r\n\r\n").await;
    let mut connect_headers = http::HeaderMap::new();
    connect_headers.insert("proxy-authorization", "Bearer tok".parse().unwrap());
    let options = ProxyOptions {
        connect_headers,
        ..ProxyOptions::default()
    };
    get(
        &client(),
        "http://a.test/",
        &tunnelling(&with_credentials(&proxy), options),
    )
    .await
    .unwrap_err();
    assert!(
        proxy
            .received()
            .contains("proxy-authorization: Bearer tok\r\n")
    );
    assert!(!proxy.received().contains(BASIC));
}

#[tokio::test]
async fn a_plain_request_inside_a_tunnel_has_origin_form() {
    let (origin, proxy) = (Peer::answering(OK).await, Peer::forwarding().await);
    let way = tunnelling(&proxy.url(""), ProxyOptions::default());
    let client = client();
    for _ in 0..3 {
        let response = get(&client, &origin.url("/p?q"), &way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    let one = format!("GET /p?q HTTP/1.1\r\nhost: {}\r\n\r\n", origin.address);
    assert_eq!(origin.received(), one.repeat(3));
    assert_eq!(proxy.connections(), 1);
}

/// Answers CONNECT with `parts`, a pause between them, then speaks as the
/// origin inside the tunnel.
async fn opening(parts: Vec<String>) -> Peer {
    Peer::start(move |mut wire| {
        let parts = parts.clone();
        async move {
            wire.request().await;
            for part in parts {
                wire.write(part.as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            while wire.request().await.is_some() && wire.write(OK.as_bytes()).await {}
        }
    })
    .await
}

#[tokio::test]
async fn any_2xx_opens_a_tunnel_however_it_arrives() {
    let many: String = (0..60).map(|n| format!("X-{n}: y\r\n")).collect();
    let bytewise = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
        .chars()
        .map(String::from)
        .collect();
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(60 * 1024));
    for answer in [
        vec!["HTTP/1.1 200 Connection established\r\n\r\n".to_owned()],
        vec!["HTTP/1.0 200\r\n\r\n".to_owned()],
        vec!["HTTP/1.1 201 Created\r\n\r\n".to_owned()],
        vec!["HTTP/1.1 299 X\n\n".to_owned()],
        vec!["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned()],
        vec!["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()],
        vec![format!("HTTP/1.1 200 OK\r\n{many}\r\n")],
        vec![
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        ],
        vec!["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned()],
        bytewise,
        vec![long],
    ] {
        let proxy = opening(answer.clone()).await;
        let way = tunnelling(&proxy.url(""), ProxyOptions::default());
        let response = get(&client(), "http://a.test/", &way).await;
        let response = response.unwrap_or_else(|error| panic!("{}", shown(&error)));
        assert_eq!(text(response).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_refused_tunnel_is_the_proxys_status_and_nothing_of_its_answer() {
    for status in [302, 401, 403, 407, 500, 502, 503] {
        let proxy = Peer::answering(format!(
            "HTTP/1.1 {status} X\r\nLocation: http://evil.test/\r\nContent-Length: 6\r\n\r\nbanner"
        ))
        .await;
        let way = tunnelling(&with_credentials(&proxy), ProxyOptions::default());
        let client = client();
        for _ in 0..2 {
            let error = get(&client, "http://a.test/", &way).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ProxyStatus(status));
            let expected = format!(
                "proxy http://{} refused the tunnel to a.test:80 with status {status}",
                proxy.address
            );
            assert_eq!(error.to_string(), expected);
            assert!(SECRETS.iter().all(|secret| !shown(&error).contains(secret)));
        }
        assert_eq!(proxy.connections(), 2, "the connection was used again");
    }
}

#[tokio::test]
async fn an_answer_to_connect_that_makes_no_sense_is_a_protocol_error() {
    let injected = format!("HTTP/1.1 200 OK\r\n\r\n{OK}");
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(20_000));
    for answer in [
        &*injected,
        &endless,
        "SSH-2.0-x\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad field\r\n\r\n",
    ] {
        let proxy = opening(vec![answer.to_owned()]).await;
        let way = tunnelling(&proxy.url(""), ProxyOptions::default());
        let error = get(&client(), "http://a.test/", &way).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{}", shown(&error));
    }
}

#[tokio::test]
async fn a_407_to_a_plain_request_is_not_passed_on() {
    let proxy = Peer::answering(
        "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 6\r\n\r\nbanner",
    )
    .await;
    let error = get(
        &client(),
        "http://a.test/",
        &through(&with_credentials(&proxy)),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProxyStatus(407));
    assert!(SECRETS.iter().all(|secret| !shown(&error).contains(secret)));
}

/// An address where nobody listens.
fn dead() -> String {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    format!("http://alice:s3%20cr%40t@{gone}")
}

#[tokio::test]
async fn a_dead_proxy_is_never_bypassed() {
    let origin = Peer::answering(OK).await;
    let client = client();
    let unresolved = "http://alice:s3%20cr%40t@proxy.invalid:3128";
    for (address, kind) in [(&*dead(), ErrorKind::Connect), (unresolved, ErrorKind::Dns)] {
        for way in [
            through(address),
            tunnelling(address, ProxyOptions::default()),
        ] {
            let error = get(&client, &origin.url("/"), &way).await.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains("proxy http://"), "{error}");
            assert!(SECRETS.iter().all(|secret| !shown(&error).contains(secret)));
        }
    }
    for answer in ["", "HTTP/1.1 200 OK\r\n", "\0\0\0"] {
        let proxy = Peer::start(move |mut wire| async move {
            wire.request().await;
            wire.write(answer.as_bytes()).await;
        })
        .await;
        for way in [
            through(&proxy.url("")),
            tunnelling(&proxy.url(""), ProxyOptions::default()),
        ] {
            get(&client, &origin.url("/"), &way).await.unwrap_err();
        }
    }
    assert_eq!(origin.connections(), 0, "something reached the origin");
}

#[tokio::test]
async fn reaching_the_proxy_has_its_own_limit() {
    let proxy = Peer::start(|mut wire| async move { wire.closed().await }).await;
    let options = ProxyOptions {
        connect_timeout: Some(Duration::from_millis(50)),
        ..ProxyOptions::default()
    };
    let way = tunnelling(&proxy.url(""), options);
    let error = get(&client(), "http://a.test/", &way).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectTimeout);
    assert!(
        error
            .to_string()
            .contains("while the proxy opened the tunnel"),
        "{error}"
    );
}

#[tokio::test]
async fn the_no_proxy_list_of_a_proxy_goes_direct_and_loopback_alone_does_not() {
    let (origin, proxy) = (Peer::answering(OK).await, Peer::answering(OK).await);
    for (list, expected) in [(vec![], 1), (vec!["127.0.0.0/8".to_owned()], 0)] {
        let before = proxy.connections();
        let options = ProxyOptions {
            no_proxy: list,
            ..ProxyOptions::default()
        };
        let way = Way::Proxy(Arc::new(Proxy::new(&proxy.url(""), options).unwrap()));
        let response = get(&client(), &origin.url("/"), &way).await.unwrap();
        let via = response.extensions().get::<Via>().unwrap().proxy.is_some();
        assert_eq!(
            (proxy.connections() - before, via),
            (expected, expected == 1)
        );
    }
}

#[tokio::test]
async fn the_environment_chooses_by_target() {
    let (origin, proxy) = (Peer::answering(OK).await, Peer::answering(OK).await);
    let variables = HashMap::from([("HTTP_PROXY", proxy.url(""))]);
    let proxies = EnvironmentProxies::from_vars(|name| variables.get(name).cloned()).unwrap();
    let (client, way) = (client(), Way::Environment(Arc::new(proxies)));
    get(&client, "http://a.test/", &way).await.unwrap();
    get(&client, &origin.url("/"), &way).await.unwrap();
    assert_eq!((proxy.connections(), origin.connections()), (1, 1));
}

#[tokio::test]
async fn a_real_forward_works_end_to_end() {
    let (origin, proxy) = (Peer::answering(OK).await, Peer::forwarding().await);
    let response = get(&client(), &origin.url("/x"), &through(&proxy.url("")))
        .await
        .unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    assert!(origin.received().starts_with("GET /x HTTP/1.1\r\n"));
}

/// A writer that keeps what a log would get.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_at_any_level_shows_credentials() {
    let log = Log::default();
    let writer = log.clone();
    // While there is one subscriber only, a line that another thread reaches
    // first is switched off by that thread, which has none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    go_wrong_in_every_way().await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("sending") && log.contains("407"),
        "nothing was logged"
    );
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret}");
    }
}

async fn go_wrong_in_every_way() {
    let (origin, proxy) = (Peer::answering(OK).await, Peer::forwarding().await);
    let refusing = Peer::answering("HTTP/1.1 407 X\r\n\r\n").await;
    let client = client();
    for address in [
        with_credentials(&proxy),
        with_credentials(&refusing),
        dead(),
    ] {
        for way in [
            through(&address),
            tunnelling(&address, ProxyOptions::default()),
        ] {
            if let Err(error) = get(&client, &origin.url("/"), &way).await {
                tracing::error!(%error, cause = shown(&error));
            }
            tracing::info!(?way);
        }
    }
}
