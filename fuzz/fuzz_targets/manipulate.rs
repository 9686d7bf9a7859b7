//! However many manipulations follow each other, and whatever the document is,
//! what comes of it is JSON, and no deeper than their paths can make it.
//!
//! The first line of the input is a list of operations, separated by `;`
//! (`move a.b c;del d.*;target x`), the rest is the backend's body.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use cuttle_fuzz::{Backend, line_and_rest, serve};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value, json};

fuzz_target!(|data: &[u8]| {
    let (line, body) = line_and_rest(data);
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    let backend = Arc::new(Backend {
        body: Bytes::copy_from_slice(body),
        ..Backend::default()
    });
    let endpoint = json!({ "endpoint": "/x", "backend": [manipulated(line)] });
    let Some(Ok(outcome)) = serve(&endpoint, &backend, Vec::new(), None) else {
        return;
    };
    assert!(outcome.is_json, "{:?}", outcome.body);
    let mut reader = Deserializer::from_slice(&outcome.body);
    reader.disable_recursion_limit();
    let read = serde::Deserialize::deserialize(&mut reader).map(|IgnoredAny| reader.end());
    assert!(matches!(read, Ok(Ok(()))), "no JSON: {:?}", outcome.body);
    let paths = line.bytes().filter(|byte| b".; ".contains(byte)).count();
    let limit = depth(body) + paths + 3;
    assert!(
        depth(&outcome.body) <= limit,
        "too deep: {:?}",
        outcome.body
    );
});

/// A backend with these operations: one list, and the last of the others.
fn manipulated(line: &str) -> Value {
    let mut backend = json!({ "host": ["http://backend.test"] });
    let mut list = Vec::new();
    for operation in line.split(';') {
        let words: Vec<&str> = operation.split(' ').collect();
        let (Some(kind), args) = (words.first().copied(), words.get(1..).unwrap_or_default())
        else {
            continue;
        };
        match kind {
            "target" | "group" => backend[kind] = json!(args.first()),
            "allow" | "deny" => backend[kind] = json!(args),
            _ => list.push(json!({ "type": kind, "args": args })),
        }
    }
    if !list.is_empty() {
        backend["extra_config"] = json!({ "proxy": { "flatmap_filter": list } });
    }
    backend
}

/// Brackets that are open at a time, outside of texts.
fn depth(text: &[u8]) -> usize {
    let (mut open, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{' | b'[') => open += 1,
            (false, b'}' | b']') => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}
