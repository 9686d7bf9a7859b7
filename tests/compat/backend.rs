//! The backend of a case: answers as the case says.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use cuttle_tests::{Head, Origin, Reply as Scripted, Step};

use crate::case::{Case, Fault, Reply, values};

/// Starts the backend of `case`.
pub(crate) async fn start(case: &Case) -> Origin {
    let everything = case.backend.clone();
    let by_path = case.backends.clone();
    let calls = Mutex::new(BTreeMap::<String, usize>::new());
    Origin::start(move |head| {
        let (key, replies) = pick(&everything, &by_path, head);
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.entry(key).or_default();
        let reply = replies.get(*call).or(replies.last());
        *call += 1;
        reply.map_or_else(usual, script)
    })
    .await
}

fn pick<'a>(
    everything: &'a [Reply],
    by_path: &'a BTreeMap<String, Vec<Reply>>,
    head: &Head,
) -> (String, &'a [Reply]) {
    let path = head.target().split('?').next().unwrap_or_default();
    let keys = [format!("{} {path}", head.method()), path.to_owned()];
    for key in keys {
        if let Some(replies) = by_path.get(&key) {
            return (key, replies);
        }
    }
    (String::new(), everything)
}

/// A case that does not care gets an object with something in it.
fn usual() -> Scripted {
    Scripted::status(
        200,
        &[("Content-Type", "application/json")],
        r#"{"ok":true}"#,
    )
}

fn script(reply: &Reply) -> Scripted {
    let mut bytes = answer(reply);
    let mut steps = Vec::new();
    if reply.delay > 0 && !bytes.is_empty() {
        let rest = bytes.split_off(1);
        steps.push(Step::Drip(
            Bytes::from(bytes),
            Duration::from_millis(reply.delay),
        ));
        bytes = rest;
    }
    steps.push(Step::Send(Bytes::from(bytes)));
    match reply.fault {
        Some(Fault::Close) => steps.push(Step::Close),
        Some(Fault::Reset) => steps.push(Step::Reset),
        Some(Fault::Silence) => steps.push(Step::Silence),
        None if reply.promised.is_some() => steps.push(Step::Close),
        None => {}
    }
    Scripted::steps(steps)
}

/// Head and body; empty if the case has nothing but a fault.
fn answer(reply: &Reply) -> Vec<u8> {
    let body = body(reply);
    let says_nothing = body.is_empty() && reply.chunks.is_none() && reply.headers.is_empty();
    if reply.fault.is_some() && says_nothing {
        return Vec::new();
    }
    let mut head = format!("HTTP/1.1 {} \r\n", reply.status);
    if reply.json.is_some() && !reply.headers.contains_key("Content-Type") {
        head.push_str("Content-Type: application/json\r\n");
    }
    for (name, value) in &reply.headers {
        for value in values(value) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let mut bytes;
    if let Some(chunks) = &reply.chunks {
        bytes = (head + "Transfer-Encoding: chunked\r\n\r\n").into_bytes();
        for chunk in chunks {
            bytes.extend_from_slice(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
        }
        if reply.fault.is_none() {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        return bytes;
    }
    if !matches!(reply.status, 204 | 304) {
        let length = reply.promised.unwrap_or(body.len() as u64);
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(&body);
    bytes
}

fn body(reply: &Reply) -> Vec<u8> {
    match (&reply.json, &reply.body, &reply.base64) {
        (Some(json), None, None) => json.to_string().into_bytes(),
        (None, Some(text), None) => text.clone().into_bytes(),
        (None, None, Some(text)) => BASE64_STANDARD.decode(text).expect("base64 in the case"),
        (None, None, None) => Vec::new(),
        _ => panic!("an answer has one body"),
    }
}
