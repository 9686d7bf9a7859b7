//! `cuttle check`.

use std::{path::Path, process::ExitCode};

use cuttle_pipeline::config::{KeyPath, Loaded, Problem, Severity, Sources};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    CheckArgs,
    diagnose::{Diagnosis, colours},
    dump, egress,
    lint::Schema,
    load,
    output::{print, say, say_all},
    unserved,
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
    let schema = match schema(args) {
        Ok(schema) => schema,
        Err(problem) => return refuse("reading the schema", &Findings::only(*problem), args),
    };
    let verdict = verdict(file);
    let findings = Findings::of(&verdict, schema.as_ref());
    match verdict {
        Err(_) => refuse("checking the configuration file", &findings, args),
        Ok(_) if schema.is_some() && !findings.problems.is_empty() => {
            refuse("linting the configuration file", &findings, args)
        }
        Ok(ref checked) => {
            let egress = checked.show(args);
            findings.report(egress, args.json);
            say("Syntax OK!");
            ExitCode::SUCCESS
        }
    }
}

/// The schema to lint by, if that is asked for.
fn schema(args: &CheckArgs) -> Result<Option<Schema>, Box<Problem>> {
    match &args.lint_schema {
        Some(file) => Schema::read(file).map(Some),
        None if args.lint || args.lint_no_network => Schema::own().map(Some),
        None => Ok(None),
    }
}

fn refuse(what: &str, findings: &Findings<'_>, args: &CheckArgs) -> ExitCode {
    say(&format!("ERROR {what}:\t{}", count(&findings.problems)));
    findings.report(None, args.json);
    ExitCode::FAILURE
}

fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    }
}

/// All that is said about a configuration.
struct Findings<'a> {
    problems: Vec<Problem>,
    /// Where everything stands, if the file could be read at all.
    sources: Option<&'a Sources>,
}

impl<'a> Findings<'a> {
    /// The problems, with those of `schema`, in the order of a report.
    fn of(verdict: &'a Result<Checked, Refused>, schema: Option<&Schema>) -> Self {
        let (problems, sources) = match verdict {
            Ok(checked) => (&checked.assembly.warnings, Some(&checked.loaded.sources)),
            Err(refused) => (&refused.problems, refused.sources.as_ref()),
        };
        let mut problems = problems.clone();
        if let (Some(schema), Some(sources)) = (schema, sources) {
            problems.extend(schema.violations(sources, &problems));
            problems.sort_by_key(Problem::rank);
        }
        Self { problems, sources }
    }

    fn only(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            sources: None,
        }
    }

    /// On standard error for people, or on standard output as JSON.
    fn report(&self, egress: Option<Value>, as_json: bool) {
        let namespaces = self.sources.map(Sources::unserved).unwrap_or_default();
        if as_json {
            let namespaces = unserved::json(&namespaces);
            let report = report_json(&self.problems, namespaces, egress);
            return print(&format!("{report:#}"));
        }
        draw(&self.problems);
        say_all(unserved::table(&namespaces));
    }
}

/// Problems for people.
pub(super) fn draw(problems: &[Problem]) {
    let (mut diagnosis, colours) = (Diagnosis::default(), colours());
    for problem in problems {
        say(&diagnosis.graphic(problem, colours));
        say("");
    }
}

fn report_json(problems: &[Problem], namespaces: Value, egress: Option<Value>) -> Value {
    let mut diagnosis = Diagnosis::default();
    let list: Vec<_> = problems.iter().map(|one| diagnosis.json(one)).collect();
    let is_error = |one: &&Problem| one.severity == Severity::Error;
    let errors = problems.iter().filter(is_error).count();
    let mut report = json!({
        "errors": errors,
        "warnings": problems.len() - errors,
        "problems": list,
        "namespaces": namespaces,
    });
    if let (Some(egress), Some(report)) = (egress, report.as_object_mut()) {
        report.insert("egress".to_owned(), egress);
    }
    report
}

impl Refused {
    /// Says why, for commands beside `check`.
    pub(super) fn report(self, as_json: bool) {
        Findings::of(&Err(self), None).report(None, as_json);
    }
}

/// A configuration that can be run.
pub(super) struct Checked {
    pub(super) loaded: Loaded,
    pub(super) assembly: Assembly,
    pub(super) runtime: Runtime,
}

/// A configuration that cannot be run.
pub(super) struct Refused {
    pub(super) problems: Vec<Problem>,
    /// Where everything stands, if the file could be read at all.
    sources: Option<Sources>,
}

/// Builds everything `run` would build from `file`.
pub(super) fn verdict(file: &Path) -> Result<Checked, Refused> {
    let loaded = load(file, None).map_err(|report| Refused {
        problems: report.problems,
        sources: report.sources.map(|sources| *sources),
    })?;
    match assembled(&loaded) {
        Ok((assembly, runtime)) => Ok(Checked {
            loaded,
            assembly,
            runtime,
        }),
        Err(problems) => Err(Refused {
            problems,
            sources: Some(loaded.sources),
        }),
    }
}

fn assembled(loaded: &Loaded) -> Result<(Assembly, Runtime), Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| vec![no_runtime(loaded, &error)])?;
    let kept = &mut assemble::Kept::default().checking_schemas();
    let assembly = assemble::assemble(loaded, &assemble::process_environment, kept);
    let assembly = runtime.block_on(assembly)?;
    Ok((assembly, runtime))
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
        let senders = egress::senders(&self.assembly);
        match (args.egress, args.json) {
            (false, _) => None,
            (true, true) => Some(self.runtime.block_on(egress::json(&senders))),
            (true, false) => {
                let table = self.runtime.block_on(egress::table(&senders));
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
