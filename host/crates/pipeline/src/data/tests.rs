use super::*;
use bytes::Bytes;

mod laws;

pub(super) fn decoded(text: &str) -> Document {
    decode_json(&Bytes::copy_from_slice(text.as_bytes()), MAX_DEPTH).unwrap()
}

pub(super) fn encoded(document: &Document) -> String {
    let mut out = Vec::new();
    document.write_json(document.root(), &mut out);
    String::from_utf8(out).unwrap()
}

/// It decides where a document is written.
#[test]
fn a_large_text_is_large_data() {
    let text = "x".repeat(1 << 20);
    for json in [format!("[\"{text}\"]"), format!("{{\"{text}\\n\": 1}}")] {
        assert!(decoded(&json).size() >= text.len());
    }
    let many = decoded(&format!("[{}1]", "1,".repeat(9999)));
    assert!(many.size() >= 100_000);
    assert!(decoded(r#"{"a": 1}"#).size() < 100);
}

fn error(body: &[u8]) -> String {
    let error = decode_json(&Bytes::copy_from_slice(body), MAX_DEPTH).unwrap_err();
    error.to_string()
}

#[test]
fn values_survive_a_round_trip() {
    for (given, expected) in [
        ("{}", "{}"),
        ("[]", "[]"),
        ("null", "null"),
        (
            "\t[ true , false , null , \"\" ]\r\n",
            r#"[true,false,null,""]"#,
        ),
        ("[[],{},[[{}]],0]", "[[],{},[[{}]],0]"),
        (
            r#"{"a":{"b":[{"c":"d"},1]}}"#,
            r#"{"a":{"b":[{"c":"d"},1]}}"#,
        ),
    ] {
        assert_eq!(encoded(&decoded(given)), expected, "{given}");
    }
}

#[test]
fn numbers_keep_their_text() {
    let numbers = "[0,-0,1.50,1e5,1E+5,1.0e-07,123456789012345678901234567890,0.1000]";
    assert_eq!(encoded(&decoded(numbers)), numbers);
    assert_eq!(encoded(&decoded("-1.50 ")), "-1.50");
}

#[test]
fn keys_are_sorted_by_their_bytes_and_the_last_of_equal_ones_wins() {
    for (given, expected) in [
        (r#"{"b":1,"a":2}"#, r#"{"a":2,"b":1}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        (
            r#"{"b":1,"a":2,"b":{"x":1},"a":3,"a":4}"#,
            r#"{"a":4,"b":{"x":1}}"#,
        ),
        (r#"{"\u0061":1,"a":2}"#, r#"{"a":2}"#),
        (
            r#"{"aa":1,"a":2,"B":3,"é":4,"z":5,"":6}"#,
            r#"{"":6,"B":3,"a":2,"aa":1,"z":5,"é":4}"#,
        ),
        (r#"{"l":[{"b":1,"a":2}]}"#, r#"{"l":[{"a":2,"b":1}]}"#),
    ] {
        assert_eq!(encoded(&decoded(given)), expected, "{given}");
    }
}

#[test]
fn escapes_are_those_of_go() {
    for (given, expected) in [
        (r#""\"\\\/\b\f\n\r\t""#, r#""\"\\/\b\f\n\r\t""#),
        (r#""\u0000\u001f\u007f""#, "\"\\u0000\\u001f\u{7f}\""),
        (
            r#""<a href='x'>&</a>""#,
            r#""\u003ca href='x'\u003e\u0026\u003c/a\u003e""#,
        ),
        (r#""\u003c\u0026""#, r#""\u003c\u0026""#),
        (
            "\"\u{2028}\u{2029}\u{2027}€\"",
            "\"\\u2028\\u2029\u{2027}€\"",
        ),
        (r#""\u2028""#, r#""\u2028""#),
        (r#""\u00e9\u20AC\ud83d\ude00""#, "\"é€😀\""),
        (r#"{"<\n":"k"}"#, r#"{"\u003c\n":"k"}"#),
    ] {
        assert_eq!(encoded(&decoded(given)), expected, "{given}");
    }
}

#[test]
fn what_is_no_unicode_becomes_a_replacement_character() {
    for (given, expected) in [
        (&br#""\ud800""#[..], "\u{fffd}"),
        (br#""\udc00\ud800x""#, "\u{fffd}\u{fffd}x"),
        (br#""\ud83d\u0041""#, "\u{fffd}A"),
        (br#""\ud83d\n""#, "\u{fffd}\n"),
        (b"\"a\xffb\"", "a\u{fffd}b"),
        // One for each byte.
        (b"\"\xe2\x80\"", "\u{fffd}\u{fffd}"),
        (b"\"\xed\xa0\x80\"", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"\"\xe2\\n\xc3\xa9\"", "\u{fffd}\né"),
    ] {
        let document = decode_json(&Bytes::copy_from_slice(given), MAX_DEPTH).unwrap();
        assert_eq!(document.text(document.root()), expected, "{given:?}");
    }
    let keys = Bytes::from_static(b"{\"\xff\":1,\"\\ud800\":2,\"ok\":3}");
    let document = decode_json(&keys, MAX_DEPTH).unwrap();
    assert_eq!(encoded(&document), "{\"ok\":3,\"\u{fffd}\":2}");
}

#[test]
fn what_follows_the_first_value_is_not_looked_at() {
    for (given, expected) in [
        ("{} garbage", "{}"),
        ("[1]]", "[1]"),
        ("{\"a\":1}{\"b\":2}", "{\"a\":1}"),
        ("\"a\"x", "\"a\""),
        ("12x", "12"),
        ("truex", "true"),
    ] {
        assert_eq!(encoded(&decoded(given)), expected, "{given}");
    }
}

#[test]
fn errors_are_told_in_the_words_of_go() {
    for (given, expected) in [
        ("", "EOF"),
        (" \n", "EOF"),
        ("{", "unexpected EOF"),
        ("[1,", "unexpected EOF"),
        ("[1", "unexpected EOF"),
        (r#"{"a"#, "unexpected EOF"),
        (r#"{"a\"#, "unexpected EOF"),
        (r#"{"a\u12"#, "unexpected EOF"),
        (r#"{"a""#, "unexpected EOF"),
        (r#"{"a":"#, "unexpected EOF"),
        (r#"{"a":1"#, "unexpected EOF"),
        ("tru", "unexpected EOF"),
        ("-", "unexpected EOF"),
        ("1.", "unexpected EOF"),
        ("1e", "unexpected EOF"),
        (
            "<html>",
            "invalid character '<' looking for beginning of value",
        ),
        (
            "\u{feff}{}",
            "invalid character 'ï' looking for beginning of value",
        ),
        (
            "'a'",
            r"invalid character '\'' looking for beginning of value",
        ),
        ("\"\n\"", r"invalid character '\n' in string literal"),
        ("\"\u{1}\"", r"invalid character '\x01' in string literal"),
        (
            "\0",
            r"invalid character '\x00' looking for beginning of value",
        ),
        (
            "\u{a0}",
            "invalid character 'Â' looking for beginning of value",
        ),
        ("[,", "invalid character ',' looking for beginning of value"),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        ("[01]", "invalid character '1' after array element"),
        ("[1}", "invalid character '}' after array element"),
        (
            "{,",
            "invalid character ',' looking for beginning of object key string",
        ),
        (
            "{1:2}",
            "invalid character '1' looking for beginning of object key string",
        ),
        (
            r#"{"a":1,}"#,
            "invalid character '}' looking for beginning of object key string",
        ),
        (r#"{"a" 1}"#, "invalid character '1' after object key"),
        (
            r#"{"a":1 "b""#,
            "invalid character '\"' after object key:value pair",
        ),
        (
            r#"{"a":1]"#,
            "invalid character ']' after object key:value pair",
        ),
        ("-x", "invalid character 'x' in numeric literal"),
        (
            "1.x",
            "invalid character 'x' after decimal point in numeric literal",
        ),
        (
            "1e+x",
            "invalid character 'x' in exponent of numeric literal",
        ),
        (
            "txue",
            "invalid character 'x' in literal true (expecting 'r')",
        ),
        (
            "falsx",
            "invalid character 'x' in literal false (expecting 'e')",
        ),
        (
            "nil",
            "invalid character 'i' in literal null (expecting 'u')",
        ),
        (r#""\x""#, "invalid character 'x' in string escape code"),
        (
            r#""\u12x4""#,
            r"invalid character 'x' in \u hexadecimal character escape",
        ),
    ] {
        assert_eq!(error(given.as_bytes()), expected, "{given}");
    }
    let shape = JsonError::Shape {
        found: Kind::Array,
        wanted: JsonError::MAP,
    };
    assert_eq!(
        shape.to_string(),
        "json: cannot unmarshal array into Go value of type map[string]interface {}"
    );
}

#[test]
fn depth_is_bounded_and_overflows_no_stack() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let inner = if close == "}" { "1" } else { "" };
        let nested = |depth: usize| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        let deepest = nested(MAX_DEPTH);
        assert_eq!(encoded(&decoded(&deepest)), deepest);
        assert_eq!(
            error(nested(MAX_DEPTH + 1).as_bytes()),
            "exceeded max depth"
        );
        assert_eq!(error(open.repeat(1 << 20).as_bytes()), "exceeded max depth");
    }
    assert!(decode_json(&Bytes::from_static(b"[[]]"), 1).is_err());
    assert!(decode_json(&Bytes::from_static(b"[[],[],[]]"), 2).is_ok());
}

#[test]
fn members_are_found_by_key() {
    let document = decoded(r#"{"b":1,"a":"x","c":[2]}"#);
    let root = document.root();
    let text = |key| document.get(root, key).map(|node| document.text(node));
    assert_eq!(text("a"), Some("x"));
    assert_eq!(text("b"), Some("1"));
    assert_eq!(text("c"), Some(""));
    assert_eq!(text("aa"), None);
    assert_eq!(text(""), None);
    assert_eq!(text("d"), None);
    let list = document.get(root, "c").unwrap();
    assert_eq!(document.get(list, ""), None);
    let keys: Vec<_> = document.children(root).map(|(key, _)| key).collect();
    assert_eq!(keys, [Some("a"), Some("b"), Some("c")]);
    let keys: Vec<_> = document.children(list).map(|(key, _)| key).collect();
    assert_eq!(keys, [None]);
}

#[test]
fn documents_are_built_and_changed() {
    let mut document = Document::object();
    let root = document.root();
    for key in ["m", "z", "a", "m"] {
        let value = document.string(key);
        document.insert(root, key, value);
    }
    let list = document.array();
    for value in [document.null(), document.bool(true), document.number("1.0")] {
        document.push(list, value);
    }
    document.insert(root, "m", list);
    assert_eq!(
        encoded(&document),
        r#"{"a":"a","m":[null,true,1.0],"z":"z"}"#
    );

    assert!(document.remove(root, "z").is_some());
    assert!(document.remove(root, "z").is_none());
    let value = document.string("n");
    document.insert(root, "n", value);
    assert!(document.remove(root, "a").is_some());
    assert_eq!(encoded(&document), r#"{"m":[null,true,1.0],"n":"n"}"#);

    let first = document.ids(list).next().unwrap();
    document.take(list, first);
    document.push(list, first);
    assert_eq!(encoded(&document), r#"{"m":[true,1.0,null],"n":"n"}"#);
    assert!(document.remove(root, "m").is_some());
    assert!(document.remove(root, "n").is_some());
    assert!(document.is_empty(root));
    let value = document.bool(false);
    document.insert(root, "b", value);
    assert_eq!(encoded(&document), r#"{"b":false}"#);
}

#[test]
fn an_object_of_many_members_is_sorted_once() {
    let mut document = Document::object();
    let one = document.number("1");
    let two = document.number("2");
    let three = document.number("3");
    let object = document.object_of([("b", one), ("a", two), ("b", three)]);
    document.set_root(object);
    assert_eq!(encoded(&document), r#"{"a":2,"b":3}"#);
}

#[test]
fn scalars_have_no_children_to_change() {
    let mut document = decoded(r#""text""#);
    let root = document.root();
    let value = document.null();
    document.push(root, value);
    document.insert(root, "a", value);
    document.overlay(root, value);
    assert!(document.is_empty(root));
    assert_eq!(document.remove(root, "a"), None);
    assert_eq!(encoded(&document), r#""text""#);
}

#[test]
fn overlaying_replaces_and_empties_the_other() {
    let mut document = decoded(r#"{"a":{"x":1,"y":2},"b":{"z":3,"y":4,"w":5}}"#);
    let (onto, from) = (
        document.get(document.root(), "a").unwrap(),
        document.get(document.root(), "b").unwrap(),
    );
    document.overlay(onto, from);
    assert_eq!(
        encoded(&document),
        r#"{"a":{"w":5,"x":1,"y":4,"z":3},"b":{}}"#
    );
}

#[test]
fn absorbing_never_runs_out_of_sources() {
    let mut document = Document::object();
    let list = document.array();
    for number in 0..70_000 {
        let mut other = decoded(&format!(r#"{{"a\n":"{number}"}}"#));
        let own = other.string("own");
        other.insert(other.root(), "b", own);
        let moved = document.absorb(other);
        document.push(list, moved);
    }
    for (number, moved) in document.ids(list).enumerate() {
        let value = document.get(moved, "a\n").unwrap();
        assert_eq!(document.text(value), number.to_string());
        assert_eq!(document.text(document.get(moved, "b").unwrap()), "own");
    }
}

#[test]
fn what_was_absorbed_can_grow() {
    let mut document = decoded("[0]");
    let moved = document.absorb(decoded(r#"{"a":[1],"b":2}"#));
    let list = document.get(moved, "a").unwrap();
    let value = document.null();
    document.push(list, value);
    let value = document.null();
    document.insert(moved, "c", value);
    document.push(document.root(), moved);
    assert_eq!(encoded(&document), r#"[0,{"a":[1,null],"b":2,"c":null}]"#);
}

#[test]
fn a_node_of_another_document_reads_as_null() {
    let other = decoded("[1,2,3]");
    let last = other.ids(other.root()).last().unwrap();
    let mut document = Document::object();
    assert_eq!(document.kind(last), Kind::Null);
    document.make_object(last);
    assert_eq!(encoded(&document), "{}");
}

#[test]
fn debug_shows_no_data() {
    let shown = format!("{:?}", decoded(r#"{"password":"secret"}"#));
    assert!(
        !shown.contains("secret") && !shown.contains("password"),
        "{shown}"
    );
}
