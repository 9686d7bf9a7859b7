use super::*;

/// The verdicts on all heads in `wire`, fed in pieces of `size` bytes, and
/// what is being read at the end.
fn follow(wire: &str, size: usize) -> (Vec<Framing>, Reading) {
    let mut tracker = Tracker::new(1024);
    let mut verdicts = Vec::new();
    for piece in wire.as_bytes().chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            let step = tracker.advance(rest);
            assert!(step.used > 0);
            rest = &rest[step.used..];
            verdicts.extend(step.head);
        }
    }
    (verdicts, tracker.reading())
}

#[test]
fn heads_are_found_however_the_bytes_are_cut() {
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let sized = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET\r\n";
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5;x=\"y\"\r\nGET /\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
    let empty_chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let wire = [get, sized, "\r\n", get, chunked, empty_chunked, get].concat();
    for size in 1..wire.len() {
        let (verdicts, reading) = follow(&wire, size);
        assert_eq!(verdicts, [Framing::Clean; 6], "pieces of {size}");
        assert_eq!(reading, Reading::Nothing, "pieces of {size}");
    }
}

#[test]
fn ambiguous_lengths_are_seen_on_the_wire() {
    let cases = [
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Framing::Both,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            Framing::Both,
        ),
        (
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            Framing::ContentLength,
        ),
        ("Content-Length: +1\r\n", Framing::ContentLength),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            Framing::TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            Framing::TransferEncoding,
        ),
    ];
    for (fields, expected) in cases {
        let wire = format!("POST / HTTP/1.1\r\n{fields}\r\nGET / HTTP/1.1\r\n\r\n");
        assert_eq!(
            follow(&wire, 7),
            (vec![expected], Reading::Opaque),
            "{fields}"
        );
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(follow(old, 9).0, [Framing::TransferEncoding]);
}

#[test]
fn line_ends_and_fragments_that_hyper_forgives_are_seen() {
    let cases = [
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", Framing::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", Framing::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", Framing::LineEnd),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::LineEnd),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Fragment),
    ];
    for (wire, expected) in cases {
        for size in 1..wire.len() {
            assert_eq!(
                follow(wire, size),
                (vec![expected], Reading::Opaque),
                "{wire:?}"
            );
        }
    }
}

#[test]
fn a_chunked_body_is_followed_to_the_byte_that_breaks_it() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (good, bad) in [
        ("", "\r\n"),
        ("5", "\nhello"),
        ("5\r", "\r\n"),
        ("5;a", "\n"),
        ("5;a", "\0"),
        ("5\r\nhello", "\n0\r\n\r\n"),
        ("5\r\nhello\r", "0"),
        ("0\r\n", "\n"),
        ("0\r\nX: y", "\n\r\n"),
        ("0\r\nX: y\r", "\r"),
        ("0000000000000000", "0\r\n"),
    ] {
        for size in 1..head.len() + good.len() {
            let mut tracker = Tracker::new(1024);
            let mut used = 0;
            let wire = [head, good, bad].concat();
            for piece in wire.as_bytes().chunks(size) {
                used += tracker.advance(piece).used;
            }
            assert!(tracker.is_broken(), "{good:?} {bad:?}");
            assert_eq!(used, head.len() + good.len(), "{good:?} {bad:?}");
        }
    }
}

#[test]
fn what_is_being_read_is_known() {
    assert_eq!(follow("G", 1).1, Reading::Head);
    assert_eq!(
        follow("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", 3).1,
        Reading::Body
    );
    assert_eq!(
        follow("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0", 5).1,
        Reading::Http2
    );
}

#[test]
fn a_large_head_is_seen() {
    let head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(1024));
    assert_eq!(follow(&head, 4096).0, [Framing::TooLarge]);
    assert_eq!(
        follow(&head, 64),
        (vec![Framing::TooLarge], Reading::Opaque)
    );
}
