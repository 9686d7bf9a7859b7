//! Frames on streams that are not theirs, and in the wrong order.

use super::case::*;
use crate::h2::wire::*;

pub(super) fn streams() -> Vec<Case> {
    let done = |then: Vec<u8>| [request(1, "/x"), then].concat();
    vec![
        case(
            "DATA on stream 0 (6.1)",
            frame(DATA, 0, 0, b"x"),
            Connection(&[PROTOCOL]),
        ),
        case(
            "DATA on an idle stream (5.1)",
            frame(DATA, 0, 1, b"x"),
            Connection(&[PROTOCOL, STREAM_CLOSED]),
        ),
        case(
            "HEADERS on stream 0 (6.2)",
            request(0, "/x"),
            Connection(&[PROTOCOL]),
        ),
        case(
            "an even stream (5.1.1)",
            request(2, "/x"),
            Connection(&[PROTOCOL]),
        ),
        case(
            "a stream below the last (5.1.1)",
            [request(5, "/x"), request(3, "/x")].concat(),
            Connection(&[PROTOCOL, STREAM_CLOSED]),
        ),
        case(
            "DATA behind END_STREAM (5.1)",
            [
                post(),
                frame(DATA, END_STREAM, 1, b"x"),
                frame(DATA, 0, 1, b"x"),
            ]
            .concat(),
            Connection(&[STREAM_CLOSED, PROTOCOL]),
        ),
        case(
            "a second head behind END_STREAM (5.1)",
            done(request(1, "/x")),
            Connection(&[STREAM_CLOSED, PROTOCOL]),
        ),
        case(
            "RST_STREAM on stream 0 (6.4)",
            frame(RST_STREAM, 0, 0, &[0; 4]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "RST_STREAM on an idle stream (6.4)",
            frame(RST_STREAM, 0, 7, &[0; 4]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "PRIORITY on stream 0 (6.3)",
            frame(PRIORITY, 0, 0, &[0; 5]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "SETTINGS on a stream (6.5)",
            frame(SETTINGS, 0, 1, &[]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "PING on a stream (6.7)",
            frame(PING, 0, 1, &[0; 8]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "GOAWAY on a stream (6.8)",
            frame(GOAWAY, 0, 1, &[0; 8]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "PUSH_PROMISE of a client (8.4)",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "WINDOW_UPDATE on an idle stream (5.1)",
            frame(WINDOW_UPDATE, 0, 9, &[0, 0, 0, 1]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "CONTINUATION without a head (6.10)",
            frame(CONTINUATION, END_HEADERS, 1, &get("/x")),
            Connection(&[PROTOCOL]),
        ),
        case(
            "CONTINUATION behind END_HEADERS (6.10)",
            [
                post(),
                frame(CONTINUATION, END_HEADERS, 1, &fields(&[("x", "y")])),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "CONTINUATION on another stream (6.10)",
            [
                frame(HEADERS, END_STREAM, 1, &get("/x")),
                frame(CONTINUATION, END_HEADERS, 3, &[]),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "another frame in the middle of a head (6.10)",
            [
                frame(HEADERS, END_STREAM, 1, &get("/x")),
                frame(PING, 0, 0, &[0; 8]),
                frame(CONTINUATION, END_HEADERS, 1, &[]),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "a frame of an unknown type in the middle of a head (5.5)",
            [
                frame(HEADERS, END_STREAM, 1, &get("/x")),
                frame(UNKNOWN, 0, 1, &[]),
                frame(CONTINUATION, END_HEADERS, 1, &[]),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
    ]
}
