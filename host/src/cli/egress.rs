//! `cuttle check --egress`: which hosts can be reached, through which proxy, by
//! which rule.

use cuttle_egress::{Decision, Error, Way};
use cuttle_plugin::World;
use http::Uri;
use serde_json::{Value, json};

use crate::{
    assemble::{Assembly, BackendEgress, PluginEgress},
    telemetry::chain,
};

const HEADINGS: [&str; 5] = ["ENDPOINT", "HOST", "VIA", "RULE", "PLUGIN"];
/// What stands for a direct connection.
const DIRECT: &str = "direct";

/// What stands for the endpoint of plugins in front of the gateway.
const IN_FRONT: &str = "in front";

/// What the table cannot list.
const REDIRECTS: &str = "Redirects are followed to any host, by the same rules, unless a backend \
                         has \"no_redirect\".";

/// What requests come from: a backend, or a plugin beside them.
pub(super) struct Sender<'a> {
    /// Empty for plugins in front of the gateway.
    endpoint: Option<&'a str>,
    backend: Option<usize>,
    plugin: Option<&'a str>,
    /// Where the plugin is configured.
    namespace: Option<&'static str>,
    follows_redirects: bool,
    hosts: &'a [Uri],
    ways: &'a [Way],
}

impl<'a> From<&'a BackendEgress> for Sender<'a> {
    fn from(backend: &'a BackendEgress) -> Self {
        let plugin = backend.plugin.as_deref();
        Self {
            endpoint: Some(&backend.endpoint),
            backend: Some(backend.backend),
            plugin,
            namespace: plugin.map(|_| World::HttpClient.namespace()),
            follows_redirects: backend.follows_redirects,
            hosts: &backend.hosts,
            ways: &backend.ways,
        }
    }
}

impl<'a> From<&'a PluginEgress> for Sender<'a> {
    fn from(around: &'a PluginEgress) -> Self {
        Self {
            endpoint: around.endpoint.as_deref(),
            backend: around.backend,
            plugin: Some(around.meter.name()),
            namespace: Some(around.meter.world().namespace()),
            follows_redirects: around.follows_redirects,
            hosts: &around.hosts,
            ways: &around.ways,
        }
    }
}

/// All that send requests: backends, and then the plugins beside them.
pub(super) fn senders(assembly: &Assembly) -> Vec<Sender<'_>> {
    let backends = assembly.egress.iter().map(Sender::from);
    let around = assembly.plugin_egress.iter().map(Sender::from);
    backends.chain(around).collect()
}

/// One host, one way to it, and what was decided.
struct Line<'a> {
    sender: &'a Sender<'a>,
    host: String,
    decision: Result<Decision, Error>,
}

/// Everybody's lines, in the order given. PAC files are evaluated.
async fn decide<'a>(senders: &'a [Sender<'a>]) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for sender in senders {
        for host in sender.hosts {
            for way in sender.ways {
                let mut shown = host.to_string();
                shown.truncate(shown.trim_end_matches('/').len());
                lines.push(Line {
                    sender,
                    host: shown,
                    decision: way.explain(host).await,
                });
            }
        }
    }
    lines
}

/// The report as a table.
pub(super) async fn table(senders: &[Sender<'_>]) -> Vec<String> {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for line in decide(senders).await {
        let (via, rule) = match &line.decision {
            Ok(decision) => (via(decision).join(", "), decision.rule.clone()),
            Err(error) => ("none".to_owned(), chain(error)),
        };
        let endpoint = line.sender.endpoint.unwrap_or(IN_FRONT).to_owned();
        rows.push([endpoint, line.host, via, rule, plugin(line.sender)]);
    }
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines: Vec<_> = rows.iter().map(|row| padded(row, &widths)).collect();
    let free = |sender: &Sender<'_>| sender.follows_redirects && is_backends(sender);
    if senders.iter().any(free) {
        lines.push(REDIRECTS.to_owned());
    }
    lines
}

/// Whether it sends what is for the backend, and is no plugin beside it.
fn is_backends(sender: &Sender<'_>) -> bool {
    let client = World::HttpClient.namespace();
    sender.namespace.is_none_or(|namespace| namespace == client)
}

/// Its name, with the namespace of those that are no backend's client.
fn plugin(sender: &Sender<'_>) -> String {
    match (sender.plugin, sender.namespace) {
        (Some(plugin), Some(namespace)) if !is_backends(sender) => {
            format!("{plugin} ({namespace})")
        }
        (plugin, _) => plugin.unwrap_or("-").to_owned(),
    }
}

fn padded(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths);
    let line: String = cells
        .map(|(cell, width)| format!("{cell:<width$}  "))
        .collect();
    line.trim_end().to_owned()
}

/// The report as JSON: one object for each.
pub(super) async fn json(senders: &[Sender<'_>]) -> Value {
    let lines = decide(senders).await;
    let report = senders.iter().map(|sender| {
        let own = lines
            .iter()
            .filter(|line| std::ptr::eq(line.sender, sender));
        json!({
            "endpoint": sender.endpoint,
            "backend": sender.backend,
            "plugin": sender.plugin,
            "namespace": sender.namespace,
            "follows_redirects": sender.follows_redirects,
            "targets": own.map(target).collect::<Vec<_>>(),
        })
    });
    Value::Array(report.collect())
}

fn target(line: &Line<'_>) -> Value {
    match &line.decision {
        Ok(decision) => json!({
            "host": line.host,
            "via": via(decision),
            "rule": decision.rule,
        }),
        Err(error) => json!({"host": line.host, "via": [], "error": chain(error)}),
    }
}

/// Labels in the order of trying. They hold no credentials.
pub(super) fn via(decision: &Decision) -> Vec<&str> {
    let labels = decision.via.iter();
    labels
        .map(|label| label.as_deref().unwrap_or(DIRECT))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cuttle_egress::{EnvironmentProxies, Proxy, ProxyOptions};

    use super::*;

    fn backends() -> Vec<BackendEgress> {
        let options = ProxyOptions {
            no_proxy: vec!["localhost".to_owned()],
            ..ProxyOptions::default()
        };
        let proxy = Proxy::new("http://al:hunter2@p:3128", options).unwrap();
        let variable = |name: &str| match name {
            "HTTP_PROXY" => Some("socks5h://al:hunter2@q".to_owned()),
            "REQUEST_METHOD" => Some("GET".to_owned()),
            _ => None,
        };
        let guarded = EnvironmentProxies::from_vars(variable).unwrap();
        let backend = |way, plugin: Option<&str>| BackendEgress {
            endpoint: "GET /a".to_owned(),
            backend: 0,
            plugin: plugin.map(str::to_owned),
            hosts: vec![
                "http://a.test/".parse().unwrap(),
                "https://localhost:8443/".parse().unwrap(),
            ],
            ways: vec![way],
            follows_redirects: plugin.is_none(),
            running: Vec::new(),
        };
        vec![
            backend(Way::Proxy(Arc::new(proxy)), Some("http-proxy")),
            backend(Way::Environment(Arc::new(guarded)), None),
        ]
    }

    #[tokio::test]
    async fn the_table_says_for_each_host_which_way_and_why() {
        let backends = backends();
        let senders: Vec<_> = backends.iter().map(Sender::from).collect();
        let table = table(&senders).await;
        let words = |index: usize| {
            let line: &String = &table[index];
            line.split_whitespace().take(5).collect::<Vec<_>>()
        };
        assert_eq!(words(0), ["ENDPOINT", "HOST", "VIA", "RULE", "PLUGIN"]);
        assert_eq!(
            words(1),
            [
                "GET",
                "/a",
                "http://a.test",
                "http://p:3128",
                "proxy_address"
            ]
        );
        assert_eq!(
            words(2),
            ["GET", "/a", "https://localhost:8443", "direct", "no_proxy"]
        );
        assert_eq!(words(3)[3], "none", "the guard lets nothing through");
        assert_eq!(table[5], REDIRECTS);
        assert!(!table.join("").contains("hunter2"), "{table:?}");
    }

    #[tokio::test]
    async fn the_json_says_the_same() {
        let backends = backends();
        let senders: Vec<_> = backends.iter().map(Sender::from).collect();
        let report = json(&senders).await;
        assert_eq!(
            report[0],
            json!({
                "endpoint": "GET /a",
                "backend": 0,
                "plugin": "http-proxy",
                "namespace": "plugin/http-client",
                "follows_redirects": false,
                "targets": [
                    {"host": "http://a.test", "via": ["http://p:3128"], "rule": "proxy_address"},
                    {"host": "https://localhost:8443", "via": ["direct"],
                        "rule": "no_proxy entry localhost"},
                ],
            })
        );
        let denied = &report[1]["targets"][0];
        assert!(denied["error"].as_str().unwrap().contains("REQUEST_METHOD"));
        assert!(denied["via"].as_array().unwrap().is_empty());
        assert!(!report.to_string().contains("hunter2"), "{report}");
    }
}
