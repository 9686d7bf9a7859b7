//! What a component may do, as sets of plain words.

use std::collections::BTreeSet;

use cuttle_plugin::{Facts, Meaning, meaning};

/// What a component wants, and what comes of it.
#[derive(Default)]
pub(super) struct Rights {
    /// Sentences that begin with "may".
    pub(super) may: BTreeSet<&'static str>,
    /// What it asks for in vain.
    pub(super) in_vain: BTreeSet<&'static str>,
    /// Imports that keep it from being loaded.
    pub(super) refused: BTreeSet<String>,
}

impl Rights {
    pub(super) fn of(facts: &Facts) -> Self {
        let mut rights = Self::default();
        for import in &facts.imports {
            match meaning(import, &facts.worlds) {
                Meaning::May(what) => drop(rights.may.insert(what)),
                Meaning::GetsNothing(what) => drop(rights.in_vain.insert(what)),
                Meaning::Refused => drop(rights.refused.insert(import.clone())),
                _ => {}
            }
        }
        rights
    }
}

/// An import as a program is told about it.
pub(super) fn json(import: &str, facts: &Facts) -> serde_json::Value {
    let (kind, what) = match meaning(import, &facts.worlds) {
        Meaning::May(what) => ("may", Some(what)),
        Meaning::GetsNothing(what) => ("gets-nothing", Some(what)),
        Meaning::Refused => ("refused", None),
        _ => ("plumbing", None),
    };
    serde_json::json!({ "name": import, "meaning": kind, "what": what })
}
