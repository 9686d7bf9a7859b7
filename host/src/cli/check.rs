//! `cuttle check`.

use std::{path::Path, process::ExitCode};

use cuttle_pipeline::config::{KeyPath, Loaded, Problem, Severity};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    CheckArgs,
    diagnose::{Diagnosis, colours},
    dump, egress, load,
    output::{print, say, say_all},
};
use crate::assemble::{self, Assembly};

/// Builds everything `run` would build and says what is wrong with it.
pub(super) fn check(args: &CheckArgs) -> ExitCode {
    let Some(file) = args.config.as_deref() else {
        say(
            "Please, provide the path to the configuration file with --config or see all the options with --help",
        );
        return ExitCode::SUCCESS;
    };
    say(&format!("Parsing configuration file: {}", file.display()));
    let lints = args.lint || args.lint_no_network;
    match verdict(file) {
        Ok(checked) if lints && !checked.assembly.warnings.is_empty() => {
            let warnings = &checked.assembly.warnings;
            refuse("linting the configuration file", warnings, args)
        }
        Ok(checked) => {
            let egress = checked.show(args);
            report(&checked.assembly.warnings, egress, args.json);
            say("Syntax OK!");
            ExitCode::SUCCESS
        }
        Err(problems) => refuse("checking the configuration file", &problems, args),
    }
}

fn refuse(what: &str, problems: &[Problem], args: &CheckArgs) -> ExitCode {
    say(&format!("ERROR {what}:\t{}", count(problems)));
    report(problems, None, args.json);
    ExitCode::FAILURE
}

fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    }
}

/// All problems, on standard error for people, or on standard output as JSON.
fn report(problems: &[Problem], egress: Option<Value>, as_json: bool) {
    if as_json {
        return print(&format!("{:#}", report_json(problems, egress)));
    }
    draw(problems);
}

/// Problems for people.
pub(super) fn draw(problems: &[Problem]) {
    let (mut diagnosis, colours) = (Diagnosis::default(), colours());
    for problem in problems {
        say(&diagnosis.graphic(problem, colours));
        say("");
    }
}

fn report_json(problems: &[Problem], egress: Option<Value>) -> Value {
    let mut diagnosis = Diagnosis::default();
    let list: Vec<_> = problems.iter().map(|one| diagnosis.json(one)).collect();
    let is_error = |one: &&Problem| one.severity == Severity::Error;
    let errors = problems.iter().filter(is_error).count();
    let mut report = json!({
        "errors": errors,
        "warnings": problems.len() - errors,
        "problems": list,
    });
    if let (Some(egress), Some(report)) = (egress, report.as_object_mut()) {
        report.insert("egress".to_owned(), egress);
    }
    report
}

/// A configuration that can be run.
pub(super) struct Checked {
    pub(super) loaded: Loaded,
    pub(super) assembly: Assembly,
    pub(super) runtime: Runtime,
}

/// Builds everything `run` would build from `file`.
pub(super) fn verdict(file: &Path) -> Result<Checked, Vec<Problem>> {
    let loaded = load(file, None).map_err(|report| report.problems)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| vec![no_runtime(&loaded, &error)])?;
    let kept = &mut assemble::Kept::default().checking_schemas();
    let assembly = assemble::assemble(&loaded, &assemble::process_environment, kept);
    let assembly = runtime.block_on(assembly)?;
    Ok(Checked {
        loaded,
        assembly,
        runtime,
    })
}

impl Checked {
    /// Prints what was asked for beside the verdict, but for what belongs into
    /// the report.
    fn show(&self, args: &CheckArgs) -> Option<Value> {
        let (service, indent) = (&self.loaded.service, &args.indent);
        let wants_routes = args.test_gin_routes && args.debug == 0;
        let level = if wants_routes { 1 } else { args.debug };
        say_all(dump::lines(service, level, indent));
        if args.debug > 0 {
            say_all(dump::plugins(&self.assembly.plugins, service, indent));
        }
        match (args.egress, args.json) {
            (false, _) => None,
            (true, true) => Some(self.runtime.block_on(egress::json(&self.assembly.egress))),
            (true, false) => {
                let table = self.runtime.block_on(egress::table(&self.assembly.egress));
                table.iter().for_each(|line| print(line));
                None
            }
        }
    }
}

fn no_runtime(loaded: &Loaded, error: &std::io::Error) -> Problem {
    let message = format!("cannot start the runtime: {error}");
    let (severity, place) = (Severity::Error, KeyPath::root());
    loaded.sources.problem(severity, &place, message, None)
}
