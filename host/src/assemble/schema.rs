//! Settings of a plugin against the schema that its author put into the file.
//!
//! The schema is a stranger's: it is limited in size and depth, its patterns
//! run in linear time, and it cannot make the gateway fetch anything. Values of
//! settings appear in no message, as they may be secrets.

mod expansion;

use cuttle_pipeline::config::{KeyPath, PluginUse};
use cuttle_plugin::Component;
use jsonschema::{
    PatternOptions, ValidationError, Validator,
    error::ValidationErrorKind,
    paths::{Location, LocationSegment},
};
use serde_json::Value;

use super::Findings;

/// Violations that are told of one place of use.
const MAX_TOLD: usize = 20;
/// Bytes a compiled pattern may take.
const MAX_PATTERN: usize = 256 << 10;

/// Whether `settings`, with references followed, fit the schema of the plugin.
/// A plugin without one takes what it takes.
pub(super) fn fits(
    used: &PluginUse,
    component: &Component,
    settings: &str,
    findings: &mut Findings<'_>,
) -> bool {
    let Some(schema) = component.settings_schema() else {
        return true;
    };
    let validator = match compiled(schema) {
        Ok(validator) => validator,
        Err(why) => {
            let message = format!("plugin `{}`: its schema cannot be used: {why}", used.name);
            findings.error(&used.place, message, None);
            return false;
        }
    };
    let Ok(settings) = serde_json::from_str::<Value>(settings) else {
        // The plugin says what is wrong with them.
        return true;
    };
    let violations: Vec<_> = validator.iter_errors(&settings).take(MAX_TOLD).collect();
    for violation in &violations {
        tell(used, violation, findings);
    }
    violations.is_empty()
}

fn compiled(schema: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(schema).map_err(|error| error.to_string())?;
    expansion::check(&schema)?;
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN))
        .build(&schema)
        .map_err(|error| error.to_string())
}

fn tell(used: &PluginUse, violation: &ValidationError<'_>, findings: &mut Findings<'_>) {
    let place = place(&used.place, violation.instance_path());
    let plugin = &used.name;
    match violation.kind() {
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let message = format!("plugin `{plugin}`: is missing");
            findings.error(&place.key(key), message, None);
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for key in unexpected.iter().take(MAX_TOLD) {
                let message = format!("plugin `{plugin}`: it has no such key");
                findings.error(&place.key(key), message, None);
            }
        }
        _ => {
            let message = violation.masked().to_string();
            findings.error(&place, format!("plugin `{plugin}`: {message}"), None);
        }
    }
}

fn place(settings: &KeyPath, location: &Location) -> KeyPath {
    location
        .iter()
        .fold(settings.clone(), |at, step| match step {
            LocationSegment::Property(key) => at.key(&key),
            LocationSegment::Index(index) => at.index(index),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(schema: &str, settings: &str) -> Vec<String> {
        let validator = compiled(schema).unwrap();
        let settings = serde_json::from_str(settings).unwrap();
        let text = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"url_pattern": "/",
            "host": ["http://a"], "extra_config": {"plugin/http-client": {"name": "p"}}}]}]}"#;
        let options = cuttle_pipeline::config::Options::default();
        let loaded = cuttle_pipeline::config::parse(text, "k.json".as_ref(), &options).unwrap();
        let used = loaded.service.endpoints[0].backends[0]
            .plugin
            .as_ref()
            .unwrap();
        let mut findings = Findings::new(&loaded);
        for violation in validator.iter_errors(&settings) {
            tell(used, &violation, &mut findings);
        }
        let told = findings.problems.iter().filter_map(|one| {
            let place = one.path.as_str().strip_prefix(used.place.as_str())?;
            Some(format!("{place}: {}", one.message))
        });
        told.collect()
    }

    #[test]
    fn violations_are_told_at_their_keys_and_without_values() {
        let schema = r#"{
            "properties": { "name": {}, "a": { "type": "array", "items": { "type": "integer" } },
                "b": { "pattern": "^[a-z]+$" }, "c": { "enum": ["x", "y"] } },
            "required": ["a"],
            "additionalProperties": false
        }"#;
        let cases = [
            (
                r#"{"a": [1, "hunter2"]}"#,
                ".a[1]: plugin `p`: value is not of type",
            ),
            (r#"{}"#, ".a: plugin `p`: is missing"),
            (
                r#"{"a": [], "d": "hunter2"}"#,
                ".d: plugin `p`: it has no such key",
            ),
            (
                r#"{"a": [], "b": "hunter2"}"#,
                ".b: plugin `p`: value does not match",
            ),
            (
                r#"{"a": [], "c": "hunter2"}"#,
                ".c: plugin `p`: value is not one of",
            ),
        ];
        for (settings, expected) in cases {
            let told = told(schema, settings);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(expected), "{told:?}");
            assert!(!told[0].contains("hunter2"), "{told:?}");
        }
        assert!(told(schema, r#"{"name": "p", "a": [1], "b": "abc", "c": "x"}"#).is_empty());
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_an_error() {
        for schema in [
            r#"{"type": "nonsense"}"#,
            r#"{"pattern": "("}"#,
            r#"{"pattern": "((a{100}){100}){100}"}"#,
            r#"{"$ref": "file:///etc/passwd"}"#,
        ] {
            assert!(compiled(schema).is_err(), "{schema}");
        }
    }
}
