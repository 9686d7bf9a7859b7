use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{MAX_DEPTH, XmlError, decode};

fn json(text: &str) -> Result<String, XmlError> {
    let document = decode(text)?;
    let mut out = Vec::new();
    document.write_json(document.root(), &mut out);
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

#[test]
fn xml_becomes_data_as_in_krakend() {
    let cases = [
        ("<a>text</a>", r#"{"a":"text"}"#),
        ("<a/>", r#"{"a":""}"#),
        ("<a></a>", r#"{"a":""}"#),
        ("<a> \n\t </a>", r#"{"a":""}"#),
        ("<a>  x  y  </a>", r#"{"a":"x  y"}"#),
        ("<a>1</a>", r#"{"a":"1"}"#),
        ("<a>true</a>", r#"{"a":"true"}"#),
        (r#"<a b="1"/>"#, r#"{"a":{"-b":"1"}}"#),
        (
            r#"<a b='1' c="2">x</a>"#,
            r##"{"a":{"#text":"x","-b":"1","-c":"2"}}"##,
        ),
        (r#"<a b=""></a>"#, r#"{"a":{"-b":""}}"#),
        (
            r#"<a b="x &lt; &#65; y"/>"#,
            "{\"a\":{\"-b\":\"x \\u003c A y\"}}",
        ),
        ("<a><b>1</b><c>2</c></a>", r#"{"a":{"b":"1","c":"2"}}"#),
        ("<a><b>1</b><b>2</b></a>", r#"{"a":{"b":["1","2"]}}"#),
        (
            "<a><b>1</b><c/><b>2</b><b/></a>",
            r#"{"a":{"b":["1","2",""],"c":""}}"#,
        ),
        (
            "<a><b><c>1</c></b><b><c>2</c></b></a>",
            r#"{"a":{"b":[{"c":"1"},{"c":"2"}]}}"#,
        ),
        (r#"<a b="1"><b>2</b></a>"#, r#"{"a":{"-b":"1","b":"2"}}"#),
        ("<a>x<b/></a>", r##"{"a":{"#text":"x","b":""}}"##),
        ("<a><b/>x</a>", r##"{"a":{"#text":"x","b":""}}"##),
        ("<a>x<b/>y</a>", r##"{"a":{"#text":"x","b":""}}"##),
        (
            r#"<a i="1">x<b/>y</a>"#,
            r##"{"a":{"#text":"y","-i":"1","b":""}}"##,
        ),
        (
            "<a><![CDATA[<b> & </b>]]></a>",
            "{\"a\":\"\\u003cb\\u003e \\u0026 \\u003c/b\\u003e\"}",
        ),
        ("<a>x <![CDATA[y]]><!-- no --> z</a>", r#"{"a":"x y z"}"#),
        (
            "<a>&lt;&gt;&amp;&apos;&quot;</a>",
            r#"{"a":"\u003c\u003e\u0026'\""}"#,
        ),
        ("<a>&#xe9;&#233;</a>", r#"{"a":"éé"}"#),
        ("<a>x\r\ny</a>", r#"{"a":"x\ny"}"#),
        (
            "<s:a xmlns:s='u' xmlns='v' s:t='w'/>",
            r#"{"a":{"-s":"u","-t":"w","-xmlns":"v"}}"#,
        ),
        (
            "<x:a xmlns:x='u'><y:b xmlns:y='v'>1</y:b><b>2</b></x:a>",
            r##"{"a":{"-x":"u","b":[{"#text":"1","-y":"v"},"2"]}}"##,
        ),
        (
            "<?xml version='1.0'?><!DOCTYPE a [<!ELEMENT a ANY>]><!-- c --><a><?pi x?>1</a>",
            r#"{"a":"1"}"#,
        ),
        ("  \n<a>1</a>\n", r#"{"a":"1"}"#),
        ("noise<a>1</a>", r#"{"a":"1"}"#),
        ("<a>1</a> whatever < follows &", r#"{"a":"1"}"#),
        ("<a.b-c_d>1</a.b-c_d>", r#"{"a.b-c_d":"1"}"#),
        ("<é>1</é>", r#"{"é":"1"}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(json(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_xml_is_an_error() {
    let cases = [
        ("", "EOF"),
        ("   ", "EOF"),
        ("3", "EOF"),
        ("{\"a\":1}", "EOF"),
        ("<!-- only -->", "EOF"),
        ("<a>", "unexpected EOF"),
        ("<a><b></b>", "unexpected EOF"),
        ("<a></b>", ""),
        ("<a><b></a>", ""),
        ("</a>", ""),
        ("<a b></a>", ""),
        ("<a b=1></a>", ""),
        ("<a", ""),
        ("<a>&nbsp;</a>", "entity \"nbsp\" is none of XML's own"),
        ("<a>& b</a>", ""),
        ("<a b='&x;'/>", ""),
        ("<a>&#0;</a>", ""),
        ("<a>&#x110000;</a>", ""),
        ("<></>", ""),
    ];
    for (text, message) in cases {
        let error = json(text).map_err(|error| error.to_string());
        match error {
            Ok(data) => panic!("{text} became {data}"),
            Err(error) if message.is_empty() => assert!(!error.is_empty()),
            Err(error) => assert_eq!(error, message, "{text}"),
        }
    }
}

/// "Billion laughs": ten entities, each ten times the one before.
#[test]
fn entities_of_the_document_type_are_not_expanded() {
    let mut dtd = String::from("<!ENTITY l0 'lol'>");
    for i in 1..10 {
        let inner = format!("&l{};", i - 1).repeat(10);
        let _ = write!(dtd, "<!ENTITY l{i} '{inner}'>");
    }
    let text = format!("<!DOCTYPE a [{dtd}]><a>&l9;</a>");
    assert_eq!(json(&text), Err(XmlError::Entity("l9".to_owned())));
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let text = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>";
    assert_eq!(json(text), Err(XmlError::Entity("x".to_owned())));
}

#[test]
fn elements_may_be_nested_as_deep_as_json() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(decode(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(json(&nested(MAX_DEPTH + 1)), Err(XmlError::TooDeep));
    assert_eq!(json(&"<a>".repeat(1 << 20)), Err(XmlError::TooDeep));
}

/// What would take minutes if names were compared each with each.
#[test]
fn many_names_take_no_longer_than_many_bytes() {
    let mut attributes = String::from("<a");
    let mut elements = String::from("<a>");
    for i in 0..100_000 {
        let _ = write!(attributes, " x{i}='1'");
        let _ = write!(elements, "<x{}/>", 100_000 - i);
    }
    attributes.push_str("/>");
    elements.push_str("</a>");
    for text in [
        attributes,
        elements,
        "<a>".to_owned() + &"<b/>".repeat(300_000) + "</a>",
    ] {
        let started = Instant::now();
        assert!(decode(&text).is_ok());
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in any::<String>()) {
        let _ = json(&text);
    }

    #[test]
    fn no_markup_makes_the_decoder_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<a>", "</a>", "<a/>", "<b x='1'>", "</b>", "<![CDATA[", "]]>", "<!--", "-->",
                "<?", "?>", "<!DOCTYPE a [", "]>", "&amp;", "&#", ";", "text", " ", "<", ">", "\"",
            ]),
            0..24,
        )
    ) {
        let _ = json(&parts.concat());
    }
}
