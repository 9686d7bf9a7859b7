//! Whatever a path in a document looks like and whatever the document is, a
//! manipulation gives a failure or data, and selecting twice is selecting once.
//!
//! The first line of the input is a manipulation and its paths, separated by
//! blanks (`allow a.b c`, `move a.*.b c`), the rest is the backend's body.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use cuttle_fuzz::{Backend, Outcome, line_and_rest, serve};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let (line, body) = line_and_rest(data);
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    let words: Vec<&str> = line.split(' ').collect();
    let [kind, paths @ ..] = words.as_slice() else {
        return;
    };
    let Some(backend) = backend(kind, paths) else {
        return;
    };
    let Some(first) = answer(&backend, Bytes::copy_from_slice(body)) else {
        return;
    };
    if matches!(*kind, "allow" | "deny") {
        let second = answer(&backend, first.body.clone()).expect("its own answer is read");
        assert_eq!(first.body, second.body, "{line:?}");
    }
});

/// A backend with this manipulation.
fn backend(kind: &str, paths: &[&str]) -> Option<Value> {
    let first = paths.first().copied().unwrap_or_default();
    let second = paths.get(1).copied().unwrap_or_default();
    let flatmap = || {
        let operation = json!({ "type": kind, "args": paths });
        json!({ "extra_config": { "proxy": { "flatmap_filter": [operation] } } })
    };
    Some(match kind {
        "allow" | "deny" => json!({ kind: paths }),
        "target" | "group" => json!({ kind: first }),
        "mapping" => json!({ kind: { first: second } }),
        "collection" => json!({ "is_collection": true, "target": first }),
        "move" | "append" | "del" => flatmap(),
        _ => return None,
    })
}

/// The answer if there is one.
fn answer(backend: &Value, body: Bytes) -> Option<Outcome> {
    let mut backend = backend.clone();
    backend["host"] = json!(["http://backend.test"]);
    let endpoint = json!({ "endpoint": "/x", "backend": [backend] });
    let executor = Arc::new(Backend {
        body,
        ..Backend::default()
    });
    let outcome = serve(&endpoint, &executor, Vec::new(), None)?.ok()?;
    assert!(outcome.is_json, "{:?}", outcome.body);
    Some(outcome)
}
