use bytes::Bytes;
use cuttle_config::OutputEncoding;
use http::HeaderValue;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::data::{Document, MAX_DEPTH, decode_json};

use super::Renderer;

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const YAML: &str = "application/yaml; charset=utf-8";

#[test]
fn each_encoding_writes_its_own() {
    use OutputEncoding::{Json, JsonCollection, String as Text, Xml, Yaml};
    let cases = [
        (
            Json,
            Some(r#"{"b":1.50,"a":"<é>"}"#),
            JSON,
            "{\"a\":\"\\u003cé\\u003e\",\"b\":1.50}",
        ),
        (Json, Some("null"), JSON, "null"),
        (Json, Some("{}"), JSON, "{}"),
        (Json, None, JSON, "{}"),
        (
            JsonCollection,
            Some(r#"{"collection":[1,2]}"#),
            JSON,
            "[1,2]",
        ),
        (
            JsonCollection,
            Some(r#"{"collection":{"a":1}}"#),
            JSON,
            r#"{"a":1}"#,
        ),
        (JsonCollection, Some(r#"{"collection":null}"#), JSON, "null"),
        (JsonCollection, Some(r#"{"a":1}"#), JSON, "[]"),
        (JsonCollection, Some("null"), JSON, "[]"),
        (JsonCollection, None, JSON, "[]"),
        (Text, Some(r#"{"content":"<x>\n","a":1}"#), TEXT, "<x>\n"),
        (Text, Some(r#"{"content":1}"#), TEXT, ""),
        (Text, Some(r#"{"a":"x"}"#), TEXT, ""),
        (Text, Some("null"), TEXT, ""),
        (Text, None, TEXT, ""),
        (Xml, Some(r#"{"a":1}"#), "application/xml", "<a>1</a>"),
        (Xml, Some("null"), "application/xml", "<doc/>"),
        (Xml, None, "application/xml", "<doc/>"),
        (Yaml, Some(r#"{"a":1}"#), YAML, "a: \"1\"\n"),
        (Yaml, Some("null"), YAML, "{}\n"),
        (Yaml, None, YAML, "{}\n"),
    ];
    for (encoding, data, content_type, body) in cases {
        let data = data.map(document);
        let rendered = Renderer { encoding }.render(data.as_ref(), None);
        assert_eq!(rendered.content_type, content_type, "{encoding:?}");
        assert_eq!(rendered.body, body, "{encoding:?}");
    }
}

#[test]
fn a_client_may_choose() {
    let data = document(r#"{"a":1}"#);
    let renderer = Renderer {
        encoding: OutputEncoding::Negotiate,
    };
    let cases = [
        (None, JSON, r#"{"a":1}"#),
        (Some("application/json"), JSON, r#"{"a":1}"#),
        (
            Some("application/xml"),
            "application/xml; charset=utf-8",
            "<a>1</a>",
        ),
        (Some("text/plain"), YAML, "a: \"1\"\n"),
        (Some("application/x-yaml"), YAML, "a: \"1\"\n"),
        (Some("image/png"), JSON, r#"{"a":1}"#),
    ];
    for (accept, content_type, body) in cases {
        let accept = accept.map(HeaderValue::from_static);
        let rendered = renderer.render(Some(&data), accept.as_ref());
        assert_eq!(rendered.content_type, content_type, "{accept:?}");
        assert_eq!(rendered.body, body, "{accept:?}");
    }
}

proptest! {
    #[test]
    fn json_is_read_back_by_another_parser(json in any_object()) {
        let rendered = Renderer { encoding: OutputEncoding::Json }.render(Some(&document(&json)), None);
        let read: Value = serde_json::from_slice(&rendered.body).expect("JSON");
        let expected: Value = serde_json::from_str(&json).expect("JSON");
        prop_assert_eq!(read, expected);
    }
}

fn document(json: &str) -> Document {
    decode_json(&Bytes::from(json.to_owned()), MAX_DEPTH).expect("JSON")
}

/// JSON of some object, its names and texts as odd as they come; without
/// colons in names, which XML would take for namespaces.
pub(super) fn any_object() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[a-z]{1,3}",
        "-[a-z]{1,2}",
        Just("#text".to_owned()),
        any::<String>().prop_map(|name| name.replace(':', "")),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    let members = move |value: BoxedStrategy<Value>| {
        prop::collection::vec((name.clone(), value), 0..5)
            .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
    };
    let value = leaf.prop_recursive(4, 40, 5, {
        let members = members.clone();
        move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                members(inner.boxed()),
            ]
        }
    });
    members(value.boxed()).prop_map(|object| object.to_string())
}
