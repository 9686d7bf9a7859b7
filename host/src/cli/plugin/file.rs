//! A component from a file, for commands.

use std::{path::Path, process::ExitCode};

use cuttle_plugin::Facts;

use super::super::{EXIT_UNUSABLE, output::say};
use crate::{assemble, telemetry::chain};

/// A file that is a component at least by its form.
pub(super) struct ComponentFile {
    /// The stem of the file.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) facts: Facts,
}

impl ComponentFile {
    /// Reads `path`, or says why that cannot be done.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let at = |message: String| format!("{}: {message}", path.display());
        let stem = path.file_stem().unwrap_or_default();
        let name = stem.to_string_lossy().into_owned();
        let bytes = assemble::read_component(path).map_err(at)?;
        let facts = Facts::read(&name, &bytes).map_err(|error| at(chain(&error)))?;
        Ok(Self { name, bytes, facts })
    }
}

/// The end of a command that could not do its work.
pub(super) fn unusable(message: &str) -> ExitCode {
    say(&format!("ERROR {message}"));
    ExitCode::from(EXIT_UNUSABLE)
}
