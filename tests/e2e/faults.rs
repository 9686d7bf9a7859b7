//! Forward proxies that fail in every scripted way: the request fails in
//! bounded time, and nothing ever reaches the origin around the proxy.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cuttle_tests::{Authority, FaultProxy, Gateway, Origin, Reply, Step, TestResult};
use serde_json::json;

use crate::support::{by_client, by_plugin, endpoint, trusting, with};

/// Endpoint timeout of these tests.
const LIMIT: Duration = Duration::from_millis(1500);
/// What a failure may take beyond the endpoint's timeout.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq)]
enum Outcome {
    /// 500 with an empty body.
    Failure,
    /// 200, and a body that breaks off.
    Truncated,
}

/// Runs both ways of using a proxy against it.
async fn check(script: Vec<Step>, scheme: &str, expected: Outcome) -> TestResult {
    let proxy = FaultProxy::start(script).await;
    check_address(&proxy.url(), scheme, expected).await
}

async fn check_address(address: &str, scheme: &str, expected: Outcome) -> TestResult {
    let authority = Authority::new();
    let origin = match scheme {
        "https" => Origin::start_tls(&authority, |_| Reply::text("direct")).await,
        _ => Origin::replying("direct").await,
    };
    let limited = |endpoint| {
        with(
            endpoint,
            "timeout",
            json!(format!("{}ms", LIMIT.as_millis())),
        )
    };
    let config = trusting(
        &authority,
        vec![
            limited(by_plugin(endpoint("/plugin", &origin.url()), address)),
            limited(by_client(endpoint("/client", &origin.url()), address)),
        ],
    );
    let gateway = Gateway::start(config).await?;
    for path in ["/plugin", "/client"] {
        let start = Instant::now();
        let answer = gateway.get(path).await?;
        assert!(
            start.elapsed() < LIMIT + GRACE,
            "{path} took {:?}",
            start.elapsed()
        );
        let outcome = match (answer.status, answer.complete) {
            (500, true) => Outcome::Failure,
            (200, false) => Outcome::Truncated,
            _ => panic!("{path}: {answer:?}\n{:?}", gateway.log()),
        };
        assert_eq!(outcome, expected, "{path}: {answer:?}");
        if outcome == Outcome::Failure {
            assert_eq!(answer.body, "", "{path}: details are for the log");
        }
        let line = gateway.access(path).await?;
        assert_eq!(line["level"], "INFO", "{path}: {line}");
    }
    assert_eq!(origin.hits(), 0, "nothing goes around the proxy");
    Ok(())
}

fn answer(text: &str) -> Vec<Step> {
    vec![Step::Head, Step::send(text)]
}

macro_rules! faults {
    ($($name:ident: $scheme:literal, $script:expr, $outcome:ident;)*) => {$(
        #[tokio::test]
        async fn $name() -> TestResult {
            check($script, $scheme, Outcome::$outcome).await
        }
    )*};
}

faults! {
    http_closed_without_an_answer: "http", vec![Step::Head], Failure;
    http_closed_at_once: "http", vec![], Failure;
    http_reset: "http", vec![Step::Head, Step::Reset], Failure;
    http_closed_in_the_head: "http", answer("HTTP/1.1 200 OK\r\nContent-Le"), Failure;
    http_garbage: "http", answer("\x16\x03\x01 what is this\r\n\r\n"), Failure;
    http_garbage_without_line_ends: "http", vec![Step::Head, Step::Send(Bytes::from(vec![b'x'; 200_000])), Step::Silence], Failure;
    http_silence: "http", vec![Step::Head, Step::Silence], Failure;
    http_two_lengths: "http", answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokx"), Failure;
    http_unasked_for_switch: "http", answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Failure;
    http_closed_in_the_body: "http", answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), Truncated;
    http_closed_in_a_chunk: "http", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf"), Truncated;
    http_bad_chunk: "http", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"), Truncated;
    http_reset_in_the_body: "http", vec![Step::Head, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), Step::Drip(Bytes::from_static(b"x"), Duration::from_millis(50)), Step::Reset], Truncated;
    http_drip_in_the_head: "http", vec![Step::Head, Step::Drip(Bytes::from(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1000))), Duration::from_millis(20))], Failure;
    http_drip_in_the_body: "http", vec![Step::Head, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), Step::Drip(Bytes::from(vec![b'x'; 1000]), Duration::from_millis(20))], Truncated;

    https_connect_closed_without_an_answer: "https", vec![Step::Head], Failure;
    https_connect_reset: "https", vec![Step::Head, Step::Reset], Failure;
    https_connect_407: "https", answer("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nbody"), Failure;
    https_connect_502: "https", answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 19\r\n\r\nthe proxy's message"), Failure;
    https_connect_redirect: "https", answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"), Failure;
    https_connect_garbage: "https", answer("SSH-2.0-OpenSSH\r\n\r\n"), Failure;
    https_connect_closed_in_the_head: "https", answer("HTTP/1.1 200 Connection est"), Failure;
    https_connect_silence: "https", vec![Step::Head, Step::Silence], Failure;
    https_connect_drip: "https", vec![Step::Head, Step::Drip(Bytes::from(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1000))), Duration::from_millis(20))], Failure;
    https_connect_endless_head: "https", vec![Step::Head, Step::send("HTTP/1.1 200 OK\r\nX: "), Step::Flood], Failure;
    https_tunnel_closed_before_tls: "https", answer("HTTP/1.1 200 OK\r\n\r\n"), Failure;
    https_tunnel_to_something_else: "https", answer("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n"), Failure;
    https_tunnel_silent: "https", vec![Step::Head, Step::send("HTTP/1.1 200 OK\r\n\r\n"), Step::Silence], Failure;
}

#[tokio::test]
async fn nobody_listens_at_the_proxys_address() -> TestResult {
    for scheme in ["http", "https"] {
        check_address(&FaultProxy::refused().await, scheme, Outcome::Failure).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_name_of_the_proxy_does_not_exist() -> TestResult {
    for scheme in ["http", "https"] {
        check_address("http://proxy.invalid:8080", scheme, Outcome::Failure).await?;
    }
    Ok(())
}

/// The control of all of the above: the harness's own proxy can work.
#[tokio::test]
async fn a_scripted_tunnel_that_works_reaches_the_origin() -> TestResult {
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, |_| Reply::text("tunnelled")).await;
    let proxy = FaultProxy::start(vec![
        Step::Head,
        Step::send("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Tunnel,
    ])
    .await;
    let config = trusting(
        &authority,
        vec![
            by_plugin(endpoint("/plugin", &origin.url()), &proxy.url()),
            by_client(endpoint("/client", &origin.url()), &proxy.url()),
        ],
    );
    let gateway = Gateway::start(config).await?;
    assert_eq!(gateway.get("/plugin").await?.body, "tunnelled");
    assert_eq!(gateway.get("/client").await?.body, "tunnelled");
    let connect = &proxy.journal().heads[0];
    assert_eq!(
        connect.start,
        format!("CONNECT {} HTTP/1.1", origin.authority())
    );
    assert_eq!(connect.field("host"), Some(origin.authority().as_str()));
    Ok(())
}
