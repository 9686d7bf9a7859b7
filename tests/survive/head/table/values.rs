//! What a client says that goes on: values in paths, queries, fields.

use crate::head::case::{
    Case,
    Expect::{InPath, InQuery, Served},
    last,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    paths(&mut cases);
    queries(&mut cases);
    fields(&mut cases);
    cases
}

/// `/p/{id}` becomes `/v1/p/{id}`.
const PATHS: &[(&str, Result<&str, u16>)] = &[
    ("a", Ok("/v1/p/a")),
    ("a%20b", Ok("/v1/p/a%20b")),
    ("%61", Ok("/v1/p/a")),
    ("a+b", Ok("/v1/p/a+b")),
    ("a:b@c", Ok("/v1/p/a:b@c")),
    ("a;b=c", Ok("/v1/p/a;b=c")),
    ("..;", Ok("/v1/p/..;")),
    ("...", Ok("/v1/p/...")),
    ("%C3%A9", Ok("/v1/p/%C3%A9")),
    ("{id}", Ok("/v1/p/%7Bid%7D")),
    ("%7Bid%7D", Ok("/v1/p/%7Bid%7D")),
    ("{{.Id}}", Ok("/v1/p/%7B%7B.Id%7D%7D")),
    ("${id}", Ok("/v1/p/$%7Bid%7D")),
    ("a%5cb", Ok("/v1/p/a%5Cb")),
    ("..%5c..", Ok("/v1/p/..%5C..")),
    ("..\\..", Ok("/v1/p/..%5C..")),
    ("a%22b", Ok("/v1/p/a%22b")),
    ("a%3cb%3e", Ok("/v1/p/a%3Cb%3E")),
    ("a%7cb", Ok("/v1/p/a%7Cb")),
    (
        "http:%5c%5cevil.example",
        Ok("/v1/p/http:%5C%5Cevil.example"),
    ),
    ("@evil.example:80", Ok("/v1/p/@evil.example:80")),
    ("%2e%2e", Err(400)),
    ("%2E%2e", Err(400)),
    (".%2e", Err(400)),
    ("%2e", Err(400)),
    ("%00", Err(400)),
    ("a%00b", Err(400)),
    ("a%0ab", Err(400)),
    ("a%0db", Err(400)),
    ("a%0d%0aX-Smuggled:%201", Err(400)),
    ("a%20HTTP%0d%0aX:%20y", Err(400)),
    ("%3fa=b", Err(400)),
    ("%23a", Err(400)),
    ("%25", Err(400)),
    ("%252e%252e", Err(400)),
    ("%252f", Err(400)),
    ("%2525", Err(400)),
    ("%", Err(400)),
    ("%2", Err(400)),
    ("%zz", Err(400)),
    ("%u002e", Err(400)),
    ("%c0%ae%c0%ae", Err(400)),
    ("%c0%af", Err(400)),
    ("%ff", Err(400)),
    ("%ed%a0%80", Err(400)),
    ("..", Err(400)),
    (".", Err(400)),
    ("../x", Err(301)),
    ("a/../../smuggled", Err(301)),
    ("", Err(404)),
    ("/", Err(404)),
    ("a/b", Err(404)),
    ("%2f", Err(404)),
    ("a%2fb", Err(404)),
    ("..%2f..%2fsmuggled", Err(301)),
    ("..%2fsmuggled", Err(301)),
    ("%2e%2e%2fsmuggled", Err(301)),
    ("%2e%2e/smuggled", Err(301)),
];

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

fn paths(cases: &mut Vec<Case>) {
    for (value, here) in PATHS {
        let name = format!("value/path {value}");
        let case = Case::new(name, get(&format!("/p/{value}")), InPath(*here));
        cases.push(case.must_not("smuggled"));
    }
}

/// `a` alone may pass.
const QUERIES: &[(&str, Result<&str, u16>)] = &[
    ("a=1", Ok("/q?a=1")),
    ("a=1&b=2", Ok("/q?a=1")),
    ("b=2&a=1", Ok("/q?a=1")),
    ("b=2", Ok("/q")),
    ("", Ok("/q")),
    ("?a=1", Ok("/q")),
    ("A=1", Ok("/q")),
    ("aa=1", Ok("/q")),
    ("%61=1", Ok("/q?a=1")),
    ("%2561=1", Ok("/q")),
    ("a%00=1", Ok("/q")),
    ("a%20=1", Ok("/q")),
    ("a[]=1", Ok("/q")),
    ("a.b=1", Ok("/q")),
    ("a", Ok("/q?a=")),
    ("a=1;b=2", Ok("/q")),
    ("b=2;a=1", Ok("/q")),
    ("a=1%26b=2", Ok("/q?a=1%26b%3D2")),
    ("a=1%23b", Ok("/q?a=1%23b")),
    ("a=%0d%0aX-Smuggled:%201", Ok("/q?a=%0D%0AX-Smuggled%3A+1")),
    ("a=%", Ok("/q")),
    ("%zz=1", Ok("/q")),
    (
        "a=http://evil.example/",
        Ok("/q?a=http%3A%2F%2Fevil.example%2F"),
    ),
    ("a=../../evil", Ok("/q?a=..%2F..%2Fevil")),
];

fn queries(cases: &mut Vec<Case>) {
    for (query, here) in QUERIES {
        let name = format!("value/query {query}");
        let case = Case::new(name, get(&format!("/q?{query}")), InQuery(*here));
        cases.push(case.must_not("\r\nx-smuggled"));
    }
}

/// `/h` lets `X-Allowed` pass, `/x` everything.
fn fields(cases: &mut Vec<Case>) {
    for line in [
        "X_Allowed: 1",
        "X-Allowe: 1",
        "X-Allowedd: 1",
        "X-Allowed-Too: 1",
        "Cookie: a=b",
        "Authorization: Basic YTpi",
        "X-Original-URL: /admin",
        "X-Rewrite-URL: /admin",
        "X-HTTP-Method-Override: DELETE",
        "Forwarded: for=9.9.9.9",
    ] {
        let bytes = format!(
            "GET /h HTTP/1.1\r\nHost: a\r\nX-Allowed: yes\r\n{line}\r\nConnection: close\r\n\r\n"
        );
        let case = Case::new(format!("value/field {line}"), bytes, Served(1));
        cases.push(
            case.must_not(&format!("\r\n{line}\r\n"))
                .must("x-allowed: yes"),
        );
    }
    for line in [
        "X-Forwarded-For: 9.9.9.9",
        "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8",
        "X_Forwarded_For: 9.9.9.9",
        "X-Forwarded_For: 9.9.9.9",
        "X-Forwarded-Host: 9.9.9.9",
        "X_Forwarded_Host: 9.9.9.9",
    ] {
        let bytes = last("GET", &format!("{line}\r\n"), "");
        let case = Case::new(
            format!("value/forged {}", line.escape_debug()),
            bytes,
            Served(1),
        );
        cases.push(case.must_not("9.9.9.9").must("x-forwarded-for: 127.0.0.1"));
    }
}
