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

use cuttle_egress::{Client, ProxyHealth};
use cuttle_plugin::{Meter, Plugin};
use serde_json::{Value, json};

use crate::{assemble::BackendEgress, server::Census};

/// The first gateway of the process, which is as good as its start.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What a gateway can tell of itself.
pub(crate) struct Status {
    /// When this gateway was built.
    since: Instant,
    /// One for each set of TLS settings.
    clients: Vec<Client>,
    backends: Vec<BackendEgress>,
    /// Plugins in front of the gateway, in the order of the file.
    in_front: Vec<Meter>,
}

impl Status {
    pub(crate) fn new(
        clients: Vec<Client>,
        backends: Vec<BackendEgress>,
        in_front: Vec<Meter>,
    ) -> Self {
        LazyLock::force(&START);
        Self {
            since: Instant::now(),
            clients,
            backends,
            in_front,
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

    pub(crate) fn in_front(&self) -> &[Meter] {
        &self.in_front
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
            "server_plugins": self.in_front.iter().map(plugin).collect::<Vec<_>>(),
        })
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

fn backend(backend: &BackendEgress) -> Value {
    let proxies = backend.ways.iter().flat_map(|way| way.health());
    let plugins = backend.running.iter().map(Plugin::meter);
    json!({
        "endpoint": backend.endpoint,
        "backend": backend.backend,
        "proxies": proxies.map(|health| proxy(&health)).collect::<Vec<_>>(),
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
