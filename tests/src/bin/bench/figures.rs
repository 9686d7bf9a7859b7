//! The figures to reach, each a ratio within one run, or memory.

use crate::{
    load::Round,
    report::median,
    suite::{BODIES, CONNECTIONS, ENDPOINTS, Row, SMALL, Suite},
};

const MIB: f64 = 1024.0 * 1024.0;

/// Prints what has been reached, of all that was measured.
pub(crate) fn print(suite: &Suite) {
    let figures = Figures(suite);
    let cost = |round: &Round| round.cpu_micros;
    let late = |round: &Round| round.p99_millis;
    figures.ratio("direct / HAProxy", ["direct", "HAProxy"], cost, 1.3);
    figures.ratio("direct / bare relay", ["direct", "bare relay"], cost, 1.1);
    figures.ratio(
        "built-in proxy / direct",
        ["built-in proxy", "direct"],
        cost,
        1.2,
    );
    figures.ratio("plugin / direct", ["plugin", "direct"], cost, 1.25);
    figures.ratio(
        "plugin / Caddy, proxy",
        ["plugin", "Caddy, proxy"],
        cost,
        1.0 / 3.0,
    );
    figures.ratio("JSON / direct", ["JSON, filtered", "direct"], cost, 1.6);
    figures.ratio(
        "tunnel TLS / direct TLS",
        ["tunnel TLS", "direct TLS"],
        cost,
        1.1,
    );
    figures.ratio("p99 plugin / direct", ["plugin", "direct"], late, 1.2);
    figures.large();
    figures.routing();
    figures.memory();
}

struct Figures<'a>(&'a Suite);

impl Figures<'_> {
    fn find(&self, group: &str, name: &str, wanted: impl Fn(&Row) -> bool) -> Option<&Row> {
        let named = |row: &&Row| self.0.contenders[row.contender].name == name;
        let mut rows = self
            .0
            .rows
            .iter()
            .filter(|row| row.group == group && wanted(row));
        rows.find(named)
    }

    /// One contender's figure to another's, with small answers.
    fn ratio(&self, what: &str, [of, to]: [&str; 2], figure: fn(&Round) -> f64, limit: f64) {
        let row = |name| self.find(SMALL, name, |_| true);
        if let (Some(of), Some(to)) = (row(of), row(to)) {
            tell(what, median(of, figure) / median(to, figure), limit);
        }
    }

    fn large(&self) {
        let megabyte = |row: &Row| row.load.answer == 1 << 20;
        let row = |name| self.find(BODIES, name, megabyte);
        if let (Some(of), Some(to)) = (row("plugin"), row("HAProxy")) {
            let cost = |row| median(row, |round| round.cpu_micros);
            tell("1 MiB plugin / HAProxy", cost(of) / cost(to), 1.15);
        }
    }

    fn routing(&self) {
        let row = |name| self.find(ENDPOINTS, name, |_| true);
        if let (Some(of), Some(to)) = (row("direct, 10000"), row("direct, 10")) {
            let cost = |row| median(row, |round| round.cpu_micros);
            tell("10,000 / 10 endpoints", cost(of) / cost(to), 1.1);
        }
    }

    fn memory(&self) {
        let idle = |name: &str| {
            let mut contenders = self.0.contenders.iter();
            let found = contenders.find(|contender| contender.name == name)?;
            Some(found.idle as f64 / MIB)
        };
        if let Some(idle) = idle("plugin") {
            tell("idle MiB with a plugin", idle, 20.0);
        }
        let many = self.find(CONNECTIONS, "direct", |row| row.load.connections == 1_000);
        if let (Some(row), Some(idle)) = (many, idle("direct")) {
            let peak = median(row, |round| round.peak as f64) / MIB;
            // Both ends of 1,000 requests at work.
            tell(
                "KiB for each of 1,000 at work",
                (peak - idle) * 1024.0 / 1e3,
                60.0,
            );
        }
    }
}

fn tell(what: &str, found: f64, limit: f64) {
    let verdict = if found <= limit { "reached" } else { "missed" };
    println!("{what:30} {found:>7.2}, to reach {limit:.2}: {verdict}");
}
