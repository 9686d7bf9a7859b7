//! Standard components (`wasi:http`) as plugins, seen through the whole gateway.

use std::time::{Duration, Instant};

use cuttle_tests::{FaultProxy, Gateway, Origin, Outgoing, Step, TestResult, fixture};
use serde_json::{Value, json};

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with, with_plugin};

const STANDARD: [&str; 2] = ["wasi-http-proxy", "wasi-http-service"];
const MISBEHAVES: &str = "wasi-http-misbehaves";
const LIMIT: Duration = Duration::from_millis(500);

/// `path` of `host` by the component `name`, with the fields by which the
/// fixtures are told what to do.
fn by_component(path: &str, host: &str, name: &str) -> Value {
    let endpoint = with_plugin(endpoint(path, host), json!({ "name": name }));
    with(endpoint, "input_headers", json!(["X-Mode", "X-Target"]))
}

fn told(mode: &str, target: &str) -> Outgoing {
    Outgoing::new("GET", "/a")
        .field("X-Mode", mode)
        .field("X-Target", target)
}

#[tokio::test]
async fn a_standard_component_answers_by_its_name() -> TestResult {
    for name in STANDARD {
        let origin = Origin::replying("ok").await;
        let folder = plugin_folder(&[&fixture(name)]);
        let config = plugins_from_folder(service(vec![by_component("/a", &origin.url(), name)]));
        let gateway = Gateway::configured(config).dir(&folder).start().await?;
        let answer = gateway.get("/a").await?;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{name}");
        assert!(origin.last().head.field("x-added").is_some(), "{name}");
        let line = gateway.access("/a").await?;
        assert_eq!(line["span"]["plugin"], name, "{line}");
    }
    Ok(())
}

/// Its outgoing requests are those of its backend: what covers those covers
/// them.
#[tokio::test]
async fn http_proxy_covers_a_standard_component() -> TestResult {
    for name in STANDARD {
        let proxy = FaultProxy::start(vec![
            Step::Head,
            Step::send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nby the proxy"),
        ])
        .await;
        let folder = plugin_folder(&[&fixture(name)]);
        let backend = by_component("/a", "http://origin.test", name);
        let gateway = Gateway::configured(plugins_from_folder(service(vec![backend])))
            .dir(&folder)
            .env("HTTP_PROXY", &proxy.url())
            .start()
            .await?;
        assert_eq!(gateway.get("/a").await?.body, "by the proxy", "{name}");
        let start = &proxy.journal().heads[0].start;
        assert_eq!(start, "GET http://origin.test/a HTTP/1.1", "{name}");
        let line = gateway.access("/a").await?;
        assert!(line["span"]["proxy"].is_string(), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_standard_component_reaches_its_own_backend_only() -> TestResult {
    let (own, other) = (
        Origin::replying("own").await,
        Origin::replying("other").await,
    );
    let folder = plugin_folder(&[&fixture(MISBEHAVES)]);
    let backend = by_component("/a", &own.url(), MISBEHAVES);
    let mut config = plugins_from_folder(service(vec![backend]));
    let target = format!("127.0.0.1:{}", other.port());

    let gateway = Gateway::configured(config.clone())
        .dir(&folder)
        .start()
        .await?;
    let answer = gateway.ask(told("reach-out", &target)).await?;
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    assert!(other.journal().heads.is_empty());

    let grants = json!({ MISBEHAVES: { "outbound": [target] } });
    config["extra_config"] = json!({ "cuttle/plugins": { "grants": grants } });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let answer = gateway.ask(told("reach-out", &target)).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(other.journal().heads.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_standard_component_that_misbehaves_fails_its_own_request_only() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[&fixture(MISBEHAVES)]);
    let broken = by_component("/a", &origin.url(), MISBEHAVES);
    let limit = json!(format!("{}ms", LIMIT.as_millis()));
    let config = plugins_from_folder(service(vec![
        with(broken, "timeout", limit),
        endpoint("/healthy", &origin.url()),
    ]));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    for mode in ["silent", "trap", "spin", "status", "memory"] {
        let start = Instant::now();
        let (broken, healthy) = tokio::join!(gateway.ask(told(mode, "")), gateway.get("/healthy"));
        let (broken, healthy) = (broken?, healthy?);
        assert!(start.elapsed() < LIMIT + Duration::from_secs(2), "{mode}");
        assert_eq!((broken.status, broken.body.as_str()), (500, ""), "{mode}");
        assert_eq!(
            (healthy.status, healthy.body.as_str()),
            (200, "ok"),
            "{mode}"
        );
    }
    for mode in [
        "trap-after-head",
        "spin-after-head",
        "unfinished",
        "dropped",
    ] {
        // The break may come before the head has left; then there is no answer.
        if let Ok(answer) = gateway.ask(told(mode, "")).await {
            assert!(!answer.complete, "{mode}: {answer:?}");
        }
    }
    Ok(())
}
