//! Values of an answer as text, in the forms in which Go prints them: KrakenD
//! puts them into URLs that way.

use crate::data::{Document, Kind, NodeId};

/// Values nested deeper than this are of no use in a URL; that none is followed
/// further keeps the stack small, whatever a backend sends.
const NESTING: usize = 32;

/// A string as it is, a number as it was received; the elements of an array
/// joined by commas; everything inside of those as Go's `%v` has it. `None` for
/// what is nested too deeply.
pub(super) fn go_text(data: &Document, node: NodeId) -> Option<String> {
    let mut out = String::new();
    match data.kind(node) {
        Kind::Array => join(data, node, ",", NESTING, &mut out)?,
        _ => push(data, node, NESTING, &mut out)?,
    }
    Some(out)
}

/// `%v`.
fn push(data: &Document, node: NodeId, levels: usize, out: &mut String) -> Option<()> {
    match data.kind(node) {
        Kind::Null => out.push_str("<nil>"),
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Kind::Number | Kind::String => out.push_str(data.text(node)),
        kind @ (Kind::Array | Kind::Object) => {
            out.push_str(if kind == Kind::Array { "[" } else { "map[" });
            join(data, node, " ", levels, out)?;
            out.push(']');
        }
    }
    Some(())
}

/// The children, with their keys if they have some.
fn join(
    data: &Document,
    node: NodeId,
    separator: &str,
    levels: usize,
    out: &mut String,
) -> Option<()> {
    let levels = levels.checked_sub(1)?;
    for (index, (key, child)) in data.children(node).enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        if let Some(key) = key {
            out.push_str(key);
            out.push(':');
        }
        push(data, child, levels, out)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::data::{MAX_DEPTH, decode_json};

    #[test]
    fn values_look_as_go_prints_them() {
        #[rustfmt::skip]
        let cases = [
            (r#""a b""#,                    "a b"),
            ("1.50",                        "1.50"),
            ("12345678901234567890",        "12345678901234567890"),
            ("1e5",                         "1e5"),
            ("true",                        "true"),
            ("null",                        "<nil>"),
            ("[]",                          ""),
            (r#"[1,"x",null,false]"#,       "1,x,<nil>,false"),
            (r#"[[1,2],{"b":1,"a":[3]}]"#,  "[1 2],map[a:[3] b:1]"),
            (r#"{"b":"y","a":{"c":null}}"#, "map[a:map[c:<nil>] b:y]"),
            ("{}",                          "map[]"),
        ];
        for (json, text) in cases {
            let body = Bytes::from(format!(r#"{{"x":{json}}}"#));
            let data = decode_json(&body, 100).unwrap();
            let node = data.get(data.root(), "x").unwrap();
            assert_eq!(go_text(&data, node).as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn a_value_nested_beyond_reason_is_none() {
        for (levels, is_text) in [
            (NESTING, true),
            (NESTING + 1, false),
            (MAX_DEPTH - 1, false),
        ] {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            let body = Bytes::from(format!(r#"{{"x":{open}{close}}}"#));
            let data = decode_json(&body, MAX_DEPTH).unwrap();
            let node = data.get(data.root(), "x").unwrap();
            assert_eq!(go_text(&data, node).is_some(), is_text, "{levels}");
        }
    }
}
