//! What the types cannot say.

use serde_json::{Map, Value, json};

use super::super::{
    namespaces::{self, Level},
    not_yet, section,
};

/// Makes `schema` and all below it what editors understand well: keys that are
/// not there are left out, not null, and comments may stand everywhere.
pub(super) fn polish(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(polish),
        Value::Object(object) => {
            without_null(object);
            closed(object);
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            object.values_mut().for_each(polish);
        }
        _ => {}
    }
}

fn without_null(object: &mut Map<String, Value>) {
    let formats = ["uint", "int", "uint8", "uint16", "uint32", "uint64"];
    if object
        .get("format")
        .is_some_and(|f| formats.iter().any(|known| f == known))
    {
        object.remove("format");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|one| !one.is_null());
    }
    let Some(Value::Array(forms)) = object.get_mut("anyOf") else {
        return;
    };
    forms.retain(|form| *form != json!({ "type": "null" }));
    if let [only] = forms.as_slice() {
        let only = only.as_object().cloned().unwrap_or_default();
        object.remove("anyOf");
        object.extend(only);
    }
}

/// An object with known keys also has comments.
fn closed(object: &mut Map<String, Value>) {
    if let Some(closed) = object.remove("unevaluatedProperties") {
        object.insert("additionalProperties".to_owned(), closed);
    }
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        let comments = json!({ section::COMMENTS: true });
        object.insert("patternProperties".to_owned(), comments);
    }
}

/// Keys that the readers warn about.
pub(super) fn add_keys_without_effect(schema: &mut Value) {
    for (pointer, table) in [
        ("", not_yet::SERVICE),
        ("/$defs/Router", not_yet::ROUTER),
        ("/$defs/Logging", not_yet::LOGGING),
    ] {
        let described = table.iter().map(|key| {
            let text = format!("Not implemented, without effect: {}.", key.help());
            (key.name, json!({ "description": text, "deprecated": true }))
        });
        add(schema, pointer, described);
    }
}

/// Namespaces that KrakenD knows and that are not served, and those of
/// KrakenD 1.x, whose content editors do not see through.
pub(super) fn add_namespaces(schema: &mut Value) {
    for (pointer, level) in [
        ("/$defs/ServiceExtra", Level::Service),
        ("/$defs/EndpointExtra", Level::Endpoint),
        ("/$defs/BackendExtra", Level::Backend),
    ] {
        let unserved = namespaces::all_unserved(level).map(|(name, unserved)| {
            let text = format!("Not implemented: {unserved}.");
            let types = ["object", "array"];
            (
                name,
                json!({ "description": text, "type": types, "deprecated": true }),
            )
        });
        add(schema, pointer, unserved);
        let aliases = schema.pointer_mut(&format!("{pointer}/patternProperties"));
        if let Some(Value::Object(patterns)) = aliases {
            let text = "Name of KrakenD 1.x: the short ones are checked better.";
            let alias = json!({ "description": text, "deprecated": true });
            patterns.insert("^github[._]com/".to_owned(), alias);
        }
    }
}

/// Adds properties; those that are there stay.
fn add<'a>(schema: &mut Value, pointer: &str, properties: impl Iterator<Item = (&'a str, Value)>) {
    let found = schema.pointer_mut(&format!("{pointer}/properties"));
    let Some(Value::Object(known)) = found else {
        return;
    };
    for (name, property) in properties {
        known.entry(name).or_insert(property);
    }
}

/// `schema` with what is for people first.
pub(super) fn beginning_with(names: &[&str], mut schema: Value) -> Value {
    let Value::Object(old) = &mut schema else {
        return schema;
    };
    let mut new = Map::new();
    for name in names {
        new.extend(
            old.shift_remove(*name)
                .map(|value| ((*name).to_owned(), value)),
        );
    }
    new.append(old);
    Value::Object(new)
}
