//! Lists of plugins on a backend, through the whole gateway.

use cuttle_tests::{Gateway, Origin, Outgoing, Product, RealProxy, TestResult, fixture};
use serde_json::json;

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with, with_plugin};

#[tokio::test]
async fn a_list_ends_in_the_forward_proxy_and_in_nothing_else() -> TestResult {
    let origin = Origin::replying("ok").await;
    let proxy = RealProxy::start(Product::Tinyproxy, None).await;
    let folder = plugin_folder(&[&fixture("hands-on")]);
    let list = json!({
        "name": ["hands-on", "hands-on", "http-proxy"],
        "mark": "m", "proxy_address": proxy.url(),
    });
    let listed = with(
        with_plugin(endpoint("/listed", &origin.url()), list),
        "input_headers",
        json!(["X-Task-1", "X-Task-2"]),
    );
    let mut config = plugins_from_folder(service(vec![listed]));
    config["extra_config"] = json!({ "cuttle/http": { "status_path": "/__status" } });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;

    assert_eq!(gateway.get("/listed").await?.body, "ok");
    let head = origin.last().head;
    assert_eq!(head.field("x-depth"), Some("ii"), "both have seen it");
    proxy.logged("/listed").await;
    let line = gateway.access("/listed").await?;
    assert_eq!(
        line["span"]["plugin"], "hands-on, hands-on, http-proxy",
        "{line}"
    );
    assert_eq!(line["span"]["proxy"], proxy.url(), "{line}");
    assert!(line["span"]["plugin_ms"].as_f64().is_some(), "{line}");

    // Around the others to the backend itself: refused, not sent directly.
    let before = origin.journal().heads.len();
    let around = Outgoing::new("GET", "/listed").field("X-Task-1", "around");
    assert_eq!(gateway.ask(around).await?.status, 500);
    assert_eq!(origin.journal().heads.len(), before);

    // One in the middle fails: the request fails, and no later one does.
    for (task, status) in [("trap", 500), ("fail", 500), ("", 200)] {
        let request = Outgoing::new("GET", "/listed").field("X-Task-2", task);
        assert_eq!(gateway.ask(request).await?.status, status, "{task}");
    }
    let told: serde_json::Value = serde_json::from_str(&gateway.get("/__status").await?.body)?;
    let plugins = told["backends"][0]["plugins"]
        .as_array()
        .map_or(0, Vec::len);
    assert_eq!(plugins, 3, "{told}");
    Ok(())
}

#[tokio::test]
async fn a_list_that_cannot_work_stops_the_start_at_its_place() -> TestResult {
    let folder = plugin_folder(&[
        &fixture("hands-on"),
        &fixture("adds-header"),
        &fixture("guards"),
    ]);
    for (names, place, text) in [
        (
            json!(["hands-on", "nobody"]),
            "name[1]",
            "there is no plugin `nobody`",
        ),
        (
            json!(["adds-header", "http-proxy"]),
            "name[0]",
            "does not import `next`",
        ),
        (
            json!(["hands-on", "guards"]),
            "name[1]",
            "does not export `http-client`",
        ),
        (
            json!(["hands-on", 3]),
            "name[1]",
            "is a number, not a string",
        ),
        (json!([]), "name", "is empty"),
    ] {
        let list = json!({ "name": names, "proxy_address": "http://127.0.0.1:1" });
        let listed = with_plugin(endpoint("/x", "http://a.test"), list);
        let config = plugins_from_folder(service(vec![listed]));
        let refused = Gateway::configured(config).dir(&folder).start().await;
        let said = refused
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        let place = format!("[\"plugin/http-client\"].{place}");
        assert!(said.contains(text), "{text}: {said}");
        assert!(said.contains(&place), "{place}: {said}");
    }
    Ok(())
}
