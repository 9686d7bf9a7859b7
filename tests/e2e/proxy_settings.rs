//! What the settings beside `proxy_address` do, by plugin and by the client's
//! own keys, which are the same.

use std::sync::Arc;

use cuttle_tests::{
    Authority, Configured, FaultProxy, Gateway, Origin, Outgoing, Reply, Step, TestResult,
};
use serde_json::{Value, json};

use crate::support::{both_ways, endpoint, service, trusting, with, with_client};

const WAYS: [&str; 2] = ["/plugin", "/client"];
const TARGET: &str = "http://behind.test";

/// `bob` and `s3cret:7@Qz`.
const BASIC: &str = "Basic Ym9iOnMzY3JldDo3QFF6";

fn proxied(address: &str, more: Value) -> Value {
    let mut settings = json!({ "proxy_address": address });
    let (all, more) = (
        settings.as_object_mut().unwrap(),
        more.as_object().unwrap().clone(),
    );
    all.extend(more);
    settings
}

fn configured(endpoints: Vec<Value>) -> Configured {
    Gateway::configured(service(endpoints))
}

#[tokio::test]
async fn a_password_may_stand_elsewhere() -> TestResult {
    let folder = Arc::new(tempfile::tempdir()?);
    std::fs::write(folder.path().join("password"), "s3cret:7@Qz\n")?;
    std::fs::write(folder.path().join("user"), "bob")?;
    for (user, password) in [
        (json!("bob"), json!("s3cret:7@Qz")),
        (json!("bob"), json!({ "env": "PROXY_PASSWORD" })),
        (json!("bob"), json!({ "file": "password" })),
        (
            json!({ "env": "PROXY_USER" }),
            json!({ "file": folder.path().join("password") }),
        ),
        (
            json!({ "file": "user" }),
            json!({ "env": "PROXY_PASSWORD" }),
        ),
    ] {
        let proxy = Origin::replying("ok").await;
        let more = json!({ "proxy_username": user, "proxy_password": password });
        let gateway = configured(both_ways(TARGET, &proxied(&proxy.url(), more)))
            .env("PROXY_USER", "bob")
            .env("PROXY_PASSWORD", "s3cret:7@Qz")
            .dir(&folder)
            .start()
            .await?;
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.status, 200, "{way}");
            let head = proxy.last().head;
            assert_eq!(head.all("proxy-authorization"), [BASIC], "{way} {password}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_password_that_is_not_where_it_should_be_stops_the_start() {
    for (reference, said) in [
        (json!({ "env": "NOT_THERE" }), "NOT_THERE"),
        (json!({ "env": "EMPTY" }), "EMPTY"),
        (json!({ "file": "not-there" }), "not-there"),
        (json!({ "env": "A", "file": "b" }), "proxy_password"),
        (json!({ "vault": "x" }), "proxy_password"),
        (json!(5), "proxy_password"),
    ] {
        let more = json!({ "proxy_username": "bob", "proxy_password": reference });
        for endpoint in both_ways(TARGET, &proxied("http://proxy:3128", more)) {
            let started = configured(vec![endpoint]).env("EMPTY", "").start().await;
            let text = started.expect_err(&reference.to_string()).to_string();
            assert!(text.contains(said), "{reference}: {text}");
            assert!(
                text.contains("endpoints[0].backend[0]"),
                "{reference}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn fields_for_connect_are_sent_with_it_and_nowhere_else() -> TestResult {
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, |_| Reply::text("tunnelled")).await;
    let proxy = FaultProxy::working().await;
    let more = json!({ "proxy_connect_headers": {
        "Proxy-Authorization": { "env": "PROXY_TOKEN" },
        "X-Team": "payments",
    } });
    let config = trusting(
        &authority,
        both_ways(&origin.url(), &proxied(&proxy.url(), more)),
    );
    let gateway = Gateway::configured(config)
        .env("PROXY_TOKEN", "Bearer s3cret-token")
        .start()
        .await?;
    for way in WAYS {
        assert_eq!(gateway.get(way).await?.body, "tunnelled");
    }
    for head in proxy.journal().heads {
        assert_eq!(
            head.field("proxy-authorization"),
            Some("Bearer s3cret-token")
        );
        assert_eq!(head.field("x-team"), Some("payments"));
        assert_eq!(
            head.field("user-agent"),
            None,
            "nothing of the request: {}",
            head.raw
        );
    }
    let seen = origin.journal().text();
    assert!(
        !seen.contains("s3cret-token") && !seen.contains("payments"),
        "{seen}"
    );
    assert!(!gateway.log().text().contains("s3cret-token"));
    Ok(())
}

#[tokio::test]
async fn a_tunnel_can_be_asked_for_http_targets_too() -> TestResult {
    let (origin, proxy) = (
        Origin::replying("tunnelled").await,
        FaultProxy::working().await,
    );
    let settings = proxied(&proxy.url(), json!({ "proxy_tunnel": true }));
    let gateway = Gateway::start(service(both_ways(&origin.url(), &settings))).await?;
    for way in WAYS {
        assert_eq!(gateway.get(way).await?.body, "tunnelled");
        assert_eq!(
            origin.last().head.start,
            format!("GET {way} HTTP/1.1"),
            "origin-form"
        );
    }
    let connect = format!("CONNECT {} HTTP/1.1", origin.authority());
    assert_eq!(proxy.journal().heads[0].start, connect);
    Ok(())
}

/// The environment's grammar, without its exception for loopback.
#[tokio::test]
async fn a_backends_own_no_proxy_list_is_obeyed() -> TestResult {
    let origin = Origin::replying("direct").await;
    let proxy = Origin::replying("proxied").await;
    let port = origin.port();
    let cases = [
        (json!([]), "proxied"),
        (json!("127.0.0.1"), "direct"),
        (json!(["127.0.0.1"]), "direct"),
        (json!(["10.0.0.0/8", "127.0.0.0/8"]), "direct"),
        (json!("10.0.0.0/8, 127.0.0.0/8"), "direct"),
        (json!([format!("127.0.0.1:{port}")]), "direct"),
        (json!(["127.0.0.1:1"]), "proxied"),
        (json!(["127.0.0.2", "localhost", ".1"]), "proxied"),
        (json!("*"), "direct"),
    ];
    for (list, expected) in cases {
        let settings = proxied(&proxy.url(), json!({ "no_proxy": list }));
        let gateway = Gateway::start(service(both_ways(&origin.url(), &settings))).await?;
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.body, expected, "{way} {list}");
        }
    }
    Ok(())
}

/// The list decides which exceptions there are: those of the environment do not
/// count for a backend with a proxy of its own.
#[tokio::test]
async fn names_in_a_no_proxy_list_are_compared_by_labels() -> TestResult {
    let proxy = Origin::replying("proxied").await;
    let gateway = configured(both_ways(
        "http://a.behind.test",
        &proxied(
            &proxy.url(),
            json!({ "no_proxy": ["hind.test", ".a.behind.test", "behind.test:81"] }),
        ),
    ))
    .env("NO_PROXY", "*")
    .start()
    .await?;
    for way in WAYS {
        assert_eq!(gateway.get(way).await?.body, "proxied", "{way}");
    }
    Ok(())
}

#[tokio::test]
async fn a_proxy_with_tls_is_checked_by_its_own_authority() -> TestResult {
    let (own, public) = (Authority::new(), Authority::new());
    let folder = Arc::new(tempfile::tempdir()?);
    std::fs::copy(own.file(), folder.path().join("own.pem"))?;
    let script = vec![
        Step::Head,
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ];
    let proxy = FaultProxy::start_tls(&own, script).await;
    let address = proxy.url().replace("http:", "https:");
    for (more, status) in [
        (json!({}), 500),
        (json!({ "proxy_ca": "own.pem" }), 200),
        (json!({ "proxy_ca": public.file() }), 500),
    ] {
        let config = trusting(&public, both_ways(TARGET, &proxied(&address, more.clone())));
        let gateway = Gateway::configured(config).dir(&folder).start().await?;
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.status, status, "{way} {more}");
        }
    }
    Ok(())
}

/// The certificate is for the proxy: the target inside of the tunnel, which
/// would take it, is not shown it.
#[tokio::test]
async fn a_client_certificate_is_shown_to_the_proxy() -> TestResult {
    let authority = Authority::new();
    let folder = Arc::new(tempfile::tempdir()?);
    let (certificate, key) = authority.issue(&["gateway.test"], folder.path());
    let pem = [std::fs::read(certificate)?, std::fs::read(key)?].concat();
    std::fs::write(folder.path().join("both.pem"), pem)?;
    let script = vec![
        Step::Head,
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ];
    let proxy = FaultProxy::start_mutual_tls(&authority, script).await;
    let address = proxy.url().replace("http:", "https:");
    for (more, status) in [
        (json!({}), 500),
        (json!({ "proxy_client_certificate": "both.pem" }), 200),
    ] {
        let config = trusting(
            &authority,
            both_ways(TARGET, &proxied(&address, more.clone())),
        );
        let gateway = Gateway::configured(config).dir(&folder).start().await?;
        for way in WAYS {
            assert_eq!(gateway.get(way).await?.status, status, "{way} {more}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_silent_proxy_is_given_up_after_its_own_limit() -> TestResult {
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, |_| Reply::text("direct")).await;
    let silent = FaultProxy::start(vec![Step::Head, Step::Silence]).await;
    let settings = proxied(&silent.url(), json!({ "proxy_connect_timeout": "200ms" }));
    let gateway = Gateway::start(trusting(&authority, both_ways(&origin.url(), &settings))).await?;
    for way in WAYS {
        assert_eq!(gateway.get(way).await?.status, 500, "{way}");
        let line = gateway.access(way).await?;
        let millis = line["span"]["duration_ms"].as_f64().unwrap_or(1e9);
        assert!((200.0..2000.0).contains(&millis), "{way}: {line}");
    }
    assert_eq!(origin.journal().received.len(), 0);
    Ok(())
}

#[tokio::test]
async fn settings_of_a_proxy_that_make_no_sense_stop_the_start_and_are_named() {
    for (key, value) in [
        ("proxy_sharing", json!("random")),
        ("proxy_password", json!("without a user")),
        ("proxy_connect_headers", json!({ "Host": "x" })),
        ("proxy_connect_headers", json!({ "a b": "x" })),
        ("proxy_connect_headers", json!({ "X": "a\r\nb" })),
        ("proxy_ca", json!("not-there.pem")),
        ("proxy_client_certificate", json!("not-there.pem")),
    ] {
        let mut more = json!({});
        more[key] = value.clone();
        for endpoint in both_ways(TARGET, &proxied("http://proxy:3128", more)) {
            let started = configured(vec![endpoint.clone()]).start().await;
            let text = match started {
                Ok(_) => panic!("{key} {value} is fine in {endpoint}"),
                Err(error) => error.to_string(),
            };
            assert!(text.contains(key), "{key} {value}: {text}");
        }
    }
}

/// One line for each request says where it goes and why, and the completion
/// line has it too.
#[tokio::test]
async fn the_log_says_which_way_was_taken_and_by_which_rule() -> TestResult {
    let proxy = Origin::replying("ok").await;
    let origin = Origin::replying("ok").await;
    let settings = proxied(&proxy.url(), json!({ "no_proxy": "127.0.0.1" }));
    let gateway = configured(vec![
        with_client(endpoint("/proxied", TARGET), settings.clone()),
        with_client(endpoint("/excepted", &origin.url()), settings),
        endpoint("/environment", "http://named.test"),
        endpoint("/loopback", &origin.url()),
    ])
    .env("HTTP_PROXY", &proxy.url())
    .start()
    .await?;
    for (path, through, rule) in [
        ("/proxied", Some(proxy.url()), "proxy_address"),
        ("/excepted", None, "no_proxy"),
        ("/environment", Some(proxy.url()), "HTTP_PROXY"),
        ("/loopback", None, "loopback"),
    ] {
        gateway.get(path).await?;
        let line = gateway.access(path).await?;
        assert_eq!(line["span"]["proxy"].as_str(), through.as_deref(), "{line}");
        let found = line["span"]["rule"].as_str().unwrap_or_default();
        assert!(found.contains(rule), "{path}: {line}");
    }
    Ok(())
}

#[tokio::test]
async fn the_gateways_own_requests_are_the_same_by_every_way() -> TestResult {
    let proxy = Origin::replying("ok").await;
    let all = |endpoint| with(endpoint, "input_headers", json!(["*"]));
    let endpoints = both_ways(TARGET, &proxied(&proxy.url(), json!({})));
    let gateway = Gateway::start(service(endpoints.into_iter().map(all).collect())).await?;
    let mut heads = Vec::new();
    for way in WAYS {
        let request = Outgoing::new("GET", way)
            .field("X-Own", "1")
            .field("Proxy", "http://evil:1");
        assert_eq!(gateway.ask(request).await?.status, 200);
        let head = proxy.last().head;
        assert_eq!(
            head.start,
            format!("GET {TARGET}{way} HTTP/1.1"),
            "absolute-form"
        );
        assert_eq!(head.field("host"), Some("behind.test"));
        let mut names: Vec<_> = head.fields.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        heads.push(names);
    }
    assert_eq!(heads[0], heads[1]);
    Ok(())
}
