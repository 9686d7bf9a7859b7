//! JSON out of a document.

use std::io::Write;

use super::{
    Document, Link, NodeId, Value,
    text::{Text, plain_run},
};

impl Document {
    /// Appends `node` as Go's `encoding/json` writes it: compact, keys sorted,
    /// `<`, `>`, `&`, U+2028 and U+2029 escaped, all other UTF-8 and numbers as
    /// they are.
    ///
    /// Nesting is kept on the heap: no depth overflows the stack.
    pub(crate) fn write_json(&self, node: NodeId, out: &mut Vec<u8>) {
        // What follows when a container is done, and its closing bracket.
        let mut open: Vec<(Link, u8)> = Vec::new();
        let mut next = Some(node);
        while let Some(node) = next {
            let (value, mut after) = {
                let node = self.node(node);
                (
                    node.value,
                    if open.is_empty() {
                        Link::NONE
                    } else {
                        node.next
                    },
                )
            };
            let keyed = open.last().is_some_and(|(_, close)| *close == b'}');
            if keyed {
                self.write_string(self.node(node).key, out);
                out.push(b':');
            }
            match value {
                Value::Null => out.extend_from_slice(b"null"),
                Value::Bool(true) => out.extend_from_slice(b"true"),
                Value::Bool(false) => out.extend_from_slice(b"false"),
                Value::Number(text) => out.extend_from_slice(self.texts.bytes(text)),
                Value::String(text) => self.write_string(text, out),
                Value::Array(children) => {
                    out.push(b'[');
                    open.push((after, b']'));
                    after = children.first;
                }
                Value::Object(children) => {
                    out.push(b'{');
                    open.push((after, b'}'));
                    after = children.first;
                }
            }
            next = after.node();
            let container = matches!(value, Value::Array(_) | Value::Object(_));
            if container && next.is_some() {
                continue;
            }
            while next.is_none() {
                let Some((after, close)) = open.pop() else {
                    return;
                };
                out.push(close);
                next = after.node();
            }
            out.push(b',');
        }
    }

    fn write_string(&self, text: Text, out: &mut Vec<u8>) {
        let bytes = self.texts.bytes(text);
        out.push(b'"');
        if text.is_plain() {
            out.extend_from_slice(bytes);
        } else {
            write_escaped(bytes, out);
        }
        out.push(b'"');
    }
}

fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some((plain, special)) = rest.split_at_checked(plain_run(rest)) {
        out.extend_from_slice(plain);
        rest = match special {
            [] => return,
            [0xe2, 0x80, 0xa8, rest @ ..] => {
                out.extend_from_slice(br"\u2028");
                rest
            }
            [0xe2, 0x80, 0xa9, rest @ ..] => {
                out.extend_from_slice(br"\u2029");
                rest
            }
            [byte, rest @ ..] => {
                write_byte(*byte, out);
                rest
            }
        };
    }
}

fn write_byte(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(br#"\""#),
        b'\\' => out.extend_from_slice(br"\\"),
        b'\n' => out.extend_from_slice(br"\n"),
        b'\r' => out.extend_from_slice(br"\r"),
        b'\t' => out.extend_from_slice(br"\t"),
        0x08 => out.extend_from_slice(br"\b"),
        0x0c => out.extend_from_slice(br"\f"),
        ..0x20 | b'<' | b'>' | b'&' => {
            // Writing to a vector cannot fail.
            let _ = write!(out, r"\u{byte:04x}");
        }
        other => out.push(other),
    }
}
