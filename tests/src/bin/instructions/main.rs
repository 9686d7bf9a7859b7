//! Instructions for a request on five ways through the gateway, counted by
//! valgrind, against the recorded ones.
//!
//! Times depend on what else a machine does; instructions hardly do. Each way
//! is run twice, with few and with more requests, and the difference counts, so
//! that the start is not in it; a plugin's machine code is there before. Counts
//! are those of user mode, and hold for one build profile and one processor
//! architecture: what matters is their ratio to the recorded ones.
//!
//! ```text
//! instructions              compares; fails when a way has become dearer
//! instructions --record     writes what it finds
//! ```
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the command line that may give up"
)]

mod ways;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use ways::Way;

/// Requests of the shorter and of the longer run.
const REQUESTS: [u32; 2] = [50, 450];
/// How much dearer a way may become, and how much cheaper until the record is
/// out of date: more than what processors and C libraries differ by.
const TOLERANCE: f64 = 0.08;

type Record = BTreeMap<String, u64>;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", way, count, cache] => ways::run(way.parse()?, count.parse()?, Path::new(cache)),
        ["--record"] => record(),
        [] => compare(),
        _ => anyhow::bail!("either nothing or --record"),
    }
}

fn record() -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&count_all()?)?;
    Ok(fs::write(file(), text + "\n")?)
}

fn compare() -> anyhow::Result<()> {
    let text = fs::read_to_string(file()).context("no record: run with --record")?;
    let recorded: Record = serde_json::from_str(&text)?;
    let found = count_all()?;
    let mut changed = Vec::new();
    for (way, count) in &found {
        let before = *recorded
            .get(way)
            .with_context(|| format!("{way} is not in the record"))?;
        let ratio = *count as f64 / before as f64;
        println!("{way:20} {count:>9} instructions, recorded {before:>9}: {ratio:.3}");
        if (ratio - 1.0).abs() > TOLERANCE {
            changed.push(way.as_str());
        }
    }
    ensure!(
        changed.is_empty(),
        "more than {TOLERANCE} away from the record: {}; if that is meant, run with --record",
        changed.join(", ")
    );
    Ok(())
}

fn count_all() -> anyhow::Result<Record> {
    Way::ALL
        .into_iter()
        .map(|way| Ok((way.name().to_owned(), count(way)?)))
        .collect()
}

/// Instructions for one request on `way`.
fn count(way: Way) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("cache");
    // Under valgrind the processor is another one, with machine code of its own.
    collected(way, 1, &cache)?;
    let [few, many] = REQUESTS;
    let difference = collected(way, many, &cache)?.saturating_sub(collected(way, few, &cache)?);
    let count = difference / u64::from(many - few);
    ensure!(count > 1_000, "{}: {count} cannot be right", way.name());
    Ok(count)
}

/// All instructions of a run with `requests`, of which the cheaper of two
/// counts: now and then one compiles what should have been there.
fn collected(way: Way, requests: u32, cache: &Path) -> anyhow::Result<u64> {
    Ok(collected_once(way, requests, cache)?.min(collected_once(way, requests, cache)?))
}

fn collected_once(way: Way, requests: u32, cache: &Path) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["run", way.name(), &requests.to_string()])
        .arg(cache)
        .output()
        .context("valgrind does not start: install the package valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {text}", way.name());
    let line = text
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, number) = line.with_context(|| format!("no count: {text}"))?;
    Ok(number.trim().parse()?)
}

fn file() -> PathBuf {
    cuttle_tests::repository().join("tests/instructions.json")
}
