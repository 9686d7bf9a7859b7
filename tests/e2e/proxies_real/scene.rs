//! A proxy between a gateway and two origins, and what is to be true of it.

use cuttle_tests::{
    Authority, Credentials, Exchange, Gate, Gateway, Head, Origin, Outgoing, Product, RealProxy,
    Reply, Step, TestResult, soon,
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{ANSWER, USERINFO};
use crate::support::{endpoint, trusting, with, with_client, with_plugin};

const SECRETS: [&str; 3] = ["s3cret-7Qz", "Ym9iOnMzY3JldC03UXo", "Proxy-Authorization"];

/// Requests under way at the same time.
const PARALLEL: usize = 200;

/// A proxy between a gateway and two origins.
pub(super) struct Scene {
    pub(super) product: Product,
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
    pub(super) async fn set(
        product: Product,
        credentials: Option<Credentials>,
    ) -> anyhow::Result<Self> {
        let proxy = RealProxy::start(product, credentials).await;
        Self::around(product, proxy, credentials, Authority::new()).await
    }

    pub(super) async fn around(
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

pub(super) fn handler(gate: &Gate) -> impl Fn(&Head) -> Reply + Send + Sync + 'static {
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
pub(super) async fn passes(scene: &Scene) -> TestResult {
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
pub(super) async fn is_proven_by_its_log(scene: &mut Scene) -> TestResult {
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
pub(super) async fn keeps_its_tunnels(scene: &Scene) -> TestResult {
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

pub(super) async fn carries_many_at_once(scene: &Scene) -> TestResult {
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

pub(super) async fn fails_without_the_right_credentials(scene: &Scene) -> TestResult {
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
pub(super) async fn can_be_killed_in_the_middle(scene: &mut Scene) -> TestResult {
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
pub(super) async fn goes_on_to_its_end(exchange: &mut Exchange) -> bool {
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

pub(super) fn keeps_its_secrets(scene: &Scene) {
    for secret in SECRETS {
        let log = scene.gateway.log().text();
        assert!(!log.contains(secret), "{secret} in the log");
        for origin in [&scene.plain, &scene.secure] {
            let seen = origin.journal().text();
            assert!(!seen.contains(secret), "{secret} at the origin");
        }
    }
}

pub(super) async fn opens_no_tunnel(scene: &Scene) -> TestResult {
    for way in ["plugin", "client"] {
        let answer = scene.gateway.get(&format!("/right/secure/{way}")).await?;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    }
    assert_eq!(scene.secure.journal().received.len(), 0);
    Ok(())
}
