//! Several proxies for one target.

use std::net::SocketAddr;

use cuttle_egress::{EnvironmentProxies, ProxyGroup, Sharing, Via};

use super::{peer::Peer, *};

/// An address where nobody listens.
fn dead() -> SocketAddr {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    gone.local_addr().unwrap()
}

fn group(sharing: Sharing, options: &ProxyOptions, addresses: &[String]) -> Arc<ProxyGroup> {
    let proxies = addresses
        .iter()
        .map(|address| Arc::new(Proxy::new(address, options.clone()).unwrap()));
    Arc::new(ProxyGroup::new(proxies.collect(), sharing).unwrap())
}

fn in_order(addresses: &[String]) -> Arc<ProxyGroup> {
    group(Sharing::Order, &ProxyOptions::default(), addresses)
}

fn tunnelling(addresses: &[String]) -> Arc<ProxyGroup> {
    let options = ProxyOptions {
        always_tunnel: true,
        ..ProxyOptions::default()
    };
    group(Sharing::Order, &options, addresses)
}

fn way(group: &Arc<ProxyGroup>) -> Way {
    Way::Group(Arc::clone(group))
}

fn usable(group: &ProxyGroup) -> Vec<bool> {
    group.health().iter().map(|proxy| proxy.usable).collect()
}

/// (failures, successes) of each proxy.
fn counts(group: &ProxyGroup) -> Vec<(u64, u64)> {
    let health = group.health();
    health.iter().map(|p| (p.failures, p.successes)).collect()
}

#[tokio::test]
async fn a_proxy_that_refuses_connections_gives_way_to_the_next_one() {
    let origin = Peer::answering(OK).await;
    let proxy = Peer::forwarding().await;
    let addresses = [format!("http://{}", dead()), proxy.url("")];
    for group in [in_order(&addresses), tunnelling(&addresses)] {
        let client = client();
        let body = pieces(vec![Ok("bo"), Ok("dy")]);
        let request = request("POST", &origin.url("/p"), body);
        let response = send(&client, request, &way(&group)).await.unwrap();
        let via = response.extensions().get::<Via>().unwrap();
        assert_eq!(via.proxy.as_deref(), Some(&*proxy.url("")));
        assert_eq!(via.rule.to_string(), "proxy_address");
        assert_eq!(usable(&group), [false, true]);
        assert_eq!(counts(&group), [(1, 0), (0, 1)]);
        assert_eq!(client.counters().failovers, 1);
    }
    assert_eq!(origin.received().matches("POST /p").count(), 2);
    assert_eq!(origin.received().matches("2\r\nbo\r\n2\r\ndy").count(), 2);
}

#[tokio::test]
async fn a_proxy_in_back_off_is_left_alone_and_tried_again_after_it() {
    let origin = Peer::answering(OK).await;
    let working = Peer::forwarding().await;
    // The first connection is refused a tunnel.
    let first = Peer::start(|mut wire| async move {
        wire.head().await;
        let answer = if wire.number == 0 { "503 No" } else { "403 No" };
        wire.write(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes())
            .await;
    })
    .await;
    let group = tunnelling(&[first.url(""), working.url("")]);
    let client = client();
    for _ in 0..5 {
        let response = get(&client, &origin.url("/"), &way(&group)).await.unwrap();
        text(response).await.unwrap();
    }
    assert_eq!(first.connections(), 1, "it was not left alone");
    while !usable(&group)[0] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = get(&client, &origin.url("/"), &way(&group)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ProxyStatus(403));
    assert_eq!(first.connections(), 2);
    assert_eq!(
        group.health()[0].retry_in,
        None,
        "it has spoken, so it works"
    );
}

#[tokio::test]
async fn an_answer_of_the_proxy_stands() {
    for (status, failed_over) in [
        (403, false),
        (407, false),
        (401, false),
        (429, false),
        (500, true),
        (502, true),
        (503, true),
        (504, true),
    ] {
        let refusing = Peer::answering(format!("HTTP/1.1 {status} No\r\n\r\n")).await;
        let origin = Peer::answering(OK).await;
        let working = Peer::forwarding().await;
        let group = tunnelling(&[refusing.url(""), working.url("")]);
        let answer = get(&client(), &origin.url("/"), &way(&group)).await;
        assert_eq!(answer.is_ok(), failed_over, "{status}");
        assert_eq!(working.connections(), usize::from(failed_over), "{status}");
        assert_eq!(usable(&group), [!failed_over, true], "{status}");
        if let Err(error) = answer {
            assert_eq!(error.kind(), ErrorKind::ProxyStatus(status));
        }
    }
}

#[tokio::test]
async fn a_407_to_a_plain_request_stands_too() {
    let refusing = Peer::answering("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").await;
    let other = Peer::answering(OK).await;
    let group = in_order(&[refusing.url(""), other.url("")]);
    let error = get(&client(), "http://a.test/", &way(&group))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProxyStatus(407));
    assert_eq!((other.connections(), usable(&group)), (0, vec![true, true]));
}

/// Otherwise one dead target would put all proxies out of service.
#[tokio::test]
async fn a_target_that_no_proxy_reaches_harms_no_proxy() {
    let refuse = "HTTP/1.1 502 No\r\n\r\n";
    let (one, two) = (Peer::answering(refuse).await, Peer::answering(refuse).await);
    let group = tunnelling(&[one.url(""), two.url("")]);
    let client = client();
    for _ in 0..3 {
        let error = get(&client, "http://a.test/", &way(&group)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ProxyStatus(502));
    }
    assert_eq!(usable(&group), [true, true]);
    assert_eq!(counts(&group), [(3, 0), (3, 0)]);
}

#[tokio::test]
async fn a_proxy_whose_tls_fails_gives_way() {
    let plain = Peer::start(|mut wire| async move {
        wire.write(b"HTTP/1.1 400 No\r\n\r\n").await;
    })
    .await;
    let working = Peer::answering(OK).await;
    let group = in_order(&[format!("https://{}", plain.address), working.url("")]);
    let client = client();
    for _ in 0..3 {
        let response = get(&client, "http://a.test/", &way(&group)).await.unwrap();
        text(response).await.unwrap();
    }
    assert_eq!((plain.connections(), working.connections()), (1, 1));
    assert_eq!(usable(&group), [false, true]);
}

#[tokio::test]
async fn a_silent_proxy_leaves_time_for_the_next() {
    let silent = Peer::start(|mut wire| async move { wire.closed().await }).await;
    let (origin, working) = (Peer::answering(OK).await, Peer::forwarding().await);
    let group = tunnelling(&[silent.url(""), working.url("")]);
    let client = client();
    let limit = Duration::from_millis(800);
    for _ in 0..2 {
        let request = request("GET", &origin.url("/"), empty());
        let sent = client.send(request, &way(&group), &within(limit)).await;
        assert_eq!(text(sent.unwrap()).await.unwrap(), "ok");
    }
    assert_eq!(silent.connections(), 1);
    assert_eq!(usable(&group), [false, true]);
}

#[tokio::test]
async fn when_all_proxies_fail_the_request_does_and_nothing_goes_direct() {
    let origin = Peer::answering(OK).await;
    let addresses = [
        format!("http://{}", dead()),
        "http://nowhere.invalid:1".to_owned(),
        format!("http://{}", dead()),
    ];
    for group in [in_order(&addresses), tunnelling(&addresses)] {
        for _ in 0..5 {
            let error = get(&client(), &origin.url("/"), &way(&group))
                .await
                .unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Connect | ErrorKind::Dns),
                "{}",
                shown(&error)
            );
        }
        assert_eq!(usable(&group), [false; 3]);
        let tries: u64 = counts(&group).iter().map(|(failed, _)| failed).sum();
        assert_eq!(tries, 3 + 4, "then only the one that is due first");
    }
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn a_proxy_in_back_off_is_used_where_there_is_no_other() {
    let origin = Peer::answering(OK).await;
    let proxy = Peer::start(|mut wire| async move {
        wire.request().await;
        // The first answer never comes.
        if wire.number > 0 {
            wire.write(OK.as_bytes()).await;
        }
    })
    .await;
    let group = in_order(&[proxy.url("")]);
    let client = client();
    let error = get(&client, &origin.url("/"), &way(&group)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(usable(&group), [false]);
    get(&client, &origin.url("/"), &way(&group)).await.unwrap();
    assert_eq!(usable(&group), [true]);
}

/// Whether the first proxy has sent it on is not known.
#[tokio::test]
async fn a_written_request_is_not_given_to_another_proxy() {
    let hanging_up = Peer::start(|mut wire| async move { drop(wire.request().await) }).await;
    for method in ["GET", "POST"] {
        let other = Peer::answering(OK).await;
        let group = in_order(&[hanging_up.url(""), other.url("")]);
        let client = client();
        let sent = request(method, "http://a.test/", empty());
        let error = send(&client, sent, &way(&group)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{method}");
        assert_eq!(other.connections(), 0, "{method}");
        // The next request has more luck.
        assert_eq!(usable(&group), [false, true], "{method}");
        get(&client, "http://a.test/", &way(&group)).await.unwrap();
    }
}

#[tokio::test]
async fn a_proxy_killed_between_requests_costs_nobody_anything() {
    let origin = Peer::answering(OK).await;
    let first = Peer::forwarding().await;
    let second = Peer::forwarding().await;
    let group = in_order(&[first.url(""), second.url("")]);
    let client = client();
    for round in 0..3 {
        if round == 1 {
            first.kill().await;
        }
        let response = get(&client, &origin.url("/"), &way(&group)).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok", "{round}");
    }
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[tokio::test]
async fn spreading_gives_each_proxy_its_turn() {
    let (one, two, three) = (
        Peer::answering(OK).await,
        Peer::answering(OK).await,
        Peer::answering(OK).await,
    );
    let addresses = [one.url(""), two.url(""), three.url("")];
    for (sharing, expected) in [(Sharing::Spread, [4, 4, 4]), (Sharing::Order, [12, 0, 0])] {
        let group = group(sharing, &ProxyOptions::default(), &addresses);
        let client = client();
        for _ in 0..12 {
            let response = get(&client, "http://a.test/", &way(&group)).await.unwrap();
            text(response).await.unwrap();
        }
        let seen: Vec<_> = counts(&group).into_iter().map(|(_, good)| good).collect();
        assert_eq!(seen, expected, "{sharing:?}");
    }
}

#[tokio::test]
async fn a_dead_proxys_turns_go_to_the_others() {
    let (one, two) = (Peer::answering(OK).await, Peer::answering(OK).await);
    let addresses = [one.url(""), format!("http://{}", dead()), two.url("")];
    let group = group(Sharing::Spread, &ProxyOptions::default(), &addresses);
    let client = client();
    for _ in 0..12 {
        get(&client, "http://a.test/", &way(&group)).await.unwrap();
    }
    let seen: Vec<_> = counts(&group).into_iter().map(|(_, good)| good).collect();
    assert_eq!((seen[1], seen[0] + seen[2]), (0, 12), "{seen:?}");
}

#[tokio::test]
async fn health_shows_no_credentials() {
    let group = in_order(&[format!("http://alice:secret@{}", dead())]);
    get(&client(), "http://a.test/", &way(&group))
        .await
        .unwrap_err();
    let shown = format!("{group:?} {:?}", group.health());
    assert!(
        !shown.contains("secret") && !shown.contains("alice"),
        "{shown}"
    );
}

#[test]
fn a_group_needs_a_proxy() {
    assert!(ProxyGroup::new(Vec::new(), Sharing::Order).is_err());
}

#[tokio::test]
async fn the_way_and_its_reason_can_be_asked_for() {
    let variables = |pairs: &'static [(&'static str, &'static str)]| {
        let var = move |name: &str| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Way::Environment(Arc::new(EnvironmentProxies::from_vars(var).unwrap()))
    };
    let environment = variables(&[
        ("http_proxy", "http://u:p@p:1"),
        ("HTTPS_PROXY", "http://s:2"),
        ("NO_PROXY", "10.0.0.0/8, .Internal.example"),
    ]);
    let excepting = |entry: &str| ProxyOptions {
        no_proxy: vec![entry.to_owned()],
        ..ProxyOptions::default()
    };
    let pair = ["http://a:1".to_owned(), "http://b:2".to_owned()];
    let p = |label: &str| Some(Arc::<str>::from(label));
    for (way, target, via, rule) in [
        (Way::Direct, "http://a.test/", vec![None], "direct"),
        (
            through("http://u:p@p:1"),
            "http://a.test/",
            vec![p("http://p:1")],
            "proxy_address",
        ),
        (
            Way::Group(group(Sharing::Order, &excepting("b.test"), &pair)),
            "http://a.test/",
            vec![p("http://a:1"), p("http://b:2")],
            "proxy_address",
        ),
        (
            Way::Group(group(Sharing::Order, &excepting("b.test"), &pair)),
            "http://x.b.test/",
            vec![None],
            "no_proxy entry b.test",
        ),
        (
            environment.clone(),
            "http://a.test/",
            vec![p("http://p:1")],
            "http_proxy",
        ),
        (
            environment.clone(),
            "https://a.test/",
            vec![p("http://s:2")],
            "HTTPS_PROXY",
        ),
        (
            environment.clone(),
            "https://a.internal.example/",
            vec![None],
            "NO_PROXY entry .Internal.example",
        ),
        (
            environment.clone(),
            "http://10.1.2.3/",
            vec![None],
            "NO_PROXY entry 10.0.0.0/8",
        ),
        (
            environment.clone(),
            "http://localhost/",
            vec![None],
            "loopback address",
        ),
        (
            variables(&[("HTTPS_PROXY", "direct")]),
            "https://a.test/",
            vec![None],
            "HTTPS_PROXY=direct",
        ),
        (
            variables(&[]),
            "https://a.test/",
            vec![None],
            "no proxy in the environment",
        ),
    ] {
        let decision = way.explain(&target.parse().unwrap()).await.unwrap();
        assert_eq!((decision.via, &*decision.rule), (via, rule), "{target}");
    }
    let guarded = variables(&[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")]);
    let denied = guarded.explain(&"http://a.test/".parse().unwrap()).await;
    assert_eq!(denied.unwrap_err().kind(), ErrorKind::Denied);
}

/// A proxy that is not asked for a target is no way around the others' rules.
#[tokio::test]
async fn an_exception_of_one_proxy_is_not_one_of_the_group() {
    let except = ProxyOptions {
        no_proxy: vec!["a.test".to_owned()],
        ..ProxyOptions::default()
    };
    let one = Proxy::new("http://a:1", except.clone()).unwrap();
    let two = Proxy::new("http://b:2", ProxyOptions::default()).unwrap();
    let three = Proxy::new("http://c:3", except).unwrap();
    let proxies = [one, two, three].map(Arc::new).to_vec();
    let group = ProxyGroup::new(proxies, Sharing::Order).unwrap();
    let way = Way::Group(Arc::new(group));
    let via = way
        .explain(&"http://a.test/".parse().unwrap())
        .await
        .unwrap()
        .via;
    assert_eq!(via, [Some("http://b:2".into())]);
}
