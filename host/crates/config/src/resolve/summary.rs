//! Which namespaces of a file KrakenD knows and this gateway does not serve.

use std::{collections::BTreeMap, fmt};

use crate::read::{Node, Object, Value};

use super::{
    namespaces::{self, Level},
    section::is_comment,
};

/// What becomes of a namespace that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Unserved {
    /// The gateway refuses to start: without it, an endpoint would be open or
    /// wrong.
    Refused,
    /// It is passed over. With what that leads to.
    NoEffect(&'static str),
}

/// A namespace of `extra_config` that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnservedNamespace {
    /// Its short name, such as `qos/http-cache`.
    pub name: &'static str,
    /// What becomes of it.
    pub unserved: Unserved,
    /// In how many objects it stands.
    pub places: usize,
}

/// All of those in the configuration `root`.
pub(crate) fn unserved(root: &Node) -> Vec<UnservedNamespace> {
    let mut found: BTreeMap<_, usize> = BTreeMap::new();
    for (extra, level) in extras(root) {
        let names = extra.entries().iter().map(|entry| entry.key.as_str());
        for (name, unserved) in names
            .filter(|name| !is_comment(name))
            .filter_map(|name| namespaces::unserved(name, level))
        {
            // What stops the start comes first.
            let rank = unserved != Unserved::Refused;
            *found.entry((rank, name, unserved)).or_default() += 1;
        }
    }
    let found = found.into_iter();
    found
        .map(|((_, name, unserved), places)| UnservedNamespace {
            name,
            unserved,
            places,
        })
        .collect()
}

/// Each `extra_config`, and what it belongs to.
fn extras(root: &Node) -> Vec<(&Object, Level)> {
    let endpoints = children(root, "endpoints");
    let backends = endpoints.iter().flat_map(|node| children(node, "backend"));
    let owners = std::iter::once((root, Level::Service))
        .chain(endpoints.iter().map(|node| (*node, Level::Endpoint)))
        .chain(backends.map(|node| (node, Level::Backend)));
    owners
        .filter_map(|(node, level)| Some((object(child(node, "extra_config")?)?, level)))
        .collect()
}

/// The entries of the list under `key`; something else is a list of one.
fn children<'a>(node: &'a Node, key: &str) -> Vec<&'a Node> {
    match child(node, key) {
        Some(Node {
            value: Value::List(items),
            ..
        }) => items.iter().collect(),
        other => Vec::from_iter(other),
    }
}

fn child<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    object(node)?.find(key).map(|entry| &entry.node)
}

fn object(node: &Node) -> Option<&Object> {
    match &node.value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// In words, such as `without effect: every request reaches the backend`.
impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused: it would be served without it"),
            Self::NoEffect(consequence) => write!(f, "without effect: {consequence}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{Options, parse};

    #[test]
    fn namespaces_are_counted_where_they_would_count() {
        let text = r#"{"version": 3,
            "extra_config": {"telemetry/opentelemetry": {}, "auth/validator": {}, "router": {}, "made/up": {}},
            "endpoints": [
                {"endpoint": "/a", "extra_config": {"Auth/Validator": {}, "@qos/http-cache": {}},
                 "backend": [
                    {"host": "http://a", "extra_config": {"github.com/devopsfaith/krakend-httpcache": {}}},
                    {"host": "http://a", "extra_config": {"qos/http-cache": {}, "validation/cel": []}}]},
                {"endpoint": "/b", "extra_config": {"validation/cel": []},
                 "backend": {"host": "http://a", "extra_config": {"qos/http-cache": {}}}}]}"#;
        let report = parse(text, Path::new("k.json"), &Options::default()).unwrap_err();
        let sources = report.sources.unwrap();
        let found = sources.unserved().into_iter();
        let shown: Vec<_> = found
            .map(|one| format!("{} {} {}", one.name, one.places, one.unserved))
            .collect();
        assert_eq!(
            shown,
            [
                "auth/validator 1 refused: it would be served without it",
                "validation/cel 2 refused: it would be served without it",
                "qos/http-cache 3 without effect: every request reaches the backend",
                "telemetry/opentelemetry 1 without effect: no such data is exported",
            ]
        );
    }
}
