//! Rights that a plugin wants and has not, and grants that nobody wants.
//!
//! Warnings all of them: a plugin may live without what it imports.

use cuttle_pipeline::config::{KeyPath, PluginUse, Service};
use serde_json::Value;

use super::{
    Findings,
    catalog::Catalog,
    plugins::{Found, Spot, grant_place},
};

/// Warns of each plugin that can open forward proxies where none is open to it.
/// `settings` are those with references followed.
pub(super) fn wanted(
    spot: &Spot<'_>,
    found: &[Found<'_>],
    settings: &str,
    findings: &mut Findings<'_>,
) {
    if names_an_address(settings) {
        return;
    }
    let grants = &spot.service.plugins.grants;
    let granted = |name: &str| grants.get(name).is_some_and(|of| !of.proxies.is_empty());
    for (used, component) in found {
        if component.imports_interface("forward-proxy") && !granted(&used.name) {
            without_proxy(spot.used, &used.name, findings);
        }
    }
}

fn without_proxy(list: &PluginUse, plugin: &str, findings: &mut Findings<'_>) {
    findings.warning(
        &list.place,
        format!("plugin `{plugin}` can use forward proxies, and may open none here"),
        Some(format!(
            "write the proxy's address into these settings or into \
             `extra_config[\"cuttle/plugins\"].grants.{plugin}.proxies`"
        )),
    );
}

/// Whether some text of the settings may be the URL of a proxy.
fn names_an_address(settings: &str) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains("://"),
            Value::Array(items) => items.iter().any(any),
            Value::Object(members) => members.values().any(any),
            _ => false,
        }
    }
    serde_json::from_str(settings).is_ok_and(|settings: Value| any(&settings))
}

/// Warns about grants that change nothing: a name is wrong, or the plugin
/// imports nothing that they are about.
pub(super) fn unused(service: &Service, catalog: &Catalog, findings: &mut Findings<'_>) {
    for (plugin, grants) in &service.plugins.grants {
        let place = grant_place(plugin);
        match catalog.component(plugin) {
            Some(component) => {
                let sends = component.sends() || component.hands_on();
                let proxies = component.imports_interface("forward-proxy");
                if !grants.proxies.is_empty() && !proxies {
                    no_effect(
                        &place.key("proxies"),
                        plugin,
                        "open forward proxies",
                        findings,
                    );
                }
                if !grants.outbound.is_empty() && !sends && !proxies {
                    no_effect(&place.key("outbound"), plugin, "send anything", findings);
                }
            }
            None if catalog.is_broken(plugin) || catalog.names().contains(&plugin.as_str()) => {}
            None => {
                let message = format!("has no effect: there is no plugin `{plugin}`");
                let help = format!("there are: {}", catalog.names().join(", "));
                findings.warning(&place, message, Some(help));
            }
        }
    }
}

fn no_effect(place: &KeyPath, plugin: &str, what: &str, findings: &mut Findings<'_>) {
    let message = format!("has no effect: plugin `{plugin}` cannot {what}");
    let help = "remove it, so that a later version of the plugin does not get it unseen";
    findings.warning(place, message, Some(help.to_owned()));
}
