//! From HTTP/2 to HTTP/1: what has no place in a head of the one must not get
//! into one of the other (RFC 9113 sections 8.2, 8.3 and 10.3).

use cuttle_tests::{Gateway, Origin, TestResult};
use serde_json::json;

use super::wire::{
    Client, DATA, END_HEADERS, END_STREAM, HEADERS, Outcome, fields, frame, request,
};
use crate::healthy::gateway;

type Fields<'a> = Vec<(&'a str, &'a str)>;

const START: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "a.test"),
    (":path", "/x"),
];

/// An ordinary request and this field.
fn and<'a>(name: &'a str, value: &'a str) -> Fields<'a> {
    let mut fields = START.to_vec();
    fields.push((name, value));
    fields
}

/// With another value for a pseudo field.
fn instead<'a>(name: &'a str, value: &'a str) -> Fields<'a> {
    let all = START.into_iter();
    all.map(|(old, kept)| (old, if old == name { value } else { kept }))
        .collect()
}

fn without(name: &str) -> Fields<'static> {
    START.into_iter().filter(|(old, _)| *old != name).collect()
}

/// Sends it on a connection of its own.
async fn outcome(gateway: &Gateway, fields_: &[(&str, &str)], body: Option<&[u8]>) -> Outcome {
    let mut client = Client::connect(gateway.address()).await;
    let end = if body.is_none() { END_STREAM } else { 0 };
    let mut all = frame(HEADERS, END_HEADERS | end, 1, &fields(fields_));
    if let Some(body) = body {
        all.extend(frame(DATA, END_STREAM, 1, body));
    }
    client.send(&all).await;
    client.outcome(1).await
}

fn is_refusal(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Reset(_) | Outcome::Gone | Outcome::Status(400..=499 | 501)
    )
}

fn malformed() -> Vec<(&'static str, Fields<'static>)> {
    let mut twice = START.to_vec();
    twice.push((":path", "/y"));
    let mut late = START.to_vec();
    late.insert(3, ("x", "y"));
    vec![
        ("CRLF in a value", and("x", "a\r\nInjected: 1")),
        ("LF in a value", and("x", "a\nInjected: 1")),
        ("CR in a value", and("x", "a\rInjected: 1")),
        ("NUL in a value", and("x", "a\0b")),
        ("CRLF in a name", and("x\r\ninjected", "1")),
        ("colon in a name", and("injected:x", "1")),
        ("space in a name", and("injected ", "1")),
        ("an empty name", and("", "1")),
        ("capitals in a name", and("Injected", "1")),
        (
            "CRLF in the path",
            instead(":path", "/x HTTP/1.1\r\nInjected: 1\r\n\r\n"),
        ),
        (
            "space in the path",
            instead(":path", "/x HTTP/1.1 Injected"),
        ),
        ("NUL in the path", instead(":path", "/x\0")),
        ("no slash in the path", instead(":path", "x")),
        ("an empty path", instead(":path", "")),
        (
            "CRLF in the method",
            instead(":method", "GET /injected HTTP/1.1\r\nx: "),
        ),
        ("space in the method", instead(":method", "GET /injected")),
        ("an empty method", instead(":method", "")),
        (
            "CRLF in the authority",
            instead(":authority", "a\r\nInjected: 1"),
        ),
        (
            "slash in the authority",
            instead(":authority", "a/injected"),
        ),
        (
            "userinfo in the authority",
            instead(":authority", "injected@a"),
        ),
        ("no method", without(":method")),
        ("no path", without(":path")),
        ("no scheme", without(":scheme")),
        ("no authority", without(":authority")),
        ("a second path", twice),
        ("a pseudo field behind others", late),
        ("an unknown pseudo field", and(":injected", "1")),
        ("a status", and(":status", "200")),
        ("CONNECT", instead(":method", "CONNECT")),
        ("TRACE", instead(":method", "TRACE")),
        ("Transfer-Encoding", and("transfer-encoding", "chunked")),
        ("a length and more", and("content-length", "5, 6")),
        ("a length with a sign", and("content-length", "+0")),
        ("a length without a body", and("content-length", "5")),
    ]
}

#[tokio::test]
async fn what_has_no_place_in_a_head_is_refused() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let mut let_through = Vec::new();
    for (name, fields) in malformed() {
        let outcome = outcome(&gateway, &fields, None).await;
        let journal = origin.journal();
        if !is_refusal(&outcome) || !journal.requests.is_empty() {
            let_through.push(format!(
                "{name}: {outcome:?}, {} at the origin",
                journal.heads.len()
            ));
            break;
        }
    }
    assert_eq!(let_through, [""; 0]);
    assert!(!origin.journal().text().contains("njected"));
    assert_eq!(gateway.get("/x").await?.status, 200);
    Ok(())
}

/// What concerns a connection is malformed (section 8.2.2), or left out.
#[tokio::test]
async fn fields_of_a_connection_do_not_reach_the_origin() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    for (name, value) in [
        ("connection", "x-named"),
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("proxy-authorization", "Basic YTpi"),
    ] {
        let seen = origin.hits();
        let outcome = outcome(&gateway, &and(name, value), None).await;
        let journal = origin.journal();
        match journal.heads.get(seen) {
            None => assert!(is_refusal(&outcome), "{name}: {outcome:?}"),
            Some(head) => {
                assert_eq!(outcome, Outcome::Status(200), "{name}");
                assert_ne!(head.field(name), Some(value), "{}", head.raw);
            }
        }
    }
    Ok(())
}

/// Its length is known from the frames; one that is told has to be the same.
#[tokio::test]
async fn a_body_of_another_length_than_told_is_refused() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let post = |length| {
        let mut fields = instead(":method", "POST");
        fields.push(("content-length", length));
        fields
    };
    for (length, body) in [("5", "four"), ("3", "four"), ("0", "four")] {
        let outcome = outcome(&gateway, &post(length), Some(body.as_bytes())).await;
        assert!(is_refusal(&outcome), "{length}: {outcome:?}");
        assert!(origin.journal().requests.is_empty(), "{length}");
    }
    assert_eq!(
        outcome(&gateway, &post("4"), Some(b"four")).await,
        Outcome::Status(200)
    );
    assert_eq!(origin.last().head.field("content-length"), Some("4"));
    let mut client = Client::connect(gateway.address()).await;
    client.send(&request(1, "/x")).await;
    assert_eq!(client.outcome(1).await, Outcome::Status(200));
    Ok(())
}
