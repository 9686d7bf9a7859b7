//! KrakenD configuration files: from the file to values the rest may trust.
//!
//! # Order of events
//!
//! 1. [`load`] reads the file, bounded in size and nesting, renders it if it is
//!    a template, and turns JSON, YAML or TOML into one tree in which every key
//!    knows its line.
//! 2. Each level of the tree is resolved into the types of the model. A default
//!    exists in one place, the `Default` of the type that holds it.
//! 3. Everything that is wrong is collected; nothing stops at the first. With
//!    one error or more there is a [`Report`] and no [`Service`].
//!
//! # What this crate does not do
//!
//! Besides those of a template it opens no other file: certificates and plugins
//! are looked at by whoever uses them, who reports with [`Sources::problem`].
//! It does not read the environment either; that is handed in with [`Options`].

mod defaults;
mod excerpt;
mod model;
mod problem;
mod read;
mod resolve;
mod sources;
mod template;

use std::{fmt, path::Path};

pub use excerpt::{Excerpt, SourceText, announces_secret, is_secret, lists_names, without_secrets};
pub use model::*;
pub use problem::{KeyPath, Problem, RenderedPlace, Severity};
pub use resolve::{Unserved, UnservedNamespace};
pub use sources::Sources;

use resolve::Problems;

/// The JSON Schema of a configuration (draft 2020-12), as editors use it. It
/// describes the usual form of a file; what a reader takes besides, such as keys
/// in another case or numbers as texts, does not follow it.
pub const SCHEMA: &str = include_str!("../../../../docs/cuttle.schema.json");

/// What stands beside the file.
#[derive(Clone, Default)]
pub struct Options {
    /// Environment variables. Those called `KRAKEND_<KEY>` replace the scalar
    /// of that name at the top of the file. With `FC_ENABLE` the file is a
    /// template, which may ask for all of them; `FC_SETTINGS`, `FC_PARTIALS`,
    /// `FC_TEMPLATES` and `FC_OUT` name its folders and where to keep the
    /// result. The others are not looked at.
    pub environment: Vec<(String, String)>,
    /// Port of the command line. Beats file and environment; 0 is any free port.
    pub port: Option<u16>,
}

/// A configuration the gateway can run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// What it says.
    pub service: Service,
    /// What may not be as meant, by line.
    pub warnings: Vec<Problem>,
    /// Where everything stands, for problems that are found later.
    pub sources: Sources,
}

/// Why a configuration cannot be run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// At least one error, and all warnings: errors first, then by line.
    pub problems: Vec<Problem>,
    /// Where everything stands, if the text could be read at all.
    pub sources: Option<Box<Sources>>,
}

/// Reads and checks `file`: `.yml` and `.yaml` are YAML, `.toml` is TOML,
/// everything else is JSON. If [`Options::environment`] has a non-empty
/// `FC_ENABLE`, the file is a template that makes the configuration; then the
/// name in `FC_OUT`, if there is one, decides the format.
///
/// # Errors
///
/// All problems at once, if one of them is an error. A template stops at its
/// first.
pub fn load(file: &Path, options: &Options) -> Result<Loaded, Report> {
    if let Some(flexible) = template::Flexible::from_environment(options) {
        return template::load(file, &flexible, options);
    }
    let text = read::text(file)?;
    parse(&text, file, options)
}

/// Reads any file of one object as JSON text: YAML and TOML by its extension,
/// within the limits of configurations.
///
/// # Errors
///
/// A file that cannot be read, or is not what its extension says.
pub fn json_of(file: &Path) -> Result<String, Report> {
    let text = read::text(file)?;
    read::object(&text, file).map(|root| root.to_json())
}

/// Checks `text` as [`load`] would the file `name`, which need not exist.
///
/// # Errors
///
/// All problems at once, if one of them is an error.
pub fn parse(text: &str, name: &Path, options: &Options) -> Result<Loaded, Report> {
    let (sources, read_problems) = read::tree(text, name)?;
    let problems = Problems::new(&sources);
    let service = resolve::service(&sources, options, &problems);
    let mut problems = problems.into_inner();
    problems.extend(read_problems);
    problems.sort_by_key(Problem::rank);

    if problems.iter().any(|p| p.severity == Severity::Error) {
        return Err(Report {
            problems,
            sources: Some(Box::new(sources)),
        });
    }
    Ok(Loaded {
        service,
        warnings: problems,
        sources,
    })
}

/// Values may be secrets, so only names are shown.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Options")
            .field("environment", &names)
            .field("port", &self.port)
            .finish()
    }
}

/// One problem after the other, each as [`Problem`] shows it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

impl From<Problem> for Report {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            sources: None,
        }
    }
}
