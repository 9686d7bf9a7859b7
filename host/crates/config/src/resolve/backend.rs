//! One entry of `backend`.

use http::Method;

use crate::{
    Backend, BackendProxy, BaseUrl, Encoding, HttpClient, KeyPath, ProxySource, UrlPattern,
};

use super::{
    At, Section,
    endpoint::{encoding, header_names},
    hosts,
    namespaces::{self, Level},
    not_yet,
    pattern::{self, Around},
    plugins, proxy,
};

/// What a backend takes from its endpoint.
pub(super) struct Parent<'a> {
    /// The endpoint in messages, such as `GET /users/{id}`.
    pub(super) endpoint: &'a str,
    /// Names of its parameters; `None` if its path is unusable.
    pub(super) params: Option<Vec<&'a str>>,
    /// Its method.
    pub(super) method: &'a Method,
    /// Hosts of the service.
    pub(super) hosts: &'a [BaseUrl],
    /// Whether its output is no-op.
    pub(super) no_op: bool,
}

/// Where a backend stands in the list of its endpoint.
pub(super) struct Spot {
    pub(super) place: KeyPath,
    pub(super) index: usize,
    /// Number of backends in that list.
    pub(super) siblings: usize,
}

/// The backend. Nothing after an error without which it would mean nothing.
pub(super) fn resolve(
    mut section: Section<'_>,
    parent: &Parent<'_>,
    spot: Spot,
) -> Option<Backend> {
    let encoding = match encoding(&mut section, "encoding") {
        _ if parent.no_op => Encoding::NoOp,
        Some(encoding) => encoding,
        None => Encoding::Other("json".to_owned()),
    };
    discovery(&mut section);
    let url_pattern = url_pattern(&mut section, parent, spot.index);
    let method = method(&mut section, parent.method);
    let hosts = hosts(&mut section, parent.hosts);
    let input_headers = second_filter(&mut section, "input_headers");
    let input_query_strings = second_filter(&mut section, "input_query_strings");
    let (plugin, http_client) = extra_config(&mut section, spot.siblings);
    if encoding == Encoding::NoOp {
        section.accept(not_yet::MANIPULATION_KEYS);
    } else {
        section.not_yet(not_yet::MANIPULATION);
    }
    let problems = section.problems();
    section.finish();
    Some(Backend {
        place: spot.place,
        hosts,
        url_pattern,
        method: method?,
        encoding,
        input_headers: input_headers.map(|names| header_names(&names, problems)),
        input_query_strings: input_query_strings
            .map(|names| names.into_iter().map(|(name, _)| name).collect()),
        plugin,
        http_client,
    })
}

fn url_pattern(section: &mut Section<'_>, parent: &Parent<'_>, index: usize) -> UrlPattern {
    let around = Around {
        endpoint: parent.endpoint,
        backend: index,
        params: parent.params.as_deref(),
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

/// `sd`: only the static list of hosts.
fn discovery(section: &mut Section<'_>) {
    section.accept(&["sd_scheme"]);
    let Some(sd) = section.text("sd") else {
        return;
    };
    let at = section.at().key("sd");
    match sd.as_str() {
        "" | "static" => {}
        "dns" | "dns-shared" => {
            let message = format!("service discovery {sd:?} is not implemented yet");
            let help = "list the hosts and remove \"sd\"";
            section.problems().error(&at, message, help);
        }
        _ => {
            let message = format!("unknown service discovery {sd:?}: the hosts are used as listed");
            let help = "write \"static\", or remove it";
            section.problems().warning(&at, message, help);
        }
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

fn extra_config(
    section: &mut Section<'_>,
    siblings: usize,
) -> (Option<crate::PluginUse>, HttpClient) {
    let Some(mut extra) = section.section("extra_config") else {
        return (None, HttpClient::default());
    };
    namespaces::check(&extra, Level::Backend);
    if let Some(proxy) = extra.section("proxy") {
        namespaces::check_proxy(proxy, siblings);
    }
    let http_client = extra
        .section("backend/http/client")
        .map_or_else(HttpClient::default, http_client);
    let at_plugin = extra.item("plugin/http-client");
    let plugin = at_plugin
        .as_ref()
        .and_then(|item| plugins::client(item, extra.problems()));
    if at_plugin.is_some() && !matches!(http_client.proxy, BackendProxy::Environment) {
        let at = extra.at().key("backend/http/client");
        let at = match &http_client.proxy {
            BackendProxy::Forward(proxy) if matches!(proxy.source, ProxySource::Pac(_)) => {
                at.key("proxy_pac")
            }
            _ => at.key("proxy_address"),
        };
        extra.problems().warning(
            &at,
            "has no effect: the backend's plugin decides how its requests go out",
            "remove it, or remove \"plugin/http-client\"",
        );
    }
    (plugin, http_client)
}

fn http_client(mut section: Section<'_>) -> HttpClient {
    let client = HttpClient {
        proxy: proxy::resolve(&mut section),
        no_redirect: section.flag("no_redirect").unwrap_or(false),
        send_body_on_redirect: section.flag("send_body_on_redirect").unwrap_or(false),
    };
    if let Some(item) = section.item("client_tls") {
        section.problems().error(
            &item.at,
            "TLS settings of a single backend are not implemented yet",
            "use the \"client_tls\" of the service, or remove it to run without",
        );
    }
    section.finish();
    client
}
