//! One entry of `endpoints`.

use std::time::Duration;

use http::{HeaderName, Method};

use crate::{Backend, BaseUrl, Encoding, Endpoint, InputHeaders, InputQueryStrings, PathPattern};

use super::{
    At, Problems, Section,
    backend::{self, Parent, Spot},
    namespaces::{self, Level},
    nearest, not_yet, pattern,
};

/// `timeout` where neither service nor endpoint have one.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Methods that endpoints may have, as in KrakenD.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Encodings KrakenD knows, of backends and of endpoints.
const ENCODINGS: [&str; 11] = [
    "json",
    "safejson",
    "fast-json",
    "json-collection",
    "xml",
    "rss",
    "string",
    "yaml",
    "negotiate",
    "no-op",
    "",
];

/// What the service says for endpoints that do not.
pub(super) struct Defaults {
    pub(super) hosts: Vec<BaseUrl>,
    pub(super) timeout: Duration,
    pub(super) cache_ttl: Duration,
    pub(super) output_encoding: Option<Encoding>,
    /// `disable_rest`: placeholders may stand anywhere.
    pub(super) relaxed: bool,
}

/// The endpoint, or nothing if it cannot be served.
pub(super) fn resolve(mut section: Section<'_>, defaults: &Defaults) -> Option<Endpoint> {
    let path = section.text("endpoint");
    let method = method(&mut section);
    let shown = format!(
        "{} {}",
        method.as_ref().map_or("", |method| method.as_str()),
        pattern::rooted(path.as_deref().unwrap_or(""))
    );
    let pattern = path_pattern(&section, path.as_deref(), &shown, defaults.relaxed);
    let output_encoding = encoding(&mut section, "output_encoding")
        .or_else(|| defaults.output_encoding.clone())
        .unwrap_or_else(|| Encoding::Other("json".to_owned()));
    let endpoint_method = method.clone().unwrap_or_default();
    let parent = Parent {
        endpoint: &shown,
        params: pattern.as_ref().map(pattern::params),
        method: &endpoint_method,
        hosts: &defaults.hosts,
        no_op: output_encoding == Encoding::NoOp,
    };
    let backends = backends(&mut section, &parent);

    let endpoint = Endpoint {
        place: section.path().clone(),
        path: pattern.unwrap_or_else(PathPattern::root),
        method: endpoint_method,
        timeout: section.duration("timeout").unwrap_or(defaults.timeout),
        cache_ttl: section.duration("cache_ttl").unwrap_or(defaults.cache_ttl),
        concurrent_calls: section.number("concurrent_calls").unwrap_or(1).max(1),
        input_headers: input_headers(&mut section),
        input_query_strings: input_query_strings(&mut section),
        output_encoding,
        backends,
    };
    section.not_yet(not_yet::ENDPOINT);
    section.finish();
    method.map(|_| endpoint)
}

/// The backends, and what depends on how many there are.
fn backends(section: &mut Section<'_>, parent: &Parent<'_>) -> Vec<Backend> {
    let items = section.items("backend");
    let count = items.len();
    check_count(section, count, parent);
    extra_config(section, count);
    let problems = section.problems();
    let place = section.at().key("backend").path();
    let items = items.iter().enumerate();
    items
        .filter_map(|(index, item)| {
            let spot = Spot {
                place: place.index(index),
                index,
                siblings: count,
            };
            backend::resolve(Section::of(item, problems)?, parent, spot)
        })
        .collect()
}

fn path_pattern(
    section: &Section<'_>,
    path: Option<&str>,
    shown: &str,
    relaxed: bool,
) -> Option<PathPattern> {
    let at = section.at().key("endpoint");
    match path {
        Some(path) => pattern::endpoint(path, shown, relaxed, &at, section.problems()),
        None => {
            let help = "every endpoint needs a path, such as \"endpoint\": \"/users/{id}\"";
            section.problems().error(&at, "is missing", help);
            None
        }
    }
}

/// The method, or nothing for one that KrakenD does not serve.
fn method(section: &mut Section<'_>) -> Option<Method> {
    let written = section.text("method").unwrap_or_default().to_uppercase();
    if written.is_empty() {
        return Some(Method::GET);
    }
    let method = METHODS
        .into_iter()
        .find(|method| method.as_str() == written);
    if method.is_none() {
        section.problems().warning(
            &section.at().key("method"),
            format!("unsupported method {written}: the endpoint is skipped"),
            "endpoints have GET, POST, PUT, PATCH or DELETE",
        );
    }
    method
}

fn check_count(section: &Section<'_>, count: usize, parent: &Parent<'_>) {
    let at = section.at().key("backend");
    let shown = parent.endpoint;
    if count == 0 {
        let message = format!("ignoring the '{shown}' endpoint, since it has 0 backends defined!");
        let help = "add a backend, or remove the endpoint";
        section.problems().error(&at, message, help);
    }
    if count > 1 && parent.no_op {
        let message = "can not use NoOp encoding with more than one backends connected to the \
                       same endpoint";
        let help = "keep one backend, or give the endpoint another \"output_encoding\"";
        section.problems().error(&at, message, help);
    }
}

fn extra_config(section: &mut Section<'_>, backends: usize) {
    if let Some(mut extra) = section.section("extra_config") {
        namespaces::check(&extra, Level::Endpoint);
        if let Some(proxy) = extra.section("proxy") {
            namespaces::check_proxy(proxy, backends);
        }
    }
}

/// `key` as an encoding; nothing if it is not there.
pub(super) fn encoding(section: &mut Section<'_>, key: &'static str) -> Option<Encoding> {
    let written = section.text(key).filter(|text| !text.is_empty())?;
    if written == "no-op" {
        return Some(Encoding::NoOp);
    }
    let lower = written.to_lowercase();
    if lower == "no-op" || !ENCODINGS.contains(&lower.as_str()) {
        let help = match nearest(&lower.replace('_', "-"), ENCODINGS) {
            Some(name) if !name.is_empty() => format!("did you mean {name:?}?"),
            _ => "KrakenD takes unknown encodings for \"json\"".to_owned(),
        };
        let message = format!("unknown encoding {written:?}");
        section
            .problems()
            .warning(&section.at().key(key), message, help);
    }
    Some(Encoding::Other(lower))
}

fn input_headers(section: &mut Section<'_>) -> InputHeaders {
    let texts = section.texts("input_headers");
    if texts.iter().any(|(text, _)| text == "*") {
        return InputHeaders::All;
    }
    match texts.as_slice() {
        [] => InputHeaders::None,
        texts => InputHeaders::List(header_names(texts, section.problems())),
    }
}

fn input_query_strings(section: &mut Section<'_>) -> InputQueryStrings {
    let texts = section.texts("input_query_strings");
    if texts.iter().any(|(text, _)| text == "*") {
        return InputQueryStrings::All;
    }
    match texts.is_empty() {
        true => InputQueryStrings::None,
        false => InputQueryStrings::List(texts.into_iter().map(|(text, _)| text).collect()),
    }
}

/// `texts` as names of headers; what is none never matches and is warned about.
pub(super) fn header_names(texts: &[(String, At)], problems: &Problems<'_>) -> Vec<HeaderName> {
    let texts = texts.iter();
    texts
        .filter_map(|(text, at)| {
            let name = HeaderName::from_bytes(text.as_bytes()).ok();
            if name.is_none() {
                let message = format!("{text:?} is not the name of a header and never matches");
                problems.warning(at, message, "write one name per entry, such as \"Accept\"");
            }
            name
        })
        .collect()
}
