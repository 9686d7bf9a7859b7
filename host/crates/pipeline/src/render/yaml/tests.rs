use bytes::Bytes;
use proptest::prelude::*;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

use crate::data::{MAX_DEPTH, decode_json};

use super::{LONG_KEY, MAX_INDENT};

fn yaml(json: &str) -> String {
    let body = Bytes::from(json.to_owned());
    let document = decode_json(&body, MAX_DEPTH).expect("JSON");
    String::from_utf8(super::write(Some(&document))).expect("YAML is UTF-8")
}

#[test]
fn data_becomes_yaml() {
    let cases = [
        ("{}", "{}\n"),
        ("null", "{}\n"),
        (r#"{"a":1}"#, "a: \"1\"\n"),
        (r#"{"a":1.50,"b":-1e5}"#, "a: \"1.50\"\nb: \"-1e5\"\n"),
        (
            r#"{"a":true,"b":false,"c":null}"#,
            "a: true\nb: false\nc: null\n",
        ),
        (r#"{"a":"text","b":"two words"}"#, "a: text\nb: two words\n"),
        (
            r#"{"b":1,"a":{"d":"x","c":"y"}}"#,
            "a:\n  c: \"y\"\n  d: x\nb: \"1\"\n",
        ),
        (r#"{"a":["x","z"]}"#, "a:\n  - x\n  - z\n"),
        (
            r#"{"a":[{"b":"x","c":["u","v"]},["w",["k"]]]}"#,
            "a:\n  - b: x\n    c:\n      - u\n      - v\n  - - w\n    - - k\n",
        ),
        (r#"{"a":[],"b":{}}"#, "a: []\nb: {}\n"),
        (r#"{"a":[[],{}]}"#, "a:\n  - []\n  - {}\n"),
        (r#"{"a":"http://x/y?z=1"}"#, "a: http://x/y?z=1\n"),
        (r#"{"a":"é"}"#, "a: é\n"),
    ];
    for (json, expected) in cases {
        assert_eq!(yaml(json), expected, "{json}");
    }
    assert_eq!(super::write(None), b"{}\n");
}

/// What one or the other version of YAML takes for something else.
#[test]
fn text_stays_text() {
    for text in [
        "",
        " ",
        "1",
        "0x1",
        "1_000",
        "12:30",
        "2024-01-01",
        ".5",
        ".inf",
        "-",
        "- a",
        "?",
        ":",
        "~",
        "null",
        "Null",
        "NULL",
        "true",
        "True",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "<<",
        "=",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "a ",
        " a",
        "'a'",
        "\"a\"",
        "[a]",
        "{a}",
        "a,b",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "a\nb",
        "a\tb",
        "a\\b",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{fffe}",
        "---",
        "...",
        "--- a",
    ] {
        let json = serde_json::json!({ "a": text }).to_string();
        let expected = serde_json::json!({ "a": text });
        let yaml = yaml(&json);
        assert!(yaml.starts_with("a: \""), "{yaml}");
        assert_eq!(parse(&yaml), Ok(expected), "{yaml}");
        let json = serde_json::json!({ text: "x" }).to_string();
        let expected = serde_json::json!({ text: "x" });
        assert_eq!(parse(&self::yaml(&json)), Ok(expected), "{text:?} as a key");
    }
}

#[test]
fn deep_nesting_does_not_multiply() {
    let nested = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    let yaml_text = yaml(&nested(MAX_DEPTH));
    assert!(yaml_text.len() < 20 * MAX_DEPTH, "{}", yaml_text.len());
    for depth in [MAX_INDENT - 1, MAX_INDENT, MAX_INDENT + 1, 100] {
        let json = nested(depth);
        let expected: Value = serde_json::from_str(&json.replace('1', "\"1\"")).expect("JSON");
        assert_eq!(parse(&yaml(&json)), Ok(expected), "{depth}");
    }
}

#[test]
fn a_key_may_be_longer_than_yaml_looks_for_its_colon() {
    for length in [LONG_KEY - 1, LONG_KEY, 5000] {
        let key = "k".repeat(length);
        let value = serde_json::json!({ key: { "b": [{ "c": "x" }] }, "z": "w" });
        assert_eq!(parse(&yaml(&value.to_string())), Ok(value), "{length}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(json in super::super::tests::any_object()) {
        let yaml = yaml(&json);
        let mut expected: Value = serde_json::from_str(&json).expect("JSON");
        numbers_to_text(&mut expected);
        prop_assert_eq!(parse(&yaml), Ok(expected), "{}", yaml);
    }
}

fn numbers_to_text(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(numbers_to_text),
        Value::Object(members) => members.values_mut().for_each(numbers_to_text),
        _ => {}
    }
}

/// Data of YAML as an independent parser understands it.
fn parse(yaml: &str) -> Result<Value, String> {
    enum Open {
        List(Vec<Value>),
        Object(serde_json::Map<String, Value>, Option<String>),
    }
    let mut stack = Vec::new();
    for event in Parser::new_from_str(yaml) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        let value = match event {
            Event::Scalar(text, style, ..) => match (&*text, style) {
                ("null", ScalarStyle::Plain) => Value::Null,
                ("true", ScalarStyle::Plain) => Value::Bool(true),
                ("false", ScalarStyle::Plain) => Value::Bool(false),
                (text, _) => Value::String(text.to_owned()),
            },
            Event::SequenceStart(..) => {
                stack.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Open::Object(serde_json::Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(Open::List(items)) => Value::Array(items),
                Some(Open::Object(members, _)) => Value::Object(members),
                None => return Err("unbalanced".to_owned()),
            },
            _ => continue,
        };
        match stack.last_mut() {
            None => return Ok(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Object(members, key)) => match (key.take(), value) {
                (Some(key), value) => {
                    members.insert(key, value);
                }
                (None, Value::String(text)) => *key = Some(text),
                (None, other) => return Err(format!("{other} as a key")),
            },
        }
    }
    Err("no document".to_owned())
}
