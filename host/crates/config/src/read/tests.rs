use std::path::Path;

use super::{Locator, Node, Place, Value, parse};

/// The tree of `text` as compact JSON.
fn read(name: &str, text: &str) -> Result<Node, String> {
    parse(text, Path::new(name))
        .map(|tree| tree.root)
        .map_err(|error| error.message)
}

#[test]
fn yaml_scalars_follow_the_core_schema() {
    let cases = [
        ("~", "null"),
        ("", "null"),
        ("null", "null"),
        ("true", "true"),
        ("yes", "\"yes\""),
        ("'true'", "\"true\""),
        ("!!str 5", "\"5\""),
        ("5", "5"),
        ("-5", "-5"),
        ("+5", "5"),
        ("-0", "-0"),
        ("007", "7"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("1.50", "1.50"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1e3"),
        ("1.E+3", "1e+3"),
        ("1e", "\"1e\""),
        (".", "\".\""),
        (".inf", "\".inf\""),
        (".nan", "\".nan\""),
        ("1_000", "\"1_000\""),
        ("12:30", "\"12:30\""),
        ("2026-11-23", "\"2026-11-23\""),
    ];
    for (scalar, expected) in cases {
        let root = read("k.yaml", &format!("a: {scalar}\n")).unwrap();
        assert_eq!(root.to_json(), format!(r#"{{"a":{expected}}}"#), "{scalar}");
    }
}

#[test]
fn yaml_merge_keys_fill_in_what_is_not_there() {
    let text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n  y: 3\n";
    let root = read("k.yaml", text).unwrap();
    assert!(root.to_json().ends_with(r#""c":{"y":3,"x":1,"z":2}}"#));
}

#[test]
fn toml_values_become_those_of_json() {
    let text = "a = 0x1F\nb = 1_000\nc = 1.5\nd = inf\ne = 2026-11-23\nf.g = [true, {h = \"\"}]\n";
    assert_eq!(
        read("k.toml", text).unwrap().to_json(),
        r#"{"a":31,"b":1000,"c":1.5,"d":"inf","e":"2026-11-23","f":{"g":[true,{"h":""}]}}"#
    );
}

#[test]
fn json_is_strict() {
    let refused = [
        "{\"a\": 1,}",
        "{a: 1}",
        "{'a': 1}",
        "{\"a\": 0x1}",
        "{\"a\": +1}",
        "{\"a\": .5}",
        "{\"a\": NaN}",
        "{\"a\": 1 \"b\": 2}",
        "{\"a\": 1} {}",
        "{\"a\": \"\\x41\"}",
        "{\"a\"}",
        "{\"a\": 1 /* */}",
        "{",
        "",
        "{,}",
        "{\"a\": 01}",
        "{\"a\": \"\u{1}\"}",
    ];
    for text in refused {
        assert!(read("k.json", text).is_err(), "{text}");
    }
}

#[test]
fn every_format_knows_the_place_of_keys_and_values() {
    let cases = [
        (
            "k.json",
            "{\n  \"ä\": 1, \"a\": [\n 2]}",
            [(2, 11), (2, 16), (3, 2)],
        ),
        ("k.yaml", "ä: 1\n\na:\n  - 2\n", [(3, 1), (4, 3), (4, 5)]),
        ("k.toml", "'ä' = 1\na = [ 2]\n", [(2, 1), (2, 5), (2, 7)]),
    ];
    for (name, text, expected) in cases {
        let root = read(name, text).unwrap();
        let Value::Object(object) = &root.value else {
            panic!("an object");
        };
        let entry = object.find("A").unwrap();
        let Value::List(items) = &entry.node.value else {
            panic!("a list");
        };
        let places = [entry.place, entry.node.place, items[0].place];
        let places = places.map(|place| (place.line, place.column));
        assert_eq!(places, expected, "{name}");
    }
}

#[test]
fn a_locator_goes_back_as_well() {
    let mut locator = Locator::new("ä\nbc");
    assert_eq!(locator.place(4), Place { line: 2, column: 2 });
    assert_eq!(locator.place(2), Place { line: 1, column: 2 });
    assert_eq!(
        locator.place(99),
        Place { line: 1, column: 2 },
        "past the end"
    );
}
