//! What is done with answers, one line for each key.

use cuttle_pipeline::config::{
    Backend, BackendErrors, Encoding, Endpoint, EndpointProxy, FlatmapOp, Manipulation,
    OutputEncoding,
};

/// Of an endpoint; what is the default only if `all` is to be shown.
pub(in crate::cli) fn of_endpoint(endpoint: &Endpoint, all: bool) -> Vec<String> {
    let mut lines = Lines {
        out: Vec::new(),
        all,
    };
    let encoding = endpoint.output_encoding;
    lines.add(
        "Output encoding",
        encoding.name(),
        encoding == OutputEncoding::Json,
    );
    let age = endpoint.cache_ttl;
    lines.add("Cache-Control", format!("{age:?}"), age.is_zero());
    let calls = endpoint.concurrent_calls;
    lines.add("Concurrent calls", calls.to_string(), calls == 1);
    composition(&endpoint.proxy, &mut lines);
    lines.out
}

fn composition(proxy: &EndpointProxy, lines: &mut Lines) {
    let order = if proxy.sequential {
        "sequential"
    } else {
        "parallel"
    };
    lines.add("Strategy", order, !proxy.sequential);
    let handed_on: Vec<_> = proxy
        .propagated_params
        .iter()
        .map(|v| v.name.as_str())
        .collect();
    lines.add_list("Propagated", &handed_on);
    if let Some(data) = &proxy.static_data {
        lines.add("Static data", data.strategy.name(), false);
    }
    lines.add_list("Flatmap", &operations(&proxy.flatmap));
    let copied = proxy.force_sandboxed_request;
    lines.add("Sandboxed request", copied.to_string(), !copied);
}

/// Of a backend; what is the default only if `all` is to be shown.
pub(in crate::cli) fn of_backend(backend: &Backend, all: bool) -> Vec<String> {
    let mut lines = Lines {
        out: Vec::new(),
        all,
    };
    let encoding = backend.encoding;
    lines.add("Encoding", encoding.name(), encoding == Encoding::Json);
    manipulation(&backend.manipulation, &mut lines);
    let errors = match &backend.errors {
        BackendErrors::Fail => "failure".to_owned(),
        BackendErrors::ReturnCode => "failure with the status".to_owned(),
        BackendErrors::ReturnDetails(name) => format!("data under error_{name}"),
    };
    lines.add(
        "Other status",
        errors,
        backend.errors == BackendErrors::Fail,
    );
    if let Some(shadow) = backend.shadow {
        let timeout = shadow
            .timeout
            .map_or("the endpoint's timeout".to_owned(), |own| {
                format!("{own:?}")
            });
        lines.add("Shadow", timeout, false);
    }
    if backend.http_client.tls.is_some() {
        lines.add("TLS", "of its own", false);
    }
    if let Some(dns) = &backend.discovery {
        let found = format!("{} by SRV records, {}, {:?}", dns.name, dns.scheme, dns.ttl);
        lines.add("Discovery", found, false);
    }
    lines.out
}

fn manipulation(manipulation: &Manipulation, lines: &mut Lines) {
    let collection = manipulation.is_collection;
    lines.add("Collection", collection.to_string(), !collection);
    if !manipulation.target.is_empty() {
        lines.add("Target", manipulation.target.join("."), false);
    }
    let joined =
        |paths: &[Vec<String>]| -> Vec<_> { paths.iter().map(|path| path.join(".")).collect() };
    lines.add_list("Allow", &joined(&manipulation.allow));
    lines.add_list("Deny", &joined(&manipulation.deny));
    let renamed = manipulation.mapping.iter();
    let renamed: Vec<_> = renamed
        .map(|(old, new)| format!("{old} -> {new}"))
        .collect();
    lines.add_list("Mapping", &renamed);
    if let Some(flatmap) = &manipulation.flatmap {
        lines.add("Flatmap", operations(flatmap).join(", "), false);
    }
    if let Some(group) = &manipulation.group {
        lines.add("Group", group, false);
    }
}

fn operations(operations: &[FlatmapOp]) -> Vec<String> {
    let operations = operations.iter();
    operations
        .map(|operation| match operation {
            FlatmapOp::Move { from, to } => format!("move {} {}", from.join("."), to.join(".")),
            FlatmapOp::Append { from, to } => {
                format!("append {} {}", from.join("."), to.join("."))
            }
            FlatmapOp::Delete { path } => format!("del {}", path.join(".")),
        })
        .collect()
}

/// Lines such as `Group: data`.
struct Lines {
    out: Vec<String>,
    /// Whether defaults are shown, too.
    all: bool,
}

impl Lines {
    fn add(&mut self, label: &str, value: impl AsRef<str>, default: bool) {
        if self.all || !default {
            self.out.push(format!("{label}: {}", value.as_ref()));
        }
    }

    /// Nothing for an empty list.
    fn add_list(&mut self, label: &str, values: &[impl AsRef<str>]) {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(AsRef::as_ref).collect();
            self.add(label, values.join(", "), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cuttle_pipeline::config::{Options, Service, parse};

    use super::super::lines;

    fn service() -> Service {
        let text = r#"{"version": 3, "host": ["a.com"], "endpoints": [{"endpoint": "/a",
            "output_encoding": "xml", "cache_ttl": "1m", "concurrent_calls": 2,
            "extra_config": {"proxy": {"sequential": true,
                "sequential_propagated_params": ["resp0_a"],
                "static": {"strategy": "errored", "data": {"a": "hidden"}}}},
            "backend": [
                {"encoding": "yaml", "target": "t.u", "allow": ["a.b", "c"], "group": "g",
                 "mapping": {"a": "x"}},
                {"is_collection": true, "extra_config": {
                    "backend/http": {"return_error_details": "two"},
                    "proxy": {"flatmap_filter": [{"type": "move", "args": ["a.*", "b"]},
                                                 {"type": "del", "args": ["c"]}]}}},
                {"deny": ["d"], "extra_config": {"proxy": {"shadow": true}}}]}]}"#;
        let loaded = parse(text, Path::new("k.json"), &Options::default());
        loaded.expect("it is fine").service
    }

    #[test]
    fn a_dump_of_level_two_shows_what_is_done_with_answers() {
        let lines = lines(&service(), 2, "");
        let shown: Vec<_> = lines.iter().map(|line| line.trim()).collect();
        for expected in [
            "Output encoding: xml",
            "Cache-Control: 60s",
            "Concurrent calls: 2",
            "Strategy: sequential",
            "Propagated: resp0_a",
            "Static data: errored",
            "Encoding: yaml",
            "Target: t.u",
            "Allow: a.b, c",
            "Mapping: a -> x",
            "Group: g",
            "Collection: true",
            "Other status: data under error_two",
            "Flatmap: move a.* b, del c",
            "Deny: d",
            "Shadow: the endpoint's timeout",
        ] {
            assert!(
                shown.contains(&expected),
                "{expected} in\n{}",
                lines.join("\n")
            );
        }
        assert!(!shown.contains(&"Encoding: json"), "it is the default");
        assert!(!lines.join("").contains("hidden"), "data may be a secret");
    }

    #[test]
    fn level_three_adds_defaults_and_level_one_leaves_options_out() {
        let has = |level, line: &str| {
            let lines = lines(&service(), level, "");
            lines.iter().any(|shown| shown.trim() == line)
        };
        for default in [
            "Encoding: json",
            "Collection: false",
            "Other status: failure",
        ] {
            assert!(has(3, default), "{default}");
        }
        assert!(!has(1, "Output encoding: xml"));
    }
}
