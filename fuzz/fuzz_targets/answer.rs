//! Whatever a backend answers and however it is manipulated, the client gets a
//! failure or an answer in the form it was promised.
//!
//! The first line of the input is an endpoint (`{"output_encoding": …,
//! "backend": [{…}]}`), the rest is the backend's body.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use cuttle_fuzz::{Backend, line_and_rest, serve};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value, json};

fuzz_target!(|data: &[u8]| {
    let (line, body) = line_and_rest(data);
    let Ok(Value::Object(mut endpoint)) = serde_json::from_slice(line) else {
        return;
    };
    endpoint.insert("endpoint".to_owned(), json!("/x"));
    for backend in backends(&mut endpoint) {
        backend.insert("host".to_owned(), json!(["http://backend.test"]));
    }
    let endpoint = Value::Object(endpoint);
    let Some(Ok(outcome)) = answer(&endpoint, Bytes::copy_from_slice(body)) else {
        return;
    };
    if outcome.is_json {
        let mut reader = Deserializer::from_slice(&outcome.body);
        reader.disable_recursion_limit();
        let read = serde::Deserialize::deserialize(&mut reader).map(|IgnoredAny| reader.end());
        assert!(matches!(read, Ok(Ok(()))), "no JSON: {:?}", outcome.body);
    }
    again(body);
});

/// What has been written once is read and written to the same bytes.
fn again(body: &[u8]) {
    let plain = json!({ "endpoint": "/x", "backend": [{ "host": ["http://backend.test"] }] });
    let Some(Ok(first)) = answer(&plain, Bytes::copy_from_slice(body)) else {
        return;
    };
    let Some(Ok(second)) = answer(&plain, first.body.clone()) else {
        panic!("its own answer is refused: {:?}", first.body);
    };
    assert_eq!(first.body, second.body);
}

fn answer(
    endpoint: &Value,
    body: Bytes,
) -> Option<Result<cuttle_fuzz::Outcome, cuttle_pipeline::Failure>> {
    let backend = Arc::new(Backend {
        body,
        ..Backend::default()
    });
    serve(endpoint, &backend, Vec::new(), None)
}

fn backends(
    endpoint: &mut serde_json::Map<String, Value>,
) -> impl Iterator<Item = &mut serde_json::Map<String, Value>> {
    let list = endpoint.get_mut("backend").and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}
