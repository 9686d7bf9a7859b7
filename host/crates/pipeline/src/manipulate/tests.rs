use bytes::Bytes;
use cuttle_config::FlatmapOp;

use super::*;
use crate::data::{MAX_DEPTH, decode_json};

mod laws;

fn decoded(text: &str) -> Document {
    decode_json(&Bytes::copy_from_slice(text.as_bytes()), MAX_DEPTH).unwrap()
}

fn encoded(document: &Document) -> String {
    let mut out = Vec::new();
    document.write_json(document.root(), &mut out);
    String::from_utf8(out).unwrap()
}

fn path(text: &str) -> Vec<String> {
    text.split('.').map(ToOwned::to_owned).collect()
}

fn paths(list: &[&str]) -> Vec<Vec<String>> {
    list.iter().map(|text| path(text)).collect()
}

fn settings(change: impl FnOnce(&mut config::Manipulation)) -> config::Manipulation {
    let mut settings = config::Manipulation::default();
    change(&mut settings);
    settings
}

fn applied(given: &str, change: impl FnOnce(&mut config::Manipulation)) -> String {
    let mut data = decoded(given);
    Manipulator::compile(&settings(change)).apply(&mut data);
    encoded(&data)
}

fn renamed(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(old, new): &(&str, &str)| ((*old).to_owned(), (*new).to_owned());
    list.iter().map(owned).collect()
}

#[test]
fn target_walks_objects_only() {
    for (target, expected) in [
        ("a", r#"{"b":{"c":1},"l":[{"c":2}],"s":"x"}"#),
        ("a.b", r#"{"c":1}"#),
        ("a.b.c", "{}"),
        ("a.s", "{}"),
        ("a.l", "{}"),
        ("a.l.0", "{}"),
        ("a.x", "{}"),
        ("x.y", "{}"),
    ] {
        let given = r#"{"a":{"b":{"c":1},"l":[{"c":2}],"s":"x"}}"#;
        let got = applied(given, |settings| settings.target = path(target));
        assert_eq!(got, expected, "{target}");
    }
}

#[test]
fn allow_keeps_what_is_listed() {
    let given = r#"{"a":{"b":{"c":1,"d":2},"e":{}},"l":[{"k":1}],"n":null,"s":"x"}"#;
    for (allow, expected) in [
        (&["s"][..], r#"{"s":"x"}"#),
        (&["n"], r#"{"n":null}"#),
        (&["a.b"], r#"{"a":{"b":{"c":1,"d":2}}}"#),
        (&["a.b.c", "s"], r#"{"a":{"b":{"c":1}},"s":"x"}"#),
        (&["a.b.x"], "{}"),
        (&["a.e"], r#"{"a":{"e":{}}}"#),
        (&["a.e.x"], "{}"),
        (&["l"], r#"{"l":[{"k":1}]}"#),
        (&["l.k"], "{}"),
        (&["l."], "{}"),
        (&["l.0"], "{}"),
        (&["s.x", "n.x"], "{}"),
        (&["x"], "{}"),
        (&["a", "a.b.c"], r#"{"a":{"b":{"c":1}}}"#),
        (&["a.b.c", "a"], r#"{"a":{"b":{"c":1,"d":2},"e":{}}}"#),
    ] {
        let got = applied(given, |settings| settings.allow = paths(allow));
        assert_eq!(got, expected, "{allow:?}");
    }
}

#[test]
fn deny_drops_what_is_listed() {
    let given = r#"{"a":{"b":{"c":1,"d":2}},"l":[{"k":1}],"s":"x"}"#;
    for (deny, expected) in [
        (
            &["s", "x", "x.y"][..],
            r#"{"a":{"b":{"c":1,"d":2}},"l":[{"k":1}]}"#,
        ),
        (&["a.b.c", "s"], r#"{"a":{"b":{"d":2}},"l":[{"k":1}]}"#),
        (
            &["a.b.c", "a.b.d"],
            r#"{"a":{"b":{}},"l":[{"k":1}],"s":"x"}"#,
        ),
        (&["l.k", "l.0", "l.", "s.x"], given),
        (&["a", "a.b.c"], r#"{"l":[{"k":1}],"s":"x"}"#),
        (&["a.b.c", "a"], r#"{"l":[{"k":1}],"s":"x"}"#),
        (&["a", "l", "s"], "{}"),
    ] {
        let got = applied(given, |settings| settings.deny = paths(deny));
        assert_eq!(got, expected, "{deny:?}");
    }
}

#[test]
fn deny_is_nothing_beside_allow() {
    let got = applied(r#"{"a":1,"b":2}"#, |settings| {
        settings.allow = paths(&["a"]);
        settings.deny = paths(&["a"]);
    });
    assert_eq!(got, r#"{"a":1}"#);
}

#[test]
fn mapping_renames_at_the_first_level_in_the_order_of_the_list() {
    for (mapping, expected) in [
        (&[("a", "z")][..], r#"{"b":{"c":2},"z":1}"#),
        (&[("a", "z.y")], r#"{"b":{"c":2},"z":1}"#),
        (&[("b.c", "z")], r#"{"a":1,"b":{"c":2}}"#),
        (&[("a", "b")], r#"{"b":1}"#),
        (&[("a", "b"), ("b", "c")], r#"{"c":1}"#),
        (&[("b", "c"), ("a", "b")], r#"{"b":1,"c":{"c":2}}"#),
        (&[("x", "a")], r#"{"a":1,"b":{"c":2}}"#),
        (&[("a", "a")], r#"{"b":{"c":2}}"#),
    ] {
        let given = r#"{"a":1,"b":{"c":2}}"#;
        let got = applied(given, |settings| settings.mapping = renamed(mapping));
        assert_eq!(got, expected, "{mapping:?}");
    }
}

#[test]
fn a_group_wraps_also_what_is_empty() {
    for (given, expected) in [
        (r#"{"a":1}"#, r#"{"g":{"a":1}}"#),
        (r#"{"g":1}"#, r#"{"g":{"g":1}}"#),
        ("{}", r#"{"g":{}}"#),
        ("null", r#"{"g":null}"#),
    ] {
        let got = applied(given, |settings| settings.group = Some("g".to_owned()));
        assert_eq!(got, expected, "{given}");
    }
}

#[test]
fn no_data_stays_no_data_but_for_a_target() {
    assert_eq!(
        applied("null", |settings| settings.allow = paths(&["a"])),
        "null"
    );
    assert_eq!(
        applied("null", |settings| settings.deny = paths(&["a"])),
        "null"
    );
    assert_eq!(
        applied("null", |settings| settings.flatmap = Some(ops("del a"))),
        "null"
    );
    assert_eq!(
        applied("null", |settings| settings.target = path("a")),
        "{}"
    );
}

#[test]
fn steps_apply_in_order() {
    let given = r#"{"t":{"a":{"b":1,"c":2},"d":3}}"#;
    let got = applied(given, |settings| {
        settings.target = path("t");
        settings.allow = paths(&["a.b"]);
        settings.mapping = renamed(&[("a", "z")]);
        settings.group = Some("g".to_owned());
    });
    assert_eq!(got, r#"{"g":{"z":{"b":1}}}"#);
    let got = applied(given, |settings| {
        settings.target = path("t");
        settings.flatmap = Some(ops("move a.b z; del a"));
        settings.group = Some("g".to_owned());
    });
    assert_eq!(got, r#"{"g":{"d":3,"z":1}}"#);
}

/// `move a b; append a b; del a`.
fn ops(text: &str) -> Vec<FlatmapOp> {
    let operation = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["move", from, to] => FlatmapOp::Move {
                from: path(from),
                to: path(to),
            },
            ["append", from, to] => FlatmapOp::Append {
                from: path(from),
                to: path(to),
            },
            ["del", gone] => FlatmapOp::Delete { path: path(gone) },
            _ => panic!("{text}"),
        }
    };
    text.split(';').map(operation).collect()
}

fn flattened(given: &str, operations: &str) -> String {
    let mut data = decoded(given);
    Flatmap::compile(&ops(operations)).apply(&mut data);
    encoded(&data)
}

#[test]
fn flatmap_deletes() {
    for (given, operations, expected) in [
        (r#"{"a":1,"b":2}"#, "del a", r#"{"b":2}"#),
        (r#"{"a":1}"#, "del a", "null"),
        (r#"{"a":1}"#, "del x", r#"{"a":1}"#),
        ("{}", "del x", "{}"),
        (r#"{"a":{"b":1}}"#, "del a.b", r#"{"a":null}"#),
        (r#"{"a":{"b":1}}"#, "del a.*", r#"{"a":null}"#),
        (r#"{"a":[]}"#, "del a.*.b", r#"{"a":[]}"#),
        (r#"{"a":{}}"#, "del a.*", r#"{"a":{}}"#),
        (r#"{"a":5}"#, "del a.*", r#"{"a":5}"#),
        (
            r#"{"coll":[{"a":2}]}"#,
            "del coll.*.a",
            r#"{"coll":[null]}"#,
        ),
        (
            r#"{"coll":[{"a":2,"b":3},{"b":4},5]}"#,
            "del coll.*.a",
            r#"{"coll":[{"b":3},{"b":4},5]}"#,
        ),
        (
            r#"{"a":{"x":{"k":1},"y":{"k":2,"l":3}}}"#,
            "del a.*.k",
            r#"{"a":{"x":null,"y":{"l":3}}}"#,
        ),
        (r#"{"a":[1,2,3]}"#, "del a.1", r#"{"a":[1,3]}"#),
        (r#"{"a":[1,2,3]}"#, "del a.0; del a.1", r#"{"a":[3]}"#),
        (r#"{"a":[1,2,3]}"#, "del a.01", r#"{"a":[1,2,3]}"#),
        (r#"{"a":[1,2,3]}"#, "del a.7", r#"{"a":[1,2,3]}"#),
        (
            r#"{"a":[{"b":[{"c":1,"d":2}]},{"b":[{"c":3,"d":4}]}]}"#,
            "del a.*.b.*.c",
            r#"{"a":[{"b":[{"d":2}]},{"b":[{"d":4}]}]}"#,
        ),
    ] {
        assert_eq!(
            flattened(given, operations),
            expected,
            "{given} {operations}"
        );
    }
}

#[test]
fn flatmap_moves() {
    for (given, operations, expected) in [
        (r#"{"a":42}"#, "move a b", r#"{"b":42}"#),
        (r#"{"a":1}"#, "move x b", r#"{"a":1}"#),
        (r#"{"a":1,"b":2}"#, "move a b", r#"{"b":1}"#),
        (
            r#"{"a":1,"b":{"a":42}}"#,
            "move b.a b.c",
            r#"{"a":1,"b":{"c":42}}"#,
        ),
        // Only the last segment is renamed.
        (r#"{"b":{"a":42}}"#, "move b.a x.c", r#"{"b":{"c":42}}"#),
        (
            r#"{"a":1,"b":{"a":42}}"#,
            "move b.a b.b.a.c",
            r#"{"a":1,"b":{"b":{"a":{"c":42}}}}"#,
        ),
        // It grows from the source's parent.
        (
            r#"{"b":{"a":42}}"#,
            "move b.a x.y.c",
            r#"{"b":{"y":{"c":42}}}"#,
        ),
        (r#"{"a":1}"#, "move a a.b", r#"{"a":{"b":1}}"#),
        (r#"{"a":1,"s":"x"}"#, "move a s.b", r#"{"s":{"b":1}}"#),
        (r#"{"a":1,"l":[0]}"#, "move a l.b", r#"{"l":[0,1]}"#),
        (
            r#"{"a":1,"b":{"a":42}}"#,
            "move b.a c",
            r#"{"a":1,"b":null,"c":42}"#,
        ),
        (
            r#"{"b":{"b":{"a":42},"c":1}}"#,
            "move b.b c",
            r#"{"b":{"c":1},"c":{"a":42}}"#,
        ),
        // What is missing on the way is passed over.
        (
            r#"{"a":{"b":{"c":1}}}"#,
            "move a.b.c x.d",
            r#"{"a":{"b":null},"d":1}"#,
        ),
        (
            r#"{"b":[{"c":42},{"c":{"d":42}}]}"#,
            "move b.*.c b.*.x",
            r#"{"b":[{"x":42},{"x":{"d":42}}]}"#,
        ),
        (
            r#"{"b":{"f":{"c":{"d":42}},"l":{"m":42,"c":{"d":42}}}}"#,
            "move b.*.c b.*.c.b.x",
            r#"{"b":{"f":{"c":{"b":{"x":{"d":42}}}},"l":{"c":{"b":{"x":{"d":42}}},"m":42}}}"#,
        ),
        (
            r#"{"a":[{"b":{"c":1,"k":0}},{"b":{"c":2,"k":0}}]}"#,
            "move a.*.b.c a.*.d",
            r#"{"a":[{"b":{"k":0},"d":1},{"b":{"k":0},"d":2}]}"#,
        ),
        (
            r#"{"a":{"x":{"b":{"c":1,"k":0}}}}"#,
            "move a.*.b.c a.*.d",
            r#"{"a":{"x":{"b":{"k":0},"d":1}}}"#,
        ),
        // A `*` in another place stands for the same labels.
        (
            r#"{"a":[{"b":{"c":1}},{"b":{"c":2}}],"x":[{},{}]}"#,
            "move a.*.b.c x.*.d",
            r#"{"a":[{"b":null},{"b":null}],"x":[{"d":1},{"d":2}]}"#,
        ),
        (
            r#"{"a":{"k":{"b":{"c":1}},"l":{"b":{"c":2}}},"x":{"l":{}}}"#,
            "move a.*.b.c x.*.d",
            r#"{"a":{"k":{"b":null},"l":{"b":null}},"x":{"d":1,"l":{"d":2}}}"#,
        ),
        // Of several values for one key the last stays.
        (
            r#"{"a":[{"b":1},{"b":2}],"k":0}"#,
            "move a.*.b b",
            r#"{"a":[null,null],"b":2,"k":0}"#,
        ),
        (
            r#"{"a":[{"b":{"c":1}},{"b":{"c":2}}],"l":[]}"#,
            "move a.*.b.c l.d",
            r#"{"a":[{"b":null},{"b":null}],"l":[1,2]}"#,
        ),
        // In the last place `*` is a name.
        (r#"{"a":{"b":1}}"#, "move a.* a.c", r#"{"a":{"b":1}}"#),
        (
            r#"{"a":[{"b":1},{"b":2}]}"#,
            "move a.*.b a.*",
            r#"{"a":[null,null,1,2]}"#,
        ),
        (
            r#"{"a":[1,2,3]}"#,
            "move a.0 first",
            r#"{"a":[2,3],"first":1}"#,
        ),
        (
            r#"{"a":[1,2,3]}"#,
            "move a.0 a.9; del a.9",
            r#"{"a":[2,3]}"#,
        ),
        (
            r#"{"a":{"b":1}}"#,
            "move a.b c; move c.x d; move c a.b",
            r#"{"a":{"b":1}}"#,
        ),
    ] {
        assert_eq!(
            flattened(given, operations),
            expected,
            "{given} {operations}"
        );
    }
}

/// A list a backend made long must not keep a worker busy.
#[test]
fn flatmap_takes_time_in_proportion_to_the_data() {
    let elements = vec![r#"{"b":{"c":1,"d":2}}"#; 30_000].join(",");
    let members: String = (0..30_000).map(|key| format!(r#""k{key}":0,"#)).collect();
    let given = format!(r#"{{{members}"a":[{elements}],"l":[]}}"#);
    for operations in [
        "move a.*.b.c a.*.x",
        "move a.*.b.c x",
        "move a.*.b.c l.x",
        "move a.*.b.c a.*.b.x.y",
        "append a.*.b l",
        "del a.0; del a.1; del a.*.b",
    ] {
        let start = std::time::Instant::now();
        flattened(&given, operations);
        let spent = start.elapsed();
        // A fraction of a second; quadratic it is minutes.
        assert!(spent.as_secs() < 10, "{operations}: {spent:?}");
    }
}

#[test]
fn flatmap_appends() {
    for (given, operations, expected) in [
        (r#"{"a":[42],"b":[1]}"#, "append a b", r#"{"b":[1,42]}"#),
        (r#"{"a":[],"b":[]}"#, "append a b", r#"{"b":[]}"#),
        (r#"{"a":[1],"b":{}}"#, "append a b", r#"{"a":[1],"b":{}}"#),
        (r#"{"a":1,"b":[]}"#, "append a b", r#"{"a":1,"b":[]}"#),
        (r#"{"a":[1]}"#, "append a b", r#"{"a":[1]}"#),
        (r#"{"b":[1]}"#, "append a b", r#"{"b":[1]}"#),
        (r#"{"a":[1],"k":0}"#, "append a a", r#"{"k":0}"#),
        (r#"{"a":[[1,2],3]}"#, "append a.0 a", r#"{"a":[3,1,2]}"#),
        (r#"{"a":[[1,2],3],"k":0}"#, "append a a.0", r#"{"k":0}"#),
        (
            r#"{"x":{"a":[1]},"y":{"b":[2]}}"#,
            "append x.a y.b",
            r#"{"x":null,"y":{"b":[2,1]}}"#,
        ),
        (
            r#"{"a":[{"b":1},{"c":2},3],"l":[0]}"#,
            "append a.*.b l",
            r#"{"a":[null,{"c":2},3],"l":[0,1,null,null]}"#,
        ),
        (
            r#"{"a":[{"b":[1,2]},{"b":[3]}],"l":[]}"#,
            "append a.*.b l",
            r#"{"a":[null,null],"l":[[1,2],[3]]}"#,
        ),
        (
            r#"{"a":[{"b":[1,2]},{"b":[3]}],"l":[]}"#,
            "append a.*.b.* l",
            r#"{"a":[{"b":null},{"b":null}],"l":[[1,2],[3]]}"#,
        ),
        (
            r#"{"a":[{"b":[1]},{"b":2},{}],"l":[]}"#,
            "append a.*.b.* l",
            r#"{"a":[{"b":null},{"b":2},{}],"l":[[1],null,null]}"#,
        ),
        (r#"{"a":{},"l":[]}"#, "append a.*.b l", r#"{"a":{},"l":[]}"#),
        (
            r#"{"a":{"x":1,"y":2},"l":[]}"#,
            "append a.* l",
            r#"{"a":null,"l":[1,2]}"#,
        ),
        (
            r#"{"a":[1,2],"l":[3]}"#,
            "del a.0; append l a; del a.1",
            r#"{"a":[2]}"#,
        ),
        (
            r#"{"a":[1],"l":[[2]]}"#,
            "append a l.*",
            r#"{"a":[1],"l":[[2]]}"#,
        ),
    ] {
        assert_eq!(
            flattened(given, operations),
            expected,
            "{given} {operations}"
        );
    }
}
