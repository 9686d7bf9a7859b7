//! Request lines and hosts (RFC 9112 section 3, RFC 9110 sections 7.2 and 9.3).

use crate::head::case::{
    Case,
    Expect::{Own, Refused, RefusedHere, Served},
    NEXT, hex,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    versions(&mut cases);
    shapes(&mut cases);
    targets(&mut cases);
    methods(&mut cases);
    hosts(&mut cases);
    absolute(&mut cases);
    cases
}

fn request(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n{NEXT}")
}

fn last(line: &str) -> String {
    format!("{line}\r\nHost: a\r\nConnection: close\r\n\r\n")
}

fn versions(cases: &mut Vec<Case>) {
    let wrong = [
        "HTTP/0.9",
        "HTTP/2.0",
        "HTTP/3.0",
        "HTTP/11",
        "HTTP/1.01",
        "HTTP/1.10",
        "HTTP/01.1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/1",
        "HTTP/-1.1",
        "HTTP/1,1",
        "HTTP/1.1.1",
        "HTTP/0x1.1",
        "HTTP/1.1\t",
        "HTTP/1.1 x",
        "HTTP/1.1\0",
        "http/1.1",
        "Http/1.1",
        "HTTP 1.1",
        "HTTP/ 1.1",
        "HTTPS/1.1",
        "XTTP/1.1",
        "ICY/1.1",
        "1.1",
        "HTTP/1.a",
    ];
    for version in wrong {
        let name = format!("line/version {}", version.escape_debug());
        cases.push(Case::new(
            name,
            request(&format!("GET /x {version}")),
            Refused(400),
        ));
    }
    // A higher minor version may be answered as 1.1; a blank behind it is forgiven by some.
    for version in ["HTTP/1.2", "HTTP/1.9", "HTTP/1.1 "] {
        let name = format!("line/version {version:?}");
        cases.push(Case::new(
            name,
            last(&format!("GET /x {version}")),
            RefusedHere(400),
        ));
    }
    cases.push(Case::new(
        "line/none, HTTP/0.9",
        "GET /x\r\n\r\n",
        Refused(400),
    ));
}

fn shapes(cases: &mut Vec<Case>) {
    let broken = [
        "GET",
        "GET ",
        "GET /x",
        "GET HTTP/1.1",
        "/x HTTP/1.1",
        "GET /x /y HTTP/1.1",
        "GET /x y HTTP/1.1",
        "GET\0/x HTTP/1.1",
        "GET /x\0HTTP/1.1",
        "GET: /x HTTP/1.1",
        "\"GET\" /x HTTP/1.1",
        "G ET /x HTTP/1.1",
        "(GET) /x HTTP/1.1",
        "G\u{e9}T /x HTTP/1.1",
        "Host: a",
        "HTTP/1.1 200 OK",
    ];
    for line in broken {
        let name = format!("line/shape {}", line.escape_debug());
        cases.push(Case::new(name, request(line), Refused(400)));
    }
    // Section 3 of RFC 9112 lets others split at any white space.
    for line in [
        "GET  /x HTTP/1.1",
        "GET /x  HTTP/1.1",
        "GET\t/x HTTP/1.1",
        "GET /x\tHTTP/1.1",
        " GET /x HTTP/1.1",
        "\tGET /x HTTP/1.1",
        "GET\x0b/x HTTP/1.1",
        "GET /x\x0cHTTP/1.1",
    ] {
        let name = format!("line/blanks {}", line.escape_debug());
        cases.push(Case::new(name, last(line), RefusedHere(400)));
    }
}

fn targets(cases: &mut Vec<Case>) {
    for byte in (0..0x20)
        .chain([0x7f])
        .filter(|byte| !matches!(byte, b'\n'))
    {
        let line = [b"GET /x?", &[byte][..], b"y HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        let name = format!("line/target with {}", hex(byte));
        cases.push(Case::new(name, line, Refused(400)));
    }
    for target in [
        "x",
        "*",
        "?x",
        "\\x",
        "a:80",
        "a",
        "http:",
        "http:/x",
        "http:x",
        "http://",
        "http:///x",
        "://a/x",
        "file:///x",
        "ftp://a/x",
        "gopher://a/x",
        "javascript:x",
        "http://u@a/x",
        "http://u:p@a/x",
        "http://@a/x",
        "http://a:99999/x",
        "http://a:b/x",
        "http://a:-1/x",
        "http://[::1/x",
        "http://::1/x",
        "http://a b/x",
        "http://a\\x",
        "http://a,b c/x",
        "..",
    ] {
        let name = format!("line/target {target}");
        cases.push(Case::new(
            name,
            last(&format!("GET {target} HTTP/1.1")),
            Refused(400),
        ));
    }
    // No fragment can be sent; others cut it off.
    for target in ["/x#", "/x#a", "/x?a#b", "http://a/x#b"] {
        let name = format!("line/target {target}");
        cases.push(Case::new(
            name,
            last(&format!("GET {target} HTTP/1.1")),
            RefusedHere(400),
        ));
    }
}

fn methods(cases: &mut Vec<Case>) {
    for target in ["a:443", "/x", "http://a/x", "127.0.0.1:22", "*", "[::1]:80"] {
        let name = format!("line/CONNECT {target}");
        cases.push(Case::new(
            name,
            last(&format!("CONNECT {target} HTTP/1.1")),
            Refused(501),
        ));
    }
    for line in [
        "TRACE /x HTTP/1.1",
        "TRACE * HTTP/1.1",
        "TRACE http://a/x HTTP/1.1",
    ] {
        cases.push(Case::new(format!("line/{line}"), last(line), Refused(501)));
    }
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    cases.push(Case::new(
        "line/preface of HTTP/2",
        [preface, NEXT].concat(),
        Refused(0),
    ));
    for method in [
        "get", "Get", "TRACK", "DEBUG", "PROPFIND", "DELETE", "PATCH", "QUERY", "X", "GETX", "!",
    ] {
        let name = format!("line/method {method}");
        cases.push(Case::new(
            name,
            last(&format!("{method} /x HTTP/1.1")),
            Own(405),
        ));
    }
    cases.push(Case::new(
        "line/OPTIONS *",
        last("OPTIONS * HTTP/1.1"),
        Own(200),
    ));
    cases.push(Case::new(
        "line/no route",
        last("GET /none HTTP/1.1"),
        Own(404),
    ));
}

fn hosts(cases: &mut Vec<Case>) {
    let refused: [&[u8]; 28] = [
        b"",
        b"u@a",
        b"u:p@a",
        b"@a",
        b"a/",
        b"a/b",
        b"a?b",
        b"a#b",
        b"a b",
        b"a, b",
        b"a\\b",
        b"a:b",
        b"a:-1",
        b"a:+1",
        b"a:99999",
        b"a:80:80",
        b"a:80a",
        b":80",
        b"::1",
        b"[::1",
        b"::1]",
        b"[::1]x",
        b"a\0",
        b"a\x7f",
        b"a\tb",
        b"\xc3\xa4",
        b"http://a",
        b"<a>",
    ];
    for host in refused {
        let name = format!("host/{}", host.escape_ascii());
        let bytes = [
            b"GET /x HTTP/1.1\r\nHost: ",
            host,
            b"\r\nConnection: close\r\n\r\n",
        ]
        .concat();
        cases.push(Case::new(name, bytes, RefusedHere(400)));
    }
    for lines in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nhost: a\r\n",
        "Host: a\r\nX: y\r\nHOST: b\r\n",
        "Host : a\r\n",
        " Host: a\r\n",
        "Host\r\n",
        "Host a\r\n",
    ] {
        let name = format!("host/lines {}", lines.escape_debug());
        let bytes = format!("GET /x HTTP/1.1\r\n{lines}\r\n{NEXT}");
        cases.push(Case::new(name, bytes, Refused(400)));
    }
    for host in [
        "A.Example",
        "a:80",
        "a:",
        "127.0.0.1:8080",
        "[::1]:80",
        "a_b",
        "xn--bcher-kva.example",
    ] {
        let bytes = format!("GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        cases.push(Case::new(format!("host/good {host}"), bytes, Served(1)));
    }
    let old = "GET /x HTTP/1.0\r\n\r\n";
    cases.push(Case::new("host/none in HTTP/1.0", old, Served(1)));
    let two = "GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n";
    cases.push(Case::new("host/two in HTTP/1.0", two, Refused(400)));
}

/// The target decides, and `Host` has to be there all the same.
fn absolute(cases: &mut Vec<Case>) {
    for target in ["http://a/x", "HTTP://a/x", "http://a:80/x", "https://a/x"] {
        let name = format!("line/absolute {target}");
        cases.push(Case::new(
            name,
            last(&format!("GET {target} HTTP/1.1")),
            Served(1),
        ));
    }
    let other = last("GET http://other.example/x HTTP/1.1");
    let case = Case::new("line/absolute for another host", other, Served(1));
    cases.push(case.must("x-forwarded-host: other.example"));
    for lines in [
        "",
        "Host: u@a\r\n",
        "Host: a b\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a/b\r\n",
    ] {
        let name = format!("line/absolute with {}", lines.escape_debug());
        let bytes = format!("GET http://a/x HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        cases.push(Case::new(name, bytes, RefusedHere(400)));
    }
}
