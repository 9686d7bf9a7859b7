//! tinyproxy and squid, with and without credentials, for http and https
//! targets, by plugin and by the client's setting: what happened is read from
//! the proxy's own log and from the bytes that reached the origin.

use cuttle_tests::{Authority, Credentials, Gateway, Origin, Reply, Squid, TestResult, Tinyproxy};
use serde_json::json;

use crate::support::{by_client, by_plugin, endpoint, trusting, with};

const BOB: Credentials = Credentials {
    user: "bob",
    password: "s3cret-7Qz",
};

#[derive(Debug)]
enum Proxy {
    Tinyproxy(Tinyproxy),
    Squid(Squid),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Tinyproxy,
    Squid,
}

impl Proxy {
    async fn start(kind: Kind, credentials: Option<Credentials>) -> Self {
        match kind {
            Kind::Tinyproxy => Self::Tinyproxy(Tinyproxy::start(credentials).await),
            Kind::Squid => Self::Squid(Squid::start(credentials).await),
        }
    }

    fn address(&self, userinfo: Option<&str>) -> String {
        match (self, userinfo) {
            (Self::Tinyproxy(proxy), None) => proxy.url(),
            (Self::Tinyproxy(proxy), Some(userinfo)) => proxy.url_with(userinfo),
            (Self::Squid(proxy), None) => proxy.url(),
            (Self::Squid(proxy), Some(userinfo)) => proxy.url_with(userinfo),
        }
    }

    async fn logged(&self, text: &str) -> String {
        match self {
            Self::Tinyproxy(proxy) => proxy.logged(text).await,
            Self::Squid(proxy) => proxy.logged(text).await,
        }
    }
}

async fn origin(authority: &Authority, scheme: &str) -> Origin {
    match scheme {
        "https" => Origin::start_tls(authority, |_| Reply::text("from the origin")).await,
        _ => Origin::start(|_| Reply::text("from the origin")).await,
    }
}

async fn passes(kind: Kind, credentials: Option<Credentials>, scheme: &str) -> TestResult {
    let authority = Authority::new();
    let (origin, proxy) = (
        origin(&authority, scheme).await,
        Proxy::start(kind, credentials).await,
    );
    let address = proxy.address(credentials.map(|_| "bob:s3cret-7Qz"));
    let all = json!(["*"]);
    let config = trusting(
        &authority,
        vec![
            with(
                by_plugin(endpoint("/plugin", &origin.url()), &address),
                "input_headers",
                all.clone(),
            ),
            with(
                by_client(endpoint("/client", &origin.url()), &address),
                "input_headers",
                all,
            ),
        ],
    );
    let mut gateway = Gateway::start(config).await?;

    for path in ["/plugin", "/client"] {
        let answer = gateway.get(path).await?;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "from the origin"),
            "{path}"
        );
        let head = origin.last().head;
        assert_eq!(
            head.start,
            format!("GET {path} HTTP/1.1"),
            "origin-form behind the proxy"
        );
        assert_eq!(head.field("host"), Some(origin.authority().as_str()));
        let forwarded = head.field("x-forwarded-for").unwrap_or_default();
        assert!(forwarded.starts_with("127.0.0.1"), "{path}: {forwarded:?}");
        assert_eq!(
            head.field("proxy-authorization"),
            None,
            "credentials end at the proxy"
        );
    }
    assert_eq!(origin.hits(), 2);

    // Squid logs a tunnel when it ends.
    gateway.stop().await?;
    match scheme {
        "https" => {
            proxy
                .logged(&format!("CONNECT {}", origin.authority()))
                .await;
        }
        _ => {
            proxy.logged(&format!("GET {}/plugin", origin.url())).await;
            proxy.logged(&format!("GET {}/client", origin.url())).await;
        }
    }
    for secret in ["s3cret-7Qz", "Ym9iOnMzY3JldC03UXo"] {
        assert!(
            !gateway.log().text().contains(secret),
            "{secret} in the log"
        );
        assert!(
            !origin.journal().text().contains(secret),
            "{secret} at the origin"
        );
    }
    Ok(())
}

async fn refuses(kind: Kind, userinfo: Option<&str>, scheme: &str) -> TestResult {
    let authority = Authority::new();
    let (origin, proxy) = (
        origin(&authority, scheme).await,
        Proxy::start(kind, Some(BOB)).await,
    );
    let address = proxy.address(userinfo);
    let config = trusting(
        &authority,
        vec![
            by_plugin(endpoint("/plugin", &origin.url()), &address),
            by_client(endpoint("/client", &origin.url()), &address),
        ],
    );
    let gateway = Gateway::start(config).await?;
    for path in ["/plugin", "/client"] {
        let answer = gateway.get(path).await?;
        assert!(answer.status >= 400, "{path}: {}", answer.status);
        assert_ne!(answer.body, "from the origin");
        assert_eq!(
            answer.field("proxy-authenticate"),
            None,
            "the challenge is for the gateway"
        );
    }
    assert_eq!(origin.hits(), 0, "nothing goes around the proxy");
    Ok(())
}

macro_rules! matrix {
    ($($name:ident: $check:ident($kind:ident, $credentials:expr, $scheme:literal);)*) => {$(
        #[tokio::test]
        async fn $name() -> TestResult {
            $check(Kind::$kind, $credentials, $scheme).await
        }
    )*};
}

matrix! {
    tinyproxy_carries_http: passes(Tinyproxy, None, "http");
    tinyproxy_carries_https: passes(Tinyproxy, None, "https");
    tinyproxy_with_credentials_carries_http: passes(Tinyproxy, Some(BOB), "http");
    tinyproxy_with_credentials_carries_https: passes(Tinyproxy, Some(BOB), "https");
    squid_carries_http: passes(Squid, None, "http");
    squid_carries_https: passes(Squid, None, "https");
    squid_with_credentials_carries_http: passes(Squid, Some(BOB), "http");
    squid_with_credentials_carries_https: passes(Squid, Some(BOB), "https");

    tinyproxy_without_its_credentials_fails_http: refuses(Tinyproxy, None, "http");
    tinyproxy_without_its_credentials_fails_https: refuses(Tinyproxy, None, "https");
    tinyproxy_with_wrong_credentials_fails_http: refuses(Tinyproxy, Some("bob:wrong"), "http");
    tinyproxy_with_wrong_credentials_fails_https: refuses(Tinyproxy, Some("bob:wrong"), "https");
    squid_without_its_credentials_fails_http: refuses(Squid, None, "http");
    squid_without_its_credentials_fails_https: refuses(Squid, None, "https");
    squid_with_wrong_credentials_fails_http: refuses(Squid, Some("bob:wrong"), "http");
    squid_with_wrong_credentials_fails_https: refuses(Squid, Some("bob:wrong"), "https");
}

/// The tunnel hides nothing from the check of the origin's certificate.
#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_inside_the_tunnel() -> TestResult {
    let (stranger, trusted) = (Authority::new(), Authority::new());
    let (origin, proxy) = (origin(&stranger, "https").await, Squid::start(None).await);
    let config = trusting(
        &trusted,
        vec![
            by_plugin(endpoint("/plugin", &origin.url()), &proxy.url()),
            by_client(endpoint("/client", &origin.url()), &proxy.url()),
        ],
    );
    let gateway = Gateway::start(config).await?;
    assert_eq!(gateway.get("/plugin").await?.status, 500);
    assert_eq!(gateway.get("/client").await?.status, 500);
    assert_eq!(origin.hits(), 0);
    Ok(())
}
