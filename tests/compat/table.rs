//! The tables of `docs/compatibility.md`, made from `keys.json` and the cases.
//!
//! A key that works names its proof: a case, or another test. A key that the
//! configuration crate reads and no table names is a failure, as is a page that
//! does not say what the data says; `CUTTLE_BLESS=1` writes it anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use cuttle_tests::repository;
use libtest_mimic::{Failed, Trial};
use serde::Deserialize;

use crate::Found;

/// The file beside the cases that holds none.
pub(crate) const KEYS: &str = "keys.json";
const PAGE: &str = "docs/compatibility.md";
/// Where the configuration is read.
const READERS: &str = "host/crates/config/src/resolve";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    tables: Vec<Table>,
    /// Words in the sources of the configuration that look like keys and are none.
    no_keys: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    title: String,
    /// In front of the keys' names in cases: `endpoint` in `endpoint.timeout`.
    level: String,
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
    state: State,
    /// How it differs, or what happens instead.
    #[serde(default)]
    note: String,
    /// The test that proves it where no case does: `tests/e2e/streaming.rs: name_of_the_test`.
    #[serde(default)]
    proof: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Works,
    Differs,
    NotYet,
    Never,
}

/// The tests about the tables.
pub(crate) fn trials(cases: &[Found]) -> Vec<Trial> {
    let tables = match read() {
        Ok(tables) => tables,
        Err(error) => return vec![trial("keys: can be read", vec![error])],
    };
    vec![
        trial(
            "keys: each one that works is proven",
            unproven(&tables, cases),
        ),
        trial(
            "keys: cases prove keys of the table",
            strangers(&tables, cases),
        ),
        trial(
            "keys: each one that is read is in the table",
            missing(&tables),
        ),
        trial(
            "keys: the page says what the data says",
            outdated(&page(&tables, cases)),
        ),
        trial("keys: there are enough cases", too_few(cases)),
    ]
}

fn trial(name: &str, faults: Vec<String>) -> Trial {
    Trial::test(name, move || match faults.is_empty() {
        true => Ok(()),
        false => Err(Failed::from(faults.join("\n"))),
    })
}

fn read() -> Result<Tables, String> {
    let path = repository().join("tests/compat").join(KEYS);
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Fewer would mean that a file was lost.
fn too_few(cases: &[Found]) -> Vec<String> {
    let few = cases.len() < 200;
    few.then(|| format!("only {} cases", cases.len()))
        .into_iter()
        .collect()
}

fn unproven(tables: &Tables, cases: &[Found]) -> Vec<String> {
    let passing = cases.iter().filter(|found| found.case.not_yet.is_none());
    let proven: BTreeSet<_> = passing.flat_map(|found| &found.case.keys).collect();
    let mut faults = Vec::new();
    for (name, key) in named(tables) {
        let by_case = proven.contains(&name);
        let serves = matches!(key.state, State::Works | State::Differs);
        match &key.proof {
            Some(proof) if !exists(proof) => faults.push(format!("{name}: no test {proof:?}")),
            None if serves && !by_case => faults.push(format!("{name}: nothing proves it")),
            Some(_) if by_case => faults.push(format!("{name}: has a case, remove the proof")),
            _ if !serves && by_case => faults.push(format!("{name}: has a case that passes")),
            _ => {}
        }
        if key.state != State::Works && key.note.is_empty() {
            faults.push(format!("{name}: needs a note"));
        }
    }
    faults
}

/// Whether `file: name_of_a_test` is there.
fn exists(proof: &str) -> bool {
    proof.split_once(": ").is_some_and(|(file, test)| {
        let text = fs::read_to_string(repository().join(file)).unwrap_or_default();
        text.contains(&format!("fn {test}("))
    })
}

fn strangers(tables: &Tables, cases: &[Found]) -> Vec<String> {
    let known: BTreeSet<_> = named(tables).map(|(name, _)| name).collect();
    let named = cases.iter().flat_map(|found| {
        let keys = found.case.keys.iter();
        keys.map(move |key| (key, &found.case.name))
    });
    named
        .filter(|(key, _)| !known.contains(*key))
        .map(|(key, case)| format!("{key:?} of the case {case:?}"))
        .collect()
}

fn named(tables: &Tables) -> impl Iterator<Item = (String, &Key)> {
    tables.tables.iter().flat_map(|table| {
        let keys = table.keys.iter();
        keys.map(|key| (format!("{}.{}", table.level, key.key), key))
    })
}

fn missing(tables: &Tables) -> Vec<String> {
    let keys = named(tables).flat_map(|(_, key)| key.key.split('.'));
    let levels = tables.tables.iter().map(|table| table.level.as_str());
    let known: BTreeSet<_> = keys.chain(levels).collect();
    let mut faults = Vec::new();
    for (word, file) in words_read() {
        if !known.contains(word.as_str()) && !tables.no_keys.contains(&word) {
            faults.push(format!("{word:?}, read in {}", file.display()));
        }
    }
    faults
}

/// How the configuration's sources read a key.
const READS: [&str; 15] = [
    "count(",
    "duration(",
    "flag(",
    "item(",
    "items(",
    "key(",
    "nanoseconds(",
    "namespace(",
    "number(",
    "number::<i64>(",
    "own_path(&mut section, ",
    "section(",
    "text(",
    "texts(",
    "timeout(",
];

fn words_read() -> BTreeMap<String, PathBuf> {
    let mut files = Vec::new();
    sources(&repository().join(READERS), &mut files);
    let mut words = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let calls = READS.iter().flat_map(|read| code.split(read).skip(1));
        let arguments = calls.filter_map(|rest| rest.trim_start().strip_prefix('"'));
        let read = arguments.filter_map(|rest| rest.split('"').next());
        words.extend(
            read.filter(|word| is_key(word))
                .map(|word| (word.to_owned(), file.clone())),
        );
    }
    words
}

fn is_key(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_/-".contains(c);
    !word.is_empty() && word.chars().all(fits)
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources of the configuration") {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.file_name() != Some("tests.rs".as_ref()) {
            into.push(path);
        }
    }
}

/// What the page must be, or why it cannot be made.
fn page(tables: &Tables, cases: &[Found]) -> Result<String, String> {
    let path = repository().join(PAGE);
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = replaced(&text, "differences", &differences(cases))?;
    replaced(&text, "keys", &keys(tables))
}

fn outdated(page: &Result<String, String>) -> Vec<String> {
    let page = match page {
        Ok(page) => page,
        Err(error) => return vec![error.clone()],
    };
    let path = repository().join(PAGE);
    if env::var_os("CUTTLE_BLESS").is_some() {
        fs::write(&path, page).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).expect("the page");
    let same = found == *page;
    (!same)
        .then(|| format!("{PAGE} is out of date: run with CUTTLE_BLESS=1"))
        .into_iter()
        .collect()
}

/// `text` with what stands between the marks of `name` replaced.
fn replaced(text: &str, name: &str, new: &str) -> Result<String, String> {
    let (begin, end) = (
        format!("<!-- {name}: generated -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let lost = || format!("{PAGE} has no marks for {name}");
    let (before, rest) = text.split_once(&begin).ok_or_else(lost)?;
    let (_, after) = rest.split_once(&end).ok_or_else(lost)?;
    Ok(format!("{before}{begin}\n{new}\n{end}{after}"))
}

/// What answers otherwise than KrakenD, by topic.
fn differences(cases: &[Found]) -> String {
    let mut topics: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for Found { case, .. } in cases {
        if let Some(differs) = &case.differs
            && case.not_yet.is_none()
        {
            let rows = topics.entry(&case.about).or_default();
            rows.push((&case.name, differs));
        }
    }
    let mut text = "| about | here | KrakenD, and why not |\n|---|---|---|\n".to_owned();
    for (topic, rows) in topics {
        for (name, differs) in rows {
            text.push_str(&format!(
                "| {topic} | {} | {} |\n",
                cell(name),
                cell(differs)
            ));
        }
    }
    text
}

fn keys(tables: &Tables) -> String {
    let mut text = String::new();
    for table in &tables.tables {
        text.push_str(&format!(
            "### {}\n\n| key | | |\n|---|---|---|\n",
            table.title
        ));
        for key in &table.keys {
            let state = match key.state {
                State::Works => "works",
                State::Differs => "differs on purpose",
                State::NotYet => "not yet",
                State::Never => "never",
            };
            text.push_str(&format!(
                "| `{}` | {state} | {} |\n",
                key.key,
                cell(&key.note)
            ));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
