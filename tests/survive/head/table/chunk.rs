//! Bodies in chunks (RFC 9112 section 7.1).

use crate::head::case::{
    Case,
    Expect::{Broken, BrokenHere, Served},
    NEXT, last,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    sizes(&mut cases);
    data(&mut cases);
    ends(&mut cases);
    good(&mut cases);
    cases
}

/// A POST whose body is `chunks`.
fn chunked(chunks: &[u8]) -> Vec<u8> {
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    [head.as_bytes(), chunks].concat()
}

fn sizes(cases: &mut Vec<Case>) {
    let wrong: [&[u8]; 26] = [
        b"",
        b"g",
        b"-5",
        b"+5",
        b"0x5",
        b"5h",
        b"5 5",
        b"5,5",
        b"5.",
        b"_5",
        b"5_",
        b"\x005",
        b"5\0",
        b"\x0b5",
        b"5\x0b",
        b"5\xa0",
        b"\xd9\xa5",
        b"five",
        b"\"5\"",
        b"FFFFFFFFFFFFFFFFF",
        b"10000000000000005",
        b"1000000000000000000000005",
        b"5\r",
        b"5;\0\n",
        b"GET /smuggled HTTP/1.1",
        b"HTTP/1.1 200 OK",
    ];
    for size in wrong {
        let bytes = [size, b"\r\nhello\r\n0\r\n\r\n", NEXT.as_bytes()].concat();
        let name = format!("chunk/size {}", size.escape_ascii());
        cases.push(Case::new(name, chunked(&bytes), Broken(400)));
    }
    // White space in front of an end that has to be there is forgiven by some.
    for size in [" 5", "\t5", "5\n"] {
        let bytes = format!("{size}\r\nhello\r\n0\r\n\r\n");
        let name = format!("chunk/size {}", size.escape_debug());
        let bytes = last("POST", "Transfer-Encoding: chunked\r\n", &bytes);
        cases.push(Case::new(name, bytes, BrokenHere(400)));
    }
}

fn data(cases: &mut Vec<Case>) {
    let wrong = [
        ("more than announced", "5\r\nhello!\r\n0\r\n\r\n"),
        (
            "much more than announced",
            "1\r\nhello GET /smuggled\r\n0\r\n\r\n",
        ),
        ("less than announced", "7\r\nhello\r\n0\r\n\r\n"),
        ("no end of the data", "5\r\nhello0\r\n\r\n"),
        ("CR alone behind the data", "5\r\nhello\r0\r\n\r\n"),
        ("CR CR LF behind the data", "5\r\nhello\r\r\n0\r\n\r\n"),
        ("LF CR behind the data", "5\r\nhello\n\r0\r\n\r\n"),
        ("NUL behind the data", "5\r\nhello\0\n0\r\n\r\n"),
        ("CR alone behind the size", "5\rhello\r\n0\r\n\r\n"),
        ("second size is none", "5\r\nhello\r\nx\r\n\r\n"),
        ("second size is negative", "5\r\nhello\r\n-1\r\n\r\n"),
        (
            "huge second size",
            "5\r\nhello\r\nffffffffffffffff0\r\n\r\n",
        ),
    ];
    for (name, chunks) in wrong {
        let bytes = [chunks, NEXT].concat();
        cases.push(Case::new(
            format!("chunk/{name}"),
            chunked(bytes.as_bytes()),
            Broken(400),
        ));
    }
    let lines = [
        ("LF alone behind the data", "5\r\nhello\n0\r\n\r\n"),
        ("LF alone behind the size", "5\nhello\r\n0\r\n\r\n"),
        ("LF alone behind the last size", "5\r\nhello\r\n0\n\r\n"),
        ("LF alone at the end", "5\r\nhello\r\n0\r\n\n"),
        ("LF alone everywhere", "5\nhello\n0\n\n"),
        ("LF alone in an extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("LF alone in a trailer", "5\r\nhello\r\n0\r\nX: y\n\r\n"),
    ];
    for (name, chunks) in lines {
        let bytes = last("POST", "Transfer-Encoding: chunked\r\n", chunks);
        cases.push(Case::new(format!("chunk/{name}"), bytes, BrokenHere(400)));
    }
}

/// What breaks off, and what comes behind the last chunk.
fn ends(cases: &mut Vec<Case>) {
    let cut = [
        "",
        "5",
        "5\r",
        "5\r\n",
        "5\r\nhel",
        "5\r\nhello",
        "5\r\nhello\r",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0",
        "5\r\nhello\r\n0\r\n",
        "5\r\nhello\r\n0\r\n\r",
        "5\r\nhello\r\n0\r\nX: y\r\n",
    ];
    for chunks in cut {
        let name = format!("chunk/cut off behind {}", chunks.escape_debug());
        cases.push(Case::new(name, chunked(chunks.as_bytes()), Broken(400)).finish());
    }
    let trailers = [
        "X",
        ": y",
        "X : y",
        "X: y\0",
        "X\0: y",
        "X: y\r\n folded",
        "(: y",
        "X: \x7f",
    ];
    for trailer in trailers {
        let chunks = format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");
        let name = format!("chunk/trailer {}", trailer.escape_debug());
        let bytes = last("POST", "Transfer-Encoding: chunked\r\n", &chunks);
        cases.push(Case::new(name, bytes, BrokenHere(400)));
    }
    let long = "a".repeat(40_000);
    for (name, chunks) in [
        (
            "endless extension",
            format!("5;{long}\r\nhello\r\n0\r\n\r\n"),
        ),
        (
            "endless size",
            format!("{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(40_000)),
        ),
        (
            "endless trailer",
            format!("5\r\nhello\r\n0\r\nX: {long}\r\n\r\n"),
        ),
        (
            "endless trailers",
            format!("5\r\nhello\r\n0\r\n{}\r\n", "X: y\r\n".repeat(8_000)),
        ),
        (
            "many extensions",
            format!(
                "{}0\r\n\r\n",
                format!("1;{}\r\na\r\n", "a".repeat(1_000)).repeat(40)
            ),
        ),
    ] {
        let bytes = last("POST", "Transfer-Encoding: chunked\r\n", &chunks);
        cases.push(Case::new(format!("chunk/{name}"), bytes, BrokenHere(400)));
    }
}

fn good(cases: &mut Vec<Case>) {
    let good = [
        ("extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n"),
        ("quoted extension", "5;a=\"b c\"\r\nhello\r\n0\r\n\r\n"),
        ("leading zeros", "0005\r\nhello\r\n000\r\n\r\n"),
        (
            "small and capital digits",
            "0a\r\nhelloworld\r\n0A\r\nhelloworld\r\n0\r\n\r\n",
        ),
        (
            "single bytes",
            "1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n",
        ),
        (
            "a body that looks like an end",
            "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        ),
    ];
    for (name, chunks) in good {
        let bytes = last("POST", "Transfer-Encoding: chunked\r\n", chunks);
        let case = Case::new(format!("chunk/good {name}"), bytes, Served(1));
        cases.push(case.must_not("a=").must_not(";c"));
    }
    // Nobody has asked for trailers: they are dropped.
    for trailer in [
        "X-Trailer: smuggled",
        "Content-Length: 99",
        "Transfer-Encoding: gzip",
        "Host: smuggled",
        "X-Forwarded-For: 9.9.9.9",
        "Authorization: smuggled",
    ] {
        let chunks = format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");
        let bytes = last("POST", "Transfer-Encoding: chunked\r\n", &chunks);
        let case = Case::new(format!("chunk/good trailer {trailer}"), bytes, Served(1));
        cases.push(case.must_not(trailer).body("hello"));
    }
}
