//! `plugin/http-server`: the plugins in front of the gateway.

use cuttle_egress::Redirects;
use cuttle_pipeline::config::{PluginUse, Service};
use cuttle_plugin::{Binding, ServerPlugin};

use super::{
    Findings, PluginEgress,
    catalog::Catalog,
    client::Egress,
    plugins::{self, Found},
    schema, settings,
};
use crate::server_plugins::ServerPlugins;

/// What log lines of these plugins say in place of an endpoint.
const PLACE: &str = "http-server";

/// Finds, configures and tries them, and adds to `around` what they can reach. The
/// outer `None` is a problem.
pub(super) async fn build(
    service: &Service,
    egress: &Egress<'_>,
    catalog: &Catalog,
    around: &mut Vec<PluginEgress>,
    findings: &mut Findings<'_>,
) -> Option<Option<ServerPlugins>> {
    let Some(used) = &service.server_plugins else {
        return Some(None);
    };
    let found = plugins::components(used, catalog, findings)?;
    let settings = settings::resolve(used, egress.environment(), findings)?.text;
    let fits = |one: &&Found<'_>| schema::fits(used, one, &settings, findings);
    if catalog.checks_schemas() && found.iter().filter(fits).count() < found.len() {
        return None;
    }
    // The first of the list is nearest to the router, as with KrakenD.
    let mut bound: Vec<ServerPlugin> = Vec::with_capacity(found.len());
    for one in &found {
        let binding = binding(service, one, settings.clone(), egress, findings)?;
        let plugin = ServerPlugin::bind(one.1, binding, bound.last()).await;
        let plugin = plugin.map_err(|error| plugins::refused(used, one.0, &error, findings));
        bound.push(plugin.ok()?);
    }
    let told = found.iter().zip(&bound).enumerate();
    let told = told.map(|(position, ((_, component), plugin))| {
        let ways = (egress.environment_way(), plugin.ways());
        PluginEgress::new((component, plugin.meter()), position, service, ways)
    });
    // In front of the others in reports, too.
    around.splice(0..0, told);
    Some(ServerPlugins::new(bound, longest(service)))
}

/// Nothing of the backends' is theirs: what they reach was granted.
fn binding(
    service: &Service,
    (used, component): &Found<'_>,
    settings: String,
    egress: &Egress<'_>,
    findings: &mut Findings<'_>,
) -> Option<Binding> {
    let plugin = used.name.as_str();
    Some(Binding {
        settings,
        client: egress.service_client(),
        way: egress.environment_way(),
        redirects: Redirects::None,
        free_redirects: false,
        hosts: Vec::new(),
        granted: plugins::granted(service, plugin, findings)?,
        addresses: plugins::granted_addresses(service, plugin, findings)?,
        proxies: plugins::granted_proxies(service, plugin),
        limits: plugins::limits(service.plugins.limits.get(plugin)),
        isolation: plugins::isolation(service, component),
        endpoint: PLACE.to_owned(),
    })
}

/// The longest that anything behind them takes: an endpoint with a timeout
/// above the service's is to keep it.
fn longest(service: &Service) -> std::time::Duration {
    let endpoints = service.endpoints.iter().map(|endpoint| endpoint.timeout);
    endpoints.fold(service.timeout, std::cmp::max)
}

/// Whether a plugin of this name is among them.
pub(super) fn uses(service: &Service, name: &str) -> bool {
    let used: Option<&PluginUse> = service.server_plugins.as_ref();
    used.is_some_and(|used| used.uses(name))
}
