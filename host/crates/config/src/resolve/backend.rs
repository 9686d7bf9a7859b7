//! One entry of `backend`.

use std::time::Duration;

use http::Method;

use crate::{
    Backend, BackendErrors, BaseUrl, Encoding, FlatmapOp, HttpClient, KeyPath, PluginUse, Shadow,
    UrlPattern,
};

use super::{
    At, Section, composition, discovery,
    encoding::encoding,
    endpoint::header_names,
    hosts, manipulation, modifiers,
    namespaces::{self, Level},
    pattern::{self, Around},
    plugins, proxy, tls,
};

/// What a backend takes from its endpoint.
pub(super) struct Parent<'a> {
    /// The endpoint in messages, such as `GET /users/{id}`.
    pub(super) endpoint: &'a str,
    /// Names of its parameters; `None` if its path is unusable.
    pub(super) params: Option<Vec<&'a str>>,
    /// Whether its path ends in a wildcard.
    pub(super) wildcard: bool,
    /// Its method.
    pub(super) method: &'a Method,
    /// Whether it serves any method, so that its own means nothing.
    pub(super) catch_all: bool,
    /// Hosts of the service.
    pub(super) hosts: &'a [BaseUrl],
    /// `dns_cache_ttl` of the service.
    pub(super) dns_cache_ttl: Duration,
    /// Whether its output is no-op.
    pub(super) no_op: bool,
}

/// Where a backend stands in the list of its endpoint.
pub(super) struct Spot {
    pub(super) place: KeyPath,
    pub(super) index: usize,
}

/// The backend. Nothing after an error without which it would mean nothing.
pub(super) fn resolve(
    mut section: Section<'_>,
    parent: &Parent<'_>,
    spot: Spot,
) -> Option<Backend> {
    let encoding = match encoding(&mut section) {
        _ if parent.no_op => Encoding::NoOp,
        encoding => encoding,
    };
    let url_pattern = url_pattern(&mut section, parent, spot.index);
    let method = method(&mut section, parent.method);
    let client_method = parent.catch_all
        && section
            .text("method")
            .is_none_or(|method| method.is_empty());
    let discovery = discovery::resolve(&mut section, parent.hosts, parent.dns_cache_ttl);
    let hosts = match &discovery {
        Some(_) => Vec::new(),
        None => hosts(&mut section, parent.hosts),
    };
    let input_headers = second_filter(&mut section, "input_headers");
    let input_query_strings = second_filter(&mut section, "input_query_strings");
    let extra = extra_config(&mut section, encoding);
    let manipulation = manipulation::resolve(&mut section, encoding, extra.flatmap);
    let problems = section.problems();
    section.finish();
    Some(Backend {
        place: spot.place,
        hosts,
        url_pattern,
        method: method?,
        client_method,
        encoding,
        manipulation,
        errors: extra.errors,
        shadow: extra.shadow,
        discovery,
        input_headers: input_headers.map(|names| header_names(&names, problems)),
        input_query_strings: input_query_strings
            .map(|names| names.into_iter().map(|(name, _)| name).collect()),
        plugin: extra.plugin,
        modifiers: extra.modifiers,
        http_client: extra.http_client,
    })
}

fn url_pattern(section: &mut Section<'_>, parent: &Parent<'_>, index: usize) -> UrlPattern {
    let around = Around {
        endpoint: parent.endpoint,
        backend: index,
        params: parent.params.as_deref(),
        wildcard: parent.wildcard,
    };
    let at = section.at().key("url_pattern");
    let text = section.text("url_pattern").unwrap_or_default();
    pattern::backend(&text, &around, &at, section.problems())
}

fn method(section: &mut Section<'_>, default: &Method) -> Option<Method> {
    let written = section.text("method").unwrap_or_default().to_uppercase();
    if written.is_empty() {
        return Some(default.clone());
    }
    let method = Method::from_bytes(written.as_bytes()).ok();
    if method.is_none() || method == Some(Method::CONNECT) {
        let at = section.at().key("method");
        let message = format!("{written:?} cannot be sent as a method");
        let help = "write a method such as \"POST\", or leave it out for the endpoint's";
        section.problems().error(&at, message, help);
    }
    method
}

fn hosts(section: &mut Section<'_>, default: &[BaseUrl]) -> Vec<BaseUrl> {
    let sanitize = !section.flag("disable_host_sanitize").unwrap_or(false);
    let before = section.problems().count();
    let written = section.texts("host");
    let at = section.at().key("host");
    let unread = section.problems().count() > before;
    if written.is_empty() && default.is_empty() && !unread {
        let help = "add \"host\": [\"http://name:port\"] here or to the service";
        let message = "no hosts: every call fails with `no hosts available`";
        section.problems().warning(&at, message, help);
    }
    match written.is_empty() {
        true => default.to_vec(),
        false => hosts::resolve(&written, sanitize, section.problems()),
    }
}

/// The list under `key`; nothing if all pass. `*` is a name like any other
/// here, so that with it nothing passes.
fn second_filter(section: &mut Section<'_>, key: &'static str) -> Option<Vec<(String, At)>> {
    let names = section.texts(key);
    if names.iter().any(|(name, _)| name == "*") {
        section.problems().warning(
            &section.at().key(key),
            "\"*\" does not mean \"all\" in a backend: only what is listed passes",
            "remove the list to let everything pass that the endpoint lets in",
        );
    }
    Some(names).filter(|names| !names.is_empty())
}

/// What the `extra_config` of a backend says.
#[derive(Default)]
struct Extra {
    plugin: Option<PluginUse>,
    modifiers: Vec<PluginUse>,
    http_client: HttpClient,
    errors: BackendErrors,
    flatmap: Option<Vec<FlatmapOp>>,
    shadow: Option<Shadow>,
}

fn extra_config(section: &mut Section<'_>, encoding: Encoding) -> Extra {
    let Some(mut extra) = section.section("extra_config") else {
        return Extra::default();
    };
    namespaces::check(&extra, Level::Backend);
    let (flatmap, shadow) = match extra.section("proxy") {
        Some(proxy) => composition::backend(proxy, encoding),
        None => (None, None),
    };
    let errors = match extra.section("backend/http") {
        Some(section) => errors(section, encoding),
        None => BackendErrors::default(),
    };
    let http_client = extra
        .section("backend/http/client")
        .map_or_else(HttpClient::default, http_client);
    let plugin = extra
        .item("plugin/http-client")
        .and_then(|item| plugins::used(&item, extra.problems()));
    Extra {
        plugin,
        modifiers: modifiers::resolve(&mut extra),
        http_client,
        errors,
        flatmap,
        shadow,
    }
}

/// `backend/http`. Of the two keys the more talkative one wins.
fn errors(mut section: Section<'_>, encoding: Encoding) -> BackendErrors {
    if encoding == Encoding::NoOp {
        let keys = ["return_error_code", "return_error_details"];
        section.ignore(&keys, "with no-op any status passes as it is");
        section.finish();
        return BackendErrors::Fail;
    }
    let details = section.text("return_error_details");
    let errors = match details.filter(|name| !name.is_empty()) {
        Some(name) => {
            let why = "\"return_error_details\" wins";
            section.ignore(&["return_error_code"], why);
            BackendErrors::ReturnDetails(name)
        }
        None if section.flag("return_error_code").unwrap_or(false) => BackendErrors::ReturnCode,
        None => BackendErrors::Fail,
    };
    section.finish();
    errors
}

fn http_client(mut section: Section<'_>) -> HttpClient {
    let client = HttpClient {
        proxy: proxy::resolve(&mut section),
        no_redirect: section.flag("no_redirect").unwrap_or(false),
        send_body_on_redirect: section.flag("send_body_on_redirect").unwrap_or(false),
        tls: section.section("client_tls").map(tls::client_section),
    };
    section.finish();
    client
}
