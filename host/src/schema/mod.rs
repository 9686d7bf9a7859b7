//! JSON Schemas: whether a document follows one, told in words with places.
//!
//! A schema is never fetched: what a `$ref` names must stand in the document
//! itself or be a draft of JSON Schema.

mod expansion;
mod violation;

use std::error::Error;

use boon::{CompileError, Compiler, SchemaIndex, Schemas, UrlLoader};
use cuttle_pipeline::config::KeyPath;
use serde_json::Value;

pub(crate) use violation::{Places, Violation};

/// What the document is called, for `$ref`s in it.
const NAME: &str = "schema:///";

/// A schema that can be asked.
pub(crate) struct Schema {
    document: Value,
    compiled: Schemas,
    root: SchemaIndex,
}

impl Schema {
    /// # Errors
    /// It is no schema, or refers to what is elsewhere.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::of(document(text)?)
    }

    /// The same for a stranger's: one that would take too much time or memory
    /// is refused before it is compiled.
    ///
    /// # Errors
    /// The same, and a schema that is too large once it is followed.
    pub(crate) fn parse_untrusted(text: &str) -> Result<Self, String> {
        let document = document(text)?;
        expansion::check(&document)?;
        Self::of(document)
    }

    fn of(document: Value) -> Result<Self, String> {
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

    /// Where `value`, which stands at `at`, does not follow the schema.
    pub(crate) fn violations(&self, value: &Value, at: &KeyPath) -> Vec<Violation> {
        match self.compiled.validate(value, self.root) {
            Ok(()) => Vec::new(),
            Err(error) => Violation::all(&error, &self.document, at),
        }
    }
}

/// Loads nothing.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("nothing is ever downloaded or read from another file: put it under `$defs`".into())
    }
}

fn document(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))
}

fn reason(error: CompileError) -> String {
    format!("is not a usable JSON Schema: {error:#}")
}
