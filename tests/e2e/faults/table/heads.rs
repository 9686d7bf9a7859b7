//! Faults before the body.

use bytes::Bytes;
use cuttle_tests::Step;

use super::{
    super::run::Outcome::{Failure, Passes, Truncated},
    Fault, OK, answer, fault, slowly, then,
};

/// Before a byte of the answer, and in its head.
pub(super) fn connections() -> Vec<Fault> {
    let long = "x".repeat(1000);
    vec![
        fault("closed_at_once", vec![], Failure),
        fault("reset_at_once", vec![Step::Reset], Failure),
        fault("closed_without_an_answer", vec![Step::Head], Failure),
        fault(
            "reset_without_an_answer",
            vec![Step::Head, Step::Reset],
            Failure,
        ),
        fault("silence", vec![Step::Head, Step::Silence], Failure),
        fault("closed_in_the_status_line", answer("HTTP/1.1 2"), Failure),
        fault(
            "closed_in_the_head",
            answer("HTTP/1.1 200 OK\r\nContent-Le"),
            Failure,
        ),
        fault(
            "closed_before_the_empty_line",
            answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"),
            Failure,
        ),
        fault(
            "reset_in_the_head",
            then("HTTP/1.1 200 OK\r\nCont", Step::Reset),
            Failure,
        ),
        fault(
            "silence_in_the_head",
            then("HTTP/1.1 200 OK\r\nCont", Step::Silence),
            Failure,
        ),
        fault(
            "drip_in_the_status_line",
            vec![Step::Head, slowly(&format!("HTTP/1.1 200 {long}"))],
            Failure,
        ),
        fault(
            "drip_in_the_head",
            vec![Step::Head, slowly(&format!("HTTP/1.1 200 OK\r\nX: {long}"))],
            Failure,
        ),
        fault(
            "endless_status_line",
            then("HTTP/1.1 200 ", Step::Flood),
            Failure,
        ),
        fault(
            "endless_field",
            then("HTTP/1.1 200 OK\r\nX: ", Step::Flood),
            Failure,
        ),
        fault(
            "endless_fields",
            vec![
                Step::Head,
                Step::Send(Bytes::from(format!("{OK}{}", "a: b\r\n".repeat(60_000)))),
                Step::Silence,
            ],
            Failure,
        ),
        fault(
            "a_head_of_a_megabyte",
            answer(&format!(
                "{OK}X: {}\r\nContent-Length: 0\r\n\r\n",
                "x".repeat(1_000_000)
            )),
            Failure,
        ),
    ]
}

/// What should be a status line.
pub(super) fn heads() -> Vec<Fault> {
    vec![
        fault(
            "another_protocol",
            answer("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            Failure,
        ),
        fault(
            "a_tls_alert",
            vec![
                Step::Head,
                Step::Send(Bytes::from_static(b"\x15\x03\x01\x00\x02\x02\x46")),
            ],
            Failure,
        ),
        fault(
            "a_tls_handshake",
            answer("\x16\x03\x01 what is this\r\n\r\n"),
            Failure,
        ),
        fault(
            "http2_frames",
            vec![
                Step::Head,
                Step::Send(Bytes::from_static(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")),
                Step::Silence,
            ],
            Failure,
        ),
        fault("http09", answer("<html>hello</html>\r\n"), Failure),
        fault(
            "garbage_without_line_ends",
            vec![
                Step::Head,
                Step::Send(Bytes::from(vec![b'x'; 200_000])),
                Step::Silence,
            ],
            Failure,
        ),
        fault(
            "zeroes",
            vec![
                Step::Head,
                Step::Send(Bytes::from(vec![0; 4096])),
                Step::Silence,
            ],
            Failure,
        ),
        fault(
            "version_2",
            answer("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "version_of_letters",
            answer("HTTP/x.y 200 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "version_in_lower_case",
            answer("http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "no_status",
            answer("HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "status_of_two_digits",
            answer("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "status_of_four_digits",
            answer("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "status_of_letters",
            answer("HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "status_0",
            answer("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
        fault(
            "negative_status",
            answer("HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n"),
            Failure,
        ),
    ]
}

/// Fields that are none.
pub(super) fn fields() -> Vec<Fault> {
    let with = |line: &str| answer(&format!("{OK}{line}\r\nContent-Length: 2\r\n\r\nok"));
    vec![
        fault("field_without_colon", with("nothing"), Failure),
        fault("field_without_name", with(": x"), Failure),
        fault(
            "field_with_a_blank_before_the_colon",
            with("X : y"),
            Failure,
        ),
        fault("field_with_nul", with("X: a\0b"), Failure),
        fault("field_with_a_carriage_return", with("X: a\rb"), Failure),
        fault("field_with_a_blank_in_its_name", with("X y: z"), Failure),
        fault("folded_field", with("X: a\r\n b"), Failure),
        fault(
            "transfer_encoding_with_a_blank",
            answer(&format!(
                "{OK}Transfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
            )),
            Failure,
        ),
    ]
}

/// Answers before the answer.
pub(super) fn interim() -> Vec<Fault> {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    vec![
        fault(
            "unasked_for_switch",
            answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
            Failure,
        ),
        fault(
            "switch_after_an_interim_answer",
            answer(&format!("{early}HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n")),
            Failure,
        ),
        fault(
            "closed_after_an_interim_answer",
            answer("HTTP/1.1 100 Continue\r\n\r\n"),
            Failure,
        ),
        fault(
            "silence_after_an_interim_answer",
            then(early, Step::Silence),
            Failure,
        ),
        fault(
            "endless_interim_answers",
            vec![Step::Head, slowly(&early.repeat(100))],
            Failure,
        ),
        fault(
            "garbage_after_an_interim_answer",
            answer(&format!("{early}what\r\n\r\n")),
            Failure,
        ),
        fault(
            "interim_answers_before_a_good_one",
            answer(&format!(
                "{}{OK}Content-Length: 2\r\n\r\nok",
                early.repeat(3)
            )),
            Passes(200, "ok"),
        ),
    ]
}

/// Complete answers of the proxy's own. For an `http` target they cannot be told
/// from the target's, but for 407, which is the gateway's affair. A tunnel is
/// opened by none of them.
pub(super) fn statuses() -> Vec<Fault> {
    let status = |code: u16, more: &str| {
        answer(&format!(
            "HTTP/1.1 {code} \r\n{more}Content-Length: 4\r\n\r\nbody"
        ))
    };
    let challenge = "Proxy-Authenticate: Basic realm=\"x\"\r\n";
    vec![
        // Followed, as ever by way of the proxy, until it is too much.
        fault(
            "status_301",
            status(301, "Location: http://127.0.0.1:1/\r\n"),
            Failure,
        ),
        fault(
            "status_302",
            status(302, "Location: http://127.0.0.1:1/\r\n"),
            Failure,
        ),
        fault("status_400", status(400, ""), Passes(400, "body")),
        fault(
            "status_401",
            status(401, "WWW-Authenticate: Basic\r\n"),
            Passes(401, "body"),
        ),
        fault("status_403", status(403, ""), Passes(403, "body")),
        fault("status_404", status(404, ""), Passes(404, "body")),
        fault("status_405", status(405, ""), Passes(405, "body")),
        fault("status_407", status(407, challenge), Failure).inside(Passes(407, "body")),
        fault("status_407_without_challenge", status(407, ""), Failure).inside(Passes(407, "body")),
        fault(
            "status_407_with_an_endless_body",
            then("HTTP/1.1 407 no\r\n\r\n", Step::Flood),
            Failure,
        )
        .inside(Truncated),
        fault(
            "status_429",
            status(429, "Retry-After: 1\r\n"),
            Passes(429, "body"),
        ),
        fault("status_500", status(500, ""), Passes(500, "body")),
        fault("status_502", status(502, ""), Passes(502, "body")),
        fault("status_503", status(503, ""), Passes(503, "body")),
        fault("status_504", status(504, ""), Passes(504, "body")),
        fault("status_599", status(599, ""), Passes(599, "body")),
    ]
}
