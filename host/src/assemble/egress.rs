//! Where requests can go: what `check --egress` tells.

use cuttle_egress::Way;
use cuttle_pipeline::config::{Backend, Endpoint, Service};
use cuttle_plugin::{Component, Plugin};
use http::Uri;

/// The import of plugins that send to their backend themselves.
const OUTBOUND: &str = "/outbound";

/// One backend with its ways.
#[derive(Debug, Clone)]
pub struct BackendEgress {
    /// Method and path of the endpoint, as in `GET /users/{id}`.
    pub endpoint: String,
    /// Place of the backend among those of its endpoint, from 0.
    pub backend: usize,
    /// Name of the plugin that answers for it.
    pub plugin: Option<String>,
    /// What it can reach: scheme, host and port.
    pub hosts: Vec<Uri>,
    /// The ways it may choose from; without a plugin there is one.
    pub ways: Vec<Way>,
    /// Whether redirects are followed, which may lead to other hosts.
    pub follows_redirects: bool,
    /// The plugin itself.
    pub(crate) running: Option<Plugin>,
}

impl BackendEgress {
    /// Of a backend without a plugin.
    pub(super) fn plain(endpoint: &Endpoint, backend: usize, way: Way) -> Self {
        let written = endpoint.backends.get(backend);
        Self {
            endpoint: label(endpoint),
            backend,
            plugin: None,
            hosts: written.map_or_else(Vec::new, own_hosts),
            ways: vec![way],
            follows_redirects: written.is_some_and(|written| !written.http_client.no_redirect),
            running: None,
        }
    }

    /// Of a backend whose plugin opened its ways, and may send its own requests
    /// by `way`, also to hosts that were granted.
    pub(super) fn of_plugin(
        endpoint: &Endpoint,
        backend: usize,
        (plugin, component): (&Plugin, &Component),
        service: &Service,
        way: Way,
    ) -> Self {
        let mut egress = Self::plain(endpoint, backend, way);
        let sends = |import: &String| {
            let name = import.split('@').next().unwrap_or_default();
            name.ends_with(OUTBOUND)
        };
        if !component.imports().iter().any(sends) {
            egress.ways.clear();
        }
        egress.ways.extend(plugin.ways());
        egress.plugin = Some(plugin.name().to_owned());
        egress.running = Some(plugin.clone());
        egress.hosts.extend(granted(service, plugin.name()));
        egress
    }
}

fn label(endpoint: &Endpoint) -> String {
    format!("{} {}", endpoint.method, endpoint.path.text)
}

fn own_hosts(backend: &Backend) -> Vec<Uri> {
    let hosts = backend.hosts.iter();
    hosts
        .filter_map(|host| uri(host.scheme.as_str(), host.authority.as_str()))
        .collect()
}

/// A grant says no scheme, so it is good for both.
fn granted(service: &Service, plugin: &str) -> Vec<Uri> {
    let grants = service.plugins.grants.get(plugin);
    let hosts = grants.map_or(&[][..], |grants| &grants.outbound);
    hosts
        .iter()
        .flat_map(|host| ["http", "https"].map(|scheme| uri(scheme, host)))
        .flatten()
        .collect()
}

fn uri(scheme: &str, authority: &str) -> Option<Uri> {
    let builder = Uri::builder().scheme(scheme).authority(authority);
    builder.path_and_query("/").build().ok()
}
