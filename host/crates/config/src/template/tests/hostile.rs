//! Templates that want too much, or make no sense, end with an error.

use proptest::{collection, prelude::*, sample};

use super::rendered;

/// Pieces that mean something to lexer, parser or functions.
const PIECES: [&str; 64] = [
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "{{/*",
    "*/}}",
    " ",
    "⏎",
    "\n",
    "\"",
    "`",
    "'",
    "\\",
    "$x",
    "$",
    ":=",
    "=",
    "|",
    "(",
    ")",
    ",",
    ".",
    ".str",
    ".obj.a",
    ".list",
    ".missing",
    "if ",
    "else",
    "end",
    "range ",
    "with ",
    "define ",
    "template ",
    "block ",
    "break",
    "continue",
    "{{end}}",
    "{{else}}",
    "{{if .str}}",
    "{{range .strs}}",
    "nil",
    "true",
    "-1",
    "99999999999",
    "1.5e300",
    "0x",
    "'a'",
    "printf ",
    "\"%*[3]d%\"",
    "index ",
    "slice ",
    "substr ",
    "trunc ",
    "dict ",
    "set ",
    "until ",
    "repeat ",
    "toJson ",
    "regexReplaceAll ",
    "dateModify ",
    "date ",
    "wrap ",
    "é",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_pieces_panics(pieces in collection::vec(sample::select(&PIECES[..]), 0..40)) {
        let _ = rendered(&pieces.concat());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = rendered(&text);
        let _ = rendered(&format!("{{{{ {text} }}}}"));
    }

    #[test]
    fn no_action_of_words_panics(words in collection::vec(sample::select(&PIECES[12..]), 1..12)) {
        let _ = rendered(&format!("{{{{ {} }}}}", words.join(" ")));
    }

    #[test]
    fn no_function_panics_on_odd_arguments(
        name in sample::select(super::super::functions::Functions::new().names()),
        arguments in collection::vec(sample::select(&[
            "-1", "0", "1", "9223372036854775807", "-9223372036854775808", "1.5", "1e308", "\"\"", "\"é%s\"",
            "\"a,b\"", "nil", "true", ".obj", ".list", ".strs", ".missing", ".null", "now", "(until 3)", "(list)",
        ][..]), 0..5),
    ) {
        let _ = rendered(&format!("{{{{ {name} {} }}}}", arguments.join(" ")));
    }

    #[test]
    fn text_without_delimiters_comes_out_as_it_is(text in "[^{]{0,80}") {
        prop_assert_eq!(rendered(&text), Ok(text));
    }

    #[test]
    fn a_quoted_text_is_itself(text in "\\PC{0,40}") {
        let quoted = super::super::print::quoted(&text);
        prop_assert_eq!(rendered(&format!("{{{{ {quoted} }}}}")), Ok(text));
    }

    #[test]
    fn json_survives_a_round_trip(text in "\\PC{0,40}", number in -1e15..1e15) {
        let value = serde_json::json!({"text": text, "number": number});
        let literal = super::super::print::quoted(&value.to_string());
        let out = rendered(&format!("{{{{ fromJson {literal} | toJson }}}}")).unwrap();
        let back: serde_json::Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(back["text"].as_str(), value["text"].as_str());
        prop_assert_eq!(back["number"].as_f64(), value["number"].as_f64());
    }
}

#[test]
fn what_costs_too_much_is_refused() {
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(90), ")".repeat(90));
    assert_eq!(
        rendered(&deep),
        Ok("1".to_owned()),
        "90 parentheses are fine"
    );
    let deep = format!("{{{{ {}1{} }}}}", "(print ".repeat(90), ")".repeat(90));
    assert_eq!(rendered(&deep), Ok("1".to_owned()), "and so are 90 calls");
    let nested_list = "{{ $l := list }}{{ range until 100000 }}{{ $l = list $l }}{{ end }}";
    let cases = [
        ("{{ range until 1000000000000 }}{{ end }}", "steps"),
        ("{{ range 1000000000000 }}{{ end }}", "steps"),
        (
            "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
            "steps",
        ),
        ("{{ seq 1 1000000000000 }}", "steps"),
        ("{{ untilStep 0 9223372036854775807 1 }}", "steps"),
        ("{{ repeat 1000000000 \"abc\" }}", "64 MiB"),
        ("{{ indent 100000000 \"a\" }}", "64 MiB"),
        (
            "{{ $s := repeat 1000 \"ab\" }}{{ range until 20 }}{{ $s = print $s $s }}{{ end }}",
            "64 MiB",
        ),
        (
            "{{ $s := repeat 1000 \"a\" }}{{ replace \"a\" (repeat 100000 \"b\") $s }}",
            "64 MiB",
        ),
        (
            "{{ regexReplaceAll \"\" (repeat 10000 \"a\") (repeat 10000 \"b\") }}",
            "64 MiB",
        ),
        (
            "{{ $s := repeat 10000000 \"a\" }}{{ range until 99 }}{{ $s }}{{ end }}",
            "output is larger",
        ),
        (
            "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}",
            "template depth",
        ),
        (
            "{{ define \"x\" }}{{ if true }}{{ if true }}{{ if true }}{{ template \"x\" }}{{ end }}{{ end }}{{ end }}{{ end }}{{ template \"x\" }}",
            "nested deeper",
        ),
        (
            "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ $d }}",
            "too deep",
        ),
        (
            "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ toJson $d }}",
            "too deep",
        ),
        (
            "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ deepCopy $d }}",
            "too deep",
        ),
        (
            "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ printf \"%s\" $d }}",
            "too deep",
        ),
        (nested_list, "nested deeper"),
        (
            "{{ $d := dict \"a\" 1 }}{{ range until 40 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ toJson $d }}",
            "steps",
        ),
        (
            "{{ $d := dict }}{{ range until 40 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ $c := deepCopy $d }}",
            "512 MiB",
        ),
        (
            "{{ $s := repeat 60000000 \"a\" }}{{ range until 1000000 }}{{ $_ := contains \"b\" $s }}{{ end }}",
            "steps",
        ),
        (
            "{{ $s := repeat 6000000 \"a\" }}{{ range until 1000000 }}{{ $_ := wrap 1 $s }}{{ end }}",
            "steps",
        ),
        (
            "{{ $s := repeat 30000000 \"aB\" }}{{ $_ := snakecase $s }}",
            "steps",
        ),
        (
            "{{ $s := repeat 30000000 \"a,\" }}{{ $_ := splitList \",\" $s }}",
            "steps",
        ),
        (
            "{{ regexMatch \"(((a{100}){100}){100}){100}\" \"a\" }}",
            "too large",
        ),
    ];
    for (template, reason) in cases {
        let error = rendered(template).unwrap_err();
        assert!(error.contains(reason), "{template}: {error}");
    }
}

#[test]
fn deep_templates_are_refused_before_they_reach_the_stack() {
    let deep = 100_000;
    let cases = [
        format!("{{{{ {}1", "(".repeat(deep)),
        "{{ if true }}".repeat(deep),
        format!("{{{{ if true }}}}{}", "{{ else if true }}".repeat(deep)),
        "{{ range .strs }}".repeat(deep),
        "{{ block \"x\" . }}".repeat(deep),
        format!("{{{{ .{} }}}}", ".a".repeat(deep)),
    ];
    for template in cases {
        assert!(rendered(&template).is_err());
    }
    let chain = format!("{{{{ .missing{} }}}}", ".a".repeat(deep));
    assert_eq!(rendered(&chain), Ok("<no value>".to_owned()));
    let maps = "{{ $d := dict }}{{ range until 200000 }}{{ $d = dict \"d\" $d }}{{ end }}ok";
    assert_eq!(
        rendered(maps),
        Ok("ok".to_owned()),
        "and nothing ends deep in the stack"
    );
}

#[test]
fn errors_hold_no_values() {
    let secrets = [
        "{{ upper (list \"hunter2\") }}",
        "{{ $s := \"hunter2\" }}{{ $s.x }}",
        "{{ $s := \"hunter2\" }}{{ range $s }}{{ end }}",
        "{{ $s := \"hunter2\" }}{{ b64dec $s }}",
        "{{ $s := \"hunter2\" }}{{ mustFromJson $s }}",
        "{{ $s := \"hunter2\" }}{{ mustToDate \"2006\" $s }}",
        "{{ $s := \"hunter2\" }}{{ semver $s }}",
        "{{ $s := \"hunter2(\" }}{{ regexMatch $s \"a\" }}",
        "{{ $s := dict \"a\" \"hunter2\" }}{{ eq $s $s }}",
        "{{ $s := \"hunter2\" }}{{ index .obj 1 $s }}",
    ];
    for template in secrets {
        let error = rendered(template).unwrap_err();
        let message = error.rsplit(">: ").next().unwrap();
        assert!(!message.contains("hunter2"), "{error}");
    }
}
