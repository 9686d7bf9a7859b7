//! The status page (`status_path` of `cuttle/http`): how the gateway is, for
//! whoever is on call.
//!
//! It holds no secrets: proxies are named by scheme, host and port, plugins by
//! their name. It holds what an attacker would like to know, though, so that it
//! is there only where it was asked for.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use cuttle_egress::{Client, ProxyHealth, Way};
use cuttle_plugin::{Meter, Plugin, World};
use serde_json::{Value, json};

use crate::{
    assemble::{BackendEgress, PluginEgress},
    server::Census,
};

/// The first gateway of the process, which is as good as its start.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What a gateway can tell of itself.
pub(crate) struct Status {
    /// When this gateway was built.
    since: Instant,
    /// One for each set of TLS settings.
    clients: Vec<Client>,
    backends: Vec<BackendEgress>,
    /// Plugins in front of the gateway and modifiers, in the order of the file.
    around: Vec<PluginEgress>,
}

impl Status {
    pub(crate) fn new(
        clients: Vec<Client>,
        backends: Vec<BackendEgress>,
        around: Vec<PluginEgress>,
    ) -> Self {
        LazyLock::force(&START);
        Self {
            since: Instant::now(),
            clients,
            backends,
            around,
        }
    }

    /// Time since the start of the process.
    pub(crate) fn uptime(&self) -> Duration {
        START.elapsed()
    }

    /// Time since this gateway was built.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) fn clients(&self) -> &[Client] {
        &self.clients
    }

    pub(crate) fn backends(&self) -> &[BackendEgress] {
        &self.backends
    }

    /// Plugins in front of the gateway and modifiers.
    pub(crate) fn around(&self) -> &[PluginEgress] {
        &self.around
    }

    /// Everything at this moment.
    pub(crate) fn page(&self, generation: u64, panics: u64, listener: Option<&Census>) -> Value {
        let sum = |count: &dyn Fn(&Client) -> u64| self.clients.iter().map(count).sum::<u64>();
        json!({
            "version": crate::VERSION,
            "uptime_seconds": self.uptime().as_secs(),
            "generation": generation,
            "generation_seconds": self.age().as_secs(),
            "panics": panics,
            "listener": listener.map(connections),
            "client": {
                "requests": sum(&|client| client.counters().requests),
                "connections": sum(&|client| client.counters().connections),
                "idle_connections": sum(&|client| client.connections().idle as u64),
                "http2_connections": sum(&|client| client.connections().shared as u64),
                "repetitions": sum(&|client| client.counters().repetitions),
                "repetitions_refused": sum(&|client| client.counters().repetitions_refused),
                "failovers": sum(&|client| client.counters().failovers),
            },
            "backends": self.backends.iter().map(backend).collect::<Vec<_>>(),
            "server_plugins": self.of(World::HttpServer).map(|one| plugin(&one.meter)).collect::<Vec<_>>(),
            "modifiers": self.of(World::ReqRespModifier).map(modifier).collect::<Vec<_>>(),
        })
    }

    fn of(&self, world: World) -> impl Iterator<Item = &PluginEgress> {
        self.around
            .iter()
            .filter(move |one| one.meter.world() == world)
    }
}

fn connections(census: &Census) -> Value {
    json!({
        "open": census.open(),
        "accepted": census.accepted(),
        "accept_failures": census.accept_failures(),
        "refused": census.refused().collect::<BTreeMap<_, _>>(),
        "cut": census.cuts().collect::<BTreeMap<_, _>>(),
    })
}

fn modifier(around: &PluginEgress) -> Value {
    json!({
        "endpoint": around.endpoint,
        "backend": around.backend,
        "proxies": proxies(&around.ways),
        "plugin": plugin(&around.meter),
    })
}

fn proxies(ways: &[Way]) -> Vec<Value> {
    let health = ways.iter().flat_map(|way| way.health());
    health.map(|health| proxy(&health)).collect()
}

fn backend(backend: &BackendEgress) -> Value {
    let plugins = backend.running.iter().map(Plugin::meter);
    json!({
        "endpoint": backend.endpoint,
        "backend": backend.backend,
        "proxies": proxies(&backend.ways),
        "plugins": plugins.map(|meter| plugin(&meter)).collect::<Vec<_>>(),
    })
}

fn plugin(meter: &Meter) -> Value {
    let instances = meter.instances();
    json!({
        "name": meter.name(),
        "instances": instances.live,
        "idle": instances.idle,
        "limit": instances.limit,
    })
}

fn proxy(health: &ProxyHealth) -> Value {
    json!({
        "proxy": &*health.label,
        "usable": health.usable,
        "successes": health.successes,
        "failures": health.failures,
        "retry_in_ms": health.retry_in.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    })
}
