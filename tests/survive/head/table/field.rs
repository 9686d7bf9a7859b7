//! Bytes that do not belong into fields (RFC 9112 sections 2.2 and 5).

use crate::head::case::{
    Case,
    Expect::{Refused, RefusedHere, Served},
    NEXT, hex, last, with_field, with_last_field,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    names(&mut cases);
    values(&mut cases);
    shapes(&mut cases);
    line_ends(&mut cases);
    good(&mut cases);
    cases
}

/// Control characters, and what separates tokens.
fn names(cases: &mut Vec<Case>) {
    let controls = (0..=0x20).chain([0x7f]);
    let separators = *b"\"(),/;<=>?@[\\]{}";
    let above = [0x80, 0xa0, 0xc3, 0xff];
    for byte in controls.chain(separators).chain(above) {
        // A line end in a name is a line without a colon.
        let field = [b"X-", &[byte][..], b"A: smuggled"].concat();
        let name = format!("field/name with {}", hex(byte));
        let case = Case::new(name, with_last_field(&field), RefusedHere(400));
        cases.push(case.must_not("smuggled"));
    }
}

/// All controls but the tab.
fn values(cases: &mut Vec<Case>) {
    let controls = (0..0x20).chain([0x7f]);
    for byte in controls.filter(|byte| !matches!(byte, b'\t' | b'\n')) {
        let field = [b"X-A: a", &[byte][..], b"b"].concat();
        let name = format!("field/value with {}", hex(byte));
        let case = Case::new(name, with_last_field(&field), RefusedHere(400));
        cases.push(case.must_not("x-a: ab"));
    }
}

fn shapes(cases: &mut Vec<Case>) {
    let folded: [&[u8]; 6] = [
        b"X-A: a\r\n b",
        b"X-A: a\r\n\tb",
        b"X-A:\r\n b",
        b"X-A: a\r\n \r\n b",
        b"X-A: a\r\n Host: b",
        b"X-A: a\r\n\r",
    ];
    for field in folded {
        let name = format!("field/fold {}", field.escape_ascii());
        cases.push(Case::new(name, with_last_field(field), RefusedHere(400)));
    }
    let broken: [&[u8]; 10] = [
        b": a",
        b":",
        b"X-A",
        b"X-A a",
        b" : a",
        b"X-A : a",
        b"X-A\t: a",
        b"X A: a",
        b"GET /smuggled HTTP/1.1",
        b"HTTP/1.1 200 OK",
    ];
    for field in broken {
        let name = format!("field/line {}", field.escape_ascii());
        cases.push(Case::new(name, with_last_field(field), RefusedHere(400)));
    }
    for before in [" ", "\t", " X: y\r\n", "\x0b", "\0"] {
        let name = format!("field/first line behind {}", before.escape_debug());
        let bytes =
            format!("GET /x HTTP/1.1\r\n{before}Host: a\r\nHost: a\r\nConnection: close\r\n\r\n");
        cases.push(Case::new(name, bytes, Refused(400)));
    }
}

fn line_ends(cases: &mut Vec<Case>) {
    let alone = [
        (
            "everywhere",
            "GET /x HTTP/1.1\nHost: a\nConnection: close\n\n",
        ),
        (
            "request line",
            "GET /x HTTP/1.1\nHost: a\r\nConnection: close\r\n\r\n",
        ),
        (
            "field",
            "GET /x HTTP/1.1\r\nHost: a\nConnection: close\r\n\r\n",
        ),
        (
            "last field",
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\n\r\n",
        ),
        (
            "empty line",
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\n",
        ),
        (
            "before",
            "\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
    ];
    for (place, bytes) in alone {
        cases.push(Case::new(
            format!("field/LF alone, {place}"),
            bytes,
            RefusedHere(400),
        ));
    }
    let refused = [
        (
            "CR alone everywhere",
            "GET /x HTTP/1.1\rHost: a\rConnection: close\r\r\r\n\r\n",
        ),
        ("CR alone, request line", "GET /x HTTP/1.1\rHost: a\r\n\r\n"),
        (
            "CR alone, field",
            "GET /x HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        ),
        ("CR CR LF", "GET /x HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        ("CR before", "\rGET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "CR LF CR and more",
            "GET /x HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
        ),
        ("NUL before", "\0GET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("NEL", "GET /x HTTP/1.1\r\nHost: a\u{85}X: y\r\n\r\n"),
        ("LS", "GET /x HTTP/1.1\r\nHost: a\u{2028}X: y\r\n\r\n"),
    ];
    for (name, bytes) in refused {
        let bytes = [bytes, NEXT].concat();
        cases.push(Case::new(format!("field/{name}"), bytes, Refused(400)));
    }
    // LF LF ends a head for some, and for others the head goes on.
    for (name, field) in [
        (
            "LF LF and a request",
            "X-A: a\n\nGET /smuggled HTTP/1.1\r\nHost: a",
        ),
        (
            "LF CR LF and a request",
            "X-A: a\n\r\nGET /smuggled HTTP/1.1\r\nHost: a",
        ),
        ("LF and a length", "X-A: a\nContent-Length: 44"),
    ] {
        let bytes = with_field(field.as_bytes());
        cases.push(Case::new(format!("field/{name}"), bytes, Refused(400)));
    }
}

fn good(cases: &mut Vec<Case>) {
    for value in ["a\tb", "\u{e9}", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", ""] {
        let name = format!("field/good value {}", value.escape_debug());
        let case = Case::new(
            name,
            last("GET", &format!("X-A: {value}\r\n"), ""),
            Served(1),
        );
        cases.push(case.must("x-a:"));
    }
    let every = "!#$%&'*+-.^`|~09azAZ";
    let bytes = last("GET", &format!("{every}: kept\r\n"), "");
    cases.push(Case::new(
        "field/good name of every character",
        bytes,
        Served(1),
    ));
    let bytes = ["\r\n", &last("GET", "", "")].concat();
    cases.push(Case::new("field/good empty line before", bytes, Served(1)));
}
