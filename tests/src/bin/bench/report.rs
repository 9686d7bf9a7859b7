//! The table, and the same as JSON.

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    arguments::Arguments,
    figures,
    load::Round,
    suite::{GROUPS, Row, Suite},
};

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn print(suite: &Suite, arguments: &Arguments) {
    let (rounds, length) = (arguments.rounds, arguments.length);
    println!("wrk -t1, {rounds} rounds of {length:?} in turn, medians; keep-alive, no access log");
    for missing in &suite.missing {
        println!("left out: {missing}");
    }
    for group in GROUPS {
        let rows: Vec<_> = suite.rows.iter().filter(|row| row.group == group).collect();
        if !rows.is_empty() {
            table(suite, group, &rows);
        }
    }
    println!();
    figures::print(suite);
}

fn table(suite: &Suite, group: &str, rows: &[&Row]) {
    println!(
        "\n{group:10} {:16} {:>5} {:>9} {:>11} {:>10} {:>8} {:>8} {:>9} {:>9}",
        "", "conns", "KiB", "CPU µs/req", "requests/s", "p50 ms", "p99 ms", "peak MiB", "idle MiB"
    );
    for row in rows {
        let contender = &suite.contenders[row.contender];
        println!(
            "{:27} {:>5} {:>9.1} {:>11.1} {:>10.0} {:>8.2} {:>8.2} {:>9.1} {:>9.1}",
            format!("{}{}", contender.name, direction(row)),
            row.load.connections,
            row.load.bytes() as f64 / 1024.0,
            median(row, |round| round.cpu_micros),
            median(row, |round| round.rate),
            median(row, |round| round.p50_millis),
            median(row, |round| round.p99_millis),
            median(row, |round| round.peak as f64) / MIB,
            contender.idle as f64 / MIB,
        );
    }
}

fn direction(row: &Row) -> &'static str {
    match row.load.upload {
        0 => "",
        _ => ", up",
    }
}

/// Everything, for programs. Times are those of Unix, in seconds.
pub(crate) fn json(suite: &Suite, arguments: &Arguments) -> anyhow::Result<String> {
    let rows: Vec<Value> = suite.rows.iter().map(|row| one(suite, row)).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(serde_json::to_string_pretty(&json!({
        "time": now.as_secs(),
        "rounds": arguments.rounds,
        "seconds": arguments.length.as_secs(),
        "cuttle": ::cuttle::VERSION,
        "versions": versions(),
        "left_out": suite.missing,
        "rows": rows,
    }))?)
}

fn one(suite: &Suite, row: &Row) -> Value {
    let contender = &suite.contenders[row.contender];
    json!({
        "group": row.group,
        "contender": contender.name,
        "connections": row.load.connections,
        "upload_bytes": row.load.upload,
        "answer_bytes": row.load.answer,
        "tls": row.load.tls,
        "cpu_micros": median(row, |round| round.cpu_micros),
        "requests_per_second": median(row, |round| round.rate),
        "p50_millis": median(row, |round| round.p50_millis),
        "p99_millis": median(row, |round| round.p99_millis),
        "peak_bytes": median(row, |round| round.peak as f64),
        "idle_bytes": contender.idle,
    })
}

/// What the rivals say of themselves, one line each.
fn versions() -> Vec<String> {
    let fetched = std::env::var("CUTTLE_BENCH_PEERS").unwrap_or_default();
    let (caddy, envoy) = (format!("{fetched}/caddy"), format!("{fetched}/envoy"));
    let programs = [
        ("/usr/sbin/nginx", "-v"),
        ("/usr/sbin/haproxy", "-v"),
        ("/usr/sbin/apache2", "-v"),
        (caddy.as_str(), "version"),
        (envoy.as_str(), "--version"),
    ];
    programs.into_iter().filter_map(version).collect()
}

fn version((program, flag): (&str, &str)) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_owned())
}

pub(crate) fn median(row: &Row, figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = row.rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
