//! `check --lint`: whether a configuration follows a JSON Schema.
//!
//! A schema is the gateway's own or somebody's file. It is never fetched: what
//! a `$ref` names must stand in the file itself or be a draft of JSON Schema.

mod violation;

use std::{error::Error, fs::File, io::Read, path::Path};

use boon::{CompileError, Compiler, SchemaIndex, Schemas, UrlLoader};
use cuttle_pipeline::config::{KeyPath, Problem, SCHEMA, Severity, Sources};
use serde_json::Value;

use violation::{Places, Violation};

/// Bytes that a file with a schema may have.
const MAX_BYTES: u64 = 16 << 20;

/// What the document is called, for `$ref`s in it.
const NAME: &str = "schema:///";

/// A schema that can be asked.
pub(super) struct Schema {
    document: Value,
    compiled: Schemas,
    root: SchemaIndex,
}

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
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        let (mut compiler, mut compiled) = (Compiler::new(), Schemas::new());
        compiler.use_loader(Box::new(Nowhere));
        let added = compiler.add_resource(NAME, document.clone());
        added.map_err(reason)?;
        let root = compiler.compile(NAME, &mut compiled).map_err(reason)?;
        Ok(Self {
            document,
            compiled,
            root,
        })
    }

    /// Where the configuration does not follow the schema, as warnings: with
    /// any of them the gateway may run well. What is `known` of a place already
    /// is not said again.
    pub(super) fn violations(&self, sources: &Sources, known: &[Problem]) -> Vec<Problem> {
        let config = sources.to_json();
        let Err(error) = self.compiled.validate(&config, self.root) else {
            return Vec::new();
        };
        let mut told = Places::of(known);
        let violations = Violation::all(&error, &self.document).into_iter();
        violations
            .filter(|violation| told.add(violation))
            .map(|violation| {
                let (message, help) = (violation.message, violation.help);
                sources.problem(Severity::Warning, &violation.place, message, help)
            })
            .collect()
    }
}

/// Loads nothing.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("nothing is ever downloaded or read from another file: put it under `$defs`".into())
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

fn reason(error: CompileError) -> String {
    format!("is not a usable JSON Schema: {error:#}")
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
