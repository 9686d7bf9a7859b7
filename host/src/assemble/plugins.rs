//! Plugins in their places of use.

use std::{str::FromStr, sync::Arc};

use cuttle_pipeline::config::{
    Backend, Endpoint, Isolation, KeyPath, PluginLimits, PluginUse, Service,
};
use cuttle_plugin::{BindError, Binding, Component, Limits, Plugin};

use crate::{record::Recorded, telemetry::chain};

use super::{
    BackendEgress, Built, Findings,
    catalog::Catalog,
    client::{Egress, redirects},
    executors::PluginExecutor,
    schema, settings, ungranted,
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

/// Finds, configures and tries the plugin of a backend.
pub(super) async fn build(
    spot: &Spot<'_>,
    egress: &Egress<'_>,
    catalog: &Catalog,
    findings: &mut Findings<'_>,
) -> Option<Built> {
    let component = component(spot.used, catalog, findings)?;
    let bundled = catalog.is_bundled(&spot.used.name);
    let binding = binding(spot, (component, bundled), egress, findings)?;
    ungranted::wanted(spot, component, &binding.settings, findings);
    let checks = catalog.checks_schemas();
    if checks && !schema::fits(spot.used, component, &binding.settings, findings) {
        return None;
    }
    let way = binding.way.clone();
    let recorded = recorded(spot, catalog, &binding);
    match Plugin::bind(component, binding).await {
        Ok(plugin) => Some(Built {
            egress: BackendEgress::of_plugin(
                spot.endpoint,
                spot.index,
                (&plugin, component),
                spot.service,
                way,
            ),
            executor: Arc::new(PluginExecutor { plugin, recorded }),
        }),
        Err(error) => {
            let (place, message) = describe(spot.used, &error);
            findings.error(&place, message, None);
            None
        }
    }
}

fn component<'a>(
    used: &PluginUse,
    catalog: &'a Catalog,
    findings: &mut Findings<'_>,
) -> Option<&'a Component> {
    let component = catalog.component(&used.name);
    if component.is_none() && !catalog.is_broken(&used.name) {
        findings.error(
            &used.place.key("name"),
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

fn binding(
    spot: &Spot<'_>,
    (component, bundled): (&Component, bool),
    egress: &Egress<'_>,
    findings: &mut Findings<'_>,
) -> Option<Binding> {
    let Spot {
        endpoint,
        backend,
        used,
        service,
        ..
    } = *spot;
    let grants = service.plugins.grants.get(&used.name);
    if backend.discovery.is_some() {
        let help = "list the hosts and remove \"sd\"".to_owned();
        let message = "has no effect with a plugin, which reaches hosts that are listed only";
        findings.error(&backend.place.key("sd"), message, Some(help));
        return None;
    }
    Some(Binding {
        settings: settings::resolve(used, egress.environment(), findings)?,
        client: egress.client(backend, findings)?,
        way: egress.way(backend, findings)?,
        redirects: redirects(&backend.http_client),
        free_redirects: bundled,
        hosts: backend
            .hosts
            .iter()
            .map(|host| host.authority.clone())
            .collect(),
        granted: parsed(
            used,
            "outbound",
            grants.map(|grants| &grants.outbound),
            findings,
        )?,
        addresses: parsed(
            used,
            "addresses",
            grants.map(|grants| &grants.addresses),
            findings,
        )?,
        proxies: grants.map_or_else(Vec::new, |grants| grants.proxies.clone()),
        limits: limits(service.plugins.limits.get(&used.name)),
        isolation: isolation(service, &used.name).unwrap_or_else(|| component.default_isolation()),
        endpoint: format!("{} {}", endpoint.method, endpoint.path.text),
    })
}

/// With the rights that the binding has.
fn recorded(spot: &Spot<'_>, catalog: &Catalog, binding: &Binding) -> Option<Recorded> {
    let recorder = catalog.recorder()?;
    let hosts = binding.hosts.iter().chain(&binding.granted);
    let hosts = hosts.map(ToString::to_string).collect();
    let rights = (hosts, binding.proxies.clone());
    let name = &spot.used.name;
    Some(Recorded::new(recorder, name, &binding.settings, rights))
}

/// The texts of a grant as what they stand for.
fn parsed<T: FromStr>(
    used: &PluginUse,
    key: &'static str,
    texts: Option<&Vec<String>>,
    findings: &mut Findings<'_>,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    for (index, text) in texts.into_iter().flatten().enumerate() {
        let Ok(value) = text.parse() else {
            let place = grant_place(&used.name).key(key).index(index);
            findings.error(&place, format!("`{text}` cannot be used"), None);
            return None;
        };
        all.push(value);
    }
    Some(all)
}

fn grant_place(plugin: &str) -> KeyPath {
    KeyPath::root()
        .key("extra_config")
        .key("cuttle/plugins")
        .key("grants")
        .key(plugin)
}

fn limits(written: Option<&PluginLimits>) -> Limits {
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

/// As the operator wrote it down, if at all.
fn isolation(service: &Service, plugin: &str) -> Option<cuttle_plugin::Isolation> {
    let policy = &service.plugins.isolation;
    let written = policy.get(plugin).or_else(|| policy.get("*"))?;
    Some(match written {
        Isolation::Request => cuttle_plugin::Isolation::Request,
        Isolation::Instance => cuttle_plugin::Isolation::Instance,
    })
}

/// Where a plugin's refusal belongs. One that starts with a key and a colon is
/// about that key of the settings (`wit/http-client.wit`).
fn describe(used: &PluginUse, error: &BindError) -> (KeyPath, String) {
    if let BindError::Settings { message, .. } = error
        && let Some((key, rest)) = message.split_once(':')
        && is_key_path(key)
    {
        let place = key
            .split('.')
            .fold(used.place.clone(), |at, key| at.key(key));
        return (place, format!("plugin `{}`: {}", used.name, rest.trim()));
    }
    (used.place.clone(), chain(error))
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
