//! Grants that nobody wants: warnings all of them.

use cuttle_pipeline::config::{KeyPath, Service};

use super::{Findings, catalog::Catalog, plugins::grant_place};

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
