//! `cuttle check`.

use std::{path::Path, process::ExitCode};

use cuttle_pipeline::config::{KeyPath, Loaded, Problem, Severity};

use super::{
    CheckArgs, dump, egress, load,
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
    match verdict(file, args) {
        Ok(warnings) if warnings.is_empty() || !(args.lint || args.lint_no_network) => {
            say_all(&warnings);
            say("Syntax OK!");
            ExitCode::SUCCESS
        }
        Ok(warnings) => refuse("linting the configuration file", &warnings),
        Err(problems) => refuse("checking the configuration file", &problems),
    }
}

fn refuse(what: &str, problems: &[Problem]) -> ExitCode {
    say(&format!("ERROR {what}:\t{}", count(problems)));
    say_all(problems);
    ExitCode::FAILURE
}

fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    }
}

fn verdict(file: &Path, args: &CheckArgs) -> Result<Vec<Problem>, Vec<Problem>> {
    let loaded = load(file, None).map_err(|report| report.problems)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| vec![no_runtime(&loaded, &error)])?;
    runtime.block_on(async {
        let assembly = {
            let kept = &mut assemble::Kept::default();
            assemble::assemble(&loaded, &assemble::process_environment, kept).await?
        };
        show(&loaded, &assembly, args).await;
        Ok(assembly.warnings)
    })
}

/// What was asked for beside the verdict.
async fn show(loaded: &Loaded, assembly: &Assembly, args: &CheckArgs) {
    let (service, indent) = (&loaded.service, &args.indent);
    let wants_routes = args.test_gin_routes && args.debug == 0;
    let level = if wants_routes { 1 } else { args.debug };
    say_all(dump::lines(service, level, indent));
    if args.debug > 0 {
        say_all(dump::plugins(&assembly.plugins, service, indent));
    }
    if args.json {
        let report = egress::json(&assembly.egress).await;
        print(&format!("{report:#}"));
    } else if args.egress {
        let table = egress::table(&assembly.egress).await;
        table.iter().for_each(|line| print(line));
    }
}

fn no_runtime(loaded: &Loaded, error: &std::io::Error) -> Problem {
    let message = format!("cannot start the runtime: {error}");
    let (severity, place) = (Severity::Error, KeyPath::root());
    loaded.sources.problem(severity, &place, message, None)
}
