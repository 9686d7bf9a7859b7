use bytes::Bytes;
use proptest::prelude::*;

use crate::data::{Document, MAX_DEPTH, decode_json};

fn document(json: &str) -> Document {
    let body = Bytes::from(json.to_owned());
    decode_json(&body, MAX_DEPTH).expect("JSON")
}

fn xml(json: &str) -> String {
    String::from_utf8(super::write(Some(&document(json)))).expect("XML is UTF-8")
}

#[test]
fn data_becomes_xml_as_in_krakend() {
    let cases = [
        (r#"{"a":"x"}"#, "<a>x</a>"),
        (r#"{"a":1.50}"#, "<a>1.50</a>"),
        (r#"{"a":true}"#, "<a>true</a>"),
        (r#"{"a":null}"#, "<a/>"),
        (r#"{"a":""}"#, "<a/>"),
        (r#"{"a":{}}"#, "<a/>"),
        (r#"{"a":[]}"#, "<a/>"),
        ("{}", "<doc/>"),
        (r#"{"b":1,"a":2}"#, "<doc><a>2</a><b>1</b></doc>"),
        (
            r#"{"a":{"content":"supu & tupu"},"content":"tupu","foo":42}"#,
            "<doc><a><content>supu &amp; tupu</content></a><content>tupu</content><foo>42</foo></doc>",
        ),
        (r#"{"a":{"b":null,"c":[]}}"#, "<a><b/><c/></a>"),
        (r#"{"a":[1,2]}"#, "<doc><a>1</a><a>2</a></doc>"),
        (r#"{"a":[{"b":1}]}"#, "<a><b>1</b></a>"),
        (
            r#"{"x":{"a":[1,null,{"b":2},[3,[4]],[]]}}"#,
            "<x><a>1</a><a/><a><b>2</b></a><a>3</a><a>4</a><a/></x>",
        ),
        (r##"{"a":{"-id":1,"#text":"x"}}"##, r#"<a id="1">x</a>"#),
        (r#"{"a":{"-id":1}}"#, r#"<a id="1"/>"#),
        (
            r#"{"a":{"-z":1,"-b":true,"c":2}}"#,
            r#"<a b="true" z="1"><c>2</c></a>"#,
        ),
        (r##"{"a":{"#text":"x","b":1}}"##, "<a>x<b>1</b></a>"),
        (r##"{"a":{"#text":"x"}}"##, "<a>x</a>"),
        (r#"{"a":"<>&\"'"}"#, "<a>&lt;&gt;&amp;&quot;&apos;</a>"),
        (r#"{"a":"é\n\t"}"#, "<a>é\n\t</a>"),
        (r#"{"s:a":{"-xmlns:s":"u"}}"#, r#"<s:a xmlns:s="u"/>"#),
    ];
    for (json, expected) in cases {
        assert_eq!(xml(json), expected, "{json}");
    }
}

/// Where KrakenD writes something that no parser reads.
#[test]
fn what_does_not_suit_xml_is_made_to() {
    let cases = [
        (r#"{"2 b":1}"#, "<_2_b>1</_2_b>"),
        (r#"{"":1}"#, "<_>1</_>"),
        (r#"{"a<b>":1}"#, "<a_b_>1</a_b_>"),
        (r#"{"a:b:c":1}"#, "<a_b_c>1</a_b_c>"),
        (r#"{":a":1}"#, "<_a>1</_a>"),
        (
            r#"{"a":"\u0000\u0008\ufffe"}"#,
            "<a>\u{fffd}\u{fffd}\u{fffd}</a>",
        ),
        (r#"{"a":"\r"}"#, "<a>&#13;</a>"),
        (
            r#"{"a":{"-b":"x\ny\t\"<"}}"#,
            "<a b=\"x&#10;y&#9;&quot;&lt;\"/>",
        ),
        (r#"{"a":{"-b":[1,2]}}"#, "<a><b>1</b><b>2</b></a>"),
        (r#"{"a":{"-b":{"c":1}}}"#, "<a><b><c>1</c></b></a>"),
        (r#"{"a":{"-b":null}}"#, r#"<a b=""/>"#),
        (r#"{"a":{"-":1}}"#, "<a><_>1</_></a>"),
        (r#"{"a":{"-b c":1,"-b_c":2}}"#, r#"<a b_c="2"/>"#),
        (r##"{"a":{"#text":[1]}}"##, "<a><_text>1</_text></a>"),
        (r##"{"#text":"x"}"##, "<doc>x</doc>"),
        (r#"{"-a":1}"#, r#"<doc a="1"/>"#),
        (
            r#"{"a":[{"b":1},{"b":2}]}"#,
            "<doc><a><b>1</b></a><a><b>2</b></a></doc>",
        ),
        (r#"{"a":[[{}]]}"#, "<doc><a/></doc>"),
        ("null", "<doc/>"),
    ];
    for (json, expected) in cases {
        let xml = xml(json);
        assert_eq!(xml, expected, "{json}");
        assert!(roxmltree::Document::parse(&xml).is_ok(), "{xml}");
    }
    assert_eq!(super::write(None), b"<doc/>");
}

#[test]
fn the_deepest_document_is_written_without_recursion() {
    let json = "{\"a\":".repeat(MAX_DEPTH) + "1" + &"}".repeat(MAX_DEPTH);
    let expected = "<a>".repeat(MAX_DEPTH) + "1" + &"</a>".repeat(MAX_DEPTH);
    assert!(xml(&json) == expected);
}

proptest! {
    #[test]
    fn what_is_written_is_well_formed(json in super::super::tests::any_object()) {
        let xml = xml(&json);
        prop_assert!(roxmltree::Document::parse(&xml).is_ok(), "{} of {}", xml, json);
    }

    #[test]
    fn any_text_comes_back(text in any::<String>()) {
        let json = serde_json::json!({ "a": { "b": text, "-c": text } }).to_string();
        let xml = xml(&json);
        let readable = roxmltree::Document::parse(&xml).expect("well-formed");
        let expected: String = text.chars().map(|c| match c {
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c => c,
        }).collect();
        let element = readable.root_element();
        prop_assert_eq!(element.attribute("c"), Some(expected.as_str()));
        let inner = element.first_child().and_then(|child| child.text()).unwrap_or("");
        prop_assert_eq!(inner, expected);
    }
}
