//! One entry of `endpoints`.

use std::time::Duration;

use http::{HeaderName, Method};

use crate::{
    Backend, BaseUrl, Endpoint, EndpointProxy, InputHeaders, InputQueryStrings, OutputEncoding,
    PathPattern, PluginUse,
};

use super::{
    At, Problems, Section,
    backend::{self, Parent, Spot},
    composition,
    encoding::{Output, output_encoding},
    modifiers,
    namespaces::{self, Level},
    pattern, responses,
};

/// `timeout` where neither service nor endpoint have one.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Methods that endpoints may have: those of KrakenD, and the last two, whose
/// endpoints it skips.
pub(super) const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
];

/// What the service says for endpoints that do not.
pub(super) struct Defaults {
    pub(super) hosts: Vec<BaseUrl>,
    pub(super) timeout: Duration,
    pub(super) cache_ttl: Duration,
    pub(super) output_encoding: Option<Output>,
    /// `dns_cache_ttl`.
    pub(super) dns_cache_ttl: Duration,
    /// `disable_rest`: placeholders may stand anywhere.
    pub(super) relaxed: bool,
}

/// The endpoint, or nothing if it cannot be served.
pub(super) fn resolve(mut section: Section<'_>, defaults: &Defaults) -> Option<Endpoint> {
    let route = route(&mut section, defaults.relaxed);
    let output = output(&mut section, &route, defaults.output_encoding);
    let method = route.method.clone().unwrap_or_default();
    let mut backends = backends(
        &mut section,
        &Parent {
            endpoint: &route.shown,
            params: route.path.as_ref().map(pattern::params),
            wildcard: route.path.as_ref().is_some_and(|path| path.wildcard),
            method: &method,
            catch_all: route.is_catch_all(),
            hosts: &defaults.hosts,
            dns_cache_ttl: defaults.dns_cache_ttl,
            no_op: output.is_no_op(),
        },
    );
    let output_encoding = output.for_backends(&backends);
    let (proxy, modifiers) = extra_config(&mut section, &backends, output_encoding);
    responses::bind(&mut backends, proxy.sequential, section.problems());

    let endpoint = Endpoint {
        place: section.path().clone(),
        method,
        timeout: section.duration("timeout").unwrap_or(defaults.timeout),
        cache_ttl: section.duration("cache_ttl").unwrap_or(defaults.cache_ttl),
        concurrent_calls: section.number("concurrent_calls").unwrap_or(1).max(1),
        input_headers: input_headers(&mut section, &route),
        input_query_strings: input_query_strings(&mut section, &route),
        output_encoding,
        proxy,
        modifiers,
        backends,
        path: route.path.unwrap_or_else(PathPattern::root),
    };
    section.finish();
    route.method.map(|_| endpoint)
}

/// What requests an endpoint gets.
struct Route {
    /// In messages, such as `GET /users/{id}`.
    shown: String,
    /// Nothing after an error.
    path: Option<PathPattern>,
    /// Nothing for a method that is not served.
    method: Option<Method>,
}

impl Route {
    /// In KrakenD, `/__catchall` passes everything on as it is, whatever is
    /// said.
    fn is_catch_all(&self) -> bool {
        let path = self.path.as_ref();
        path.is_some_and(|path| path.text == pattern::CATCH_ALL)
    }
}

fn route(section: &mut Section<'_>, relaxed: bool) -> Route {
    let path = section.text("endpoint");
    let method = method(section);
    let shown = format!(
        "{} {}",
        method.as_ref().map_or("", |method| method.as_str()),
        pattern::rooted(path.as_deref().unwrap_or(""))
    );
    Route {
        path: path_pattern(section, path.as_deref(), &shown, relaxed),
        shown,
        method,
    }
}

fn output(section: &mut Section<'_>, route: &Route, default: Option<Output>) -> Output {
    let own = output_encoding(section);
    if !route.is_catch_all() {
        let json = Output::Known(OutputEncoding::Json);
        return own.or(default).unwrap_or(json);
    }
    if own.is_some_and(|own| !own.is_no_op()) {
        section.ignore(&["output_encoding"], "`/__catchall` is always no-op");
    }
    Output::Known(OutputEncoding::NoOp)
}

/// The backends, and what depends on how many there are.
fn backends(section: &mut Section<'_>, parent: &Parent<'_>) -> Vec<Backend> {
    let items = section.items("backend");
    let count = items.len();
    check_count(section, count, parent);
    let problems = section.problems();
    let place = section.at().key("backend").path();
    let items = items.iter().enumerate();
    let backends: Vec<_> = items
        .filter_map(|(index, item)| {
            let spot = Spot {
                place: place.index(index),
                index,
            };
            backend::resolve(Section::of(item, problems)?, parent, spot)
        })
        .collect();
    if !backends.is_empty() && backends.iter().all(|backend| backend.shadow.is_some()) {
        let message = "has shadows only: every call fails";
        let help = "add a backend without \"shadow\", whose answer the client gets";
        problems.warning(&section.at().key("backend"), message, help);
    }
    backends
}

fn path_pattern(
    section: &mut Section<'_>,
    path: Option<&str>,
    shown: &str,
    relaxed: bool,
) -> Option<PathPattern> {
    let at = section.at().key("endpoint");
    let Some(path) = path else {
        let help = "every endpoint needs a path, such as \"endpoint\": \"/users/{id}\"";
        section.problems().error(&at, "is missing", help);
        return None;
    };
    pattern::endpoint(path, shown, relaxed, &at, section.problems())
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
            "endpoints have GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS",
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

fn extra_config(
    section: &mut Section<'_>,
    backends: &[Backend],
    output: OutputEncoding,
) -> (EndpointProxy, Vec<PluginUse>) {
    let Some(mut extra) = section.section("extra_config") else {
        return Default::default();
    };
    namespaces::check(&extra, Level::Endpoint);
    let proxy = extra.section("proxy");
    let proxy = proxy.map_or_else(EndpointProxy::default, |proxy| {
        composition::endpoint(proxy, backends, output)
    });
    (proxy, modifiers::resolve(&mut extra))
}

fn input_headers(section: &mut Section<'_>, route: &Route) -> InputHeaders {
    let texts = section.texts("input_headers");
    if texts.iter().any(|(text, _)| text == "*") {
        return InputHeaders::All;
    }
    if route.is_catch_all() {
        section.ignore(&["input_headers"], "`/__catchall` passes all of them");
        return InputHeaders::All;
    }
    match texts.as_slice() {
        [] => InputHeaders::None,
        texts => InputHeaders::List(header_names(texts, section.problems())),
    }
}

fn input_query_strings(section: &mut Section<'_>, route: &Route) -> InputQueryStrings {
    let texts = section.texts("input_query_strings");
    if texts.iter().any(|(text, _)| text == "*") {
        return InputQueryStrings::All;
    }
    if route.is_catch_all() {
        section.ignore(&["input_query_strings"], "`/__catchall` passes all of them");
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
