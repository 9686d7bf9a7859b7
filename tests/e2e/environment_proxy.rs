//! `HTTP_PROXY` for all backends. Targets carry a name that only the proxy
//! knows: loopback targets are never proxied by the environment.

use cuttle_tests::{
    Authority, Configured, FaultProxy, Gateway, Origin, Product, RealProxy, Reply, Step, TestResult,
};

use crate::support::{by_client, by_plugin, endpoint, service, trusting};

/// Resolved by the test's squid, and by nobody else.
const NAME: &str = "origin.test";

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nby the proxy";

async fn answering() -> FaultProxy {
    FaultProxy::start(vec![Step::Head, Step::send(ANSWER)]).await
}

async fn refusing() -> FaultProxy {
    FaultProxy::start(vec![
        Step::Head,
        Step::send("HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n"),
    ])
    .await
}

fn starts(proxy: &FaultProxy) -> Vec<String> {
    proxy
        .journal()
        .heads
        .into_iter()
        .map(|head| head.start)
        .collect()
}

fn named(path: &str) -> Configured {
    Gateway::configured(service(vec![endpoint(path, &format!("http://{NAME}"))]))
}

#[tokio::test]
async fn http_proxy_covers_http_and_https_backends_through_squid() -> TestResult {
    let (authority, squid) = (
        Authority::new(),
        RealProxy::start(Product::Squid, None).await,
    );
    let plain = Origin::replying("plain").await;
    let secure = Origin::start_tls(&authority, |_| Reply::text("secure")).await;
    let config = trusting(
        &authority,
        vec![
            endpoint("/plain", &format!("http://{NAME}:{}", plain.port())),
            endpoint("/secure", &format!("https://{NAME}:{}", secure.port())),
        ],
    );
    let mut gateway = Gateway::configured(config)
        .env("HTTP_PROXY", &squid.url())
        .start()
        .await?;

    assert_eq!(gateway.get("/plain").await?.body, "plain");
    assert_eq!(gateway.get("/secure").await?.body, "secure");
    assert_eq!(plain.last().head.start, "GET /plain HTTP/1.1");
    assert_eq!(secure.last().head.start, "GET /secure HTTP/1.1");

    gateway.stop().await?;
    squid
        .logged(&format!("GET http://{NAME}:{}/plain", plain.port()))
        .await;
    squid
        .logged(&format!("CONNECT {NAME}:{}", secure.port()))
        .await;
    Ok(())
}

#[tokio::test]
async fn every_spelling_of_the_variable_reaches_the_proxy_in_absolute_form() -> TestResult {
    for (name, scheme) in [
        ("HTTP_PROXY", "http://"),
        ("http_proxy", "http://"),
        ("HTTP_PROXY", ""),
    ] {
        let proxy = answering().await;
        let value = format!("{scheme}{}", proxy.authority());
        let gateway = named("/x").env(name, &value).start().await?;
        assert_eq!(
            gateway.get("/x").await?.body,
            "by the proxy",
            "{name}={value}"
        );
        assert_eq!(
            starts(&proxy),
            [format!("GET http://{NAME}/x HTTP/1.1")],
            "{name}={value}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn loopback_targets_stay_direct() -> TestResult {
    let (origin, proxy) = (Origin::replying("direct").await, answering().await);
    let localhost = format!("http://localhost:{}", origin.port());
    let config = service(vec![
        endpoint("/ip", &origin.url()),
        endpoint("/name", &localhost),
    ]);
    let gateway = Gateway::configured(config)
        .env("HTTP_PROXY", &proxy.url())
        .start()
        .await?;
    assert_eq!(gateway.get("/ip").await?.body, "direct");
    assert_eq!(gateway.get("/name").await?.body, "direct");
    assert_eq!(starts(&proxy), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn no_proxy_and_direct_take_the_proxy_away_and_nothing_else_does() -> TestResult {
    let cases = [
        ("http", "NO_PROXY", "origin.test", false),
        ("http", "NO_PROXY", ".test", false),
        ("http", "NO_PROXY", "*", false),
        ("http", "no_proxy", "a.example, origin.test:80", false),
        ("http", "NO_PROXY", "origin.test:81", true),
        ("http", "NO_PROXY", ".origin.test", true),
        ("http", "HTTPS_PROXY", "direct", true),
        ("https", "HTTPS_PROXY", "direct", false),
        ("https", "ALL_PROXY", "direct", true),
    ];
    for (scheme, name, value, proxied) in cases {
        let proxy = refusing().await;
        let config = service(vec![endpoint("/x", &format!("{scheme}://{NAME}"))]);
        let gateway = Gateway::configured(config)
            .env("HTTP_PROXY", &proxy.url())
            .env(name, value)
            .start()
            .await?;
        let answer = gateway.get("/x").await?;
        assert_ne!(answer.status, 200, "the name does not exist");
        assert_eq!(
            starts(&proxy).len(),
            usize::from(proxied),
            "{scheme} with {name}={value}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_backends_own_proxy_comes_before_the_environment() -> TestResult {
    let (origin, squid, other) = (
        Origin::replying("ok").await,
        RealProxy::start(Product::Squid, None).await,
        answering().await,
    );
    let config = service(vec![
        by_plugin(endpoint("/plugin", &origin.url()), &squid.url()),
        by_client(endpoint("/client", &origin.url()), &squid.url()),
        by_client(endpoint("/direct", &format!("http://{NAME}")), "direct"),
    ]);
    // `NO_PROXY` is about the environment's proxy, not about a backend's own.
    let gateway = Gateway::configured(config)
        .env("HTTP_PROXY", &other.url())
        .env("NO_PROXY", "*")
        .start()
        .await?;
    assert_eq!(gateway.get("/plugin").await?.status, 200);
    assert_eq!(gateway.get("/client").await?.status, 200);
    assert_ne!(
        gateway.get("/direct").await?.status,
        200,
        "nobody else knows the name"
    );
    squid.logged("/plugin").await;
    squid.logged("/client").await;
    assert_eq!(starts(&other), [""; 0]);
    Ok(())
}

/// A CGI program's `HTTP_PROXY` is a client's `Proxy:` header.
#[tokio::test]
async fn under_cgi_the_variable_is_refused_and_nothing_goes_out() -> TestResult {
    let proxy = answering().await;
    let gateway = named("/x")
        .env("HTTP_PROXY", &proxy.url())
        .env("REQUEST_METHOD", "GET")
        .start()
        .await?;
    assert_eq!(gateway.get("/x").await?.status, 500);
    assert_eq!(starts(&proxy), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_value_that_cannot_be_used_stops_the_start_and_names_the_variable() {
    for value in [
        "foo://proxy:8080",
        "http://",
        "http://bob:s3cret@proxy:port",
    ] {
        let started = named("/x").env("HTTP_PROXY", value).start().await;
        let text = started.expect_err(value).to_string();
        assert!(text.contains("HTTP_PROXY"), "{value}: {text}");
        assert!(!text.contains("s3cret"), "{value}: {text}");
    }
}
