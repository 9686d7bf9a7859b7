//! `cuttle plugin inspect`.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use cuttle_plugin::{Engine, EngineSettings, Facts, LoadError};
use serde_json::{Value, json};

use super::{
    super::output::print,
    file::{ComponentFile, unusable},
    rights::{self, Rights},
};
use crate::telemetry::{Escaped, chain};

/// Flags of the command.
#[derive(Debug, Args)]
pub(in super::super) struct InspectArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// What a try to load the component showed.
struct Trial {
    time: Duration,
    /// Why it does not load.
    problem: Option<String>,
}

/// Shows what the file says of itself, and whether it loads: exit code 1 if it
/// does not.
pub(super) fn inspect(args: &InspectArgs) -> ExitCode {
    let file = match ComponentFile::read(&args.file) {
        Ok(file) => file,
        Err(message) => return unusable(&message),
    };
    let trial = match Trial::of(&file) {
        Ok(trial) => trial,
        Err(error) => return unusable(&chain(&error)),
    };
    match args.json {
        true => print(&format!("{:#}", as_json(&file, &trial))),
        false => lines(&file, &trial).iter().for_each(|line| print(line)),
    }
    match trial.problem {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    }
}

impl Trial {
    /// Loads the component as the gateway would.
    fn of(file: &ComponentFile) -> Result<Self, LoadError> {
        let engine = Engine::new(&EngineSettings {
            max_instances: Some(1),
            parallel_compilation: true,
            ..EngineSettings::default()
        })?;
        let begun = Instant::now();
        let loaded = engine.load(&file.name, &file.bytes);
        Ok(Self {
            time: begun.elapsed(),
            problem: loaded.err().map(|error| chain(&error)),
        })
    }
}

fn as_json(file: &ComponentFile, trial: &Trial) -> Value {
    let facts = &file.facts;
    let worlds: Vec<_> = facts.worlds.iter().map(|one| one.namespace()).collect();
    let imports: Vec<_> = facts
        .imports
        .iter()
        .map(|one| rights::json(one, facts))
        .collect();
    let producers = facts
        .producers
        .iter()
        .map(|one| json!({ "role": one.role, "name": one.name, "version": one.version }));
    json!({
        "name": file.name,
        "size": facts.size,
        "modules": facts.modules,
        "kinds": worlds,
        "contract": facts.contract.as_ref().map(ToString::to_string),
        "description": facts.description,
        "producers": producers.collect::<Vec<_>>(),
        "memory": facts.memory,
        "max_memory": facts.max_memory,
        "imports": imports,
        "exports": facts.exports,
        "settings_schema": schema(facts),
        "compile_ms": u64::try_from(trial.time.as_millis()).unwrap_or(u64::MAX),
        "loads": trial.problem.is_none(),
        "problem": trial.problem,
    })
}

fn schema(facts: &Facts) -> Option<Value> {
    serde_json::from_str(facts.settings_schema.as_deref()?).ok()
}

fn lines(file: &ComponentFile, trial: &Trial) -> Vec<String> {
    let facts = &file.facts;
    let mut lines = vec![
        line("plugin", &file.name),
        line("kind", &kind(facts)),
        line("loads", trial.problem.as_deref().unwrap_or("yes")),
        line(
            "size",
            &format!("{} bytes, {} modules", facts.size, facts.modules),
        ),
        line("made with", &made_with(facts)),
        line("memory", &memory(facts)),
        line("compiled in", &format!("{} ms", trial.time.as_millis())),
    ];
    let description = facts.description.as_deref();
    lines.extend(description.map(|text| line("description", text)));
    lines.extend(rights_lines(&Rights::of(facts)));
    lines.extend(list("imports", &facts.imports));
    lines.extend(list("exports", &facts.exports));
    match schema(facts) {
        Some(schema) => lines.extend(schema_lines(&schema)),
        None => lines.push(line("settings", "it brings no schema of them")),
    }
    lines
}

fn line(title: &str, text: &str) -> String {
    format!("{title:<12} {}", Escaped(text))
}

fn kind(facts: &Facts) -> String {
    let worlds: Vec<_> = facts.worlds.iter().map(|one| one.namespace()).collect();
    let kind = match worlds.as_slice() {
        [] => "no plugin of any kind".to_owned(),
        worlds => worlds.join(", "),
    };
    match &facts.contract {
        Some(version) => format!("{kind}; cuttle:plugin@{version}"),
        None => kind,
    }
}

fn made_with(facts: &Facts) -> String {
    let names = facts
        .producers
        .iter()
        .map(|one| match one.version.as_str() {
            "" => one.name.clone(),
            version => format!("{} {version}", one.name),
        });
    let names: Vec<_> = names.collect();
    match names.as_slice() {
        [] => "it does not say".to_owned(),
        names => names.join(", "),
    }
}

fn memory(facts: &Facts) -> String {
    let begin = format!("{} KiB at the beginning", facts.memory >> 10);
    match facts.max_memory {
        Some(most) => format!("{begin}, {} KiB at most", most >> 10),
        None => format!("{begin}, as much as its limit allows at most"),
    }
}

fn rights_lines(rights: &Rights) -> Vec<String> {
    let may = rights.may.iter().map(|what| line("may", what));
    let in_vain = rights.in_vain.iter();
    let in_vain = in_vain.map(|what| line("asks for", &format!("{what}: gets none")));
    let refused = rights.refused.iter();
    let refused = refused.map(|what| line("wants", &format!("{what}: is refused")));
    may.chain(in_vain).chain(refused).collect()
}

fn list(title: &str, names: &[String]) -> Vec<String> {
    let title = |index| if index == 0 { title } else { "" };
    let lines = names.iter().enumerate();
    lines
        .map(|(index, name)| line(title(index), name))
        .collect()
}

/// As JSON, each line escaped by itself.
fn schema_lines(schema: &Value) -> Vec<String> {
    let text = format!("{schema:#}");
    let title = |index| if index == 0 { "settings" } else { "" };
    let lines = text.lines().enumerate();
    lines
        .map(|(index, text)| line(title(index), text))
        .collect()
}
