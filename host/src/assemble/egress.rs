//! Where requests can go: what `check --egress` tells.

use cuttle_egress::Way;
use cuttle_pipeline::config::{Backend, Endpoint, Service};
use cuttle_plugin::{Component, Meter, Plugin};
use http::Uri;

use super::plugins::sends_by_way;

/// One backend with its ways.
#[derive(Debug, Clone)]
pub struct BackendEgress {
    /// Method and path of the endpoint, as in `GET /users/{id}`.
    pub endpoint: String,
    /// Place of the backend among those of its endpoint, from 0.
    pub backend: usize,
    /// Name of the plugin that answers for it; several as in `a, b`.
    pub plugin: Option<String>,
    /// What it can reach: scheme, host and port.
    pub hosts: Vec<Uri>,
    /// The ways it may choose from; without a plugin there is one.
    pub ways: Vec<Way>,
    /// Whether redirects are followed, which may lead to other hosts.
    pub follows_redirects: bool,
    /// The plugins themselves, the one that sees a request first in front.
    pub(crate) running: Vec<Plugin>,
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
            running: Vec::new(),
        }
    }

    /// Of a backend whose plugins opened their ways, and may send requests by
    /// `way`, also to hosts that were granted.
    pub(super) fn of_plugins(
        endpoint: &Endpoint,
        backend: usize,
        (plugins, components): (&[Plugin], &[&Component]),
        service: &Service,
        way: Way,
    ) -> Self {
        let mut egress = Self::plain(endpoint, backend, way);
        if !sends_by_way(components) {
            egress.ways.clear();
        }
        for plugin in plugins {
            egress.ways.extend(plugin.ways());
            egress.hosts.extend(granted(service, plugin.name()));
        }
        let names: Vec<_> = plugins.iter().map(Plugin::name).collect();
        egress.plugin = Some(names.join(", "));
        egress.running = plugins.to_vec();
        egress
    }
}

/// A plugin that stands around backends or endpoints, or in front of all of them.
#[derive(Debug, Clone)]
pub struct PluginEgress {
    /// Method and path of the endpoint; `None` in front of the gateway.
    pub endpoint: Option<String>,
    /// Place of the backend among those of its endpoint; `None` around all of it.
    pub backend: Option<usize>,
    /// Place in its list, from 0.
    pub position: usize,
    /// What it can reach: scheme, host and port.
    pub hosts: Vec<Uri>,
    /// The ways it may choose from.
    pub ways: Vec<Way>,
    /// Whether redirects are followed, which lead no further than it may go itself.
    pub follows_redirects: bool,
    /// Tells its name, its kind and its instances.
    pub(crate) meter: Meter,
}

impl PluginEgress {
    /// Of one that stands nowhere yet, and may send requests by `way` to hosts that
    /// were granted.
    pub(super) fn new(
        (component, meter): (&Component, Meter),
        position: usize,
        service: &Service,
        (way, opened): (Way, Vec<Way>),
    ) -> Self {
        let own = component.sends().then_some(way);
        Self {
            endpoint: None,
            backend: None,
            position,
            hosts: granted(service, component.name()),
            ways: own.into_iter().chain(opened).collect(),
            follows_redirects: false,
            meter,
        }
    }

    /// The same around an endpoint, or one of its backends, whose hosts it may reach.
    pub(super) fn around(mut self, endpoint: &Endpoint, backend: Option<usize>) -> Self {
        self.endpoint = Some(label(endpoint));
        self.backend = backend;
        if let Some(backend) = backend.and_then(|index| endpoint.backends.get(index)) {
            self.hosts.splice(0..0, own_hosts(backend));
            self.follows_redirects = !backend.http_client.no_redirect;
        }
        self
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
