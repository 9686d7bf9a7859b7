//! Settings of a plugin against the schema that its author put into the file.
//!
//! The schema is a stranger's, so it is limited before it is compiled
//! ([`Schema::parse_untrusted`]). Values of settings appear in no message, as
//! they may be secrets.

use cuttle_pipeline::config::{KeyPath, PluginUse};
use cuttle_plugin::Component;
use serde_json::{Map, Value};

use super::{Findings, plugins::Found, settings::Resolved};
use crate::{
    schema::{Schema, Violation},
    secrets::HIDDEN,
};

/// Violations that are told of one place of use.
const MAX_TOLD: usize = 20;

/// Whether `settings`, with references followed, fit the schema of the plugin.
/// A plugin without one takes what it takes.
pub(super) fn fits(
    list: &PluginUse,
    found: &Found<'_>,
    settings: &str,
    findings: &mut Findings<'_>,
) -> bool {
    // What cannot be read is the plugin's to tell.
    let mut settings: Value = serde_json::from_str(settings).unwrap_or_default();
    // A schema's author need not know of lists.
    if list.names.len() > 1
        && let Some(name) = settings.get_mut("name")
    {
        *name = found.0.name.as_str().into();
    }
    let violations = |schema: &Schema| violations(schema, list, &settings);
    follows(found, &list.place, findings, violations)
}

fn violations(schema: &Schema, list: &PluginUse, settings: &Value) -> Vec<Violation> {
    let mut violations = schema.violations(settings, &list.place);
    if list.names.len() > 1 {
        // The others' settings stand beside its own.
        violations.retain(|violation| !violation.is_unknown_key_of(&list.place));
    }
    violations
}

/// The same for a modifier, whose settings may be the member with its name.
pub(super) fn fits_own(
    used: &PluginUse,
    found: &Found<'_>,
    settings: &str,
    findings: &mut Findings<'_>,
) -> bool {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let name = &found.0.name;
    follows(found, &used.place, findings, |schema| {
        match settings.get(name).filter(|own| own.is_object()) {
            Some(own) => schema.violations(own, &used.place.key(name)),
            None => schema.violations(&settings, &used.place),
        }
    })
}

fn follows(
    (used, component): &Found<'_>,
    place: &KeyPath,
    findings: &mut Findings<'_>,
    violations: impl FnOnce(&Schema) -> Vec<Violation>,
) -> bool {
    let Some(schema) = component.settings_schema() else {
        return true;
    };
    let plugin = &used.name;
    let schema = match Schema::parse_untrusted(schema) {
        Ok(schema) => schema,
        Err(why) => {
            let message = format!("plugin `{plugin}`: its schema cannot be used: {why}");
            findings.error(place, message, None);
            return false;
        }
    };
    let violations = violations(&schema);
    for violation in violations.iter().take(MAX_TOLD) {
        let message = format!("plugin `{plugin}`: {}", violation.message);
        findings.error(&violation.place, message, violation.help.clone());
    }
    violations.is_empty()
}

/// Settings as they may be recorded, as far as this is not told by names; and the
/// secrets of them.
pub(super) fn shown_settings(
    found: &[Found<'_>],
    settings: &Resolved,
) -> (Map<String, Value>, Vec<String>) {
    let mut secrets = settings.secrets.clone();
    let mut shown = serde_json::from_str(&settings.text).unwrap_or_default();
    for (_, component) in found {
        hide_marked(component, &mut shown, &mut secrets);
    }
    let shown = match shown {
        Value::Object(shown) => shown,
        _ => Default::default(),
    };
    (shown, secrets)
}

/// Hides in `settings` what the schema of `component` marks as a secret, and adds the
/// texts to `secrets`. A schema that cannot be read marks nothing.
fn hide_marked(component: &Component, settings: &mut Value, secrets: &mut Vec<String>) {
    let schema = component.settings_schema().unwrap_or_default();
    if let Ok(schema) = serde_json::from_str(schema) {
        hide(&schema, settings, secrets);
    }
}

/// The marks of JSON Schema for what is not to be shown: `writeOnly`, and the format
/// that forms show as dots. Of a document without `$ref`: only what stands there.
fn hide(schema: &Value, value: &mut Value, secrets: &mut Vec<String>) {
    let password = schema
        .get("format")
        .is_some_and(|format| format == "password");
    if password || schema.get("writeOnly") == Some(&Value::Bool(true)) {
        note(value, secrets);
        *value = HIDDEN.into();
        return;
    }
    let part = |key: &str| schema.get(key);
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let known = part("properties").and_then(|known| known.get(key));
                if let Some(schema) = known.or(part("additionalProperties")) {
                    hide(schema, value, secrets);
                }
            }
        }
        Value::Array(items) => {
            let each = part("items").into_iter();
            each.for_each(|schema| {
                items
                    .iter_mut()
                    .for_each(|item| hide(schema, item, secrets))
            });
        }
        _ => {}
    }
}

/// All texts in `value`.
fn note(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => secrets.push(text.clone()),
        Value::Number(number) => secrets.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| note(item, secrets)),
        Value::Object(members) => members.values().for_each(|value| note(value, secrets)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
