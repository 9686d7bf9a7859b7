//! Plugins in their places of use.

use std::{str::FromStr, sync::Arc};

use cuttle_egress::{Network, Way};
use cuttle_pipeline::config::{
    Backend, BackendProxy, Endpoint, Isolation, KeyPath, PluginLimits, PluginName, PluginUse,
    ProxySource, Service,
};
use cuttle_plugin::{BindError, Binding, Component, Limits, Plugin};
use http::uri::Authority;

use crate::{record::Recorded, telemetry::chain};

use super::{
    BackendEgress, Built, Findings,
    catalog::Catalog,
    client::{Egress, redirects},
    executors::PluginExecutor,
    schema,
    settings::{self, Resolved},
};

/// One place where a plugin is used.
pub(super) struct Spot<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// Place of the backend among those of its endpoint.
    pub(super) index: usize,
    pub(super) backend: &'a Backend,
    pub(super) used: &'a PluginUse,
    pub(super) service: &'a Service,
}

/// A name of the list, and the component behind it.
pub(super) type Found<'a> = (&'a PluginName, &'a Component);

/// Finds, configures and tries the plugins of a backend.
pub(super) async fn build(
    spot: &Spot<'_>,
    egress: &Egress<'_>,
    catalog: &Catalog,
    findings: &mut Findings<'_>,
) -> Option<Built> {
    let found = components(spot.used, catalog, findings)?;
    if !can_hand_on(&found, findings) {
        return None;
    }
    let shared = shared(spot, egress, findings)?;
    unused_proxy(spot, &found, findings);
    if catalog.checks_schemas() && !fit(spot, &found, &shared.settings.text, findings) {
        return None;
    }
    let mut plugins: Vec<Plugin> = Vec::with_capacity(found.len());
    // From the last on, since each has to know the one behind it.
    for one in found.iter().rev() {
        let shared = (&shared, catalog.is_bundled(&one.0.name));
        plugins.push(bind(spot, one, shared, plugins.last(), findings).await?);
    }
    plugins.reverse();
    let components: Vec<_> = found.iter().map(|(_, component)| *component).collect();
    let recorded = recorded(spot, &found, catalog, &shared);
    let (backend, way) = (spot.index, shared.way);
    Some(Built {
        egress: BackendEgress::of_plugins(
            spot.endpoint,
            backend,
            (&plugins, &components),
            spot.service,
            way,
        ),
        executor: Arc::new(PluginExecutor {
            plugin: plugins.into_iter().next()?,
            label: spot.used.label(),
            recorded,
        }),
    })
}

/// The components of a list; nothing, and a problem for each that is missing.
pub(super) fn components<'a>(
    used: &'a PluginUse,
    catalog: &'a Catalog,
    findings: &mut Findings<'_>,
) -> Option<Vec<Found<'a>>> {
    let found = used.names.iter();
    let found = found.map(|name| Some((name, component(name, catalog, findings)?)));
    // Every missing one is told.
    let found: Vec<_> = found.collect();
    found.into_iter().collect()
}

pub(super) fn component<'a>(
    used: &PluginName,
    catalog: &'a Catalog,
    findings: &mut Findings<'_>,
) -> Option<&'a Component> {
    let component = catalog.component(&used.name);
    if component.is_none() && !catalog.is_broken(&used.name) {
        findings.error(
            &used.place,
            format!("there is no plugin `{}`", used.name),
            Some(format!(
                "there are: {}; a file `{}.wasm` in `plugin.folder` that matches `plugin.pattern` adds it",
                catalog.names().join(", "),
                used.name
            )),
        );
    }
    component
}

/// Whether those behind a plugin can ever see a request. One that would send
/// to the backend itself would go around them.
fn can_hand_on(found: &[Found<'_>], findings: &mut Findings<'_>) -> bool {
    let in_front = found.split_last().map_or(&[][..], |(_, in_front)| in_front);
    let stuck = in_front
        .iter()
        .filter(|(_, component)| !component.hands_on());
    let mut can = true;
    for (used, _) in stuck {
        can = false;
        findings.error(
            &used.place,
            format!(
                "plugin `{}` does not import `next`, so those behind it would never see a request",
                used.name
            ),
            Some("put it last, or take a build of it that hands requests on".to_owned()),
        );
    }
    can
}

/// What the plugins of a backend have in common.
struct Shared {
    settings: Resolved,
    client: cuttle_egress::Client,
    way: Way,
    hosts: Vec<Authority>,
}

fn shared(spot: &Spot<'_>, egress: &Egress<'_>, findings: &mut Findings<'_>) -> Option<Shared> {
    let backend = spot.backend;
    if backend.discovery.is_some() {
        let help = "list the hosts and remove \"sd\"".to_owned();
        let message = "has no effect with a plugin, which reaches hosts that are listed only";
        findings.error(&backend.place.key("sd"), message, Some(help));
        return None;
    }
    let hosts = own_hosts(backend);
    Some(Shared {
        settings: settings::resolve(spot.used, egress.environment(), findings)?,
        client: egress.client(backend, findings)?,
        way: egress.way(backend, findings)?,
        hosts,
    })
}

/// Says that the plugins leave no work to the proxy of their backend.
fn unused_proxy(spot: &Spot<'_>, found: &[Found<'_>], findings: &mut Findings<'_>) {
    let components = found.iter().map(|(_, component)| *component);
    if sends_by_way(&components.collect::<Vec<_>>()) {
        return;
    }
    let key = match &spot.backend.http_client.proxy {
        BackendProxy::Environment => return,
        BackendProxy::Forward(proxy) if matches!(proxy.source, ProxySource::Pac(_)) => "proxy_pac",
        _ => "proxy_address",
    };
    let place = spot.backend.place.key("extra_config");
    findings.warning(
        &place.key("backend/http/client").key(key),
        "has no effect: the backend's plugin decides how its requests go out",
        Some("remove it, or remove \"plugin/http-client\"".to_owned()),
    );
}

/// Whether a plugin of the list can send by the way of its backend.
pub(super) fn sends_by_way(components: &[&Component]) -> bool {
    components.iter().any(|component| component.sends())
        || components.last().is_some_and(|last| last.hands_on())
}

/// Whether the settings fit the schemas of all plugins of the list.
fn fit(spot: &Spot<'_>, found: &[Found<'_>], settings: &str, findings: &mut Findings<'_>) -> bool {
    let fits = |one: &&Found<'_>| schema::fits(spot.used, one, settings, findings);
    // What does not fit the last one is told, too.
    let fitting = found.iter().filter(fits).count();
    fitting == found.len()
}

/// For the first of the list, with the rights that it has. Those behind it are
/// what its `next` answers.
fn recorded(
    spot: &Spot<'_>,
    found: &[Found<'_>],
    catalog: &Catalog,
    shared: &Shared,
) -> Option<Recorded> {
    let recorder = catalog.recorder()?;
    let (name, _) = found.first()?;
    let grants = spot.service.plugins.grants.get(&name.name);
    let granted = grants.map_or(&[][..], |grants| &grants.outbound);
    let own = shared.hosts.iter().filter(|_| found.len() == 1);
    let hosts = own.map(ToString::to_string).chain(granted.iter().cloned());
    let rights = (hosts.collect(), granted_proxies(spot.service, &name.name));
    Some(Recorded::new(
        recorder,
        &name.name,
        schema::shown_settings(found, &shared.settings),
        rights,
    ))
}

async fn bind(
    spot: &Spot<'_>,
    (used, component): &Found<'_>,
    (shared, bundled): (&Shared, bool),
    following: Option<&Plugin>,
    findings: &mut Findings<'_>,
) -> Option<Plugin> {
    let mut binding = binding(spot, (&used.name, component), (shared, bundled), findings)?;
    let bound = match following {
        Some(following) => {
            let hosts = shared.hosts.clone();
            Plugin::bind_before(component, binding, following, hosts).await
        }
        None => {
            binding.hosts.extend(shared.hosts.iter().cloned());
            Plugin::bind(component, binding).await
        }
    };
    bound
        .map_err(|error| refused(spot.used, used, &error, findings))
        .ok()
}

/// Without the hosts of the backend.
fn binding(
    spot: &Spot<'_>,
    (plugin, component): (&str, &Component),
    (shared, bundled): (&Shared, bool),
    findings: &mut Findings<'_>,
) -> Option<Binding> {
    let Spot {
        endpoint, service, ..
    } = *spot;
    Some(Binding {
        settings: shared.settings.text.clone(),
        client: shared.client.clone(),
        way: shared.way.clone(),
        redirects: redirects(&spot.backend.http_client),
        free_redirects: bundled,
        hosts: Vec::new(),
        granted: granted(service, plugin, findings)?,
        addresses: granted_addresses(service, plugin, findings)?,
        proxies: granted_proxies(service, plugin),
        limits: limits(service.plugins.limits.get(plugin)),
        isolation: isolation(service, component),
        endpoint: format!("{} {}", endpoint.method, endpoint.path.text),
    })
}

/// Those that are listed.
pub(super) fn own_hosts(backend: &Backend) -> Vec<Authority> {
    let hosts = backend.hosts.iter();
    hosts.map(|host| host.authority.clone()).collect()
}

/// Proxy addresses that were granted.
pub(super) fn granted_proxies(service: &Service, plugin: &str) -> Vec<String> {
    let grants = service.plugins.grants.get(plugin);
    grants.map_or_else(Vec::new, |grants| grants.proxies.clone())
}

/// Hosts that were granted.
pub(super) fn granted(
    service: &Service,
    plugin: &str,
    findings: &mut Findings<'_>,
) -> Option<Vec<Authority>> {
    let grants = service.plugins.grants.get(plugin);
    let texts = grants.map_or(&[][..], |grants| &grants.outbound);
    parsed((plugin, "outbound"), texts, findings)
}

/// Addresses that granted names may have.
pub(super) fn granted_addresses(
    service: &Service,
    plugin: &str,
    findings: &mut Findings<'_>,
) -> Option<Vec<Network>> {
    let grants = service.plugins.grants.get(plugin);
    let texts = grants.map_or(&[][..], |grants| &grants.addresses);
    parsed((plugin, "addresses"), texts, findings)
}

/// The texts of a grant as what they stand for.
fn parsed<T: FromStr>(
    (plugin, key): (&str, &'static str),
    texts: &[String],
    findings: &mut Findings<'_>,
) -> Option<Vec<T>> {
    let mut all = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let Ok(value) = text.parse() else {
            let place = grant_place(plugin).key(key).index(index);
            findings.error(&place, format!("`{text}` cannot be used"), None);
            return None;
        };
        all.push(value);
    }
    Some(all)
}

/// Where the rights of a plugin stand.
pub(super) fn grant_place(plugin: &str) -> KeyPath {
    KeyPath::root()
        .key("extra_config")
        .key("cuttle/plugins")
        .key("grants")
        .key(plugin)
}

pub(super) fn limits(written: Option<&PluginLimits>) -> Limits {
    let default = Limits::default();
    let Some(written) = written else {
        return default;
    };
    Limits {
        memory: written.memory.unwrap_or(default.memory),
        table_elements: written.table_elements.unwrap_or(default.table_elements),
        hostcall_fuel: written.hostcall_fuel.unwrap_or(default.hostcall_fuel),
        resources: written.resources.unwrap_or(default.resources),
        body_read: written.body_read.unwrap_or(default.body_read),
        host_calls: written.host_calls.unwrap_or(default.host_calls),
        log_lines_per_second: written
            .log_lines_per_second
            .unwrap_or(default.log_lines_per_second),
        instances: written.instances.unwrap_or(default.instances),
        uses_per_instance: written
            .uses_per_instance
            .unwrap_or(default.uses_per_instance),
        timeout: written.timeout.or(default.timeout),
    }
}

/// What the operator has written down, or else what suits the component.
pub(super) fn isolation(service: &Service, component: &Component) -> cuttle_plugin::Isolation {
    let policy = &service.plugins.isolation;
    match policy.get(component.name()).or_else(|| policy.get("*")) {
        Some(Isolation::Request) => cuttle_plugin::Isolation::Request,
        Some(Isolation::Instance) => cuttle_plugin::Isolation::Instance,
        None => component.default_isolation(),
    }
}

/// A plugin's refusal, where it belongs. One that starts with a key and a colon
/// is about that key of the settings (`wit/http-client.wit`).
pub(super) fn refused(
    list: &PluginUse,
    used: &PluginName,
    error: &BindError,
    findings: &mut Findings<'_>,
) {
    let (place, message) = describe(list, used, error);
    findings.error(&place, message, None);
}

fn describe(list: &PluginUse, used: &PluginName, error: &BindError) -> (KeyPath, String) {
    match error {
        BindError::Settings { message, .. } => {
            if let Some((key, rest)) = message.split_once(':')
                && is_key_path(key)
            {
                let keys = key.split('.');
                let place = keys.fold(list.place.clone(), |at, key| at.key(key));
                return (place, format!("plugin `{}`: {}", used.name, rest.trim()));
            }
            (list.place.clone(), chain(error))
        }
        BindError::World { .. } => (used.place.clone(), chain(error)),
        _ => (list.place.clone(), chain(error)),
    }
}

fn is_key_path(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|key| {
            !key.is_empty()
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        })
}
