//! The status page: there on request, and true.

use cuttle_tests::{FaultProxy, Gateway, Origin, TestResult};
use serde_json::{Value, json};

use crate::support::{by_plugin, endpoint, service, with_client};

async fn page(gateway: &Gateway) -> anyhow::Result<Value> {
    let answer = gateway.get("/__status").await?;
    assert_eq!(
        answer.field("content-type"),
        Some("application/json; charset=utf-8")
    );
    Ok(serde_json::from_str(&answer.body)?)
}

#[tokio::test]
async fn nobody_gets_a_status_who_has_not_asked_for_it() -> TestResult {
    let gateway = Gateway::start(service(vec![])).await?;
    assert_eq!(gateway.get("/__status").await?.status, 404);
    assert_eq!(gateway.get("/__health").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn proxies_plugins_and_counters_are_told_as_they_are() -> TestResult {
    let origin = Origin::replying("ok").await;
    let dead = FaultProxy::refused().await;
    let list = json!({ "proxy_address": [dead, origin.url()] });
    let mut config = service(vec![
        endpoint("/direct", &origin.url()),
        with_client(endpoint("/list", "http://behind.test"), list),
        by_plugin(endpoint("/plugin", "http://behind.test"), &origin.url()),
    ]);
    config["extra_config"] = json!({ "cuttle/http": { "status_path": "/__status" } });
    let gateway = Gateway::start(config).await?;
    for path in ["/direct", "/direct", "/list", "/list", "/list", "/plugin"] {
        assert_eq!(gateway.get(path).await?.body, "ok", "{path}");
    }
    let told = page(&gateway).await?;
    assert_eq!(told["generation"], 1);
    assert_eq!(told["panics"], 0);
    assert_eq!(told["client"]["requests"], 6);
    assert_eq!(told["client"]["failovers"], 1, "then it is left out");
    // One to the origin, one to the origin as a proxy.
    assert_eq!(told["client"]["connections"], 2);
    assert_eq!(told["client"]["idle_connections"], 2);

    let of = |index: usize| &told["backends"][index];
    assert_eq!(of(0)["endpoint"], "GET /direct");
    assert_eq!(of(0)["proxies"], json!([]));
    let [first, second] = [0, 1].map(|index| &of(1)["proxies"][index]);
    assert_eq!(first["proxy"], dead);
    assert_eq!(
        (&first["usable"], &first["failures"]),
        (&json!(false), &json!(1))
    );
    assert!(first["retry_in_ms"].as_u64().unwrap() <= 1000, "{first}");
    let expected = json!({
        "proxy": origin.url(), "usable": true, "successes": 3, "failures": 0, "retry_in_ms": null,
    });
    assert_eq!(second, &expected);
    let plugin = json!({ "name": "http-proxy", "instances": 1, "idle": 1, "limit": 256 });
    assert_eq!(of(2)["plugins"], json!([plugin]));
    assert_eq!(told["server_plugins"], json!([]));
    assert_eq!(of(2)["proxies"][0]["successes"], 1);

    gateway.reload(1).await?;
    let anew = page(&gateway).await?;
    assert_eq!(
        (&anew["generation"], &anew["client"]["requests"]),
        (&json!(2), &json!(0))
    );
    Ok(())
}
