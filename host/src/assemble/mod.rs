//! From a configuration to a gateway that can serve it.
//!
//! # Order
//!
//! 1. PAC files, and the client for backends: TLS files, proxies of the
//!    environment.
//! 2. Plugins: the folder is searched, components are compiled and linked.
//! 3. For each backend an executor: its plugins, configured, or the client; and
//!    the modifiers around it and around its endpoint.
//! 4. The plugins in front of the gateway, pipelines and the router.
//!
//! Each step collects its problems; all of them are reported together, with
//! their places, and the gateway does not start if there is an error among
//! them. Nothing here opens a socket.

pub(crate) mod apart;
mod catalog;
mod client;
mod discovery;
mod egress;
mod executors;
mod inputs;
mod kept;
mod modifiers;
mod pac;
mod plugins;
mod proxy;
mod references;
mod schema;
mod server_plugins;
mod settings;
mod ungranted;

use std::sync::Arc;

use cuttle_pipeline::{
    Executor, Modifiers, Pipeline, Settings,
    config::{Backend, Endpoint, KeyPath, Loaded, Problem, Severity, Sources},
};

use crate::{gateway::Gateway, server, status::Status, telemetry::chain};
use catalog::Catalog;
use client::Egress;
use pac::PacFiles;

pub(crate) use catalog::read as read_component;
pub use catalog::{LoadedPlugin, Origin};
pub use egress::{BackendEgress, PluginEgress};
pub(crate) use inputs::Inputs;
pub use kept::Kept;

/// A gateway that is ready to listen.
pub struct Assembly {
    /// What answers requests.
    pub gateway: Gateway,
    /// What the operator should know: nothing that stops the start.
    pub warnings: Vec<Problem>,
    /// The plugins in use, by name.
    pub plugins: Vec<LoadedPlugin>,
    /// Where the backends' requests can go, in the order of the file.
    pub egress: Vec<BackendEgress>,
    /// Where requests of other plugins can go: those in front of the gateway first.
    pub plugin_egress: Vec<PluginEgress>,
}

/// What one backend becomes.
struct Built {
    executor: Arc<dyn Executor>,
    egress: BackendEgress,
}

/// Reads one environment variable of the process.
#[must_use]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Builds everything that `loaded` asks for, plugins included.
///
/// `environment` reads one variable, for `HTTP_PROXY` and its relatives. `kept`
/// is what earlier gateways of this process have left, and this one will leave.
///
/// # Errors
///
/// All problems, warnings included, when at least one is an error.
pub async fn assemble(
    loaded: &Loaded,
    environment: &dyn Fn(&str) -> Option<String>,
    kept: &mut Kept,
) -> Result<Assembly, Vec<Problem>> {
    kept.begin();
    let mut findings = Findings::new(loaded);
    listener(loaded, &mut findings);
    let pac = PacFiles::load(&loaded.service, kept, &mut findings).await;
    let egress = Egress::build(&loaded.service, environment, pac, &mut findings);
    let catalog = Catalog::build(&loaded.service, kept, &mut findings);
    ungranted::unused(&loaded.service, &catalog, &mut findings);
    let settings = Settings::of(&loaded.service);
    let mut endpoints = Vec::new();
    let (mut reached, mut around) = (Vec::new(), Vec::new());
    if let Some(egress) = &egress {
        for endpoint in &loaded.service.endpoints {
            let built = backends(endpoint, egress, &catalog, loaded, &mut findings).await;
            let executors = built.map(|built| {
                let split = built
                    .into_iter()
                    .map(|built| (built.executor, built.egress));
                let (executors, egress): (Vec<_>, Vec<_>) = split.unzip();
                reached.extend(egress);
                executors
            });
            let bench = modifiers::Workbench {
                service: &loaded.service,
                egress,
                catalog: &catalog,
            };
            let modifiers = bench.modifiers(endpoint, &mut around, &mut findings).await;
            let parts = executors.zip(modifiers);
            endpoints.extend(pipeline(endpoint, settings, parts, &mut findings));
        }
    }
    let in_front = match &egress {
        Some(egress) => {
            let service = &loaded.service;
            server_plugins::build(service, egress, &catalog, &mut around, &mut findings).await
        }
        None => None,
    };
    let gateway = gateway(loaded, endpoints, &mut findings);
    let status =
        egress.map(|egress| Status::new(egress.clients(), reached.clone(), around.clone()));
    let in_front = in_front.flatten();
    let gateway = gateway.map(|gateway| gateway.with_status(status).with_plugins(in_front));
    let assembly = findings.finish(gateway, catalog, (reached, around))?;
    kept.finish();
    Ok(assembly)
}

/// Certificates of the listener: `check` says what `run` would.
fn listener(loaded: &Loaded, findings: &mut Findings<'_>) {
    if let Some(tls) = &loaded.service.listen.tls
        && let Err(error) = server::acceptor(tls)
    {
        findings.error(&tls.place, chain(&error), None);
    }
}

async fn backends(
    endpoint: &Endpoint,
    egress: &Egress<'_>,
    catalog: &Catalog,
    loaded: &Loaded,
    findings: &mut Findings<'_>,
) -> Option<Vec<Built>> {
    let mut built = Vec::with_capacity(endpoint.backends.len());
    for (index, backend) in endpoint.backends.iter().enumerate() {
        let one = match &backend.plugin {
            Some(used) => {
                let spot = plugins::Spot {
                    endpoint,
                    index,
                    backend,
                    used,
                    service: &loaded.service,
                };
                plugins::build(&spot, egress, catalog, findings).await
            }
            None => plain(endpoint, index, backend, egress, findings),
        };
        built.extend(one);
    }
    (built.len() == endpoint.backends.len()).then_some(built)
}

/// A backend without a plugin.
fn plain(
    endpoint: &Endpoint,
    index: usize,
    backend: &Backend,
    egress: &Egress<'_>,
    findings: &mut Findings<'_>,
) -> Option<Built> {
    let way = egress.way(backend, findings)?;
    Some(Built {
        executor: egress.executor(backend, way.clone(), findings)?,
        egress: BackendEgress::plain(endpoint, index, way),
    })
}

fn pipeline(
    endpoint: &Endpoint,
    settings: Settings,
    parts: Option<(Vec<Arc<dyn Executor>>, Modifiers)>,
    findings: &mut Findings<'_>,
) -> Option<(Endpoint, Pipeline)> {
    // Without its parts there is no pipeline, but all the rest is to be told.
    let built = match parts {
        Some((executors, modifiers)) => {
            Pipeline::build_modified(endpoint, settings, executors, modifiers)
        }
        None => Err(Pipeline::unsupported(endpoint)),
    };
    match built {
        Ok(pipeline) => Some((endpoint.clone(), pipeline)),
        Err(unsupported) => {
            for one in unsupported {
                findings.error(&one.path, one.message, one.help);
            }
            None
        }
    }
}

fn gateway(
    loaded: &Loaded,
    endpoints: Vec<(Endpoint, Pipeline)>,
    findings: &mut Findings<'_>,
) -> Option<Gateway> {
    match Gateway::new(&loaded.service, endpoints) {
        Ok(gateway) => Some(gateway),
        Err(conflicts) => {
            for conflict in conflicts {
                findings.error(&conflict.place, conflict.message, Some(conflict.help));
            }
            None
        }
    }
}

/// Problems found on the way, with the file to place them in.
pub(crate) struct Findings<'a> {
    sources: &'a Sources,
    problems: Vec<Problem>,
}

impl<'a> Findings<'a> {
    fn new(loaded: &'a Loaded) -> Self {
        Self {
            sources: &loaded.sources,
            problems: loaded.warnings.clone(),
        }
    }

    fn error(&mut self, place: &KeyPath, message: impl Into<String>, help: Option<String>) {
        self.add(Severity::Error, place, message.into(), help);
    }

    fn warning(&mut self, place: &KeyPath, message: impl Into<String>, help: Option<String>) {
        self.add(Severity::Warning, place, message.into(), help);
    }

    /// Something outside of the file, such as an environment variable.
    fn outside(&mut self, message: impl Into<String>, help: &str) {
        self.problems.push(Problem {
            severity: Severity::Error,
            file: None,
            path: KeyPath::root(),
            line: None,
            column: None,
            rendered: None,
            message: message.into(),
            help: Some(help.to_owned()),
        });
    }

    fn add(&mut self, severity: Severity, place: &KeyPath, message: String, help: Option<String>) {
        self.problems
            .push(self.sources.problem(severity, place, message, help));
    }

    fn finish(
        mut self,
        gateway: Option<Gateway>,
        catalog: Catalog,
        (egress, plugin_egress): (Vec<BackendEgress>, Vec<PluginEgress>),
    ) -> Result<Assembly, Vec<Problem>> {
        self.problems.sort_by_key(Problem::rank);
        let failed = self
            .problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
        match gateway {
            Some(gateway) if !failed => Ok(Assembly {
                gateway,
                warnings: self.problems,
                plugins: catalog.into_loaded(),
                egress,
                plugin_egress,
            }),
            _ => Err(self.problems),
        }
    }
}
