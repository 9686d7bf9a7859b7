//! What is wrong with a configuration, where, and what to do about it.

use std::{fmt, path::PathBuf};

/// A place inside the file, such as
/// `endpoints[2].backend[0].extra_config["plugin/http-client"].name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct KeyPath(String);

impl KeyPath {
    /// The whole file.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The value under `key`; keys that are not plain words are quoted.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
        Self(match (plain, self.0.is_empty()) {
            (true, true) => key.to_owned(),
            (true, false) => format!("{}.{key}", self.0),
            (false, _) => format!("{}[{key:?}]", self.0),
        })
    }

    /// The entry at `index` of a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path as text; empty for the whole file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the gateway can start with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The gateway refuses to start.
    Error,
    /// The gateway starts; something may not be as meant.
    Warning,
}

/// One thing that is wrong, with its place and a way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the start.
    pub severity: Severity,
    /// The file, or nothing for the environment and the command line.
    pub file: Option<PathBuf>,
    /// The key it is about.
    pub path: KeyPath,
    /// Line in the file, from 1, where known.
    pub line: Option<usize>,
    /// Column in that line, in characters from 1, where known.
    pub column: Option<usize>,
    /// Of a template: the same in the text it made.
    pub rendered: Option<Box<RenderedPlace>>,
    /// What is wrong. Holds no secrets.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in the text that templates made. What stands there is not shown: it
/// may come from settings and variables that are secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderedPlace {
    /// The file that keeps the text, if one does.
    pub file: Option<PathBuf>,
    /// Line of the text, from 1.
    pub line: usize,
    /// Column in that line, in characters from 1.
    pub column: usize,
}

impl Problem {
    /// Order of a report: errors first, then by line, then by column.
    #[must_use]
    pub fn rank(&self) -> (Severity, usize, usize) {
        (
            self.severity,
            self.line.unwrap_or(0),
            self.column.unwrap_or(0),
        )
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// `krakend.json:12:9: error: endpoints[0].host: what is wrong`, and the way
/// out on a second line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}: ", self.severity)?;
        if self.path != KeyPath::root() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}
