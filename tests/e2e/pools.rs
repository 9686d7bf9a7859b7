//! Connections that are kept: as many as are used at once, never for somebody
//! else, and no longer than the configuration says.

use std::collections::{HashMap, HashSet};

use cuttle_tests::{
    Authority, FaultProxy, Gateway, Journal, Origin, Outgoing, Reply, Step, TestResult, soon,
};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use crate::support::{both_ways, by_client, by_plugin, endpoint, service, trusting, with};

/// Requests at the same time.
const AT_ONCE: usize = 8;

/// Sends `count` requests, `at_once` at a time, each of which must succeed.
async fn load(gateway: &Gateway, paths: &[&str], count: usize, at_once: usize) -> TestResult {
    let calls = (0..count).map(|index| gateway.get(paths[index % paths.len()]));
    let answers: Vec<_> = stream::iter(calls)
        .buffer_unordered(at_once)
        .collect()
        .await;
    for answer in answers {
        assert_eq!(answer?.status, 200);
    }
    Ok(())
}

/// Connections with at least one request on them.
fn connections(journal: &Journal) -> usize {
    let used: HashSet<_> = journal.requests.iter().map(|one| one.connection).collect();
    used.len()
}

#[tokio::test]
async fn there_are_no_more_connections_to_a_proxy_than_requests_at_once() -> TestResult {
    let proxy = Origin::replying("ok").await;
    let target = "http://behind.test";
    let gateway = Gateway::start(service(vec![
        by_plugin(endpoint("/plugin", target), &proxy.url()),
        by_client(endpoint("/client", target), &proxy.url()),
        by_client(endpoint("/other", "http://other.test"), &proxy.url()),
    ]))
    .await?;
    // One pool for all three: forwarded requests do not care about the target.
    load(&gateway, &["/plugin", "/client", "/other"], 600, AT_ONCE).await?;
    assert!(
        connections(&proxy.journal()) <= AT_ONCE,
        "{}",
        connections(&proxy.journal())
    );
    Ok(())
}

#[tokio::test]
async fn there_are_no_more_tunnels_to_a_target_than_requests_at_once() -> TestResult {
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, |_| Reply::text("ok")).await;
    let proxy = FaultProxy::working().await;
    let config = trusting(
        &authority,
        vec![
            by_plugin(endpoint("/plugin", &origin.url()), &proxy.url()),
            by_client(endpoint("/client", &origin.url()), &proxy.url()),
        ],
    );
    let gateway = Gateway::start(config).await?;
    load(&gateway, &["/plugin", "/client"], 400, AT_ONCE).await?;
    let tunnels = proxy.journal().heads.len();
    assert!(tunnels <= AT_ONCE, "{tunnels}");
    assert_eq!(connections(&origin.journal()), tunnels);
    Ok(())
}

#[tokio::test]
async fn a_tunnel_serves_one_target_only() -> TestResult {
    let authority = Authority::new();
    let proxy = FaultProxy::working().await;
    let mut origins = Vec::new();
    for name in ["first", "second", "third"] {
        origins.push(Origin::start_tls(&authority, move |_| Reply::text(name)).await);
    }
    let paths = ["/0", "/1", "/2"];
    let endpoints = paths
        .iter()
        .zip(&origins)
        .map(|(path, origin)| by_client(endpoint(path, &origin.url()), &proxy.url()));
    let gateway = Gateway::start(trusting(&authority, endpoints.collect())).await?;
    for _ in 0..10 {
        for (path, expected) in paths.iter().zip(["first", "second", "third"]) {
            assert_eq!(gateway.get(path).await?.body, expected);
        }
    }
    let targets: Vec<_> = proxy
        .journal()
        .heads
        .iter()
        .map(|head| head.target().to_owned())
        .collect();
    let expected: Vec<_> = origins.iter().map(Origin::authority).collect();
    assert_eq!(targets, expected, "one tunnel for each");
    Ok(())
}

#[tokio::test]
async fn a_connection_belongs_to_one_set_of_credentials() -> TestResult {
    let proxy = Origin::replying("ok").await;
    let address = |userinfo: &str| proxy.url().replace("//", &format!("//{userinfo}"));
    let people = [
        ("/nobody", ""),
        ("/ann", "ann:a@"),
        ("/bob", "bob:b@"),
        ("/bob2", "bob:B@"),
    ];
    let mut endpoints = Vec::new();
    for (path, userinfo) in people {
        let plugin = format!("{path}/plugin");
        endpoints.push(by_client(
            endpoint(path, "http://behind.test"),
            &address(userinfo),
        ));
        endpoints.push(by_plugin(
            endpoint(&plugin, "http://behind.test"),
            &address(userinfo),
        ));
    }
    let gateway = Gateway::start(service(endpoints)).await?;
    for _ in 0..5 {
        for (path, _) in people {
            assert_eq!(gateway.get(path).await?.status, 200);
            assert_eq!(gateway.get(&format!("{path}/plugin")).await?.status, 200);
        }
    }
    let mut seen: HashMap<usize, HashSet<Option<String>>> = HashMap::new();
    for request in proxy.journal().requests {
        let who = request.head.field("proxy-authorization").map(str::to_owned);
        seen.entry(request.connection).or_default().insert(who);
    }
    assert_eq!(
        seen.len(),
        people.len(),
        "one for each, shared by both ways"
    );
    assert!(seen.values().all(|who| who.len() == 1), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn tunnels_belong_to_one_set_of_credentials() -> TestResult {
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, |_| Reply::text("ok")).await;
    let proxy = FaultProxy::working().await;
    let config = trusting(
        &authority,
        vec![
            by_client(endpoint("/ann", &origin.url()), &proxy.url_with("ann:a")),
            by_client(endpoint("/bob", &origin.url()), &proxy.url_with("bob:b")),
        ],
    );
    let gateway = Gateway::start(config).await?;
    for _ in 0..5 {
        assert_eq!(gateway.get("/ann").await?.status, 200);
        assert_eq!(gateway.get("/bob").await?.status, 200);
    }
    let who: Vec<_> = proxy
        .journal()
        .heads
        .iter()
        .map(|head| head.field("proxy-authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        who,
        [
            Some("Basic YW5uOmE=".to_owned()),
            Some("Basic Ym9iOmI=".to_owned())
        ]
    );
    Ok(())
}

#[tokio::test]
async fn ten_thousand_calls_in_a_row_need_two_connections() -> TestResult {
    let proxy = Origin::replying("ok").await;
    let target = "http://behind.test";
    let mut config = service(vec![
        by_plugin(endpoint("/plugin", target), &proxy.url()),
        by_client(endpoint("/client", target), &proxy.url()),
    ]);
    config["extra_config"] = json!({ "telemetry/logging": { "level": "ERROR", "stdout": true } });
    let gateway = Gateway::configured(config)
        .env("CUTTLE_LOG", "cuttle=info")
        .start()
        .await?;
    let mut exchange = gateway.connect().await?;
    for index in 0..10_000 {
        let path = if index % 2 == 0 { "/client" } else { "/plugin" };
        exchange.send(Outgoing::new("GET", path)).await?;
        assert_eq!(exchange.answer().await?.body, "ok", "call {index}");
    }
    let journal = proxy.journal();
    assert_eq!(journal.requests.len(), 10_000);
    assert!(journal.received.len() <= 2, "{}", journal.received.len());
    Ok(())
}

#[tokio::test]
async fn idle_connections_beyond_the_configured_number_are_closed() -> TestResult {
    let proxy = Origin::replying("ok").await;
    for (key, value, left) in [
        ("max_idle_connections_per_host", json!(2), 2),
        ("max_idle_connections", json!(3), 3),
        ("idle_connection_timeout", json!("50ms"), 0),
        ("disable_keep_alives", json!(true), 0),
    ] {
        let before = proxy.journal();
        let endpoint = by_client(endpoint("/x", "http://behind.test"), &proxy.url());
        let mut config = service(vec![endpoint]);
        config[key] = value;
        let gateway = Gateway::start(config).await?;
        load(&gateway, &["/x"], 200, AT_ONCE).await?;
        soon(key, async {
            let open = |journal: &Journal| journal.received.len() - journal.closed;
            let journal = || proxy.journal();
            assert!(journal().received.len() > before.received.len());
            while open(&journal()) - open(&before) > left {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
        drop(gateway);
        proxy
            .wait("the gateway's connections to end", |journal| {
                (journal.received.len() == journal.closed).then_some(())
            })
            .await;
    }
    Ok(())
}

/// Twelve thousand of them, of every kind that leaves a socket behind; two
/// thousand for each proxy, and for a list of a closing and a dead one.
#[tokio::test]
async fn failures_leave_no_descriptor_behind() -> TestResult {
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, |_| Reply::text("ok")).await;
    let refusal = "HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n";
    let proxies = [
        FaultProxy::start(vec![]).await,
        FaultProxy::start(vec![Step::Head, Step::Reset]).await,
        FaultProxy::start(vec![Step::Head, Step::send(refusal)]).await,
        FaultProxy::start(vec![Step::Head, Step::send("HTTP/1.1 200 OK\r\n\r\n")]).await,
    ];
    let mut addresses: Vec<_> = proxies.iter().map(FaultProxy::url).collect();
    addresses.push(FaultProxy::refused().await);
    let dead = FaultProxy::refused().await;
    let list = json!({ "proxy_address": [proxies[0].url(), dead] });
    let quick = |endpoint| with(endpoint, "timeout", json!("5s"));
    let mut endpoints = Vec::new();
    let mut paths = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        for way in ["plugin", "client"] {
            let path = format!("/{index}/{way}");
            let plain = endpoint(&path, &origin.url());
            endpoints.push(quick(match way {
                "plugin" => by_plugin(plain, address),
                _ => by_client(plain, address),
            }));
            paths.push(path);
        }
    }
    for endpoint in both_ways(&origin.url(), &list) {
        endpoints.push(quick(endpoint));
    }
    paths.extend(["/plugin", "/client"].map(str::to_owned));
    let gateway = Gateway::configured(trusting(&authority, endpoints))
        .env("CUTTLE_LOG", "cuttle=info")
        .start()
        .await?;
    let fail = async |count: usize| -> TestResult {
        let clients = (0..AT_ONCE).map(|client| {
            let (gateway, paths) = (&gateway, &paths);
            async move {
                let mut exchange = gateway.connect().await?;
                for index in (client..count).step_by(AT_ONCE) {
                    let path = &paths[(index / AT_ONCE) % paths.len()];
                    exchange.send(Outgoing::new("GET", path)).await?;
                    assert_eq!(exchange.answer().await?.status, 500, "{path}");
                }
                anyhow::Ok(())
            }
        });
        let ended: Vec<_> = stream::iter(clients)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        ended.into_iter().collect()
    };
    fail(240).await?;
    let before = gateway.usage()?;
    fail(12_000).await?;
    soon("descriptors to be closed", async {
        while gateway
            .usage()
            .is_ok_and(|now| now.descriptors > before.descriptors)
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(origin.hits(), 0, "nothing goes around the proxies");
    Ok(())
}
