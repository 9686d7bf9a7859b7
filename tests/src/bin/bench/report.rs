//! The table, and the figures to reach.

use std::time::Duration;

use crate::{Contender, load::Round};

const MIB: f64 = 1024.0 * 1024.0;

/// Most processor time of `plugin http-proxy`, as a multiple of `direct`.
const PLUGIN: f64 = 1.5;
/// Most processor time of `direct`, as a multiple of the bare relay.
const DIRECT: f64 = 2.0;
/// Most processor time of a request by absolute-form, as a multiple of `direct`.
const FORWARDED: f64 = 1.2;
/// Most processor time of a request in a tunnel, as a multiple of `direct TLS`:
/// beside its opening it costs nothing.
const TUNNEL: f64 = 1.1;
/// Most processor time of a small JSON answer that is decoded and filtered, as
/// a multiple of `direct`, which passes it on.
const DATA: f64 = 1.6;
/// Most resident memory of an idle gateway, in MiB.
const IDLE: f64 = 30.0;

pub(crate) fn print(contenders: &[Contender], rounds: u64, length: Duration) -> anyhow::Result<()> {
    let cpu = |name: &str| median(find(contenders, name), |round| round.cpu_micros);
    let (relay, direct) = (cpu("bare relay"), cpu("direct"));
    println!("wrk -t1 -c32, {rounds} rounds of {length:?} in turn, medians; no access log\n");
    println!(
        "{:18} {:>11} {:>8} {:>8} {:>10} {:>8} {:>9} {:>9}",
        "", "CPU µs/req", "× relay", "× direct", "requests/s", "p99 ms", "peak MiB", "idle MiB"
    );
    for contender in contenders {
        let cost = cpu(contender.name);
        println!(
            "{:18} {:>11.1} {:>8.2} {:>8.2} {:>10.0} {:>8.2} {:>9.1} {:>9.1}",
            contender.name,
            cost,
            cost / relay,
            cost / direct,
            median(contender, |round| round.rate),
            median(contender, |round| round.p99_millis),
            median(contender, |round| round.peak as f64) / MIB,
            contender.idle as f64 / MIB,
        );
    }
    println!();
    let plugin = find(contenders, "plugin http-proxy");
    target("plugin / direct", cpu(plugin.name) / direct, PLUGIN);
    target(
        "built-in proxy / direct",
        cpu("built-in proxy") / direct,
        FORWARDED,
    );
    target(
        "tunnel TLS / direct TLS",
        cpu("tunnel TLS") / cpu("direct TLS"),
        TUNNEL,
    );
    target("JSON / direct", cpu("JSON, filtered") / direct, DATA);
    target("direct / bare relay", direct / relay, DIRECT);
    target("idle MiB with a plugin", plugin.idle as f64 / MIB, IDLE);
    println!(
        "A proxy's way alone: relay to relay / bare relay {:.2}",
        cpu("relay to relay") / relay
    );
    Ok(())
}

fn find<'a>(contenders: &'a [Contender], name: &str) -> &'a Contender {
    contenders
        .iter()
        .find(|one| one.name == name)
        .expect("a contender of that name")
}

fn target(name: &str, found: f64, limit: f64) {
    let verdict = if found <= limit { "reached" } else { "missed" };
    println!("{name:24} {found:>6.2}, to reach {limit:.2}: {verdict}");
}

fn median(contender: &Contender, figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = contender.rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
