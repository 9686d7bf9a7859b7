//! Modifiers in their places of use, and the pipeline's
//! [`Modifier`](cuttle_pipeline::Modifier) over them.

use std::sync::Arc;

use cuttle_pipeline::{
    ExecuteError, Hooks, Modifiers, ModifyFuture, PassingRequest, PassingResponse, Refusal,
    Verdict,
    config::{Backend, Encoding, Endpoint, OutputEncoding, PluginUse, Service},
};
use cuttle_plugin::{Binding, CallError, Component, Content, Level, Modifier, Place};
use tokio::time::Instant;

use crate::secrets;

use super::{
    Findings, PluginEgress,
    catalog::Catalog,
    client::{Egress, redirects},
    executors::plugin_kind,
    plugins, schema, settings,
};

/// What modifiers are made with.
pub(super) struct Workbench<'a, 'e> {
    pub(super) service: &'a Service,
    pub(super) egress: &'a Egress<'e>,
    pub(super) catalog: &'a Catalog,
}

/// One list of modifiers.
struct Spot<'a> {
    endpoint: &'a Endpoint,
    /// With its place; `None` is the endpoint's own list.
    backend: Option<(usize, &'a Backend)>,
}

type List = Vec<Arc<dyn cuttle_pipeline::Modifier>>;

impl Workbench<'_, '_> {
    /// Finds, configures and tries the modifiers of an endpoint and of its
    /// backends, and adds to `around` what they can reach. Nothing, and at least
    /// one problem, if one cannot be used.
    pub(super) async fn modifiers(
        &self,
        endpoint: &Endpoint,
        around: &mut Vec<PluginEgress>,
        findings: &mut Findings<'_>,
    ) -> Option<Modifiers> {
        let mut spot = Spot {
            endpoint,
            backend: None,
        };
        let own = self
            .list(&spot, &endpoint.modifiers, around, findings)
            .await;
        let mut backends = Vec::with_capacity(endpoint.backends.len());
        for one in endpoint.backends.iter().enumerate() {
            spot.backend = Some(one);
            backends.extend(self.list(&spot, &one.1.modifiers, around, findings).await);
        }
        (backends.len() == endpoint.backends.len()).then_some(())?;
        Some(Modifiers {
            endpoint: own?,
            backends,
        })
    }

    async fn list(
        &self,
        spot: &Spot<'_>,
        used: &[PluginUse],
        around: &mut Vec<PluginEgress>,
        findings: &mut Findings<'_>,
    ) -> Option<List> {
        let mut bound = Vec::with_capacity(used.len());
        for (position, one) in used.iter().enumerate() {
            if let Some((modifier, reached)) = self.bind(spot, (position, one), findings).await {
                bound.push(modifier);
                around.push(reached);
            }
        }
        if !bound.is_empty() {
            tell(spot, &bound);
        }
        let list = bound.into_iter().map(|one| Arc::new(Hooked(one)) as _);
        let list: List = list.collect();
        (list.len() == used.len()).then_some(list)
    }

    async fn bind(
        &self,
        spot: &Spot<'_>,
        (position, used): (usize, &PluginUse),
        findings: &mut Findings<'_>,
    ) -> Option<(Modifier, PluginEgress)> {
        let name = used.names.first()?;
        let component = plugins::component(name, self.catalog, findings)?;
        let binding = self.binding(spot, (used, component), findings)?;
        let checks = self.catalog.checks_schemas();
        let found = (name, component);
        if checks && !schema::fits_own(used, &found, &binding.settings, findings) {
            return None;
        }
        let way = binding.way.clone();
        let bound = Modifier::bind(component, binding, spot.place()).await;
        let modifier = bound
            .map_err(|error| plugins::refused(used, name, &error, findings))
            .ok()?;
        let (meter, ways) = (modifier.meter(), (way, modifier.ways()));
        let reached = PluginEgress::new((component, meter), position, self.service, ways);
        let backend = spot.backend.map(|(index, _)| index);
        Some((modifier, reached.around(spot.endpoint, backend)))
    }

    fn binding(
        &self,
        spot: &Spot<'_>,
        (used, component): (&PluginUse, &Component),
        findings: &mut Findings<'_>,
    ) -> Option<Binding> {
        let (own, client, way, redirects) = match spot.backend {
            Some((_, backend)) => (
                plugins::own_hosts(backend),
                self.egress.client(backend, findings)?,
                self.egress.way(backend, findings)?,
                redirects(&backend.http_client),
            ),
            None => (
                Vec::new(),
                self.egress.service_client(),
                self.egress.environment_way(),
                redirects(&Default::default()),
            ),
        };
        let name = component.name();
        Some(Binding {
            settings: settings::resolve(used, self.egress.environment(), findings)?.text,
            client,
            way,
            redirects,
            free_redirects: false,
            hosts: own,
            granted: plugins::granted(self.service, name, findings)?,
            addresses: plugins::granted_addresses(self.service, name, findings)?,
            proxies: plugins::granted_proxies(self.service, name),
            limits: plugins::limits(self.service.plugins.limits.get(name)),
            isolation: plugins::isolation(self.service, component),
            endpoint: spot.label(),
        })
    }
}

impl Spot<'_> {
    fn place(&self) -> Place {
        let (level, no_op) = match self.backend {
            Some((_, backend)) => (Level::Backend, backend.encoding == Encoding::NoOp),
            None => {
                let no_op = self.endpoint.output_encoding == OutputEncoding::NoOp;
                (Level::Endpoint, no_op)
            }
        };
        let content = if no_op {
            Content::Message
        } else {
            Content::Data
        };
        Place { level, content }
    }

    fn label(&self) -> String {
        format!("{} {}", self.endpoint.method, self.endpoint.path.text)
    }
}

/// How many there are of each kind, as KrakenD says it.
fn tell(spot: &Spot<'_>, bound: &[Modifier]) {
    let count = |wanted: fn(&Modifier) -> bool| bound.iter().filter(|one| wanted(one)).count();
    tracing::debug!(
        endpoint = spot.label(),
        backend = spot
            .backend
            .map(|(_, backend)| secrets::url(&backend.url_pattern.text)),
        requests = count(|one| one.hooks().request),
        responses = count(|one| one.hooks().response),
        "modifiers"
    );
}

/// A plugin as the pipeline sees it.
struct Hooked(Modifier);

impl cuttle_pipeline::Modifier for Hooked {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn hooks(&self) -> Hooks {
        let hooks = self.0.hooks();
        Hooks {
            request: hooks.request,
            response: hooks.response,
            partial: hooks.partial,
            original_request: hooks.original_request,
        }
    }

    fn modify_request(
        &self,
        passing: PassingRequest,
        deadline: Instant,
    ) -> ModifyFuture<'_, PassingRequest> {
        Box::pin(async move {
            let verdict = self.0.modify_request(request_to(passing), deadline).await;
            self.verdict(verdict, request_from)
        })
    }

    fn modify_response(
        &self,
        passing: PassingResponse,
        original: Option<PassingRequest>,
        deadline: Instant,
    ) -> ModifyFuture<'_, PassingResponse> {
        Box::pin(async move {
            let (passing, original) = (response_to(passing), original.map(request_to));
            let verdict = self.0.modify_response(passing, original, deadline).await;
            self.verdict(verdict, response_from)
        })
    }
}

impl Hooked {
    fn verdict<P, T>(
        &self,
        verdict: Result<cuttle_plugin::Verdict<P>, CallError>,
        proceed: fn(P) -> T,
    ) -> Result<Verdict<T>, ExecuteError> {
        match verdict {
            Ok(cuttle_plugin::Verdict::Proceed(passing)) => Ok(Verdict::Proceed(proceed(passing))),
            Ok(cuttle_plugin::Verdict::Answer(response)) => Ok(Verdict::Answer(response)),
            Ok(cuttle_plugin::Verdict::Refuse(refusal)) => {
                Ok(Verdict::Refuse(refused(self.0.name(), refusal)))
            }
            Err(error) => Err(ExecuteError {
                kind: plugin_kind(&error),
                source: error.into(),
            }),
        }
    }
}

fn refused(plugin: &str, refusal: cuttle_plugin::Refusal) -> Refusal {
    let status = refusal.status.as_u16();
    let why = format!(
        "plugin `{plugin}` refuses with {status}: {}",
        refusal.line()
    );
    Refusal {
        status: refusal.status,
        headers: refusal.headers,
        content_type: refusal.content_type,
        message: refusal.message,
        source: why.into(),
    }
}

fn request_to(passing: PassingRequest) -> cuttle_plugin::PassingRequest {
    cuttle_plugin::PassingRequest {
        request: passing.request,
        params: passing.params,
    }
}

fn request_from(passing: cuttle_plugin::PassingRequest) -> PassingRequest {
    PassingRequest {
        request: passing.request,
        params: passing.params,
    }
}

fn response_to(passing: PassingResponse) -> cuttle_plugin::PassingResponse {
    cuttle_plugin::PassingResponse {
        response: passing.response,
        complete: passing.complete,
        replaced: passing.replaced,
    }
}

fn response_from(passing: cuttle_plugin::PassingResponse) -> PassingResponse {
    PassingResponse {
        response: passing.response,
        complete: passing.complete,
        replaced: passing.replaced,
    }
}
