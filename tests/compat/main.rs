//! What KrakenD's users may rely on, as data: a configuration, a request, what
//! the backends answer and must have received, and the answer.
//!
//! Every `*.json` beside this file but `keys.json` holds cases, each of which is
//! a test of its own: `cargo test --test compat -- flatmap` runs those with that
//! word in their name. [`case`] describes their form. A file that cannot be
//! read, a field nobody knows and a case without an assertion are failures.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests report by panicking"
)]

mod backend;
mod case;
mod group;
mod run;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use cuttle_tests::repository;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use case::Case;
use group::Group;

/// Most of a case is waiting.
const AT_A_TIME: usize = 12;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let (cases, mut trials) = read();
    trials.extend(table::trials(&cases));
    trials.extend(case_trials(cases, &runtime));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A case and where it comes from.
pub(crate) struct Found {
    pub(crate) file: String,
    pub(crate) case: Case,
}

/// All cases, and what is wrong with their files.
fn read() -> (Vec<Found>, Vec<Trial>) {
    let (mut cases, mut broken) = (Vec::new(), Vec::new());
    for path in files() {
        let file = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match Case::read(&path) {
            Ok(read) => cases.extend(read.into_iter().map(|case| Found {
                file: file.clone(),
                case,
            })),
            Err(error) => broken.push(failing(
                format!("{file}: can be read"),
                format!("{error:#}"),
            )),
        }
    }
    broken.extend(faults(&cases));
    (cases, broken)
}

fn files() -> Vec<PathBuf> {
    let folder = repository().join("tests/compat");
    let entries = std::fs::read_dir(&folder).expect("the folder of the cases");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter(|path| path.file_name() != Some(table::KEYS.as_ref()))
        .collect();
    files.sort();
    files
}

fn faults(cases: &[Found]) -> Vec<Trial> {
    let mut names = BTreeSet::new();
    let mut trials = Vec::new();
    for Found { file, case } in cases {
        let mut faults = case.faults();
        if !names.insert((file, &case.name)) {
            faults.push("it has the name of another case".to_owned());
        }
        trials.extend(
            faults
                .into_iter()
                .map(|fault| failing(format!("{file}: {}: is a case", case.name), fault)),
        );
    }
    trials
}

fn failing(name: String, why: String) -> Trial {
    Trial::test(name, move || Err(Failed::from(why)))
}

fn case_trials(cases: Vec<Found>, runtime: &Arc<Runtime>) -> Vec<Trial> {
    let mut groups: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for (index, found) in cases.into_iter().enumerate() {
        let key = match found.case.is_alone() {
            true => format!("alone {index}"),
            false => serde_json::to_string(&found.case.service).expect("JSON"),
        };
        groups.entry(key).or_default().push(found);
    }
    let groups = groups.into_values();
    groups.flat_map(|cases| trials_of(cases, runtime)).collect()
}

/// The cases of one gateway.
fn trials_of(cases: Vec<Found>, runtime: &Arc<Runtime>) -> Vec<Trial> {
    let (files, cases): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .map(|found| (found.file, found.case))
        .unzip();
    let names: Vec<_> = files
        .iter()
        .zip(&cases)
        .map(|(file, case)| format!("{file}: {}", case.name))
        .collect();
    let group = Arc::new(Group::of(cases));
    let trials = names.into_iter().enumerate().map(|(index, name)| {
        let (group, runtime) = (group.clone(), runtime.clone());
        Trial::test(name, move || {
            let outcome = runtime.block_on(run::run(&group, index));
            verdict(group.case(index), outcome)
        })
    });
    trials.collect()
}

fn verdict(case: &Case, outcome: Result<(), String>) -> Result<(), Failed> {
    match (&case.not_yet, outcome) {
        (None, Ok(())) | (Some(_), Err(_)) => Ok(()),
        (None, Err(differences)) => Err(differences.into()),
        (Some(_), Ok(())) => Err("works now: remove `not_yet`".into()),
    }
}
