//! The metrics page: every line is what Prometheus reads, and true.

use std::collections::{BTreeMap, BTreeSet};

use cuttle_tests::{Gateway, Origin, Outgoing, TestResult, fixture};
use serde_json::json;

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with, with_plugin};

/// A page that was read strictly (Prometheus' text format, 0.0.4).
#[derive(Default)]
struct Page {
    samples: BTreeMap<String, f64>,
    types: BTreeMap<String, String>,
}

impl Page {
    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let (mut page, mut family, mut helped) = (Self::default(), String::new(), BTreeSet::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').expect("a text");
                assert!(helped.insert(name.to_owned()), "{name} begins twice");
                assert!(text.ends_with('.') && !text.contains('\\'), "{line}");
                name.clone_into(&mut family);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert_eq!(name, family, "TYPE follows HELP");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                page.types.insert(name.to_owned(), kind.to_owned());
            } else {
                page.sample(line, &family);
            }
        }
        page
    }

    fn sample(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().unwrap_or_default();
        let kind = self.types.get(family).expect("a type before samples");
        let suffixes: &[&str] = match kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let known = suffixes
            .iter()
            .any(|suffix| name == format!("{family}{suffix}"));
        assert!(known, "{line} is not of {family}");
        if let Some(labels) = series
            .strip_prefix(name)
            .filter(|labels| !labels.is_empty())
        {
            labels_are_sound(labels);
        }
        let value = value.parse().expect("a number");
        assert!(value >= 0.0, "{line}");
        assert!(
            self.samples.insert(series.to_owned(), value).is_none(),
            "twice: {series}"
        );
    }

    /// The sum over the series with this name and these labels.
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let fits = |series: &str| {
            series.split('{').next() == Some(name) && labels.iter().all(|one| series.contains(one))
        };
        let samples = self.samples.iter().filter(|(series, _)| fits(series));
        samples.map(|(_, value)| value).sum()
    }
}

fn labels_are_sound(labels: &str) {
    let inside = labels
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let mut rest = inside.expect("braces");
    let mut names = BTreeSet::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("a name and a quote");
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{labels}"
        );
        assert!(names.insert(name), "{labels}");
        let mut escaped = false;
        let end = after.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let (_, after) = after.split_at(end.expect("a closing quote"));
        let after = after.strip_prefix('"').unwrap_or_default();
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

async fn page(gateway: &Gateway) -> anyhow::Result<Page> {
    let answer = gateway.get("/__metrics").await?;
    let expected = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(answer.field("content-type"), Some(expected));
    Ok(Page::read(&answer.body))
}

#[tokio::test]
async fn nobody_gets_metrics_who_has_not_asked_for_them() -> TestResult {
    let gateway = Gateway::start(service(vec![])).await?;
    assert_eq!(gateway.get("/__metrics").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn requests_and_what_plugins_cost_are_told_as_they_are() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[&fixture("hands-on")]);
    let list = json!({ "name": ["hands-on", "hands-on"], "mark": "m" });
    let listed = with(
        with_plugin(endpoint("/listed", &origin.url()), list),
        "input_headers",
        json!(["X-Task-1", "X-Task-2"]),
    );
    let mut config = plugins_from_folder(service(vec![listed, endpoint("/plain", &origin.url())]));
    config["extra_config"] = json!({ "cuttle/http": { "metrics_path": "/__metrics" } });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let first = page(&gateway).await?;
    assert_eq!(first.sum("cuttle_plugin_calls_total", &[]), 0.0);
    assert_eq!(first.sum("cuttle_plugin_instances", &[]), 2.0);

    for _ in 0..5 {
        assert_eq!(gateway.get("/listed").await?.body, "ok");
    }
    let trap = Outgoing::new("GET", "/listed").field("X-Task-2", "trap");
    assert_eq!(gateway.ask(trap).await?.status, 500);
    assert_eq!(gateway.get("/plain").await?.status, 200);
    assert_eq!(gateway.get("/nowhere").await?.status, 404);

    let told = page(&gateway).await?;
    let [outer, inner] = ["position=\"0\"", "position=\"1\""];
    for position in [outer, inner] {
        let of = |name: &str, more: &str| told.sum(name, &[position, more]);
        assert_eq!(of("cuttle_plugin_calls_total", "plugin=\"hands-on\""), 6.0);
        assert_eq!(of("cuttle_plugin_errors_total", ""), 1.0);
        assert_eq!(of("cuttle_plugin_errors_total", "error=\"trap\""), 1.0);
        assert_eq!(of("cuttle_plugin_duration_seconds_count", ""), 6.0);
        assert_eq!(
            of("cuttle_plugin_duration_seconds_bucket", "le=\"+Inf\""),
            6.0
        );
        let (all, busy) = (
            of("cuttle_plugin_duration_seconds_sum", ""),
            of("cuttle_plugin_busy_seconds_total", ""),
        );
        assert!(0.0 < busy && busy <= all, "{busy} of {all}");
        assert!(of("cuttle_plugin_host_calls_total", "") >= 12.0);
        assert!(of("cuttle_plugin_memory_peak_bytes", "") > 65_536.0);
        assert_eq!(of("cuttle_plugin_instances_limit", ""), 256.0);
    }
    let dropped = |position| told.sum("cuttle_plugin_instances_dropped_total", &[position]);
    assert_eq!((dropped(outer), dropped(inner)), (0.0, 1.0));
    assert_eq!(
        told.sum("cuttle_plugin_instances", &[inner]),
        0.0,
        "none is needed yet"
    );
    assert_eq!(told.sum("cuttle_requests_total", &["code=\"2xx\""]), 7.0);
    assert_eq!(told.sum("cuttle_requests_total", &["code=\"4xx\""]), 1.0);
    assert_eq!(told.sum("cuttle_requests_total", &["code=\"5xx\""]), 1.0);
    assert_eq!(told.sum("cuttle_requests_in_flight", &[]), 1.0, "its own");
    assert_eq!(told.sum("cuttle_backend_requests_total", &[]), 6.0);
    assert_eq!(told.sum("cuttle_generation", &[]), 1.0);

    gateway.reload(1).await?;
    let anew = page(&gateway).await?;
    assert_eq!(anew.sum("cuttle_generation", &[]), 2.0);
    assert_eq!(anew.sum("cuttle_plugin_calls_total", &[]), 0.0);
    assert_eq!(anew.sum("cuttle_requests_total", &[]), 0.0);
    Ok(())
}
