//! What a request costs: the gateway on each way to a backend, against a bare
//! relay built of the same library and against other gateways, in the same run.
//!
//! Load comes from `wrk -t1`. The contenders take turns, and the median of
//! their rounds counts, so that a busy machine harms all of them alike. Cost is
//! the processor time of the contender's processes: rates depend on what else
//! shares the cores.
//!
//! ```text
//! bench [ROUNDS [SECONDS]] [--only GROUP[,GROUP]] [--no-rivals] [--json FILE]
//! ```
//!
//! With a role as first argument it is one of its own peers. Rivals that are
//! not installed are left out, and said to be.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the command line that may give up"
)]

mod arguments;
mod contender;
mod cuttle;
mod figures;
mod load;
mod peers;
mod report;
mod suite;

use std::env;

use arguments::Arguments;
use suite::Suite;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match words.first().map(String::as_str) {
        Some(role @ ("proxy" | "relay")) => {
            runtime.block_on(peers::serve(role, words.get(1).map(String::as_str)))
        }
        _ => runtime.block_on(bench(&Arguments::read(words.into_iter())?)),
    }
}

async fn bench(arguments: &Arguments) -> anyhow::Result<()> {
    let mut suite = Suite::start(arguments).await?;
    suite.measure(arguments.rounds, arguments.length).await?;
    report::print(&suite, arguments);
    if let Some(file) = &arguments.json {
        std::fs::write(file, report::json(&suite, arguments)?)?;
    }
    suite.end().await
}
