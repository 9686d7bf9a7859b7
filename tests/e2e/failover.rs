//! Several proxies for one backend: a dead one costs nobody a request, a proxy
//! that has spoken is not asked around, and nothing ever goes out without one.

use cuttle_tests::{
    Authority, FaultProxy, Gateway, Origin, Outgoing, Product, RealProxy, Reply, Step, TestResult,
    Wire, soon,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};

use crate::support::{both_ways, endpoint, service, trusting, with, with_client, with_plugin};

const TARGET: &str = "http://behind.test";
const WAYS: [&str; 2] = ["/plugin", "/client"];

/// A proxy for `http` targets that answers itself.
async fn answering(text: &'static str) -> Origin {
    Origin::replying(text).await
}

fn list(addresses: &[&str]) -> Value {
    json!({ "proxy_address": addresses })
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_costs_no_request() -> TestResult {
    let closing = FaultProxy::start(vec![]).await;
    let strange = FaultProxy::start_tls(&Authority::new(), vec![]).await;
    let dead = [
        FaultProxy::refused().await,
        "http://proxy.invalid:3128".to_owned(),
        // Not by `http:`: a request that was written before the end is noticed
        // may have been passed on, and fails.
        closing.url().replace("http:", "https:"),
        strange.url().replace("http:", "https:"),
        closing.url().replace("http:", "socks5h:"),
    ];
    for address in &dead {
        let good = answering("by the second").await;
        let endpoints = both_ways(TARGET, &list(&[address, &good.url()]));
        let gateway = Gateway::start(service(endpoints)).await?;
        for _ in 0..5 {
            for way in WAYS {
                let answer = gateway.get(way).await?;
                assert_eq!(
                    answer.body,
                    "by the second",
                    "{address} {way}: {:?}",
                    gateway.log()
                );
            }
        }
        assert_eq!(good.hits(), 10, "{address}");
    }
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_by_its_own_fault_costs_no_request() -> TestResult {
    let authority = Authority::new();
    let status = |text: &str| {
        vec![
            Step::Head,
            Step::send(&format!("HTTP/1.1 {text}\r\nContent-Length: 0\r\n\r\n")),
        ]
    };
    for (name, script) in [
        ("500", status("500 x")),
        ("502", status("502 x")),
        ("503", status("503 x")),
        ("closed", vec![Step::Head]),
        ("reset", vec![Step::Head, Step::Reset]),
        ("garbage", vec![Step::Head, Step::send("what\r\n\r\n")]),
        ("silence", vec![Step::Head, Step::Silence]),
    ] {
        let (bad, good) = (FaultProxy::start(script).await, FaultProxy::working().await);
        let origin = Origin::start_tls(&authority, |_| Reply::text("tunnelled")).await;
        let mut settings = list(&[&bad.url(), &good.url()]);
        settings["proxy_connect_timeout"] = json!("300ms");
        let endpoints = both_ways(&origin.url(), &settings);
        let gateway = Gateway::start(trusting(&authority, endpoints)).await?;
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.body, "tunnelled", "{name} {way}");
        }
        assert!(!bad.journal().heads.is_empty(), "{name}: was asked first");
    }
    Ok(())
}

/// Asking another proxy would be a way around the rules of the first.
#[tokio::test]
async fn a_refusal_stands() -> TestResult {
    let authority = Authority::new();
    for status in ["403 no", "407 who", "404 where"] {
        let refusal = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let refusing = FaultProxy::start(vec![Step::Head, Step::send(&refusal)]).await;
        let second = FaultProxy::working().await;
        let origin = Origin::start_tls(&authority, |_| Reply::text("tunnelled")).await;
        let endpoints = both_ways(&origin.url(), &list(&[&refusing.url(), &second.url()]));
        let gateway = Gateway::start(trusting(&authority, endpoints)).await?;
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.status, 500, "{status} {way}");
        }
        assert_eq!(second.journal().received.len(), 0, "{status}");
    }
    Ok(())
}

#[tokio::test]
async fn when_all_are_dead_the_request_fails_and_nothing_goes_out_directly() -> TestResult {
    for sharing in ["order", "spread"] {
        let origin = Origin::replying("direct").await;
        let dead = [FaultProxy::refused().await, FaultProxy::refused().await];
        let mut settings = list(&[&dead[0], &dead[1]]);
        settings["proxy_sharing"] = json!(sharing);
        let gateway = Gateway::start(service(both_ways(&origin.url(), &settings))).await?;
        for _ in 0..5 {
            for way in WAYS {
                let answer = gateway.get(way).await?;
                assert_eq!(
                    (answer.status, answer.body.as_str()),
                    (500, ""),
                    "{sharing} {way}"
                );
            }
        }
        assert_eq!(origin.journal().received.len(), 0);
    }
    Ok(())
}

/// The second proxy must not get what the first may have passed on already.
#[tokio::test]
async fn a_written_post_is_not_repeated_by_the_next_proxy() -> TestResult {
    for way in WAYS {
        for script in [vec![Step::Head, Step::Reset], vec![Step::Head]] {
            let second = answering("by the second").await;
            let first = FaultProxy::start(script).await;
            let settings = list(&[&first.url(), &second.url()]);
            let endpoints = both_ways(TARGET, &settings).into_iter();
            let endpoints = endpoints.map(|endpoint| with(endpoint, "method", json!("POST")));
            let gateway = Gateway::start(service(endpoints.collect())).await?;
            assert_eq!(gateway.post(way, "an order").await?.status, 500, "{way}");
            assert_eq!(second.hits(), 0, "{way}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn requests_are_spread_over_all_proxies() -> TestResult {
    let proxies = [
        answering("0").await,
        answering("1").await,
        answering("2").await,
    ];
    let addresses: Vec<_> = proxies.iter().map(Origin::url).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    for (sharing, expected) in [("spread", [10, 10, 10]), ("order", [40, 10, 10])] {
        let mut settings = list(&addresses);
        settings["proxy_sharing"] = json!(sharing);
        let endpoint = with_client(endpoint("/x", TARGET), settings);
        let gateway = Gateway::start(service(vec![endpoint])).await?;
        for _ in 0..30 {
            assert_eq!(gateway.get("/x").await?.status, 200);
        }
        assert_eq!(proxies.each_ref().map(Origin::hits), expected, "{sharing}");
    }
    Ok(())
}

#[tokio::test]
async fn spread_leaves_a_dead_proxy_out() -> TestResult {
    let (first, third) = (answering("1").await, answering("3").await);
    let mut settings = list(&[&first.url(), &FaultProxy::refused().await, &third.url()]);
    settings["proxy_sharing"] = json!("spread");
    let gateway = Gateway::start(service(both_ways(TARGET, &settings))).await?;
    for _ in 0..30 {
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.status, 200, "{way}");
        }
    }
    assert_eq!(first.hits() + third.hits(), 60);
    assert!(
        first.hits() >= 15 && third.hits() >= 15,
        "{} {}",
        first.hits(),
        third.hits()
    );
    Ok(())
}

/// Real ones: the first is killed while requests run, the second takes over,
/// and the first is used again once it is back.
#[tokio::test]
async fn a_killed_proxy_is_replaced_by_the_next() -> TestResult {
    let authority = Authority::new();
    let plain = Origin::replying("ok").await;
    let secure = Origin::start_tls(&authority, |_| Reply::text("ok")).await;
    let mut first = RealProxy::start(Product::Tinyproxy, None).await;
    let second = RealProxy::start(Product::Squid, None).await;
    let settings = list(&[&first.url(), &second.url()]);
    let gateway = Gateway::start(trusting(
        &authority,
        vec![
            with_client(endpoint("/plain", &plain.url()), settings.clone()),
            with_client(endpoint("/secure", &secure.url()), settings),
        ],
    ))
    .await?;
    for path in ["/plain", "/secure"] {
        assert_eq!(gateway.get(path).await?.body, "ok");
    }
    first
        .logged(&first.trace(&plain.authority(), "/plain", false))
        .await;
    first.kill().await;
    for _ in 0..20 {
        for path in ["/plain", "/secure"] {
            assert_eq!(
                gateway.get(path).await?.body,
                "ok",
                "{path}: {:?}",
                gateway.log()
            );
        }
    }
    second
        .logged(&second.trace(&plain.authority(), "/plain", false))
        .await;
    assert_eq!((plain.hits(), secure.hits()), (21, 21));
    Ok(())
}

/// Answers one request on each connection.
async fn answer_all(listener: TcpListener, text: &str) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    while let Ok((stream, _)) = listener.accept().await {
        let mut wire = Wire::new(stream);
        if matches!(wire.head().await, Ok(Some(_))) {
            let _ = wire.send(answer.as_bytes()).await;
        }
    }
}

/// Lines about proxies: level and fields.
fn reports(gateway: &Gateway) -> Vec<(String, Value)> {
    let events = gateway.log().events().into_iter();
    let about = events.filter(|event| event["target"] == "cuttle");
    let about = about.filter(|event| event["fields"]["proxy"].is_string());
    let report = |event: Value| {
        let level = event["level"].as_str().unwrap_or_default();
        (level.to_owned(), event["fields"].clone())
    };
    about.map(report).collect()
}

#[tokio::test]
async fn the_log_says_once_that_a_proxy_fails_and_once_that_it_is_back() -> TestResult {
    // Taken, but not listening: refuses until it is brought to life.
    let first = TcpSocket::new_v4()?;
    first.bind("127.0.0.1:0".parse()?)?;
    let address = first.local_addr()?;
    let second = answering("by the second").await;
    let settings = list(&[&format!("http://bob:s3cret@{address}"), &second.url()]);
    let endpoint = with_client(endpoint("/x", TARGET), settings);
    let gateway = Gateway::start(service(vec![endpoint])).await?;
    for _ in 0..20 {
        assert_eq!(gateway.get("/x").await?.body, "by the second");
    }
    let server = tokio::spawn(answer_all(first.listen(8)?, "by the first"));
    soon("the first proxy to be used again", async {
        while gateway.get("/x").await?.body != "by the first" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    })
    .await?;
    for _ in 0..5 {
        assert_eq!(gateway.get("/x").await?.body, "by the first");
    }
    server.abort();
    gateway.terminate()?;
    gateway.log().end().await;

    let (reports, label) = (reports(&gateway), format!("http://{address}"));
    let levels: Vec<_> = reports.iter().map(|(level, _)| level.as_str()).collect();
    assert_eq!(levels, ["WARN", "INFO"], "{:?}", gateway.log());
    assert!(reports.iter().all(|(_, fields)| fields["proxy"] == label));
    let failed = &reports[0].1;
    assert_eq!(failed["failures"], 1, "{failed}");
    let pause = failed["pause_ms"].as_u64().unwrap_or_default();
    assert!((500..=1000).contains(&pause), "{failed}");
    let reason = failed["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("refused"), "{failed}");
    assert!(!gateway.log().text().contains("s3cret"));
    Ok(())
}

#[tokio::test]
async fn what_is_not_a_list_of_proxies_stops_the_start() {
    for (value, place) in [
        (json!([]), "proxy_address"),
        (json!(["http://a:1", "direct"]), "proxy_address"),
        (json!(["http://a:1", 2]), "proxy_address"),
        (json!(["http://a:1", "ftp://b:2"]), "proxy_address"),
        (json!(["http://a:1", "http://b"]), "proxy_address"),
    ] {
        let settings = json!({ "name": "http-proxy", "proxy_address": value });
        let client = with_client(endpoint("/x", TARGET), json!({ "proxy_address": value }));
        for endpoint in [client, with_plugin(endpoint("/x", TARGET), settings)] {
            let started = Gateway::start(service(vec![endpoint])).await;
            let text = started.expect_err(&value.to_string()).to_string();
            assert!(text.contains(place), "{value}: {text}");
        }
    }
}

#[tokio::test]
async fn requests_with_a_body_survive_a_dead_proxy() -> TestResult {
    let good = answering("ok").await;
    let settings = list(&[&FaultProxy::refused().await, &good.url()]);
    let endpoints = both_ways(TARGET, &settings).into_iter();
    let endpoints = endpoints.map(|endpoint| with(endpoint, "method", json!("POST")));
    let gateway = Gateway::start(service(endpoints.collect())).await?;
    for way in WAYS {
        let request = Outgoing::new("POST", way).text("an order");
        assert_eq!(gateway.ask(request).await?.body, "ok", "{way}");
        assert_eq!(good.last().body.text(), "an order", "{way}");
    }
    Ok(())
}
