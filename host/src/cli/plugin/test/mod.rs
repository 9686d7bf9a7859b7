//! `cuttle plugin test`: cases against a component, without any network.
//!
//! Each case gets a fresh instance, whose clocks and random numbers are the
//! same each time, so that a case has the same outcome, and the same fuel, on
//! every machine.

mod compare;
mod log;
mod page;
mod report;
mod run;
mod script;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use cuttle_plugin::{Component, Engine, EngineSettings, LoadError};

use super::file::{ComponentFile, unusable};
use crate::{
    cases::{Case, CaseFile},
    telemetry::chain,
};
use report::{Report, Verdict};

/// Ends of names of files with cases.
const EXTENSIONS: [&str; 4] = ["json", "toml", "yaml", "yml"];

/// Flags of the command.
#[derive(Debug, Args)]
pub(in super::super) struct TestArgs {
    /// The component.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Files of cases (JSON, YAML, TOML), or folders of them.
    #[arg(value_name = "CASES", required = true)]
    cases: Vec<PathBuf>,
    /// Where machine code is kept, so that large components start soon.
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs all cases: exit code 1 if one fails.
pub(super) fn test(args: &TestArgs) -> ExitCode {
    match outcome(args) {
        Ok(report) => {
            report.print(args.json);
            report.code()
        }
        Err(message) => unusable(&message),
    }
}

fn outcome(args: &TestArgs) -> Result<Report, String> {
    let cases = read_all(&args.cases)?;
    let file = ComponentFile::read(&args.file)?;
    let component = load(&file, args.cache_dir.clone()).map_err(|error| chain(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let verdict = |case: &Case| Verdict::of(case, runtime.block_on(run::run(&component, case)));
    Ok(Report {
        verdicts: cases.iter().map(verdict).collect(),
    })
}

fn load(file: &ComponentFile, cache_dir: Option<PathBuf>) -> Result<Component, LoadError> {
    let engine = Engine::new(&EngineSettings {
        cache_dir,
        max_instances: Some(2),
        parallel_compilation: true,
        reproducible: true,
    })?;
    engine.load(&file.name, &file.bytes)
}

/// The cases of all files, each with a name.
fn read_all(paths: &[PathBuf]) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for path in paths {
        let files = files(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for file in files {
            cases.extend(read(&file)?);
        }
    }
    match cases.is_empty() {
        true => Err("there are no cases".to_owned()),
        false => Ok(cases),
    }
}

fn read(file: &Path) -> Result<Vec<Case>, String> {
    let mut cases = CaseFile::read(file)?.cases;
    let unnamed = cases.iter_mut().enumerate();
    for (index, case) in unnamed.filter(|(_, case)| case.name.is_empty()) {
        case.name = format!("{} cases[{index}]", file.display());
    }
    Ok(cases)
}

/// `path`, or the files of cases in the folder `path`, in a stable order.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let is_case = |path: &PathBuf| {
        let extension = path.extension().and_then(|end| end.to_str());
        extension.is_some_and(|end| EXTENSIONS.contains(&end))
    };
    let mut files: Vec<_> = entries
        .iter()
        .map(fs::DirEntry::path)
        .filter(is_case)
        .collect();
    files.sort_unstable();
    Ok(files)
}
