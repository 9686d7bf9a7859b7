//! What is special about some of them: HTTP/2, who resolves names, a proxy that
//! comes back, certificates.

use std::collections::HashSet;

use cuttle_tests::{
    Authority, Gate, Gateway, Origin, Outgoing, Product, RealProxy, Reply, TestResult,
    USERS_LIBRARY, soon,
};
use serde_json::json;

use super::{
    ANSWER,
    scene::{goes_on_to_its_end, handler},
};
use crate::support::{both_ways, by_client, by_plugin, endpoint, trusting, with_client};

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

/// The kernel of the proof: the name exists for the proxy alone, its log shows
/// it, and a library that reports every lookup of the gateway reports none. With
/// `socks5`, where the gateway has to resolve, it reports one.
#[tokio::test]
async fn with_socks5h_dante_resolves_the_name_and_the_gateway_looks_nothing_up() -> TestResult {
    const NAME: &str = "origin.test";
    let authority = Authority::new();
    let origins = [
        Origin::replying(ANSWER).await,
        Origin::start_tls(&authority, |_| Reply::text(ANSWER)).await,
    ];
    let hosts = authority.file().with_file_name("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 {NAME}\n"))?;
    for origin in &origins {
        let target = origin.url().replace("127.0.0.1", NAME);
        for (scheme, looked_up) in [("socks5h", false), ("socks5", true)] {
            let proxy = RealProxy::start(Product::DanteTalking, None).await;
            let settings = json!({ "proxy_address": proxy.url_by(scheme) });
            let config = trusting(&authority, both_ways(&target, &settings));
            let mut gateway = Gateway::configured(config)
                .env("LD_PRELOAD", USERS_LIBRARY)
                .env("NSS_WRAPPER_HOSTS", &hosts.display().to_string())
                .env("NSS_WRAPPER_DEBUGLEVEL", "3")
                .start()
                .await?;
            for way in ["/plugin", "/client"] {
                assert_eq!(gateway.get(way).await?.body, ANSWER, "{scheme} {way}");
            }
            gateway.stop().await?;
            let lookup = format!("Searching for name: {NAME}");
            assert_eq!(
                gateway.log().text().contains(&lookup),
                looked_up,
                "{scheme}"
            );
            let told = if looked_up { "127.0.0.1" } else { NAME };
            let line = proxy.logged("command 1 request received").await;
            let address = format!("address: {told}.{} ", origin.port());
            assert!(line.contains(&address), "{scheme}: {line}");
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
