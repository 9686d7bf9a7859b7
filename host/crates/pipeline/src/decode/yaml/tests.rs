use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{MAX_DEPTH, YamlError, decode};

fn json(text: &str) -> Result<String, YamlError> {
    let document = decode(text)?;
    let mut out = Vec::new();
    document.write_json(document.root(), &mut out);
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

#[test]
fn yaml_becomes_data() {
    let cases = [
        ("a: 1", r#"{"a":1}"#),
        ("a: text", r#"{"a":"text"}"#),
        ("a: \"1\"\nb: '1'", r#"{"a":"1","b":"1"}"#),
        (
            "a: 1.50\nb: 1e5\nc: -0.0\nd: 123456789012345678901234567890",
            r#"{"a":1.50,"b":1e5,"c":-0.0,"d":123456789012345678901234567890}"#,
        ),
        (
            "a: +1\nb: .5\nc: 5.\nd: 007\ne: 0x1F\nf: 0o17\ng: 1E+2",
            r#"{"a":1,"b":0.5,"c":5,"d":7,"e":31,"f":15,"g":1E+2}"#,
        ),
        (
            "a: .inf\nb: .nan\nc: 1_000\nd: 1e\ne: '-'\nf: 1.2.3\ng: 0x+1\nh: 1ee5",
            r#"{"a":".inf","b":".nan","c":"1_000","d":"1e","e":"-","f":"1.2.3","g":"0x+1","h":"1ee5"}"#,
        ),
        ("a:\nb: ~\nc: null", r#"{"a":null,"b":null,"c":null}"#),
        (
            "a: true\nb: False\nc: yes",
            r#"{"a":true,"b":false,"c":"yes"}"#,
        ),
        ("a: !!str 1", r#"{"a":"1"}"#),
        ("a: [1, x]\nb: {c: d}", r#"{"a":[1,"x"],"b":{"c":"d"}}"#),
        ("a:\n  - 1\n  - b: 2", r#"{"a":[1,{"b":2}]}"#),
        ("1: a\ntrue: b\n? c\n: d", r#"{"1":"a","c":"d","true":"b"}"#),
        (
            "a: |\n  x\n  y\nb: >\n  x\n  y\n",
            r#"{"a":"x\ny\n","b":"x y\n"}"#,
        ),
        (
            "a: &x {b: 1}\nc: *x\nd: [*x, *x]",
            r#"{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}"#,
        ),
        (
            "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3",
            r#"{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}"#,
        ),
        (
            "x: &x {b: 1}\ny: &y {b: 2, c: 3}\nd: {<<: [*x, *y], e: 4}",
            r#"{"d":{"b":1,"c":3,"e":4},"x":{"b":1},"y":{"b":2,"c":3}}"#,
        ),
        ("\"<<\": {a: 1}", r#"{"\u003c\u003c":{"a":1}}"#),
        ("&x a: 1\nb: *x", r#"{"a":1,"b":"a"}"#),
        ("a: 1\na: 2", r#"{"a":2}"#),
        ("--- {a: 1}\n--- {a: 2}", r#"{"a":1}"#),
        ("- 1\n- 2", "[1,2]"),
        ("text", r#""text""#),
        ("---\n", "null"),
        ("{\"a\": [1, null]}", r#"{"a":[1,null]}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(json(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_yaml_is_an_error() {
    for (text, expected) in [
        ("", "EOF"),
        ("# only a comment", "EOF"),
        ("? [a]\n: b", "a YAML key is not a word or string"),
        ("&x a: 1\n? *x\n: 2", "a YAML key is not a word or string"),
        (
            "a: &x [*x]",
            "a YAML alias stands inside the value it refers to",
        ),
    ] {
        let error = json(text).map_err(|error| error.to_string());
        assert_eq!(error, Err(expected.to_owned()), "{text}");
    }
    for text in ["a: [", "a: *nobody", "a: \"x", "a: b: c", "a: {"] {
        assert!(
            matches!(json(text), Err(YamlError::Syntax { .. })),
            "{text}"
        );
    }
}

/// "Billion laughs".
#[test]
fn aliases_cannot_multiply_without_end() {
    let mut lists = String::from("a0: &a0 [lol, lol, lol]\n");
    for i in 1..10 {
        let inner = vec![format!("*a{}", i - 1); 10].join(", ");
        let _ = writeln!(lists, "a{i}: &a{i} [{inner}]");
    }
    let long_text = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), "*a,".repeat(1000));
    let mut merges = String::from("a0: &a0 {k: v}\n");
    for i in 1..40 {
        let _ = writeln!(merges, "a{i}: &a{i} {{b: *a{}, <<: *a{}}}", i - 1, i - 1);
    }
    for text in [lists, long_text, merges] {
        let started = Instant::now();
        assert_eq!(json(&text), Err(YamlError::Aliases));
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(json(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(json(&nested(MAX_DEPTH + 1)), Err(YamlError::TooDeep));
    let mut growing = String::from("a0: &a0 [x]\n");
    for i in 1..=MAX_DEPTH {
        let _ = writeln!(growing, "a{i}: &a{i} [*a{}]", i - 1);
    }
    assert_eq!(json(&growing), Err(YamlError::TooDeep));
}

/// Whatever a parser might look ahead, or back, for.
#[test]
fn long_texts_take_no_longer_than_their_length() {
    let length = 200_000;
    for text in [
        "[".repeat(length),
        "- ".repeat(length),
        "? ".repeat(length),
        "{a: ".repeat(length),
        "a: ".repeat(length),
        "\"".repeat(length),
        "'".repeat(length),
        "a\n".repeat(length),
        "- a\n".repeat(length),
        "k: v\n".repeat(length),
        " ".repeat(length),
        "#".repeat(length),
        "&a ".repeat(length),
        "*a ".repeat(length),
        "a".repeat(length),
        format!("[{}]", "a,".repeat(length)),
        format!("[{}", "\"a\" : ".repeat(length)),
        format!("a: |\n{}", "  x\n".repeat(length)),
        format!("a: |\n{}", "\n".repeat(length)),
    ] {
        let started = Instant::now();
        let _ = json(&text);
        let start: String = text.chars().take(8).collect();
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{start}: {:?}",
            started.elapsed()
        );
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
                "a", "b: ", "- ", "\n", "  ", "\t", "[", "]", "{", "}", ",", ": ", "? ", "&x ", "*x",
                "<<: ", "|\n", ">", "\"", "'", "#", "---\n", "...\n", "!!str ", "%YAML 1.2\n", "é",
            ]),
            0..24,
        )
    ) {
        let _ = json(&parts.concat());
    }
}
