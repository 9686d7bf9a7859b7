use cuttle_pipeline::config::{Loaded, Options, parse};

use super::*;

fn loaded(name: &str) -> Loaded {
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"endpoint": "/a", "backend": [{{"url_pattern": "/",
            "host": ["http://a"], "extra_config": {{"plugin/http-client": {{"name": {name}}}}}}}]}}]}}"#
    );
    parse(&text, "k.json".as_ref(), &Options::default()).unwrap()
}

fn used(loaded: &Loaded) -> &PluginUse {
    let backend = &loaded.service.endpoints[0].backends[0];
    backend.plugin.as_ref().unwrap()
}

/// What is said of `settings` for the plugins `name`, a JSON text.
fn told(name: &str, schema: &str, settings: &str) -> Vec<String> {
    let (schema, loaded) = (Schema::parse_untrusted(schema).unwrap(), loaded(name));
    let used = used(&loaded);
    let settings = serde_json::from_str(settings).unwrap();
    let violations = violations(&schema, used, &settings).into_iter();
    violations
        .map(|one| {
            let place = one.place.as_str().strip_prefix(used.place.as_str());
            format!("{}: {}", place.unwrap(), one.message)
        })
        .collect()
}

const SCHEMA: &str = r#"{
    "properties": { "name": {}, "a": { "type": "array", "items": { "type": "integer" } },
        "b": { "pattern": "^[a-z]+$" }, "c": { "enum": ["x", "y"] } },
    "required": ["a"],
    "additionalProperties": false
}"#;

#[test]
fn violations_are_told_at_their_keys_and_without_values() {
    let cases = [
        (r#"{"a": [1, "hunter2"]}"#, ".a[1]: is a string"),
        (r#"{}"#, ".a: is missing"),
        (
            r#"{"a": [], "d": "hunter2"}"#,
            ".d: is no key of the schema",
        ),
        (r#"{"a": [], "b": "hunter2"}"#, ".b: has not the form"),
        (r#"{"a": [], "c": "hunter2"}"#, ".c: is none of the values"),
    ];
    for (settings, expected) in cases {
        let told = told(r#""p""#, SCHEMA, settings);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(expected), "{told:?}");
        assert!(!told[0].contains("hunter2"), "{told:?}");
    }
    let good = r#"{"name": "p", "a": [1], "b": "abc", "c": "x"}"#;
    assert!(told(r#""p""#, SCHEMA, good).is_empty());
}

#[test]
fn in_a_list_the_settings_of_the_others_are_not_its_business() {
    let settings = r#"{"name": ["p", "q"], "a": ["hunter2"], "q": {}, "proxy_address": "x"}"#;
    let told = told(r#"["p", "q"]"#, SCHEMA, settings);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(".a[0]"), "{told:?}");
}

#[test]
fn a_schema_that_cannot_be_used_is_an_error() {
    for schema in [
        r#"{"type": "nonsense"}"#,
        r#"{"pattern": "("}"#,
        r#"{"pattern": "((a{100}){100}){100}"}"#,
        r#"{"$ref": "file:///etc/passwd"}"#,
    ] {
        assert!(Schema::parse_untrusted(schema).is_err(), "{schema}");
    }
}
