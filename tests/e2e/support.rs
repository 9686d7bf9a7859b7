//! Pieces of configurations that most tests need.

use std::{path::Path, sync::Arc};

use cuttle_tests::{Authority, Gateway, Origin};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Enough for a busy machine; tests of timeouts set their own.
pub(crate) const TIMEOUT: &str = "30s";

/// A service with these endpoints.
pub(crate) fn service(endpoints: Vec<Value>) -> Value {
    json!({ "version": 3, "timeout": TIMEOUT, "endpoints": endpoints })
}

/// The same, trusting certificates of `authority`.
pub(crate) fn trusting(authority: &Authority, endpoints: Vec<Value>) -> Value {
    let mut service = service(endpoints);
    service["client_tls"] = json!({ "ca_certs": [authority.file()] });
    service
}

/// `GET path`, passed to `path` of `host`.
pub(crate) fn endpoint(path: &str, host: &str) -> Value {
    json!({
        "endpoint": path,
        "output_encoding": "no-op",
        "backend": [{ "url_pattern": path, "host": [host], "encoding": "no-op" }],
    })
}

/// The same, going through `proxy` by the bundled plugin.
pub(crate) fn by_plugin(endpoint: Value, proxy: &str) -> Value {
    with_plugin(
        endpoint,
        json!({ "name": "http-proxy", "proxy_address": proxy }),
    )
}

/// The same, going through `proxy` by the client's own setting.
pub(crate) fn by_client(mut endpoint: Value, proxy: &str) -> Value {
    endpoint["backend"][0]["extra_config"] =
        json!({ "backend/http/client": { "proxy_address": proxy } });
    endpoint
}

/// The same with any settings of the client.
pub(crate) fn with_client(mut endpoint: Value, settings: Value) -> Value {
    endpoint["backend"][0]["extra_config"] = json!({ "backend/http/client": settings });
    endpoint
}

/// `/plugin` and `/client` of `host`, with the same settings for both ways.
pub(crate) fn both_ways(host: &str, settings: &Value) -> Vec<Value> {
    let mut named = settings.clone();
    named["name"] = json!("http-proxy");
    vec![
        with_plugin(endpoint("/plugin", host), named),
        with_client(endpoint("/client", host), settings.clone()),
    ]
}

/// The same with any plugin.
pub(crate) fn with_plugin(mut endpoint: Value, settings: Value) -> Value {
    endpoint["backend"][0]["extra_config"] = json!({ "plugin/http-client": settings });
    endpoint
}

/// `key` of an endpoint set to `value`.
pub(crate) fn with(mut endpoint: Value, key: &str, value: Value) -> Value {
    endpoint[key] = value;
    endpoint
}

/// `key` of an endpoint's backend set to `value`.
pub(crate) fn with_backend(mut endpoint: Value, key: &str, value: Value) -> Value {
    endpoint["backend"][0][key] = value;
    endpoint
}

/// A folder `plugins` in a new working directory, with these components.
pub(crate) fn plugin_folder(components: &[&Path]) -> Arc<TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).expect("a folder for plugins");
    for component in components {
        let name = component.file_name().expect("a file");
        std::fs::copy(component, plugins.join(name)).expect("a copy of the component");
    }
    Arc::new(folder)
}

/// A service that takes plugins from `plugins` in the working directory.
pub(crate) fn plugins_from_folder(mut service: Value) -> Value {
    service["plugin"] = json!({ "folder": "./plugins/", "pattern": ".wasm" });
    service
}

/// The ways to a backend: `/direct`, and `/plugin` and `/client` through a
/// proxy, for which `origin` stands in.
pub(crate) const WAYS: [&str; 3] = ["/direct", "/plugin", "/client"];

/// One endpoint for each of [`WAYS`].
pub(crate) fn three_ways(origin: &Origin) -> Vec<Value> {
    let behind = "http://behind.test";
    vec![
        endpoint("/direct", &origin.url()),
        by_plugin(endpoint("/plugin", behind), &origin.url()),
        by_client(endpoint("/client", behind), &origin.url()),
    ]
}

/// The same with `method`.
pub(crate) fn three_ways_by(method: &str, origin: &Origin) -> Vec<Value> {
    three_ways(origin)
        .into_iter()
        .map(|endpoint| with(endpoint, "method", json!(method)))
        .collect()
}

/// What two requests to `origin` through `proxy` give: one by the plugin, one by
/// the client's setting.
pub(crate) async fn through(
    authority: &Authority,
    origin: &Origin,
    proxy: &str,
) -> anyhow::Result<[String; 2]> {
    let config = trusting(
        authority,
        vec![
            by_plugin(endpoint("/plugin", &origin.url()), proxy),
            by_client(endpoint("/client", &origin.url()), proxy),
        ],
    );
    let gateway = Gateway::start(config).await?;
    let plugin = gateway.get("/plugin").await?;
    let client = gateway.get("/client").await?;
    Ok([plugin.body, client.body])
}
