//! `cuttle plugin diff`.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use clap::Args;
use cuttle_plugin::{Facts, World};
use serde_json::{Value, json};

use super::{
    super::output::print,
    file::{ComponentFile, unusable},
    rights::Rights,
};
use crate::telemetry::Escaped;

/// Flags of the command.
#[derive(Debug, Args)]
pub(in super::super) struct DiffArgs {
    /// The component in use.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The one to take its place.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// Compares two files. Neither is compiled.
pub(super) fn diff(args: &DiffArgs) -> ExitCode {
    let read = |path| ComponentFile::read(path);
    let (old, new) = match (read(&args.old), read(&args.new)) {
        (Ok(old), Ok(new)) => (old.facts, new.facts),
        (Err(message), _) | (_, Err(message)) => return unusable(&message),
    };
    let changes = Changes::between(&old, &new);
    match args.json {
        true => print(&format!("{:#}", changes.as_json(&old, &new))),
        false => changes
            .lines(&old, &new)
            .iter()
            .for_each(|line| print(line)),
    }
    match changes.rights.new.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What is only in the new file, and what is only in the old one.
struct Change {
    new: Vec<String>,
    gone: Vec<String>,
}

impl Change {
    fn between(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Self {
        Self {
            new: new.difference(old).cloned().collect(),
            gone: old.difference(new).cloned().collect(),
        }
    }

    fn as_json(&self) -> Value {
        json!({ "new": self.new, "gone": self.gone })
    }
}

struct Changes {
    /// Rights, kinds of plugins, and imports the gateway would refuse.
    rights: Change,
    /// What it asks for in vain.
    in_vain: Change,
    settings: Change,
    required: Change,
}

impl Changes {
    fn between(old: &Facts, new: &Facts) -> Self {
        let in_vain = |facts| Rights::of(facts).in_vain.into_iter().map(str::to_owned);
        Self {
            rights: Change::between(&rights(old), &rights(new)),
            in_vain: Change::between(&in_vain(old).collect(), &in_vain(new).collect()),
            settings: Change::between(&keys(old), &keys(new)),
            required: Change::between(&required(old), &required(new)),
        }
    }

    fn as_json(&self, old: &Facts, new: &Facts) -> Value {
        let contract = |facts: &Facts| facts.contract.as_ref().map(ToString::to_string);
        json!({
            "rights": self.rights.as_json(),
            "asks_in_vain": self.in_vain.as_json(),
            "settings": self.settings.as_json(),
            "required_settings": self.required.as_json(),
            "contract": { "old": contract(old), "new": contract(new) },
            "size": { "old": old.size, "new": new.size },
            "memory": { "old": old.memory, "new": new.memory },
        })
    }

    fn lines(&self, old: &Facts, new: &Facts) -> Vec<String> {
        let mut lines = Vec::new();
        tell(&mut lines, &self.rights, "", "");
        tell(&mut lines, &self.in_vain, "asks for ", ": gets none");
        tell(&mut lines, &self.settings, "setting ", "");
        tell(&mut lines, &self.required, "setting ", " is required");
        lines.extend(figures(old, new));
        let verdict = match self.rights.new.len() {
            0 => "nothing that it may do is new".to_owned(),
            1 => "1 new right".to_owned(),
            many => format!("{many} new rights"),
        };
        lines.push(verdict);
        lines
    }
}

/// `+` for what is new, `-` for what is gone. Keys of a schema are the
/// author's text.
fn tell(lines: &mut Vec<String>, change: &Change, before: &str, after: &str) {
    let signed = |sign: char, text: &String| format!("{sign} {before}{}{after}", Escaped(text));
    lines.extend(change.new.iter().map(|text| signed('+', text)));
    lines.extend(change.gone.iter().map(|text| signed('-', text)));
}

/// Figures that are not the same, old and new.
fn figures(old: &Facts, new: &Facts) -> Vec<String> {
    let contract = |facts: &Facts| match &facts.contract {
        Some(version) => version.to_string(),
        None => "none".to_owned(),
    };
    let memory = |facts: &Facts| format!("{} KiB", facts.memory >> 10);
    let size = |facts: &Facts| format!("{} bytes", facts.size);
    let pairs = [
        ("contract", contract(old), contract(new)),
        ("size", size(old), size(new)),
        ("memory at the beginning", memory(old), memory(new)),
    ];
    let changed = pairs.into_iter().filter(|(_, old, new)| old != new);
    changed
        .map(|(what, old, new)| format!("  {what}: {old} -> {new}"))
        .collect()
}

fn rights(facts: &Facts) -> BTreeSet<String> {
    let rights = Rights::of(facts);
    let may = rights.may.iter().map(|what| format!("may {what}"));
    let refused = rights.refused.iter();
    let refused = refused.map(|what| format!("wants {what}, which the gateway refuses"));
    let kinds = facts.worlds.iter().copied().map(World::namespace);
    let kinds = kinds.map(|kind| format!("may be used as {kind}"));
    may.chain(refused).chain(kinds).collect()
}

/// Keys of the settings.
fn keys(facts: &Facts) -> BTreeSet<String> {
    let schema = schema(facts);
    let keys = schema.get("properties").and_then(Value::as_object);
    keys.into_iter()
        .flat_map(|keys| keys.keys().cloned())
        .collect()
}

fn required(facts: &Facts) -> BTreeSet<String> {
    let schema = schema(facts);
    let keys = schema.get("required").and_then(Value::as_array);
    let keys = keys.into_iter().flatten().filter_map(Value::as_str);
    keys.map(str::to_owned).collect()
}

fn schema(facts: &Facts) -> Value {
    let text = facts.settings_schema.as_deref();
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
