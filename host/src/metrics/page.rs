//! What is on the page.

use cuttle_egress::Client;
use cuttle_plugin::{BUCKETS, Cost, Meter};

use super::{
    Traffic,
    text::{Kind, Labels, Page},
};
use crate::{server::Census, status::Status};

/// One place of use of a plugin, with what it has cost.
struct Used {
    plugin: String,
    world: &'static str,
    /// Empty for plugins in front of the gateway.
    endpoint: String,
    /// Empty for those, and for modifiers around an endpoint.
    backend: String,
    /// In its list, from 0.
    position: String,
    meter: Meter,
    cost: Cost,
}

/// Everything at this moment.
pub(crate) fn page(
    status: &Status,
    traffic: &Traffic,
    listener: Option<&Census>,
    (generation, panics): (u64, u64),
) -> String {
    let mut page = Page::default();
    process(&mut page, status, generation, panics);
    if let Some(census) = listener {
        connections(&mut page, census);
    }
    clients(&mut page, traffic);
    backends(&mut page, status.clients());
    plugins(&mut page, &used(status));
    page.finish()
}

fn process(page: &mut Page, status: &Status, generation: u64, panics: u64) {
    let name = "cuttle_build_info";
    page.family(name, Kind::Gauge, "The version, as a label.");
    page.sample(name, &[("version", crate::VERSION)], 1);
    page.single(
        "cuttle_uptime_seconds",
        Kind::Gauge,
        "Time since the start of the process.",
        status.uptime().as_secs(),
    );
    page.single(
        "cuttle_generation",
        Kind::Gauge,
        "Reloads that succeeded, plus one. The counters below begin anew with each.",
        generation,
    );
    page.single(
        "cuttle_generation_seconds",
        Kind::Gauge,
        "Time since the last of them.",
        status.age().as_secs(),
    );
    page.single(
        "cuttle_panics_total",
        Kind::Counter,
        "Requests that made the gateway panic.",
        panics,
    );
}

fn clients(page: &mut Page, traffic: &Traffic) {
    let name = "cuttle_requests_total";
    page.family(
        name,
        Kind::Counter,
        "Requests of clients whose answer has ended, by class of status. A client that left first is 4xx.",
    );
    for (class, ended) in traffic.ended() {
        page.sample(name, &[("code", class)], ended);
    }
    page.single(
        "cuttle_requests_in_flight",
        Kind::Gauge,
        "Requests of clients whose answer has not ended.",
        traffic.in_flight(),
    );
}

fn connections(page: &mut Page, census: &Census) {
    let help = "Connections of clients at this moment.";
    let open = "cuttle_listener_connections";
    page.single(open, Kind::Gauge, help, census.open());
    let help = "Connections of clients that were served or still are, since the start.";
    let accepted = "cuttle_listener_accepted_total";
    page.single(accepted, Kind::Counter, help, census.accepted());
    let help = "Times there was no descriptor or no memory for a connection.";
    let failures = "cuttle_listener_accept_failures_total";
    page.single(failures, Kind::Counter, help, census.accept_failures());
    let refused = "cuttle_listener_refused_total";
    let help = "Connections closed at once, by the cap that was reached.";
    page.family(refused, Kind::Counter, help);
    for (cap, count) in census.refused() {
        page.sample(refused, &[("cap", cap)], count);
    }
    let cut = "cuttle_listener_cut_total";
    let help = "Connections ended by the gateway, by the limit that was reached.";
    page.family(cut, Kind::Counter, help);
    for (limit, count) in census.cuts() {
        page.sample(cut, &[("limit", limit)], count);
    }
}

fn backends(page: &mut Page, clients: &[Client]) {
    let sum = |count: fn(&Client) -> u64| clients.iter().map(count).sum::<u64>();
    for (name, help, value) in [
        (
            "cuttle_backend_requests_total",
            "Requests to backends, those after a redirect included.",
            sum(|client| client.counters().requests),
        ),
        (
            "cuttle_backend_connections_total",
            "Connections made for them.",
            sum(|client| client.counters().connections),
        ),
        (
            "cuttle_backend_repetitions_total",
            "Requests sent again because an idle connection was closed under them.",
            sum(|client| client.counters().repetitions),
        ),
        (
            "cuttle_backend_repetitions_refused_total",
            "Those that were not sent again for want of budget.",
            sum(|client| client.counters().repetitions_refused),
        ),
        (
            "cuttle_backend_failovers_total",
            "Times a request went on to the next proxy.",
            sum(|client| client.counters().failovers),
        ),
    ] {
        page.single(name, Kind::Counter, help, value);
    }
    page.single(
        "cuttle_backend_idle_connections",
        Kind::Gauge,
        "Connections in the pool.",
        sum(|client| client.connections().idle as u64),
    );
}

fn used(status: &Status) -> Vec<Used> {
    let mut used = Vec::new();
    for one in status.around() {
        let endpoint = one.endpoint.as_deref().unwrap_or_default();
        let backend = one.backend.map(|index| index.to_string());
        let backend = backend.unwrap_or_default();
        used.push(Used::new(
            one.meter.clone(),
            endpoint,
            &backend,
            one.position,
        ));
    }
    for backend in status.backends() {
        let index = backend.backend.to_string();
        for (position, plugin) in backend.running.iter().enumerate() {
            used.push(Used::new(
                plugin.meter(),
                &backend.endpoint,
                &index,
                position,
            ));
        }
    }
    used
}

impl Used {
    fn new(meter: Meter, endpoint: &str, backend: &str, position: usize) -> Self {
        Self {
            plugin: meter.name().to_owned(),
            world: meter.world().export(),
            endpoint: endpoint.to_owned(),
            backend: backend.to_owned(),
            position: position.to_string(),
            cost: meter.cost(),
            meter,
        }
    }

    fn labels(&self) -> [(&'static str, &str); 5] {
        [
            ("plugin", &self.plugin),
            ("world", self.world),
            ("endpoint", &self.endpoint),
            ("backend", &self.backend),
            ("position", &self.position),
        ]
    }

    /// The same and one more.
    fn labels_and<'a>(
        &'a self,
        name: &'static str,
        value: &'a str,
    ) -> [(&'static str, &'a str); 6] {
        let [a, b, c, d, e] = self.labels();
        [a, b, c, d, e, (name, value)]
    }
}

fn plugins(page: &mut Page, used: &[Used]) {
    if used.is_empty() {
        return;
    }
    calls(page, used);
    durations(page, used);
    each(
        page,
        used,
        Kind::Counter,
        "busy_seconds_total",
        BUSY,
        |one| one.cost.busy.as_secs_f64(),
    );
    each(
        page,
        used,
        Kind::Counter,
        "host_calls_total",
        HOST_CALLS,
        |one| one.cost.host_calls,
    );
    each(
        page,
        used,
        Kind::Gauge,
        "memory_peak_bytes",
        MEMORY,
        |one| one.cost.peak_memory,
    );
    instances(page, used);
    each(
        page,
        used,
        Kind::Counter,
        "log_lines_dropped_total",
        LINES,
        |one| one.cost.log_lines_dropped,
    );
}

const BUSY: &str = "Time plugins were at work themselves, waiting left out.";
const HOST_CALLS: &str = "Calls of plugins into the gateway.";
const MEMORY: &str = "The most memory that one instance has had.";
const LINES: &str = "Log lines above the limit.";

fn calls(page: &mut Page, used: &[Used]) {
    let help = "Calls of plugins that have ended, whichever way.";
    each(page, used, Kind::Counter, "calls_total", help, |one| {
        one.cost.calls
    });
    let help = "Calls of plugins without an answer, by kind.";
    let errors = |one: &Used| one.cost.errors.clone();
    by_reason(page, used, ("errors_total", "error"), help, errors);
}

fn instances(page: &mut Page, used: &[Used]) {
    let help = "Instances that live.";
    each(page, used, Kind::Gauge, "instances", help, |one| {
        one.meter.instances().live
    });
    let help = "Instances that wait for a call.";
    each(page, used, Kind::Gauge, "instances_idle", help, |one| {
        one.meter.instances().idle
    });
    let help = "The most instances that there may be.";
    each(page, used, Kind::Gauge, "instances_limit", help, |one| {
        one.meter.instances().limit
    });
    let help = "Instances made.";
    each(
        page,
        used,
        Kind::Counter,
        "instances_created_total",
        help,
        |one| one.cost.instances_created,
    );
    let help = "Instances dropped, by reason.";
    let dropped = |one: &Used| one.cost.instances_dropped.clone();
    by_reason(
        page,
        used,
        ("instances_dropped_total", "reason"),
        help,
        dropped,
    );
}

/// A family with one sample for each place of use.
fn each<T: std::fmt::Display>(
    page: &mut Page,
    used: &[Used],
    kind: Kind,
    name: &str,
    help: &str,
    value: impl Fn(&Used) -> T,
) {
    let name = format!("cuttle_plugin_{name}");
    page.family(&name, kind, help);
    for one in used {
        page.sample(&name, &one.labels() as &Labels<'_>, value(one));
    }
}

/// A family with one sample for each place of use and reason.
fn by_reason(
    page: &mut Page,
    used: &[Used],
    (name, label): (&str, &'static str),
    help: &str,
    values: impl Fn(&Used) -> Vec<(&'static str, u64)>,
) {
    let name = format!("cuttle_plugin_{name}");
    page.family(&name, Kind::Counter, help);
    for one in used {
        for (reason, value) in values(one) {
            page.sample(&name, &one.labels_and(label, reason), value);
        }
    }
}

fn durations(page: &mut Page, used: &[Used]) {
    let name = "cuttle_plugin_duration_seconds";
    let help = "From handing a plugin a request to the head of its answer.";
    page.family(name, Kind::Histogram, help);
    for one in used {
        for (end, within) in BUCKETS.iter().zip(one.cost.within) {
            let end = end.as_secs_f64().to_string();
            let labels = one.labels_and("le", &end);
            page.sample("cuttle_plugin_duration_seconds_bucket", &labels, within);
        }
        // One that ended in between is in no bucket yet, or in no sum.
        let calls = one
            .cost
            .within
            .last()
            .map_or(0, |last| one.cost.calls.max(*last));
        let labels = one.labels_and("le", "+Inf");
        page.sample("cuttle_plugin_duration_seconds_bucket", &labels, calls);
        let sum = one.cost.duration.as_secs_f64();
        page.sample("cuttle_plugin_duration_seconds_sum", &one.labels(), sum);
        page.sample("cuttle_plugin_duration_seconds_count", &one.labels(), calls);
    }
}
