//! The proxies people run, with and without credentials, for http and https
//! targets, by plugin and by the client's setting: what happened is read from
//! the proxy's own log and from the bytes that reached the origin.

use std::collections::HashSet;

use cuttle_tests::{
    Authority, Credentials, Exchange, Gate, Gateway, Head, Origin, Outgoing, Product, RealProxy,
    Reply, Step, TestResult, soon,
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::support::{
    both_ways, by_client, by_plugin, endpoint, trusting, with, with_client, with_plugin,
};

const BOB: Credentials = Credentials {
    user: "bob",
    password: "s3cret-7Qz",
};
/// As in the address.
const USERINFO: &str = "bob:s3cret-7Qz";
const SECRETS: [&str; 3] = ["s3cret-7Qz", "Ym9iOnMzY3JldC03UXo", "Proxy-Authorization"];

const ANSWER: &str = "from the origin";
/// Requests under way at the same time.
const PARALLEL: usize = 200;

/// A proxy between a gateway and two origins.
struct Scene {
    product: Product,
    proxy: RealProxy,
    plain: Origin,
    secure: Origin,
    config: Value,
    gateway: Gateway,
    /// Holds the second half of every answer to `/long`.
    gate: Gate,
    /// The configuration names its file.
    _authority: Authority,
}

impl Scene {
    async fn set(product: Product, credentials: Option<Credentials>) -> anyhow::Result<Self> {
        let proxy = RealProxy::start(product, credentials).await;
        Self::around(product, proxy, credentials, Authority::new()).await
    }

    async fn around(
        product: Product,
        proxy: RealProxy,
        credentials: Option<Credentials>,
        authority: Authority,
    ) -> anyhow::Result<Self> {
        let gate = Gate::new();
        let plain = Origin::start(handler(&gate)).await;
        let secure = Origin::start_tls(&authority, handler(&gate)).await;
        let right = match credentials {
            Some(_) => proxy.url_with(USERINFO),
            None => proxy.url(),
        };
        let wrong = match credentials {
            Some(_) => proxy.url_with("bob:wrong"),
            None => proxy.url(),
        };
        let mut endpoints = Vec::new();
        for (scheme, origin) in [("plain", &plain), ("secure", &secure)] {
            for (kind, address) in [
                ("right", &right),
                ("long", &right),
                ("wrong", &wrong),
                ("none", &proxy.url()),
            ] {
                let path = |way: &str| format!("/{kind}/{scheme}/{way}");
                let mut settings =
                    json!({ "proxy_address": address, "proxy_http2": product.multiplexes() });
                endpoints.push(with_client(all(&path("client"), origin), settings.clone()));
                settings["name"] = json!("http-proxy");
                endpoints.push(with_plugin(all(&path("plugin"), origin), settings));
            }
        }
        let config = trusting(&authority, endpoints);
        Ok(Self {
            product,
            proxy,
            plain,
            secure,
            gateway: Gateway::start(config.clone()).await?,
            config,
            gate,
            _authority: authority,
        })
    }

    /// The schemes of targets that this proxy can reach.
    fn schemes(&self) -> Vec<(&'static str, &Origin)> {
        let mut schemes = vec![("plain", &self.plain)];
        if self.product.tunnels() {
            schemes.push(("secure", &self.secure));
        }
        schemes
    }

    /// Whether targets of this scheme are behind a tunnel.
    fn is_tunnel(&self, scheme: &str) -> bool {
        scheme == "secure" || self.product.multiplexes()
    }

    fn hits(&self) -> usize {
        self.plain.hits() + self.secure.hits()
    }
}

fn all(path: &str, origin: &Origin) -> Value {
    with(endpoint(path, &origin.url()), "input_headers", json!(["*"]))
}

fn handler(gate: &Gate) -> impl Fn(&Head) -> Reply + Send + Sync + 'static {
    let gate = gate.clone();
    move |head| {
        if !head.target().starts_with("/long/") {
            return Reply::text(ANSWER);
        }
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf";
        Reply::steps(vec![
            Step::send(half),
            Step::Wait(gate.clone()),
            Step::send("more"),
        ])
    }
}

/// One request by each way to each target; origin and proxy tell the path.
async fn passes(scene: &Scene) -> TestResult {
    for (scheme, origin) in scene.schemes() {
        for way in ["plugin", "client"] {
            let path = format!("/right/{scheme}/{way}");
            let answer = scene.gateway.get(&path).await?;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (200, ANSWER),
                "{path}"
            );
            let head = origin.last().head;
            let start = format!("GET {path} HTTP/1.");
            assert!(
                head.start.starts_with(&start),
                "origin-form behind the proxy: {}",
                head.raw
            );
            assert_eq!(head.field("host"), Some(origin.authority().as_str()));
        }
    }
    Ok(())
}

/// Most log a tunnel when it ends, so this ends them first.
async fn is_proven_by_its_log(scene: &mut Scene) -> TestResult {
    scene.gateway.stop().await?;
    for (scheme, origin) in scene.schemes() {
        for way in ["plugin", "client"] {
            let path = format!("/right/{scheme}/{way}");
            let tunnel = scene.is_tunnel(scheme);
            let trace = scene.proxy.trace(&origin.authority(), &path, tunnel);
            scene.proxy.logged(&trace).await;
        }
    }
    Ok(())
}

/// A tunnel is the gateway's to keep; a connection for `http` targets belongs
/// to the proxy, and some close each.
async fn keeps_its_tunnels(scene: &Scene) -> TestResult {
    for (scheme, origin) in scene.schemes() {
        let before = origin.journal().received.len();
        for _ in 0..20 {
            let path = format!("/right/{scheme}/client");
            assert_eq!(scene.gateway.get(&path).await?.status, 200);
        }
        let new = origin.journal().received.len() - before;
        assert!(
            scheme == "plain" || new <= 1,
            "{new} tunnels for 20 requests"
        );
    }
    Ok(())
}

async fn carries_many_at_once(scene: &Scene) -> TestResult {
    for (scheme, origin) in scene.schemes() {
        let before = origin.hits();
        let paths = ["plugin", "client"].map(|way| format!("/right/{scheme}/{way}"));
        let calls = (0..PARALLEL).map(|index| scene.gateway.get(&paths[index % 2]));
        let answers: Vec<_> = stream::iter(calls)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        for answer in answers {
            let answer = answer?;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (200, ANSWER),
                "{scheme}"
            );
        }
        assert_eq!(origin.hits() - before, PARALLEL, "{scheme}: each once");
    }
    Ok(())
}

async fn fails_without_the_right_credentials(scene: &Scene) -> TestResult {
    let before = scene.hits();
    for (scheme, _) in scene.schemes() {
        for kind in ["wrong", "none"] {
            for way in ["plugin", "client"] {
                let path = format!("/{kind}/{scheme}/{way}");
                let answer = scene.gateway.get(&path).await?;
                assert!(answer.status >= 400, "{path}: {}", answer.status);
                assert_ne!(answer.body, ANSWER, "{path}");
                let challenge = answer.field("proxy-authenticate");
                assert_eq!(challenge, None, "{path}: it is for the gateway");
            }
        }
    }
    assert_eq!(scene.hits(), before, "nothing goes around the proxy");
    Ok(())
}

/// Answers break off, and nothing goes out any other way.
async fn can_be_killed_in_the_middle(scene: &mut Scene) -> TestResult {
    scene.gateway = Gateway::start(scene.config.clone()).await?;
    // Privoxy, for one, keeps the first half until there is more.
    let begins = scene.product != Product::Privoxy;
    let mut under_way = Vec::new();
    for (scheme, _) in scene.schemes() {
        for way in ["plugin", "client"] {
            let mut exchange = scene.gateway.connect().await?;
            let path = format!("/long/{scheme}/{way}");
            exchange.send(Outgoing::new("GET", &path)).await?;
            if begins {
                assert_eq!(exchange.piece_after_head().await?, "half", "{path}");
            }
            under_way.push((path, exchange));
        }
    }
    let asked = under_way.len();
    soon("the origins to be asked", async {
        let long = |origin: &Origin| {
            let heads = origin.journal().heads;
            heads
                .iter()
                .filter(|head| head.target().starts_with("/long/"))
                .count()
        };
        while long(&scene.plain) + long(&scene.secure) < asked {
            tokio::task::yield_now().await;
        }
    })
    .await;
    scene.proxy.kill().await;
    for (path, mut exchange) in under_way {
        let whole = match begins {
            true => goes_on_to_its_end(&mut exchange).await,
            false => is_whole(&mut exchange).await,
        };
        assert!(!whole, "{path} must not look complete");
    }
    let before = scene.hits();
    for (scheme, _) in scene.schemes() {
        for way in ["plugin", "client"] {
            let path = format!("/right/{scheme}/{way}");
            assert_eq!(scene.gateway.get(&path).await?.status, 500, "{path}");
        }
    }
    assert_eq!(scene.hits(), before, "nothing goes around the dead proxy");
    scene.gate.open();
    Ok(())
}

/// Whether the rest of a body comes to its proper end.
async fn goes_on_to_its_end(exchange: &mut Exchange) -> bool {
    loop {
        match exchange.piece().await {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Whether an answer comes to its proper end with 200.
async fn is_whole(exchange: &mut Exchange) -> bool {
    match exchange.answer().await {
        Ok(answer) => answer.complete && answer.status == 200,
        Err(_) => false,
    }
}

fn keeps_its_secrets(scene: &Scene) {
    for secret in SECRETS {
        let log = scene.gateway.log().text();
        assert!(!log.contains(secret), "{secret} in the log");
        for origin in [&scene.plain, &scene.secure] {
            let seen = origin.journal().text();
            assert!(!seen.contains(secret), "{secret} at the origin");
        }
    }
}

async fn serves(mut scene: Scene, credentials: Option<Credentials>) -> TestResult {
    passes(&scene).await?;
    keeps_its_tunnels(&scene).await?;
    carries_many_at_once(&scene).await?;
    if credentials.is_some() {
        fails_without_the_right_credentials(&scene).await?;
    }
    if !scene.product.tunnels() {
        opens_no_tunnel(&scene).await?;
    }
    is_proven_by_its_log(&mut scene).await?;
    keeps_its_secrets(&scene);
    can_be_killed_in_the_middle(&mut scene).await?;
    keeps_its_secrets(&scene);
    Ok(())
}

async fn opens_no_tunnel(scene: &Scene) -> TestResult {
    for way in ["plugin", "client"] {
        let answer = scene.gateway.get(&format!("/right/secure/{way}")).await?;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    }
    assert_eq!(scene.secure.journal().received.len(), 0);
    Ok(())
}

macro_rules! matrix {
    ($($name:ident: $product:ident, $credentials:expr;)*) => {$(
        #[tokio::test]
        async fn $name() -> TestResult {
            serves(Scene::set(Product::$product, $credentials).await?, $credentials).await
        }
    )*};
}

matrix! {
    tinyproxy: Tinyproxy, None;
    tinyproxy_with_credentials: Tinyproxy, Some(BOB);
    squid: Squid, None;
    squid_with_credentials: Squid, Some(BOB);
    apache: Apache, None;
    apache_with_credentials: Apache, Some(BOB);
    haproxy: Haproxy, None;
    haproxy_with_credentials: Haproxy, Some(BOB);
    nginx: Nginx, None;
    nginx_with_credentials: Nginx, Some(BOB);
    privoxy: Privoxy, None;
    microsocks: Microsocks, None;
    microsocks_with_credentials: Microsocks, Some(BOB);
    dante: Dante, None;
    dante_with_credentials: Dante, Some(BOB);
    v2ray: V2ray, None;
}

#[tokio::test]
async fn stunnel_before_tinyproxy() -> TestResult {
    behind_tls(Product::Stunnel, None).await
}

#[tokio::test]
async fn stunnel_before_tinyproxy_with_credentials() -> TestResult {
    behind_tls(Product::Stunnel, Some(BOB)).await
}

#[tokio::test]
async fn nghttpx_before_tinyproxy() -> TestResult {
    behind_tls(Product::Nghttpx, None).await
}

#[tokio::test]
async fn nghttpx_before_tinyproxy_with_credentials() -> TestResult {
    behind_tls(Product::Nghttpx, Some(BOB)).await
}

async fn behind_tls(shell: Product, credentials: Option<Credentials>) -> TestResult {
    let authority = Authority::new();
    let proxy = RealProxy::start_tls(shell, &authority, credentials).await;
    let scene = Scene::around(shell, proxy, credentials, authority).await?;
    serves(scene, credentials).await
}

/// Tunnels to two origins, all open at the same time: nghttpx logs the port that
/// each of them came from.
#[tokio::test]
async fn tunnels_share_one_http2_connection_to_nghttpx() -> TestResult {
    const TUNNELS: usize = 40;
    let authority = Authority::new();
    let gate = Gate::new();
    let plain = Origin::start(handler(&gate)).await;
    let secure = Origin::start_tls(&authority, handler(&gate)).await;
    let proxy = RealProxy::start_tls(Product::Nghttpx, &authority, None).await;
    let settings = json!({ "proxy_address": proxy.url(), "proxy_http2": true });
    let mut both = with_client(endpoint("/long/{x}", &secure.url()), settings);
    both["backend"][0]["host"] = json!([plain.url(), secure.url()]);
    let mut gateway = Gateway::start(trusting(&authority, vec![both])).await?;
    let mut under_way = Vec::new();
    for index in 0..TUNNELS {
        let mut exchange = gateway.connect().await?;
        let request = Outgoing::new("GET", &format!("/long/{index}"));
        exchange.send(request).await?;
        assert_eq!(exchange.piece_after_head().await?, "half");
        under_way.push(exchange);
    }
    gate.open();
    for mut exchange in under_way {
        assert!(goes_on_to_its_end(&mut exchange).await);
    }
    gateway.stop().await?;
    for origin in [&plain, &secure] {
        assert!(origin.hits() > 0, "both have their turn");
    }
    assert_eq!(plain.hits() + secure.hits(), TUNNELS);

    let lines = soon("nghttpx to log them all", async {
        loop {
            let log = proxy.own_log();
            let lines = log.lines().filter(|line| line.contains(" CONNECT "));
            let lines: Vec<_> = lines.map(str::to_owned).collect();
            if lines.len() >= TUNNELS {
                return lines;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(lines.len(), TUNNELS);
    let connection = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let connections: HashSet<_> = lines.iter().map(connection).collect();
    assert_eq!(connections.len(), 1, "{connections:?}");
    assert!(lines[0].contains(" alpn=h2 status=200 "), "{}", lines[0]);
    Ok(())
}

/// By which scheme, to which host, and what the proxy was told to connect to:
/// where that is an address, the gateway has resolved the name.
#[tokio::test]
async fn socks_of_every_kind_reaches_targets_of_both_kinds() -> TestResult {
    for (product, scheme, host, told) in [
        (Product::Microsocks, "socks5", "localhost", "127.0.0.1"),
        (Product::Microsocks, "socks5h", "localhost", "localhost"),
        (Product::V2ray, "socks5", "localhost", "127.0.0.1"),
        (Product::V2ray, "socks5h", "localhost", "localhost"),
        (Product::V2ray, "socks4a", "localhost", "localhost"),
        (Product::V2ray, "socks4a", "127.0.0.1", "127.0.0.1"),
        // It logs an address whatever it was told, and knows SOCKS4 only
        // without names.
        (Product::Dante, "socks5", "localhost", "127.0.0.1"),
        (Product::Dante, "socks4a", "127.0.0.1", "127.0.0.1"),
    ] {
        let case = format!("{product:?} {scheme} {host}");
        let authority = Authority::new();
        let origins = [
            Origin::replying(ANSWER).await,
            Origin::start_tls(&authority, |_| Reply::text(ANSWER)).await,
        ];
        let proxy = RealProxy::start(product, None).await;
        for origin in &origins {
            let target = origin.url().replace("127.0.0.1", host);
            let settings = json!({ "proxy_address": proxy.url_by(scheme) });
            let config = trusting(&authority, both_ways(&target, &settings));
            let mut gateway = Gateway::start(config).await?;
            for way in ["/plugin", "/client"] {
                let answer = gateway.get(way).await?;
                assert_eq!(answer.body, ANSWER, "{case} {way} {target}");
            }
            assert_eq!(origin.hits(), 2, "{case}");
            gateway.stop().await?;
            let place = format!("{told}:{}", origin.port());
            proxy.logged(&proxy.trace(&place, "", true)).await;
        }
    }
    Ok(())
}

/// The first of two is killed, the second takes over, and the first, started
/// again on its port, has all the requests again.
#[tokio::test]
async fn a_proxy_that_comes_back_is_used_again() -> TestResult {
    let authority = Authority::new();
    let plain = Origin::replying(ANSWER).await;
    let secure = Origin::start_tls(&authority, |_| Reply::text(ANSWER)).await;
    for origin in [&plain, &secure] {
        let mut first = RealProxy::start(Product::Tinyproxy, None).await;
        let second = RealProxy::start(Product::Tinyproxy, None).await;
        let settings = json!({ "proxy_address": [first.url(), second.url()] });
        let mut backend = with_client(endpoint("/x", &origin.url()), settings);
        // Each request is one line of a log.
        backend["backend"][0]["extra_config"]["backend/http/client"]["proxy_tunnel"] = json!(true);
        let mut config = trusting(&authority, vec![backend]);
        config["disable_keep_alives"] = json!(true);
        let gateway = Gateway::start(config).await?;
        let seen = |proxy: &RealProxy| {
            let trace = proxy.trace(&origin.authority(), "/x", true);
            proxy.access_log().matches(&trace).count()
        };

        assert_eq!(gateway.get("/x").await?.body, ANSWER);
        assert_eq!((seen(&first), seen(&second)), (1, 0));
        first.kill().await;
        for _ in 0..5 {
            assert_eq!(gateway.get("/x").await?.body, ANSWER);
        }
        assert_eq!((seen(&first), seen(&second)), (1, 5));
        first.restart().await;
        soon("the end of its back-off", async {
            while seen(&first) == 1 {
                assert_eq!(gateway.get("/x").await.unwrap().body, ANSWER);
            }
        })
        .await;
        let meanwhile = seen(&second);
        for _ in 0..10 {
            assert_eq!(gateway.get("/x").await?.body, ANSWER);
        }
        assert_eq!((seen(&first), seen(&second)), (12, meanwhile));
    }
    Ok(())
}

/// The tunnel hides nothing from the check of the origin's certificate.
#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_inside_the_tunnel() -> TestResult {
    let (stranger, trusted) = (Authority::new(), Authority::new());
    let origin = Origin::start_tls(&stranger, |_| Reply::text(ANSWER)).await;
    let proxy = RealProxy::start(Product::Squid, None).await;
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
