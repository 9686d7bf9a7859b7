//! `cuttle check --egress`: which hosts can be reached, through which proxy, by
//! which rule.

use cuttle_egress::{Decision, Error};
use serde_json::{Value, json};

use crate::{assemble::BackendEgress, telemetry::chain};

const HEADINGS: [&str; 5] = ["ENDPOINT", "HOST", "VIA", "RULE", "PLUGIN"];
/// What stands for a direct connection.
const DIRECT: &str = "direct";

/// What the table cannot list.
const REDIRECTS: &str = "Redirects are followed to any host, by the same rules, unless a backend \
                         has \"no_redirect\".";

/// One host of a backend, one way to it, and what was decided.
struct Line<'a> {
    backend: &'a BackendEgress,
    host: String,
    decision: Result<Decision, Error>,
}

/// Every backend's lines, in the order of the file. PAC files are evaluated.
async fn decide(backends: &[BackendEgress]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for backend in backends {
        for host in &backend.hosts {
            for way in &backend.ways {
                let mut shown = host.to_string();
                shown.truncate(shown.trim_end_matches('/').len());
                lines.push(Line {
                    backend,
                    host: shown,
                    decision: way.explain(host).await,
                });
            }
        }
    }
    lines
}

/// The report as a table.
pub(super) async fn table(backends: &[BackendEgress]) -> Vec<String> {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for line in decide(backends).await {
        let (via, rule) = match &line.decision {
            Ok(decision) => (via(decision).join(", "), decision.rule.clone()),
            Err(error) => ("none".to_owned(), chain(error)),
        };
        let plugin = line
            .backend
            .plugin
            .clone()
            .unwrap_or_else(|| "-".to_owned());
        rows.push([line.backend.endpoint.clone(), line.host, via, rule, plugin]);
    }
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines: Vec<_> = rows.iter().map(|row| padded(row, &widths)).collect();
    if backends.iter().any(|backend| backend.follows_redirects) {
        lines.push(REDIRECTS.to_owned());
    }
    lines
}

fn padded(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths);
    let line: String = cells
        .map(|(cell, width)| format!("{cell:<width$}  "))
        .collect();
    line.trim_end().to_owned()
}

/// The report as JSON: one object for each backend.
pub(super) async fn json(backends: &[BackendEgress]) -> Value {
    let lines = decide(backends).await;
    let report = backends.iter().map(|backend| {
        let own = lines
            .iter()
            .filter(|line| std::ptr::eq(line.backend, backend));
        json!({
            "endpoint": backend.endpoint,
            "backend": backend.backend,
            "plugin": backend.plugin,
            "follows_redirects": backend.follows_redirects,
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

    use cuttle_egress::{EnvironmentProxies, Proxy, ProxyOptions, Way};

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
        let table = table(&backends()).await;
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
        let report = json(&backends()).await;
        assert_eq!(
            report[0],
            json!({
                "endpoint": "GET /a",
                "backend": 0,
                "plugin": "http-proxy",
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
