//! More than is let in (RFC 9112 section 3, RFC 6585 section 5).

use crate::head::{
    case::{
        Case,
        Expect::{Broken, Own, Refused, RefusedHere, Served},
        last,
    },
    scene::{MAX_BODY, MAX_HEAD},
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    targets(&mut cases);
    heads(&mut cases);
    bodies(&mut cases);
    cases
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

fn targets(cases: &mut Vec<Case>) {
    let path = |bytes: usize| format!("/{}", "a".repeat(bytes));
    cases.push(Case::new(
        "limit/path of 17 KiB",
        get(&path(17 << 10)),
        Refused(414),
    ));
    let query = format!("/x?{}", "a".repeat(17 << 10));
    cases.push(Case::new(
        "limit/query of 17 KiB",
        get(&query),
        RefusedHere(414),
    ));
    let absolute = format!("http://a{}", path(17 << 10));
    cases.push(Case::new(
        "limit/URL of 17 KiB",
        get(&absolute),
        Refused(414),
    ));
    cases.push(Case::new(
        "limit/path of 40 KiB",
        get(&path(40 << 10)),
        Refused(431),
    ));
    cases.push(Case::new(
        "limit/path of 200 KiB",
        get(&path(200 << 10)),
        Refused(431),
    ));
    let endless = format!("GET {}", path(100 << 10));
    cases.push(Case::new("limit/path without end", endless, Refused(431)));
    cases.push(Case::new(
        "limit/method of 40 KiB",
        "A".repeat(40 << 10),
        Refused(431),
    ));
    let method = format!(
        "{} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "A".repeat(1_000)
    );
    cases.push(Case::new("limit/method of 1,000 bytes", method, Own(405)));
    let segments = get(&"/a".repeat(4_000));
    cases.push(Case::new("limit/4,000 segments", segments, Own(404)));
    let host = format!(
        "GET /x HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        "a".repeat(40 << 10)
    );
    cases.push(Case::new("limit/host of 40 KiB", host, Refused(431)));
}

fn heads(cases: &mut Vec<Case>) {
    let value = |bytes: usize| last("GET", &format!("X-A: {}\r\n", "a".repeat(bytes)), "");
    cases.push(Case::new(
        "limit/value of 20 KiB",
        value(20 << 10),
        Served(1),
    ));
    cases.push(Case::new(
        "limit/value of 40 KiB",
        value(40 << 10),
        Refused(431),
    ));
    cases.push(Case::new(
        "limit/value of 200 KiB",
        value(200 << 10),
        Refused(431),
    ));
    let name = last("GET", &format!("{}: a\r\n", "a".repeat(40 << 10)), "");
    cases.push(Case::new("limit/name of 40 KiB", name, Refused(431)));
    for (count, expect) in [
        (50, Served(1)),
        (200, RefusedHere(431)),
        (2_000, Refused(431)),
        (10_000, Refused(431)),
    ] {
        let lines: String = (0..count)
            .map(|number| format!("X-{number}: a\r\n"))
            .collect();
        cases.push(Case::new(
            format!("limit/{count} fields"),
            last("GET", &lines, ""),
            expect,
        ));
    }
    let lines = "X: a\r\n".repeat(200);
    cases.push(Case::new(
        "limit/one field 200 times",
        last("GET", &lines, ""),
        RefusedHere(431),
    ));
    let lines = "a:\r\n".repeat(MAX_HEAD / 4);
    cases.push(Case::new(
        "limit/many tiny fields",
        last("GET", &lines, ""),
        Refused(431),
    ));
    let endless = format!(
        "GET /x HTTP/1.1\r\nHost: a\r\n{}",
        "X-A: aaaa\r\n".repeat(10_000)
    );
    cases.push(Case::new("limit/head without end", endless, Refused(431)));
    let endless = format!("GET /x HTTP/1.1\r\nX: {}", "a".repeat(100 << 10));
    cases.push(Case::new("limit/value without end", endless, Refused(431)));
    let lines = "\r\n".repeat(40 << 10);
    cases.push(Case::new(
        "limit/nothing but empty lines",
        lines,
        Refused(431),
    ));
}

fn bodies(cases: &mut Vec<Case>) {
    let announced = |length: &str| {
        format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello")
    };
    for length in [
        "65537",
        "10737418240",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551613",
    ] {
        let name = format!("limit/{length} bytes announced");
        cases.push(Case::new(name, announced(length), Refused(413)));
    }
    // More than the library can count to.
    for length in ["18446744073709551614", "18446744073709551615"] {
        let name = format!("limit/{length} bytes announced");
        cases.push(Case::new(name, announced(length), Refused(431)));
    }
    let body = "a".repeat(MAX_BODY);
    let bytes = last("POST", &format!("Content-Length: {MAX_BODY}\r\n"), &body);
    cases.push(Case::new(
        "limit/as many bytes as allowed",
        bytes,
        Served(1),
    ));
    let chunks = format!("1001\r\n{}\r\n", "a".repeat(0x1001)).repeat(16) + "0\r\n\r\n";
    let bytes = last("POST", "Transfer-Encoding: chunked\r\n", &chunks);
    cases.push(Case::new(
        "limit/more chunks than allowed",
        bytes,
        Broken(413),
    ));
    let lines = format!(
        "Expect: 100-continue\r\nContent-Length: {}\r\n",
        10u64 << 30
    );
    let bytes = format!("POST /x HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    cases.push(Case::new(
        "limit/10 GiB announced with Expect",
        bytes,
        Refused(413),
    ));
}
