//! Fields that are for the next hop alone (RFC 9110 section 7.6.1).

use crate::head::case::{Case, Expect::Served, last};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    fields(&mut cases);
    nominated(&mut cases);
    framing(&mut cases);
    back(&mut cases);
    cases
}

fn served(name: String, lines: &str) -> Case {
    Case::new(name, last("GET", lines, ""), Served(1))
}

/// None of these goes on, whether `Connection` names it or not.
const FIELDS: [(&str, &str); 16] = [
    ("Connection", "close"),
    ("Connection", "X-Nothing"),
    ("Keep-Alive", "timeout=99"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic YTpi"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy", "http://evil.example"),
    ("TE", "trailers"),
    ("TE", "gzip, trailers"),
    ("Trailer", "X-Trailer"),
    ("Upgrade", "websocket"),
    ("Upgrade", "h2c"),
    ("Upgrade", "TLS/1.0"),
    ("Upgrade", "HTTP/2.0, SHTTP/1.3"),
    ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
    ("Expect", "100-continue"),
];

fn fields(cases: &mut Vec<Case>) {
    for (name, value) in FIELDS {
        let line = format!("{name}: {value}\r\n");
        cases.push(served(format!("hop/{name}: {value}"), &line));
        // `Connection: keep-alive` says something else.
        if !matches!(name, "Connection" | "Expect" | "Keep-Alive") {
            let title = format!("hop/nominated {name}: {value}");
            cases.push(served(title, &format!("Connection: {name}\r\n{line}")));
        }
    }
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    cases.push(served("hop/websocket".to_owned(), upgrade));
    let upgrade =
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
    cases.push(served("hop/h2c".to_owned(), upgrade));
}

/// Fields that `Connection` names go with it.
fn nominated(cases: &mut Vec<Case>) {
    for (title, lines) in [
        ("alone", "Connection: X-Named\r\n"),
        ("with close", "Connection: close, X-Named\r\n"),
        ("in another spelling", "Connection: x-NAMED\r\n"),
        ("without blanks", "Connection: a,X-Named,b\r\n"),
        ("with blanks", "Connection:  a ,\t X-Named \t, b\r\n"),
        ("in an empty list", "Connection: ,,X-Named,,\r\n"),
        (
            "in a second line",
            "Connection: a\r\nConnection: X-Named\r\n",
        ),
        ("twice", "Connection: X-Named, X-Named\r\n"),
        ("behind what is no name", "Connection: (), X-Named\r\n"),
    ] {
        let lines = format!("X-Named: 1\r\n{lines}X-Named: 2\r\nX-Kept: 3\r\n");
        let case = served(format!("hop/named {title}"), &lines);
        cases.push(case.must_not("x-named").must("x-kept: 3"));
    }
}

/// What frames and routes is not the client's to delete.
fn framing(cases: &mut Vec<Case>) {
    let sized = ("Content-Length: 5\r\n", "hello");
    let chunked = ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
    for name in [
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "X-Forwarded-For",
        "close, Content-Length",
    ] {
        for (kind, body) in [sized, chunked] {
            let lines = format!("Connection: {name}\r\n{kind}");
            let case = Case::new(
                format!("hop/Connection: {name} with {}", kind.trim_end()),
                last("POST", &lines, body),
                Served(1),
            );
            cases.push(case.body("hello").must("x-forwarded-for: 127.0.0.1"));
        }
    }
}

/// The same on the way back.
fn back(cases: &mut Vec<Case>) {
    for name in [
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "Proxy-Authentication-Info",
        "TE",
        "Trailer",
        "Upgrade",
        "nominated",
    ] {
        let bytes = format!("GET /back/{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let case = Case::new(format!("hop/back {name}"), bytes, Served(1));
        cases.push(case.not_answered("leaked"));
    }
}
