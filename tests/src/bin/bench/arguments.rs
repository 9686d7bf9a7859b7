//! The command line.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};

use crate::suite::GROUPS;

/// `bench [ROUNDS [SECONDS]] [--only GROUP[,GROUP]] [--no-rivals] [--json FILE]`.
pub(crate) struct Arguments {
    pub(crate) rounds: u64,
    pub(crate) length: Duration,
    /// Groups to measure; empty means all.
    only: Vec<String>,
    /// Whether other gateways take part.
    pub(crate) rivals: bool,
    /// Where the figures go, beside the table.
    pub(crate) json: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut read = Self {
            rounds: 5,
            length: Duration::from_secs(3),
            only: Vec::new(),
            rivals: true,
            json: None,
        };
        let mut words = words;
        let mut numbers = 0;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => read.json = Some(words.next().context("--json needs a file")?.into()),
                "--no-rivals" => read.rivals = false,
                "--only" => read.only = groups(&words.next().context("--only needs groups")?)?,
                number => {
                    let value = number
                        .parse()
                        .with_context(|| format!("not a number: {number}"))?;
                    match numbers {
                        0 => read.rounds = value,
                        1 => read.length = Duration::from_secs(value),
                        _ => bail!("two numbers at most: rounds and seconds"),
                    }
                    numbers += 1;
                }
            }
        }
        Ok(read)
    }

    pub(crate) fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == group)
    }
}

fn groups(text: &str) -> anyhow::Result<Vec<String>> {
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    match names.iter().find(|name| !GROUPS.contains(&name.as_str())) {
        Some(name) => bail!("no group {name:?}; there are: {}", GROUPS.join(", ")),
        None => Ok(names),
    }
}
