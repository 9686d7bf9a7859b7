//! `cuttle check`.

use std::{path::Path, process::ExitCode};

use cuttle_pipeline::config::Problem;

use super::{
    CheckArgs, dump, load,
    output::{say, say_all},
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
    let assembly = build(&loaded)?;
    let wants_routes = args.test_gin_routes && args.debug == 0;
    say_all(dump::lines(
        &loaded.service,
        if wants_routes { 1 } else { args.debug },
        &args.indent,
    ));
    if args.debug > 0 {
        say_all(dump::plugins(
            &assembly.plugins,
            &loaded.service,
            &args.indent,
        ));
    }
    Ok(assembly.warnings)
}

fn build(loaded: &cuttle_pipeline::config::Loaded) -> Result<Assembly, Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(assemble::assemble(loaded, &assemble::process_environment)),
        Err(error) => Err(vec![loaded.sources.problem(
            cuttle_pipeline::config::Severity::Error,
            &cuttle_pipeline::config::KeyPath::root(),
            format!("cannot start the runtime: {error}"),
            None,
        )]),
    }
}
