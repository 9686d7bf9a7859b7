//! The completion line says what happened; credentials stay out of it and out
//! of everything else but the proxy's ears.

use cuttle_tests::{FaultProxy, Gateway, Origin, Outgoing, Step, TestResult};
use serde_json::{Value, json};

use crate::support::{by_client, by_plugin, endpoint, service, three_ways, with};

/// `bob` and `s3cret@9:x` as they stand in a URL, plain, and in Basic.
const USERINFO: &str = "bob:s3cret%409%3Ax";
const SECRETS: [&str; 4] = [
    "s3cret",
    "s3cret@9:x",
    "s3cret%409%3Ax",
    "Ym9iOnMzY3JldEA5Ong=",
];
/// Every line of whatever handles a request; the compiler's would be gigabytes.
const EVERYTHING: &str = "trace,cranelift=off,cranelift_codegen=off,regalloc2=off,wasmtime=debug,\
    wasmtime_environ=off,wasmtime_internal_cranelift=off";
const BASIC: &str = "Basic Ym9iOnMzY3JldEA5Ong=";

#[tokio::test]
async fn a_completion_line_says_what_happened() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::start(service(three_ways(&origin))).await?;
    for (path, plugin, proxy) in [
        ("/direct", Value::Null, Value::Null),
        ("/plugin", json!("http-proxy"), json!(origin.url())),
        ("/client", Value::Null, json!(origin.url())),
    ] {
        gateway.get(path).await?;
        let line = gateway.access(path).await?;
        let span = &line["span"];
        assert_eq!(line["fields"]["message"], "request", "{line}");
        assert_eq!(span["name"], "request", "{line}");
        assert_eq!(span["method"], "GET");
        assert_eq!(span["endpoint"], path);
        assert_eq!(span["plugin"], plugin, "{line}");
        assert_eq!(span["proxy"], proxy, "{line}");
        assert_eq!(span["client"], "127.0.0.1");
        assert_eq!(
            span["status"]
                .as_u64()
                .or_else(|| span["status"].as_str()?.parse().ok()),
            Some(200),
            "{line}"
        );
        assert!(!span["duration_ms"].is_null(), "{line}");
        let backend = span["backend"].as_str().unwrap_or_default();
        assert!(!backend.is_empty(), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_was_not_routed_has_a_completion_line_too() -> TestResult {
    let gateway = Gateway::start(json!({ "version": 3 })).await?;
    assert_eq!(gateway.get("/nowhere").await?.status, 404);
    let line = gateway.access("/nowhere").await?;
    assert_eq!(
        line["span"]["status"].to_string().trim_matches('"'),
        "404",
        "{line}"
    );
    Ok(())
}

#[tokio::test]
async fn a_client_cannot_write_lines_of_the_log() -> TestResult {
    let gateway = Gateway::start(json!({ "version": 3 })).await?;
    let path = "/a%0a%7b%22forged%22:1%7d%1b%5b31m";
    gateway.get(path).await?;
    // Not a field value at all, so it does not get as far as a line.
    let mut exchange = gateway.connect().await?;
    let request = "GET /b HTTP/1.1\r\nHost: a\r\nUser-Agent: \u{1b}[31m\r\n\r\n";
    exchange.raw(request).await?;
    exchange.head().await?;
    gateway.access(path).await?;
    assert!(!gateway.log().text().contains('\u{1b}'));
    let events = gateway.log().events();
    assert!(events.iter().all(|event| event.get("forged").is_none()));
    Ok(())
}

/// Every outcome, as credentials love to show up in errors.
#[tokio::test]
async fn credentials_reach_the_proxy_and_nothing_else() -> TestResult {
    let origin = Origin::replying("ok").await;
    let answers = [
        (
            "works",
            vec![
                Step::Head,
                Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            ],
        ),
        (
            "407",
            vec![
                Step::Head,
                Step::send("HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n"),
            ],
        ),
        ("reset", vec![Step::Head, Step::Reset]),
        ("garbage", vec![Step::Head, Step::send("what\r\n\r\n")]),
    ];
    for (name, script) in answers {
        for scheme in ["http", "https"] {
            let proxy = FaultProxy::start(script.clone()).await;
            let host = origin.url().replace("http", scheme);
            let address = proxy.url_with(USERINFO);
            let all = |endpoint| with(endpoint, "input_headers", json!(["*"]));
            let mut config = service(vec![
                all(by_plugin(endpoint("/plugin", &host), &address)),
                all(by_client(endpoint("/client", &host), &address)),
                endpoint("/beside", &origin.url()),
            ]);
            config["debug_endpoint"] = json!(true);
            config["extra_config"] = json!({
                "router": { "return_error_msg": true },
                "telemetry/logging": { "level": "DEBUG", "stdout": true },
            });
            let mut gateway = Gateway::configured(config)
                .env("CUTTLE_LOG", EVERYTHING)
                .start()
                .await?;
            let mut answers = String::new();
            for path in ["/plugin", "/client", "/beside"] {
                let request = Outgoing::new("GET", path).field("Proxy-Authorization", "Basic YTpi");
                let answer = gateway.ask(request).await?;
                answers.push_str(&answer.head.raw);
                answers.push_str(&answer.body);
            }
            gateway.stop().await?;

            for head in &proxy.journal().heads {
                assert_eq!(
                    head.all("proxy-authorization"),
                    [BASIC],
                    "{name} {scheme}: {}",
                    head.raw
                );
            }
            assert!(
                proxy.journal().heads.len() >= 2,
                "{name} {scheme}: both asked the proxy"
            );
            assert!(gateway.log().text().contains("\"DEBUG\""), "all of it");
            for secret in SECRETS {
                for (place, text) in [
                    ("the log", gateway.log().text()),
                    ("an answer", answers.clone()),
                    ("the origin", origin.journal().text()),
                ] {
                    assert!(
                        !text.contains(secret),
                        "{name} {scheme}: {secret} in {place}:\n{text}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn credentials_are_not_in_the_message_of_a_refused_start() {
    for address in [
        format!("http://{USERINFO}@proxy:notaport"),
        format!("ftp://{USERINFO}@proxy:21"),
        format!("{USERINFO}@proxy:8080"),
        format!("http://{USERINFO}@"),
    ] {
        for by in [by_plugin, by_client] {
            let config = service(vec![by(endpoint("/x", "http://127.0.0.1:10"), &address)]);
            let text = Gateway::start(config)
                .await
                .expect_err(&address)
                .to_string();
            for secret in SECRETS {
                assert!(!text.contains(secret), "{address}: {text}");
            }
        }
    }
}
