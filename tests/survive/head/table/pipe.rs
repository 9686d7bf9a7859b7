//! Where one request ends and the next begins (RFC 9112 sections 9.3 and 9.6).

use crate::head::case::{
    Case,
    Expect::{Broken, Own, Served, ServedThen},
    NEXT, last,
};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    lines(&mut cases);
    bodies(&mut cases);
    unread(&mut cases);
    short(&mut cases);
    expectations(&mut cases);
    cases
}

fn post(lines: &str, body: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}")
}

fn end() -> String {
    last("GET", "", "")
}

fn lines(cases: &mut Vec<Case>) {
    for count in [2, 3, 20] {
        let bytes = GET.repeat(count - 1) + &end();
        cases.push(Case::new(
            format!("pipe/{count} at once"),
            bytes,
            Served(count),
        ));
    }
    let sized = post("Content-Length: 5\r\n", "hello");
    let chunked = post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
    let mixed = [&sized, GET, &chunked, GET, "\r\n", &end()].concat();
    cases.push(Case::new("pipe/bodies of both kinds", mixed, Served(5)));
    let closing = end() + NEXT;
    cases.push(Case::new("pipe/nothing behind close", closing, Served(1)));
    let old = format!("GET /x HTTP/1.0\r\nHost: a\r\n\r\n{NEXT}");
    cases.push(Case::new("pipe/nothing behind HTTP/1.0", old, Served(1)));
    let old = format!(
        "GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n{}",
        end()
    );
    cases.push(Case::new("pipe/HTTP/1.0 that stays", old, Served(2)));
    for (name, bad) in [
        (
            "two lengths",
            post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
        ),
        (
            "an unknown coding",
            post("Transfer-Encoding: x\r\n", "hello"),
        ),
        (
            "two hosts",
            "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        ),
        ("no head", "nonsense\r\n\r\n".to_owned()),
        (
            "a control character",
            "GET /x HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n".to_owned(),
        ),
    ] {
        let bytes = [GET, &bad, NEXT].concat();
        let name = format!("pipe/behind a good one {name}");
        // Others may still be at work on the first when they give up.
        cases.push(Case::new(name, bytes, ServedThen(1, 400)));
    }
}

/// A body is a body, whatever it looks like.
fn bodies(cases: &mut Vec<Case>) {
    let sized = format!("Content-Length: {}\r\n", NEXT.len());
    let chunks = format!("{:x}\r\n{NEXT}\r\n0\r\n\r\n", NEXT.len());
    for method in ["POST", "GET"] {
        let bytes = last(method, &sized, NEXT);
        let name = format!("pipe/{method} with a request as its body");
        cases.push(Case::new(name, bytes, Served(1)).body(NEXT));
        let bytes = last(method, "Transfer-Encoding: chunked\r\n", &chunks);
        let name = format!("pipe/{method} with a request as its chunk");
        cases.push(Case::new(name, bytes, Served(1)).body(NEXT));
    }
    let bytes = last("HEAD", "", "");
    cases.push(Case::new("pipe/HEAD", bytes, Served(1)));
    let bytes = last("HEAD", &sized, NEXT);
    cases.push(Case::new(
        "pipe/HEAD with a request as its body",
        bytes,
        Served(1),
    ));
    let bytes = post(&sized, NEXT) + &end();
    cases.push(Case::new("pipe/a body and a request", bytes, Served(2)));
}

/// Bodies of requests that nobody reads.
fn unread(cases: &mut Vec<Case>) {
    let sized = format!("Content-Length: {}\r\n", NEXT.len());
    let chunks = format!("{:x}\r\n{NEXT}\r\n0\r\n\r\n", NEXT.len());
    for (line, status) in [
        ("POST /none HTTP/1.1", 404),
        ("PUT /x HTTP/1.1", 405),
        ("DELETE /x HTTP/1.1", 405),
        ("OPTIONS * HTTP/1.1", 200),
    ] {
        let head = |lines: &str| format!("{line}\r\nHost: a\r\nConnection: close\r\n{lines}\r\n");
        let name = format!("pipe/unread body of {line}");
        cases.push(Case::new(name, head(&sized) + NEXT, Own(status)));
        let name = format!("pipe/unread chunks of {line}");
        let bytes = head("Transfer-Encoding: chunked\r\n") + &chunks;
        cases.push(Case::new(name, bytes, Own(status)));
    }
}

/// Bodies that end before their length.
fn short(cases: &mut Vec<Case>) {
    for (length, body) in [("1", ""), ("5", "hell"), ("100", NEXT), ("65536", "hello")] {
        let bytes = post(&format!("Content-Length: {length}\r\n"), body);
        let name = format!("pipe/{} of {length} bytes", body.len());
        cases.push(Case::new(name, bytes, Broken(400)).finish());
    }
}

fn expectations(cases: &mut Vec<Case>) {
    for value in ["100-continue", "100-Continue", "100-continue, x"] {
        let lines = format!("Expect: {value}\r\nContent-Length: 5\r\n");
        let name = format!("pipe/expect {value}");
        let expect = Served(1);
        cases.push(Case::new(name, last("POST", &lines, "hello"), expect).body("hello"));
    }
    let bytes = last("GET", "Expect: 100-continue\r\n", "");
    cases.push(Case::new("pipe/expect without a body", bytes, Served(1)));
    let lines = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", NEXT.len());
    let bytes = format!("POST /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n{NEXT}");
    cases.push(Case::new("pipe/expect of a refused body", bytes, Own(404)));
}
