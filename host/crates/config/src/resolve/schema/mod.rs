//! The JSON Schema of the configuration, `docs/cuttle.schema.json`.
//!
//! Keys are described once, as types whose doc comments are what editors show;
//! lists of names, namespaces and keys without effect come from the tables that
//! the readers use. The result is a file, for editors and for `check --lint`;
//! nothing of this module is in the program. Tests compare the file with the
//! types, and the types with what the readers ask for.

#![expect(dead_code, reason = "the types are read by the generator only")]

mod backend;
mod editing;
mod endpoint;
mod extra;
mod plugins;
mod proxies;
pub(super) mod recorder;
mod scalars;
mod service;
mod tests;
mod tls;

use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema, complete.
fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<service::Root>().to_value();
    editing::polish(&mut schema);
    editing::add_keys_without_effect(&mut schema);
    editing::add_namespaces(&mut schema);
    editing::beginning_with(&["$schema", "title", "description"], schema)
}
