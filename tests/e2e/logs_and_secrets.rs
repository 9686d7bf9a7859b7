//! The completion line says what happened, and a client cannot write it.

use cuttle_tests::{Gateway, Origin, Outgoing, TestResult};
use serde_json::{Value, json};

use crate::support::{service, three_ways};

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
async fn the_debug_endpoint_tells_no_secrets() -> TestResult {
    let config = json!({
        "version": 3, "debug_endpoint": true,
        "extra_config": { "telemetry/logging": { "level": "DEBUG", "stdout": true } },
    });
    let gateway = Gateway::start(config).await?;
    let request = Outgoing::new("GET", "/__debug/a?b=1&api_key=hunter2&%74oken=hunter2")
        .field("Authorization", "Bearer hunter2")
        .field("X-Upstream", "Bearer hunter2")
        .field("X-Plain", "shown");
    assert_eq!(gateway.ask(request).await?.status, 200);
    let debug = |event: &Value| event["fields"]["message"] == "debug request";
    let event = gateway.log().find("the request", debug).await;
    let fields = &event.unwrap_or_default()["fields"];
    let query = "b=1&api_key=***&%74oken=***";
    assert_eq!(fields["query"], query, "{fields}");
    assert_eq!(fields["uri"], format!("/__debug/a?{query}"), "{fields}");
    let headers = fields["headers"].as_str().unwrap_or_default();
    assert!(headers.contains("X-Plain: shown"), "{headers}");
    assert!(
        headers.contains("Authorization: ***; X-Upstream: ***"),
        "{headers}"
    );
    assert!(!gateway.log().text().contains("hunter2"));
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
