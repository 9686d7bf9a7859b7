//! How large a schema is once its references are followed.
//!
//! What validates is recursive: a reference that leads back to itself would use
//! up the stack, and ten references to ten references to ten references would
//! take for ever. Both are told before anything is compiled.

use std::collections::HashMap;

use regex::RegexBuilder;
use serde_json::Value;

/// Parts of a schema with its references followed. Real ones have hundreds.
const MAX_PARTS: u64 = 20_000;
const MAX_PATTERNS: usize = 100;
/// Bytes one compiled pattern may take.
const MAX_PATTERN: usize = 256 << 10;
/// Keywords that refer by other means than a path within the document.
const DYNAMIC: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

/// Why `schema` must not be compiled.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    let mut expansion = Expansion {
        schema,
        known: HashMap::new(),
    };
    let mut patterns = Vec::new();
    collect_patterns(schema, &mut patterns);
    if patterns.len() > MAX_PATTERNS {
        return Err(format!("it has more than {MAX_PATTERNS} patterns"));
    }
    if patterns.into_iter().any(is_too_large) {
        return Err("one of its patterns is too large once it is compiled".to_owned());
    }
    match expansion.parts(schema)? {
        ..=MAX_PARTS => Ok(()),
        _ => Err(format!(
            "it has more than {MAX_PARTS} parts once its references are followed"
        )),
    }
}

/// Regular expressions, wherever they stand.
fn collect_patterns<'a>(node: &'a Value, into: &mut Vec<&'a str>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, into)),
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("pattern", Value::String(pattern)) => into.push(pattern),
                    ("patternProperties", Value::Object(inner)) => {
                        into.extend(inner.keys().map(String::as_str));
                    }
                    _ => {}
                }
                collect_patterns(value, into);
            }
        }
        _ => {}
    }
}

/// One that is wrong is none of our business: it is told when it is compiled.
fn is_too_large(pattern: &str) -> bool {
    let built = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
    matches!(built, Err(regex::Error::CompiledTooBig(_)))
}

struct Expansion<'a> {
    schema: &'a Value,
    /// Parts behind each reference; `None` while they are counted.
    known: HashMap<&'a str, Option<u64>>,
}

impl<'a> Expansion<'a> {
    fn parts(&mut self, node: &'a Value) -> Result<u64, String> {
        let mut sum = 1_u64;
        match node {
            Value::Array(items) => {
                for item in items {
                    sum = sum.saturating_add(self.parts(item)?);
                }
            }
            Value::Object(members) => {
                for (key, value) in members {
                    sum = sum.saturating_add(self.member(key, value)?);
                }
            }
            _ => {}
        }
        Ok(sum)
    }

    fn member(&mut self, key: &str, value: &'a Value) -> Result<u64, String> {
        match value {
            Value::String(target) if key == "$ref" => self.behind(target),
            Value::String(_) if DYNAMIC.contains(&key) => Err(format!("`{key}` is not supported")),
            _ => self.parts(value),
        }
    }

    fn behind(&mut self, target: &'a str) -> Result<u64, String> {
        match self.known.get(target) {
            Some(Some(parts)) => return Ok(*parts),
            Some(None) => return Err("a reference leads back to itself".to_owned()),
            None => {}
        }
        let pointed = target
            .strip_prefix('#')
            .map(|path| self.schema.pointer(path));
        let Some(Some(node)) = pointed else {
            return Err("a reference leads to nothing in the same document".to_owned());
        };
        self.known.insert(target, None);
        let parts = self.parts(node)?;
        self.known.insert(target, Some(parts));
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_within_the_document_are_followed() {
        let schema = json!({
            "properties": { "a": { "$ref": "#/$defs/text" }, "b": { "$ref": "#/$defs/text" } },
            "$defs": { "text": { "type": "string" } },
        });
        assert_eq!(check(&schema), Ok(()));
    }

    #[test]
    fn what_would_never_end_is_refused() {
        let mut doubling = json!({ "$defs": { "d0": {} } });
        for level in 1..64 {
            let below = json!({ "$ref": format!("#/$defs/d{}", level - 1) });
            doubling["$defs"][format!("d{level}")] = json!({ "allOf": [below, below] });
        }
        let patterns: Vec<_> = (0..101)
            .map(|n| json!({ "pattern": n.to_string() }))
            .collect();
        let cases = [
            (json!({ "anyOf": patterns }), "patterns"),
            (json!({ "pattern": "((a{100}){100}){100}" }), "too large"),
            (
                json!({ "patternProperties": { "((a{100}){100}){100}": {} } }),
                "too large",
            ),
            (json!({ "$ref": "#" }), "back to itself"),
            (
                json!({ "allOf": [{ "$ref": "#/allOf/0" }] }),
                "back to itself",
            ),
            (
                json!({ "$ref": "https://example.com/schema" }),
                "to nothing",
            ),
            (json!({ "$ref": "#anchor" }), "to nothing"),
            (json!({ "$dynamicRef": "#x" }), "not supported"),
            (doubling, "parts"),
        ];
        for (schema, expected) in cases {
            let said = check(&schema).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
    }
}
