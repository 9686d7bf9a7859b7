use std::path::Path;

use cuttle_pipeline::config::{Options, parse};

use super::*;

fn sources(config: &str) -> (Sources, Vec<Problem>) {
    match parse(config, Path::new("k.json"), &Options::default()) {
        Ok(loaded) => (loaded.sources, loaded.warnings),
        Err(report) => (*report.sources.unwrap(), report.problems),
    }
}

/// What `schema` says of `config`, beside what is said anyway.
fn said(schema: &Schema, config: &str) -> Vec<String> {
    let (sources, known) = sources(config);
    let mut problems = schema.violations(&sources, &known);
    problems.sort_by_key(Problem::rank);
    let shown = problems.iter();
    shown
        .map(|problem| format!("{}: {}", problem.path, problem.message))
        .collect()
}

fn with(schema: &str, config: &str) -> Vec<String> {
    said(&Schema::parse(schema).unwrap(), config)
}

fn of_own(config: &str) -> Vec<String> {
    said(&Schema::own().unwrap(), config)
}

#[test]
fn what_the_reader_takes_in_silence_is_told() {
    let config = r#"{"version": 3, "Port": 8080, "listen_ip": "::1", "max_idle_connections": "7",
        "endpoints": [{"endpoint": "/a", "timeout": 0,
            "backend": {"url_pattern": "/", "host": "http://a"}}]}"#;
    assert_eq!(
        of_own(config),
        [
            "Port: is no key of the schema here",
            "max_idle_connections: is a string, the schema wants a whole number",
            "endpoints[0].timeout: is a number, the schema wants a string",
            "endpoints[0].backend: is an object, the schema wants a list",
        ]
    );
}

#[test]
fn what_is_said_of_a_place_already_is_not_said_again() {
    let config = r#"{"version": 2, "timout": "3s", "extra_config": {"auth/validater": {}},
        "endpoints": [{"Endpoint": "/a", "timeout": "3", "method": "TRACE", "backend": [
            {"host": ["http://a"], "encoding": "msgpack", "extra_config": {
                "backend/http/client": {"proxy_address": ["http://a:1", 7], "proxy_password": {"env": "A", "file": "b"}},
                "plugin/http-client": {"proxy_address": "http://a:1"}}}]}]}"#;
    assert_eq!(
        of_own(config),
        // The reader takes it, schemas do not.
        ["endpoints[0].Endpoint: is no key of the schema here"]
    );
}

#[test]
fn of_several_forms_the_one_that_was_meant_is_told() {
    let schema = r#"{"properties": {"endpoints": {"items": {"properties": {"x": {"anyOf": [
        {"type": "string", "minLength": 3},
        {"type": "object", "required": ["env"]}]}}}}}}"#;
    let endpoint = |x: &str| {
        let rest = r#""@endpoint": "", "endpoint": "/a", "backend": [{"host": ["http://a"]}]"#;
        format!(r#"{{"version": 3, "endpoints": [{{"x": {x}, {rest}}}]}}"#)
    };
    let without_own = |x: &str| {
        let schema = Schema::parse(schema).unwrap();
        let (sources, _) = sources(&endpoint(x));
        let problems = schema.violations(&sources, &[]);
        let problem = problems.first().unwrap();
        format!("{}: {}", problem.path, problem.message)
    };
    for (x, expected) in [
        (
            "\"ab\"",
            "endpoints[0].x: has 2 characters, the schema wants at least 3",
        ),
        (
            "{}",
            "endpoints[0].x.env: is missing: the schema requires it",
        ),
        (
            "7",
            "endpoints[0].x: has none of the forms that the schema allows",
        ),
    ] {
        assert_eq!(without_own(x), expected);
    }
}

#[test]
fn no_value_is_repeated() {
    let schema = Schema::parse(
        r#"{"additionalProperties": {"enum": ["a"], "pattern": "^b$", "maxLength": 1, "format": "ipv4",
            "not": {"type": "string"}, "const": "c", "anyOf": [{"type": "number"}, {"const": "d"}]}}"#,
    )
    .unwrap();
    let (sources, _) = sources(r#"{"version": 3, "name": "hunter2"}"#);
    let problems = schema.violations(&sources, &[]);
    assert!(!problems.is_empty());
    for problem in problems {
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        assert_eq!(problem.severity, Severity::Warning);
    }
}

#[test]
fn a_violation_is_where_it_stands() {
    let (sources, known) = sources("{\n  \"version\": 3,\n  \"max_header_bytes\": \"7\"\n}");
    let problems = Schema::own().unwrap().violations(&sources, &known);
    let problem = problems.first().unwrap();
    assert_eq!((problem.line, problem.column), (Some(3), Some(3)));
    let help = problem.help.as_deref();
    assert_eq!(
        help,
        Some("the schema says: Largest head of a request in bytes; 1 MB unless set.")
    );
}

#[test]
fn drafts_and_references_within_the_file_are_followed() {
    let draft_7 = r##"{"$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://www.krakend.io/schema/v2.13/krakend.json",
        "definitions": {"https://www.krakend.io/schema/v2.13/a.json": {"type": "integer"}},
        "properties": {
            "name": {"$ref": "#/definitions/https:~1~1www.krakend.io~1schema~1v2.13~1a.json"},
            "version": {"$ref": "krakend.json#/definitions/https:~1~1www.krakend.io~1schema~1v2.13~1a.json"}}}"##;
    let told = with(draft_7, r#"{"version": 3, "name": "x"}"#);
    assert_eq!(told, ["name: is a string, the schema wants a whole number"]);
}

#[test]
fn nothing_is_fetched_or_read_for_a_schema() {
    for (schema, reason) in [
        (
            r#"{"$ref": "http://127.0.0.1:1/a.json"}"#,
            "nothing is ever downloaded",
        ),
        (
            r#"{"$ref": "https://example.com/a.json"}"#,
            "nothing is ever downloaded",
        ),
        (
            r#"{"$ref": "file:///etc/hostname"}"#,
            "nothing is ever downloaded",
        ),
        (r#"{"$ref": "other.json"}"#, "nothing is ever downloaded"),
        (
            r#"{"$schema": "https://example.com/draft"}"#,
            "nothing is ever downloaded",
        ),
        (r##"{"$ref": "#/nowhere"}"##, "not a usable JSON Schema"),
        (r#"{"type": 7}"#, "not a usable JSON Schema"),
        (r#"{"pattern": "("}"#, "not a usable JSON Schema"),
        ("7", "not a usable JSON Schema"),
        ("{", "is not JSON"),
    ] {
        let error = Schema::parse(schema).err().unwrap();
        assert!(error.contains(reason), "{schema}: {error}");
    }
    for file in ["nowhere.json", "https://www.krakend.io/schema/krakend.json"] {
        let problem = Schema::read(Path::new(file)).err().unwrap();
        assert_eq!(problem.severity, Severity::Error);
        assert_eq!(problem.file.as_deref(), Some(Path::new(file)));
    }
}
