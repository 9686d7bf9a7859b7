use std::time::{Duration, Instant};

use bytes::Bytes;
use cuttle_config::Encoding;
use http::HeaderValue;
use proptest::prelude::*;

use super::{DecodeError, Decoder};

fn decoded(encoding: Encoding, is_collection: bool, body: &[u8]) -> Result<String, String> {
    let decoder = Decoder {
        encoding,
        is_collection,
    };
    let content_type = HeaderValue::from_static("application/octet-stream");
    let document = decoder
        .decode(Some(&content_type), Bytes::copy_from_slice(body))
        .map_err(|error: DecodeError| error.to_string())?;
    let mut out = Vec::new();
    document.write_json(document.root(), &mut out);
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

#[test]
fn each_encoding_makes_an_object_of_a_body() {
    use Encoding::{Json, SafeJson, String as Text, Xml, Yaml};
    let cases = [
        (Json, false, r#"{"a":1.50}"#, r#"{"a":1.50}"#),
        (Json, false, "null", "null"),
        (Json, false, "{} trailing garbage", "{}"),
        (
            Json,
            true,
            r#"[1,{"a":2}]"#,
            r#"{"collection":[1,{"a":2}]}"#,
        ),
        (Json, true, "[]", r#"{"collection":[]}"#),
        (Json, true, "null", r#"{"collection":null}"#),
        (SafeJson, false, r#"{"a":1}"#, r#"{"a":1}"#),
        (SafeJson, true, r#"{"a":1}"#, r#"{"a":1}"#),
        (SafeJson, false, "[1]", r#"{"collection":[1]}"#),
        (SafeJson, false, "1e5", r#"{"content":1e5}"#),
        (SafeJson, false, "\"x\"", r#"{"content":"x"}"#),
        (SafeJson, false, "null", r#"{"content":null}"#),
        (SafeJson, false, "true", r#"{"content":true}"#),
        (Text, false, "any text", r#"{"content":"any text"}"#),
        (Text, true, "[1]", r#"{"content":"[1]"}"#),
        (Text, false, "", r#"{"content":""}"#),
        (Xml, false, "<a>1</a>", r#"{"a":"1"}"#),
        (Xml, true, "<a><b/></a>", r#"{"collection":{"a":{"b":""}}}"#),
        (Yaml, false, "a: 1.50", r#"{"a":1.50}"#),
        (Yaml, false, "~", "null"),
        (Yaml, true, "- 1", r#"{"collection":[1]}"#),
    ];
    for (encoding, is_collection, body, expected) in cases {
        let data = decoded(encoding, is_collection, body.as_bytes());
        assert_eq!(data.as_deref(), Ok(expected), "{encoding:?} of {body}");
    }
}

#[test]
fn a_body_of_another_shape_is_an_error_in_krakends_words() {
    use Encoding::{Json, SafeJson, Xml, Yaml};
    let map = "json: cannot unmarshal array into Go value of type map[string]interface {}";
    let list = "json: cannot unmarshal object into Go value of type []interface {}";
    let cases = [
        (Json, false, "[1]", map),
        (Json, true, "{}", list),
        (Json, false, "", "EOF"),
        (Json, true, " \n", "EOF"),
        (Json, false, "{\"a\":", "unexpected EOF"),
        (
            Json,
            false,
            "<html>",
            "invalid character '<' looking for beginning of value",
        ),
        (SafeJson, false, "", "EOF"),
        (Xml, false, "", "EOF"),
        (Xml, false, "{}", "EOF"),
        (Yaml, false, "- 1", map),
        (Yaml, true, "a: 1", list),
        (Yaml, false, "", "EOF"),
    ];
    for (encoding, is_collection, body, expected) in cases {
        let error = decoded(encoding, is_collection, body.as_bytes());
        assert_eq!(error, Err(expected.to_owned()), "{encoding:?} of {body}");
    }
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    let data = decoded(Encoding::String, false, b"a\xff\xe2\x82z");
    assert_eq!(
        data.as_deref(),
        Ok("{\"content\":\"a\u{fffd}\u{fffd}\u{fffd}z\"}")
    );
}

#[test]
fn an_xml_document_may_have_its_charset_from_the_header() {
    let decoder = Decoder {
        encoding: Encoding::Xml,
        is_collection: false,
    };
    let content_type = HeaderValue::from_static("text/xml; charset=iso-8859-1");
    let body = Bytes::from_static(b"<a>\xe9</a>");
    let document = decoder
        .decode(Some(&content_type), body.clone())
        .expect("XML");
    let value = document.get(document.root(), "a").expect("an element");
    assert_eq!(document.text(value), "é");
    let error = decoder.decode(None, body).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "invalid UTF-8 at byte 3");
}

/// Each is a few bytes to send and much to do for a careless decoder.
#[test]
fn hostile_bodies_fail_soon() {
    use Encoding::{Json, Rss, SafeJson, Xml, Yaml};
    let deep = |open: &str| open.repeat(1 << 20);
    let cases = [
        (Json, deep("{\"a\":")),
        (SafeJson, deep("[")),
        (Xml, deep("<a>")),
        (Rss, format!("<rss><channel>{}", deep("<a>"))),
        (Yaml, deep("- ")),
        (Yaml, deep("[")),
    ];
    for (encoding, body) in cases {
        let started = Instant::now();
        let result = decoded(encoding, false, body.as_bytes());
        assert!(result.is_err(), "{encoding:?}");
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{encoding:?}: {:?}",
            started.elapsed()
        );
    }
    let huge = format!("{{\"a\":{}}}", "9".repeat(1 << 20));
    assert_eq!(decoded(Json, false, huge.as_bytes()), Ok(huge));
}

proptest! {
    #[test]
    fn no_body_makes_a_decoder_panic(
        encoding in prop::sample::select(vec![
            Encoding::Json, Encoding::SafeJson, Encoding::Xml, Encoding::Rss, Encoding::Yaml,
            Encoding::String, Encoding::NoOp,
        ]),
        is_collection: bool,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = decoded(encoding, is_collection, &body);
    }
}
