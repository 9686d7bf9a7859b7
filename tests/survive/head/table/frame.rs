//! Lengths that can be read in two ways (RFC 9112 section 6).

use crate::head::case::{
    Case,
    Expect::{Refused, RefusedHere, Served},
    framed, last,
};

/// A body that is whole by chunks, and the beginning of one by length.
const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";
const HELLO: &str = "hello";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    codings(&mut cases);
    names(&mut cases);
    lengths(&mut cases);
    both(&mut cases);
    good(&mut cases);
    cases
}

/// Nothing but one `chunked` has one meaning everywhere.
const CODINGS: [&[u8]; 28] = [
    b"",
    b"gzip",
    b"deflate",
    b"identity",
    b"cow",
    b"chunk",
    b"chunkedx",
    b"xchunked",
    b"x chunked",
    b"chunked x",
    b"chunked;q=1",
    b"chunked;",
    b"\"chunked\"",
    b"'chunked'",
    b"chunked, chunked",
    b"chunked, identity",
    b"identity, chunked",
    b"gzip, chunked",
    b"chunked, gzip",
    b"chunked\x0b",
    b"\x0bchunked",
    b"\x0cchunked",
    b"chunked\0",
    b"\0chunked",
    b"chunked\x7f",
    b"\xa0chunked",
    b"chunked\xff",
    b"chun\tked",
];

fn codings(cases: &mut Vec<Case>) {
    for coding in CODINGS {
        let line = [b"Transfer-Encoding: ", coding].concat();
        let name = format!("frame/te {}", coding.escape_ascii());
        cases.push(Case::new(name, framed(&line, CHUNKS), Refused(400)));
    }
    // Empty elements of a list are to be overlooked.
    for coding in ["chunked,", ",chunked"] {
        let bytes = last("POST", &format!("Transfer-Encoding: {coding}\r\n"), CHUNKS);
        let name = format!("frame/te {coding}");
        cases.push(Case::new(name, bytes, RefusedHere(400)));
    }
    for (first, second) in [
        ("chunked", "chunked"),
        ("chunked", "identity"),
        ("identity", "chunked"),
        ("chunked", "gzip"),
        ("gzip", "chunked"),
        ("chunked", ""),
        ("", "chunked"),
    ] {
        let lines = format!("Transfer-Encoding: {first}\r\nTransfer-Encoding: {second}");
        let name = format!("frame/te twice {first:?} {second:?}");
        // The RFC reads two lines as one list, of which some are good.
        let expect = match (first, second) {
            ("chunked", "") | ("", "chunked") => RefusedHere(400),
            _ => Refused(400),
        };
        let bytes = match expect {
            Refused(_) => framed(lines.as_bytes(), CHUNKS),
            _ => last("POST", &format!("{lines}\r\n"), CHUNKS).into_bytes(),
        };
        cases.push(Case::new(name, bytes, expect));
    }
    for lines in ["", "Content-Length: 5\r\n"] {
        let bytes = format!(
            "POST /x HTTP/1.0\r\nHost: a\r\n{lines}Transfer-Encoding: chunked\r\n\r\n{CHUNKS}"
        );
        let name = format!("frame/te in HTTP/1.0 {}", lines.trim_end());
        cases.push(Case::new(name, bytes, RefusedHere(400)));
    }
}

/// Names that some read as `Transfer-Encoding` or `Content-Length`.
fn names(cases: &mut Vec<Case>) {
    for name in ["Transfer-Encoding", "Content-Length"] {
        let value = match name {
            "Transfer-Encoding" => "chunked",
            _ => "5",
        };
        let split = name.replace('-', " ");
        for line in [
            format!("{name} : {value}"),
            format!("{name}\t: {value}"),
            format!("{name}\0: {value}"),
            format!("{name}\x0b: {value}"),
            format!("{name}\r: {value}"),
            format!("{name}\r\n : {value}"),
            format!("{name}:\r\n {value}"),
            format!("{name}:\n {value}"),
            format!(" {name}: {value}"),
            format!("\t{name}: {value}"),
            format!("X: y\r\n {name}: {value}"),
            format!("X: y\r{name}: {value}"),
            format!("X: y\0\r\n{name}: {value}\r\nX: \0"),
            format!("{split}: {value}"),
            name.to_owned(),
            format!("{name} {value}"),
            format!("{name}= {value}"),
            format!("\u{a0}{name}: {value}"),
            format!("\"{name}\": {value}"),
        ] {
            let title = format!("frame/name {}", line.escape_debug());
            // Without a length the body is none: it would be another request.
            let bytes =
                format!("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n\r\n");
            cases.push(Case::new(title, bytes, RefusedHere(400)));
        }
        let line = format!("X: y\n{name}: {value}");
        let title = format!("frame/name behind LF {name}");
        let body = if value == "5" { HELLO } else { CHUNKS };
        let bytes = last("POST", &format!("{line}\r\n"), body);
        cases.push(Case::new(title, bytes, RefusedHere(400)));
    }
    for line in ["Content_Length: 5", "Transfer_Encoding: chunked"] {
        let bytes = last("POST", &format!("{line}\r\nContent-Length: 5\r\n"), HELLO);
        let case = Case::new(format!("frame/alias {line}"), bytes, Served(1));
        cases.push(case.must_not(line).body(HELLO));
    }
}

const LENGTHS: [&[u8]; 34] = [
    b"",
    b"+5",
    b"-5",
    b"+0",
    b"-0",
    b"0x5",
    b"0b101",
    b"5 5",
    b"5,6",
    b"0,5",
    b"5;5",
    b"5;",
    b"5.0",
    b"5e0",
    b"_5",
    b"1_0",
    b"5a",
    b"a5",
    b"five",
    b"NaN",
    b"null",
    b"\"5\"",
    b"'5'",
    b"(5)",
    b"5\0",
    b"\x0b5",
    b"5\x0c",
    b"\xa05",
    b"\xd9\xa5",
    b"18446744073709551616",
    b"18446744073709551621",
    b"99999999999999999999999999",
    b"5\r",
    b"5\r\n 5",
];

fn lengths(cases: &mut Vec<Case>) {
    for length in LENGTHS {
        let line = [b"Content-Length: ", length].concat();
        let name = format!("frame/cl {}", length.escape_ascii());
        cases.push(Case::new(name, framed(&line, HELLO), Refused(400)));
    }
    // Lists of equal numbers may be brought into order.
    for length in ["5,5", "5, 5", "5,", ",5", "5 , 5"] {
        let bytes = last("POST", &format!("Content-Length: {length}\r\n"), HELLO);
        cases.push(Case::new(
            format!("frame/cl {length}"),
            bytes,
            RefusedHere(400),
        ));
    }
    for (first, second) in [
        ("5", "6"),
        ("6", "5"),
        ("0", "5"),
        ("5", "0"),
        ("5", ""),
        ("5", "a"),
    ] {
        let lines = format!("Content-Length: {first}\r\nContent-Length: {second}");
        let name = format!("frame/cl twice {first:?} {second:?}");
        cases.push(Case::new(
            name,
            framed(lines.as_bytes(), HELLO),
            Refused(400),
        ));
    }
    for (first, second) in [
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5", "content-length: 05"),
    ] {
        let bytes = last("POST", &format!("{first}\r\n{second}\r\n"), HELLO);
        let name = format!("frame/cl twice {first} {second}");
        cases.push(Case::new(name, bytes, RefusedHere(400)));
    }
}

/// RFC 9112 section 6.3: an attempt to smuggle, or a mistake.
fn both(cases: &mut Vec<Case>) {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 15\r\nTransfer-Encoding: chunked",
        "content-length: 5\r\nTRANSFER-ENCODING: chunked",
        "Content-Length: 5\r\nX: y\r\nTransfer-Encoding: CHUNKED",
    ] {
        let bytes = last("POST", &format!("{lines}\r\n"), CHUNKS);
        let name = format!("frame/both {}", lines.escape_debug());
        cases.push(Case::new(name, bytes, RefusedHere(400)));
    }
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: identity",
        "Content-Length: 5\r\nTransfer-Encoding: xchunked",
        "Content-Length: 5\r\nTransfer-Encoding: \x0bchunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked, identity",
        "Content-Length: 5\r\nTransfer-Encoding:",
        "Content-Length: x\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Content-Length: 5\r\nContent-Length: 6\r\nTransfer-Encoding: chunked",
    ] {
        let name = format!("frame/both {}", lines.escape_debug());
        let expect = match lines.ends_with(": chunked") || lines.ends_with("Encoding:") {
            true => RefusedHere(400),
            false => Refused(400),
        };
        let bytes = last("POST", &format!("{lines}\r\n"), CHUNKS);
        cases.push(Case::new(name, bytes, expect));
    }
}

/// What must go on to work.
fn good(cases: &mut Vec<Case>) {
    for line in [
        "Transfer-Encoding: ChUnKeD",
        "Transfer-Encoding:chunked",
        "Transfer-Encoding:\t chunked \t",
        "TRANSFER-ENCODING: chunked",
    ] {
        let bytes = last("POST", &format!("{line}\r\n"), CHUNKS);
        let name = format!("frame/good {}", line.escape_debug());
        cases.push(Case::new(name, bytes, Served(1)).body(HELLO));
    }
    for line in [
        "Content-Length: 00005",
        "Content-Length:5",
        "content-length: \t5\t ",
    ] {
        let bytes = last("POST", &format!("{line}\r\n"), HELLO);
        let name = format!("frame/good {}", line.escape_debug());
        cases.push(Case::new(name, bytes, Served(1)).body(HELLO));
    }
}
