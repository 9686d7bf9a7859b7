//! The status page: there on request, and true.

use cuttle_tests::{FaultProxy, Gateway, Origin, TestResult, fixture};
use serde_json::{Value, json};

use crate::support::{
    by_plugin, endpoint, plugin_folder, plugins_from_folder, service, with, with_backend,
    with_client,
};

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

/// Plugins that answer for no backend, but stand around one, or around all of them.
#[tokio::test]
async fn plugins_beside_the_backends_are_told_as_well() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[&fixture("modifies-as-told"), &fixture("guards")]);
    let modifier = json!({ "plugin/req-resp-modifier": {
        "name": ["modifies-as-told"],
        "modifies-as-told": { "request": [{ "set_header": ["x-set", "1"] }] },
    } });
    let around = with(
        endpoint("/a", &origin.url()),
        "extra_config",
        modifier.clone(),
    );
    let around = with_backend(around, "extra_config", modifier);
    let mut config = plugins_from_folder(service(vec![endpoint("/plain", &origin.url()), around]));
    config["extra_config"] = json!({
        "cuttle/http": { "status_path": "/__status", "metrics_path": "/__metrics" },
        "plugin/http-server": { "name": "guards" },
    });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    assert_eq!(gateway.get("/a").await?.body, "ok");
    let told = page(&gateway).await?;
    let of = |backend: Value| {
        let name = "modifies-as-told";
        let plugin = json!({ "name": name, "instances": 1, "idle": 1, "limit": 256 });
        json!({ "endpoint": "GET /a", "backend": backend, "proxies": [], "plugin": plugin })
    };
    assert_eq!(told["modifiers"], json!([of(Value::Null), of(json!(0))]));
    assert_eq!(told["server_plugins"][0]["name"], "guards");
    assert_eq!(told["server_plugins"].as_array().map(Vec::len), Some(1));

    let metrics = gateway.get("/__metrics").await?.body;
    for backend in ["", "backend=\"0\","] {
        let series = format!(
            "cuttle_plugin_calls_total{{plugin=\"modifies-as-told\",world=\"req-resp-modifier\",\
             endpoint=\"GET /a\",{backend}position=\"0\"}} 1"
        );
        assert!(
            metrics.lines().any(|line| line == series),
            "{series}\n{metrics}"
        );
    }
    Ok(())
}
