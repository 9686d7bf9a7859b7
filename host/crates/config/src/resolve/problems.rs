//! Collects problems with their places.

use std::cell::RefCell;

use crate::{KeyPath, Problem, Severity, Sources};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// A key of the file.
    Key(KeyPath),
    /// An environment variable.
    Variable(String),
}

impl At {
    /// The value under `key`.
    pub(super) fn key(&self, key: &str) -> Self {
        Self::Key(self.path().key(key))
    }

    /// The value at `index` of the list here.
    pub(super) fn index(&self, index: usize) -> Self {
        Self::Key(self.path().index(index))
    }

    /// The path in the file; the root for a variable.
    pub(super) fn path(&self) -> KeyPath {
        match self {
            Self::Key(path) => path.clone(),
            Self::Variable(_) => KeyPath::root(),
        }
    }
}

/// All problems so far. Shared by everything that resolves, hence the cell.
pub(crate) struct Problems<'a> {
    sources: &'a Sources,
    list: RefCell<Vec<Problem>>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            list: RefCell::default(),
        }
    }

    pub(crate) fn into_inner(self) -> Vec<Problem> {
        self.list.into_inner()
    }

    /// How many there are so far, to see whether a step added one.
    pub(super) fn count(&self) -> usize {
        self.list.borrow().len()
    }

    /// Something that stops the start. `help` is the way out.
    pub(super) fn error(&self, at: &At, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, at, message.into(), help.into());
    }

    /// Something that may not be as meant.
    pub(super) fn warning(&self, at: &At, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, at, message.into(), help.into());
    }

    fn push(&self, severity: Severity, at: &At, message: String, help: String) {
        let help = Some(help).filter(|help| !help.is_empty());
        let problem = match at {
            At::Key(path) => self.sources.problem(severity, path, message, help),
            At::Variable(name) => Problem {
                severity,
                file: None,
                path: KeyPath::root(),
                line: None,
                column: None,
                rendered: None,
                message: format!("environment variable {name}: {message}"),
                help,
            },
        };
        self.list.borrow_mut().push(problem);
    }
}

/// Bytes of a name worth comparing with others, as comparing is quadratic.
const MAX_NAME: usize = 128;

/// Letters by which a name may differ from one that is meant.
const MAX_DISTANCE: usize = 4;

/// The name among `known` that `written` is probably meant to be.
pub(super) fn nearest<'k>(
    written: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    if written.len() > MAX_NAME {
        return None;
    }
    let written = written.to_lowercase();
    let letters = written.chars().count();
    known
        .into_iter()
        // A distance is at least the difference in length, and comparing is dear.
        .filter(|name| letters.abs_diff(name.chars().count()) <= MAX_DISTANCE)
        .map(|name| (strsim::damerau_levenshtein(&written, name), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= (name.len() / 3).clamp(1, MAX_DISTANCE))
        .map(|(_, name)| name)
}
