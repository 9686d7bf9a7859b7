//! Frames of the wrong size, settings out of range, damaged compression.

use super::case::*;
use crate::h2::wire::*;

pub(super) fn sizes() -> Vec<Case> {
    let padded = |length: u8| {
        let payload = [vec![length], get("/x")].concat();
        frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, &payload)
    };
    vec![
        case(
            "padding longer than DATA (6.1)",
            [post(), frame(DATA, PADDED | END_STREAM, 1, &[9, 0, 0])].concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "padding longer than a head (6.2)",
            padded(200),
            Connection(&[PROTOCOL]),
        ),
        case(
            "no room for the length of padding (6.1)",
            [post(), frame(DATA, PADDED | END_STREAM, 1, &[])].concat(),
            Connection(&[PROTOCOL, FRAME_SIZE]),
        ),
        case(
            "no room for the priority (6.2)",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM | WITH_PRIORITY,
                1,
                &[0; 3],
            ),
            Connection(&[PROTOCOL, FRAME_SIZE]),
        ),
        case(
            "DATA above the size of frames (4.2)",
            [post(), frame(DATA, END_STREAM, 1, &[0; 16_385])].concat(),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "a head above the size of frames (4.2)",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0; 16_385]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "PRIORITY of four bytes (6.3)",
            [frame(PRIORITY, 0, 1, &[0; 4]), request(1, "/x")].concat(),
            Stream,
        ),
        case(
            "RST_STREAM of three bytes (6.4)",
            [post(), frame(RST_STREAM, 0, 1, &[0; 3])].concat(),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "SETTINGS of five bytes (6.5)",
            frame(SETTINGS, 0, 0, &[0; 5]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "an acknowledgement with settings (6.5)",
            frame(SETTINGS, ACK, 0, &[0; 6]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "PING of seven bytes (6.7)",
            frame(PING, 0, 0, &[0; 7]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "GOAWAY of seven bytes (6.8)",
            frame(GOAWAY, 0, 0, &[0; 7]),
            Connection(&[FRAME_SIZE, PROTOCOL]),
        ),
        case(
            "WINDOW_UPDATE of three bytes (6.9)",
            frame(WINDOW_UPDATE, 0, 0, &[0; 3]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "no increment of the connection's window (6.9)",
            frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "no increment of a stream's window (6.9)",
            [post(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])].concat(),
            Stream,
        ),
        case(
            "a stream's window above its limit (6.9.1)",
            [
                post(),
                frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff]),
            ]
            .concat(),
            Stream,
        ),
        case(
            "ENABLE_PUSH of 2 (6.5.2)",
            setting(2, 2),
            Connection(&[PROTOCOL]),
        ),
        case(
            "INITIAL_WINDOW_SIZE of 2^31 (6.5.2)",
            setting(4, 1 << 31),
            Connection(&[FLOW_CONTROL]),
        ),
        case(
            "MAX_FRAME_SIZE of 16,383 (6.5.2)",
            setting(5, 16_383),
            Connection(&[PROTOCOL]),
        ),
        case(
            "MAX_FRAME_SIZE of 2^24 (6.5.2)",
            setting(5, 1 << 24),
            Connection(&[PROTOCOL]),
        ),
    ]
}
/// RFC 7541.
pub(super) fn compression() -> Vec<Case> {
    let broken = |name, end: &[u8]| case(name, block(end), Connection(&[COMPRESSION]));
    vec![
        broken("the field of index 0 (6.1)", &[0x80]),
        broken("a field beyond the table (6.1)", &[0xff, 0x60]),
        broken(
            "the name of a field beyond the table (6.2)",
            &[0x7f, 0x60, 0x01, b'x'],
        ),
        broken(
            "an index beyond all numbers (5.1)",
            &[
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
        ),
        broken(
            "a text longer than its block (5.2)",
            &[0, 1, b'x', 0x7f, 0x20, b'y'],
        ),
        broken("a block that ends in a field (3.1)", &[0, 5, b'x']),
        broken(
            "padding of more than seven bits (5.2)",
            &[0, 1, b'x', 0x82, 0xff, 0xff],
        ),
        broken("padding of zeroes (5.2)", &[0, 1, b'x', 0x81, 0x00]),
        broken(
            "the end of the string in it (5.2)",
            &[0, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff],
        ),
        broken("a new size of the table behind fields (4.2)", &[0x20]),
        case(
            "a table larger than allowed (4.2)",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[&[0x3f, 0xe2, 0x1f][..], &get("/x")].concat(),
            ),
            Connection(&[COMPRESSION]),
        ),
    ]
}
