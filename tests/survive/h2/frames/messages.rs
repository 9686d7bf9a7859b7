//! Requests that are none, and what looks odd and is right.

use super::case::*;
use crate::h2::wire::*;

/// RFC 9113, section 8.
pub(super) fn messages() -> Vec<Case> {
    let get_with = |more: &[(&str, &str)]| {
        let block = [get("/x"), fields(more)].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)
    };
    let head = |all: &[(&str, &str)]| frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(all));
    let connect = |more: &[(&str, &str)]| {
        let mut all = vec![(":method", "CONNECT")];
        all.extend(more);
        head(&all)
    };
    let told = |length: &str, pieces: &[&[u8]]| {
        let mut bytes = post_with(&[("content-length", length)]);
        for piece in pieces {
            bytes.extend(frame(DATA, 0, 1, piece));
        }
        bytes.extend(frame(DATA, END_STREAM, 1, &[]));
        bytes
    };
    vec![
        case(
            "connection (8.2.2)",
            get_with(&[("connection", "close")]),
            Stream,
        ),
        case(
            "keep-alive (8.2.2)",
            get_with(&[("keep-alive", "timeout=5")]),
            Stream,
        ),
        case(
            "proxy-connection (8.2.2)",
            get_with(&[("proxy-connection", "close")]),
            Stream,
        ),
        case(
            "transfer-encoding (8.2.2)",
            get_with(&[("transfer-encoding", "chunked")]),
            Stream,
        ),
        case("upgrade (8.2.2)", get_with(&[("upgrade", "h2c")]), Stream),
        case("te of gzip (8.2.2)", get_with(&[("te", "gzip")]), Stream),
        case(
            "te of trailers and more (8.2.2)",
            get_with(&[("te", "trailers, gzip")]),
            Stream,
        ),
        case(
            "a method twice (8.3)",
            head(&[
                (":method", "GET"),
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "a"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "a scheme twice (8.3)",
            head(&[
                (":method", "GET"),
                (":scheme", "http"),
                (":scheme", "http"),
                (":authority", "a"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "an authority twice (8.3)",
            head(&[
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "a"),
                (":authority", "b"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "another host than the authority (8.3.1)",
            get_with(&[("host", "b.test")]),
            Stream,
        ),
        case(
            "two hosts (8.3.1)",
            get_with(&[("host", "a.test"), ("host", "a.test")]),
            Stream,
        ),
        case("CONNECT without an authority (8.5)", connect(&[]), Stream),
        case(
            "CONNECT with a path (8.5)",
            connect(&[(":scheme", "http"), (":authority", "a:1"), (":path", "/x")]),
            Stream,
        ),
        case(
            "CONNECT as it should be, to a gateway (8.5)",
            connect(&[(":authority", "a.test:80")]),
            Stream,
        ),
        case(
            "a protocol that nobody offered (RFC 8441)",
            connect(&[
                (":protocol", "websocket"),
                (":scheme", "http"),
                (":authority", "a"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "trailers with a path, which goes nowhere (8.1)",
            trailers(&[(":path", "/y")]),
            Dropped,
        ),
        case(
            "trailers with a status, which goes nowhere (8.1)",
            trailers(&[(":status", "200")]),
            Dropped,
        ),
        case(
            "trailers with capitals (8.2.1)",
            trailers(&[("Injected", "1")]),
            Stream,
        ),
        case(
            "trailers with a line break (8.2.1)",
            trailers(&[("x", "a\r\nInjected: 1")]),
            Stream,
        ),
        case(
            "trailers that are not the end (8.1)",
            [
                post(),
                frame(HEADERS, END_HEADERS, 1, &fields(&[("x", "y")])),
                frame(DATA, END_STREAM, 1, b"x"),
            ]
            .concat(),
            Stream,
        ),
        case(
            "a body shorter than told (8.1.1)",
            told("9", &[b"four"]),
            Stream,
        ),
        case(
            "a body longer than told, in pieces (8.1.1)",
            told("5", &[b"four", b"four"]),
            Stream,
        ),
        case(
            "two lengths (8.1.1)",
            [
                post_with(&[("content-length", "4"), ("content-length", "5")]),
                frame(DATA, END_STREAM, 1, b"four"),
            ]
            .concat(),
            Stream,
        ),
    ]
}
/// Odd, and right.
pub(super) fn allowed() -> Vec<Case> {
    let (start, end) = (get("/x"), END_HEADERS | END_STREAM);
    let half = start.len() / 2;
    let padded = [&[4][..], &start, &[0; 4]].concat();
    let with_priority = [&[0x80, 0, 0, 0, 16][..], &start].concat();
    let pieces = [
        frame(HEADERS, END_STREAM, 1, &start[..half]),
        frame(CONTINUATION, 0, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, &start[half..]),
    ];
    let mut reserved = request(1, "/x");
    reserved[5] |= 0x80;
    let body = |pieces: &[Vec<u8>]| [post(), pieces.concat()].concat();
    vec![
        case(
            "padding (6.2)",
            frame(HEADERS, end | PADDED, 1, &padded),
            Answer,
        ),
        case(
            "padding alone (6.1)",
            body(&[
                frame(DATA, PADDED, 1, &[3, 0, 0, 0]),
                frame(DATA, END_STREAM, 1, &[]),
            ]),
            Answer,
        ),
        case(
            "a priority (5.3.2)",
            frame(HEADERS, end | WITH_PRIORITY, 1, &with_priority),
            Answer,
        ),
        case(
            "PRIORITY of an idle stream (6.3)",
            [frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1]), request(1, "/x")].concat(),
            Answer,
        ),
        case(
            "a head in pieces, one of them empty (6.10)",
            pieces.concat(),
            Answer,
        ),
        case("the reserved bit of a stream (4.1)", reserved, Answer),
        case(
            "flags that mean nothing (4.1)",
            frame(HEADERS, end | 0x52, 1, &start),
            Answer,
        ),
        case(
            "a frame of an unknown type (4.1)",
            [frame(UNKNOWN, 0xff, 0, b"?"), request(1, "/x")].concat(),
            Answer,
        ),
        case(
            "an unknown setting (6.5.2)",
            [setting(0x7777, 1), request(1, "/x")].concat(),
            Answer,
        ),
        case(
            "te of trailers (8.2.2)",
            block(&fields(&[("te", "trailers")])),
            Answer,
        ),
        case("trailers (8.1)", trailers(&[("x-checksum", "1")]), Answer),
        case(
            "crumbs of a cookie (8.2.3)",
            block(&fields(&[("cookie", "a=1"), ("cookie", "b=2")])),
            Answer,
        ),
        case(
            "a host that is the authority (8.3.1)",
            block(&fields(&[("host", "a.test")])),
            Answer,
        ),
        case(
            "a body of empty pieces (6.1)",
            body(&[
                frame(DATA, 0, 1, &[]),
                frame(DATA, 0, 1, b"x"),
                frame(DATA, END_STREAM, 1, &[]),
            ]),
            Answer,
        ),
        case(
            "a stream far above (5.1.1)",
            [request(1, "/x"), request(0x7fff_ffff, "/x")].concat(),
            Answer,
        ),
    ]
}
