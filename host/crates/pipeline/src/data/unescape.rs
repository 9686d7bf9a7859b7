//! The content of JSON strings that do not stand for themselves.

use super::text::{Text, Texts};

/// Keeps the content of a string whose escapes have been checked. As in Go,
/// each byte that is no UTF-8 and each lone surrogate becomes U+FFFD.
pub(super) fn unescape(raw: &[u8], texts: &mut Texts) -> Text {
    let out = texts.own();
    let start = out.len();
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (before, escape) = rest.split_at(at);
        push_lossy(before, out);
        rest = push_escape(escape, out);
    }
    push_lossy(rest, out);
    texts.own_since(start)
}

fn push_lossy(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            push_char(char::REPLACEMENT_CHARACTER, out);
        }
    }
}

/// Unescapes the start of `escape` and returns what follows it.
fn push_escape<'a>(escape: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let byte = match escape.get(1) {
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return push_unicode_escape(escape, out),
        Some(other) => *other,
        None => return &[],
    };
    out.push(byte);
    escape.get(2..).unwrap_or_default()
}

fn push_unicode_escape<'a>(escape: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let rest = escape.get(6..).unwrap_or_default();
    let unit = hex(escape);
    if let Some(both) = unit.zip(hex(rest)).map(|(high, low)| [high, low])
        && let Some(Ok(char)) = char::decode_utf16(both).next()
        && char > '\u{ffff}'
    {
        push_char(char, out);
        return rest.get(6..).unwrap_or_default();
    }
    let char = unit.and_then(|unit| char::from_u32(unit.into()));
    push_char(char.unwrap_or(char::REPLACEMENT_CHARACTER), out);
    rest
}

/// The code unit of the `\uXXXX` that `escape` starts with.
fn hex(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn push_char(char: char, out: &mut Vec<u8>) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}
