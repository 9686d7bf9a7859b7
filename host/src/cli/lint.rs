//! `check --lint`: whether a configuration follows a JSON Schema.
//!
//! A schema is the gateway's own or somebody's file.

use std::{fs::File, io::Read, path::Path};

use cuttle_pipeline::config::{KeyPath, Problem, SCHEMA, Severity, Sources};

use crate::schema::{self, Places};

/// Bytes that a file with a schema may have.
const MAX_BYTES: u64 = 16 << 20;

/// A schema of configurations.
pub(super) struct Schema(schema::Schema);

impl Schema {
    /// The gateway's own.
    ///
    /// # Errors
    ///
    /// None, as tests compile it.
    pub(super) fn own() -> Result<Self, Box<Problem>> {
        Self::parse(SCHEMA).map_err(|error| unusable(Path::new("cuttle.schema.json"), &error))
    }

    /// The one in `file`.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no schema, or refers to what is elsewhere.
    pub(super) fn read(file: &Path) -> Result<Self, Box<Problem>> {
        if file.to_str().is_some_and(|name| name.contains("://")) {
            return Err(unusable(file, "is an address: nothing is ever downloaded"));
        }
        let text = text(file).map_err(|error| unusable(file, &error.to_string()))?;
        Self::parse(&text).map_err(|error| unusable(file, &error))
    }

    fn parse(text: &str) -> Result<Self, String> {
        schema::Schema::parse(text).map(Self)
    }

    /// Where the configuration does not follow the schema, as warnings: with
    /// any of them the gateway may run well. What is `known` of a place already
    /// is not said again.
    pub(super) fn violations(&self, sources: &Sources, known: &[Problem]) -> Vec<Problem> {
        let mut told = Places::of(known);
        let violations = self.0.violations(&sources.to_json(), &KeyPath::root());
        violations
            .into_iter()
            .filter(|violation| told.add(violation))
            .map(|violation| {
                let (message, help) = (violation.message, violation.help);
                sources.problem(Severity::Warning, &violation.place, message, help)
            })
            .collect()
    }
}

fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = File::open(file)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    match read as u64 > MAX_BYTES {
        true => Err(std::io::Error::other("is larger than 16 MiB")),
        false => Ok(text),
    }
}

fn unusable(file: &Path, message: &str) -> Box<Problem> {
    let help = "name a file with a JSON Schema; `cuttle schema` prints the gateway's own";
    Box::new(Problem {
        severity: Severity::Error,
        file: Some(file.to_owned()),
        path: KeyPath::root(),
        line: None,
        column: None,
        rendered: None,
        message: message.to_owned(),
        help: Some(help.to_owned()),
    })
}

#[cfg(test)]
mod tests;
