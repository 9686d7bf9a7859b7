//! Custom sections of ours: what an author says to operators.

use wasmparser::{Parser, Payload};

use crate::LoadError;

/// Section with one line or a few about what the plugin does.
pub(crate) const DESCRIPTION: &str = "cuttle:description";
/// Section with a JSON Schema of the settings, as JSON text.
pub(crate) const SETTINGS_SCHEMA: &str = "cuttle:settings-schema";

/// Bytes of a description.
const MAX_DESCRIPTION: usize = 4 << 10;
/// Bytes of a schema: it is compiled at each start.
const MAX_SCHEMA: usize = 64 << 10;
/// How deep a schema may be nested: what compiles it is recursive.
const MAX_SCHEMA_DEPTH: usize = 64;

/// What was found, as bytes of nobody knows what.
#[derive(Default)]
pub(super) struct Sections {
    description: Option<Vec<u8>>,
    settings_schema: Option<Vec<u8>>,
}

impl Sections {
    /// Keeps the section if it is one of ours. The first one counts, and of a
    /// long one as much as shows that it is too long.
    pub(super) fn take(&mut self, name: &str, data: &[u8]) {
        let (place, max) = match name {
            DESCRIPTION => (&mut self.description, MAX_DESCRIPTION),
            SETTINGS_SCHEMA => (&mut self.settings_schema, MAX_SCHEMA),
            _ => return,
        };
        place.get_or_insert_with(|| data.get(..=max).unwrap_or(data).to_vec());
    }

    pub(super) fn description(&mut self) -> Result<Option<String>, &'static str> {
        let text = self.description.take().map(|data| match data.len() {
            ..=MAX_DESCRIPTION => text(data),
            _ => Err("is longer than 4 KiB"),
        });
        text.transpose()
    }

    pub(super) fn settings_schema(&mut self) -> Result<Option<String>, &'static str> {
        self.settings_schema.take().map(schema).transpose()
    }
}

fn text(data: Vec<u8>) -> Result<String, &'static str> {
    String::from_utf8(data).map_err(|_| "is not UTF-8")
}

fn schema(data: Vec<u8>) -> Result<String, &'static str> {
    if data.len() > MAX_SCHEMA {
        return Err("is longer than 64 KiB");
    }
    let text = text(data)?;
    let value = serde_json::from_str(&text).map_err(|_| "is not JSON")?;
    match &value {
        serde_json::Value::Object(_) if depth(&value) <= MAX_SCHEMA_DEPTH => Ok(text),
        serde_json::Value::Object(_) => Err("is nested deeper than 64 levels"),
        _ => Err("is not a JSON object"),
    }
}

/// serde_json reads 128 levels at most.
fn depth(value: &serde_json::Value) -> usize {
    let inner = match value {
        serde_json::Value::Array(items) => items.iter().map(depth).max(),
        serde_json::Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    inner.unwrap_or(0).saturating_add(1)
}

/// The schema of a component that compiles, so that its form is known to be
/// right.
pub(crate) fn settings_schema(name: &str, bytes: &[u8]) -> Result<Option<String>, LoadError> {
    let mut sections = Sections::default();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Ok(Payload::CustomSection(section)) = payload {
            sections.take(section.name(), section.data());
        }
    }
    sections
        .settings_schema()
        .map_err(|message| LoadError::Section {
            plugin: name.to_owned(),
            section: SETTINGS_SCHEMA,
            message: message.to_owned(),
        })
}
