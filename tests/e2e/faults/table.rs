//! What a forward proxy, or somebody in its place, can do wrong.

use std::time::Duration;

use bytes::Bytes;
use cuttle_tests::Step;

use super::run::Outcome::{self, Failure, Passes, Truncated};

/// One way to misbehave.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// What the peer does on each connection.
    pub(super) script: Vec<Step>,
    /// What the client gets when this is the answer of the proxy to a request
    /// for an `http` target. As an answer to `CONNECT` it is always a failure.
    pub(super) outcome: Outcome,
    /// What it gets when this is the answer of the target, inside of TLS.
    pub(super) inside: Outcome,
}

fn fault(name: &'static str, script: Vec<Step>, outcome: Outcome) -> Fault {
    Fault {
        name,
        script,
        outcome,
        inside: outcome,
    }
}

impl Fault {
    fn inside(mut self, outcome: Outcome) -> Self {
        self.inside = outcome;
        self
    }
}

/// This text after the head of the request, and the end of the connection.
fn answer(text: &str) -> Vec<Step> {
    vec![Step::Head, Step::send(text)]
}

/// This text, and then something else.
fn then(text: &str, step: Step) -> Vec<Step> {
    vec![Step::Head, Step::send(text), step]
}

fn slowly(text: &str) -> Step {
    Step::Drip(
        Bytes::copy_from_slice(text.as_bytes()),
        Duration::from_millis(20),
    )
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const HUNDRED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

/// All of them.
pub(super) fn faults() -> Vec<Fault> {
    let mut all = connections();
    all.extend(heads());
    all.extend(fields());
    all.extend(lengths());
    all.extend(chunks());
    all.extend(interim());
    all.extend(leftovers());
    all.extend(statuses());
    all
}

/// Before a byte of the answer, and in its head.
fn connections() -> Vec<Fault> {
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
fn heads() -> Vec<Fault> {
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
fn fields() -> Vec<Fault> {
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

/// Where the body ends.
fn lengths() -> Vec<Fault> {
    let length = |value: &str| answer(&format!("{OK}Content-Length: {value}\r\n\r\nok"));
    vec![
        fault(
            "two_lengths",
            answer(&format!(
                "{OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokx"
            )),
            Failure,
        ),
        fault("list_of_two_lengths", length("2, 3"), Failure),
        fault("negative_length", length("-2"), Failure),
        fault("length_with_plus", length("+2"), Failure),
        fault("hexadecimal_length", length("0x2"), Failure),
        fault("length_of_letters", length("two"), Failure),
        fault("empty_length", length(""), Failure),
        fault(
            "length_beyond_all_numbers",
            length("99999999999999999999999999"),
            Failure,
        ),
        fault(
            "closed_in_the_body",
            answer(&format!("{HUNDRED}half")),
            Truncated,
        ),
        fault("closed_before_the_body", answer(HUNDRED), Truncated),
        fault(
            "reset_in_the_body",
            vec![
                Step::Head,
                Step::send(&format!("{HUNDRED}half")),
                slowly("x"),
                Step::Reset,
            ],
            Truncated,
        ),
        fault(
            "silence_in_the_body",
            then(&format!("{HUNDRED}half"), Step::Silence),
            Truncated,
        ),
        fault(
            "drip_in_the_body",
            then(HUNDRED, slowly(&"x".repeat(99))),
            Truncated,
        ),
        // Nobody can tell that it is not all; TLS can.
        fault(
            "http10_without_length",
            answer("HTTP/1.0 200 OK\r\n\r\nhalf"),
            Passes(200, "half"),
        )
        .inside(Truncated),
    ]
}

fn chunks() -> Vec<Fault> {
    let coding = |value: &str| {
        answer(&format!(
            "{OK}Transfer-Encoding: {value}\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        ))
    };
    let body = |text: &str| answer(&format!("{CHUNKED}{text}"));
    vec![
        fault("unknown_transfer_coding", coding("xchunked"), Failure),
        fault(
            "chunked_is_not_the_last_coding",
            coding("chunked, gzip"),
            Failure,
        ),
        fault(
            "chunk_size_of_letters",
            body("zz\r\nok\r\n0\r\n\r\n"),
            Truncated,
        ),
        fault("chunk_size_missing", body("\r\nok\r\n0\r\n\r\n"), Truncated),
        fault(
            "chunk_size_with_sign",
            body("+2\r\nok\r\n0\r\n\r\n"),
            Truncated,
        ),
        fault(
            "chunk_size_beyond_all_numbers",
            body("fffffffffffffffff\r\nok"),
            Truncated,
        ),
        fault(
            "second_chunk_is_none",
            body("4\r\nhalf\r\nzz\r\n"),
            Truncated,
        ),
        fault(
            "chunk_without_line_end",
            body("2\r\nokxx0\r\n\r\n"),
            Truncated,
        ),
        fault("closed_in_a_chunk", body("10\r\nhalf"), Truncated),
        fault(
            "closed_before_the_last_chunk",
            body("4\r\nhalf\r\n"),
            Truncated,
        ),
        fault(
            "closed_in_the_trailers",
            body("4\r\nhalf\r\n0\r\nX: y\r\n"),
            Truncated,
        ),
        fault(
            "silence_before_the_last_chunk",
            then(&format!("{CHUNKED}4\r\nhalf\r\n"), Step::Silence),
            Truncated,
        ),
        fault(
            "endless_chunk_extension",
            then(&format!("{CHUNKED}4;x="), Step::Flood),
            Truncated,
        ),
        fault(
            "endless_trailers",
            then(&format!("{CHUNKED}4\r\nhalf\r\n0\r\nX: "), Step::Flood),
            Truncated,
        ),
    ]
}

/// Answers before the answer.
fn interim() -> Vec<Fault> {
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

/// More bytes than the answer has. None of them may be taken for the next one.
fn leftovers() -> Vec<Fault> {
    let poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    vec![
        fault(
            "a_second_answer",
            answer(&format!("{OK}Content-Length: 2\r\n\r\nok{poison}")),
            Passes(200, "ok"),
        ),
        fault(
            "body_longer_than_its_length",
            answer(&format!("{OK}Content-Length: 2\r\n\r\nok and more")),
            Passes(200, "ok"),
        ),
        fault(
            "bytes_after_the_last_chunk",
            answer(&format!("{CHUNKED}2\r\nok\r\n0\r\n\r\n{poison}")),
            Passes(200, "ok"),
        ),
        fault(
            "body_of_a_204",
            answer(&format!("HTTP/1.1 204 No Content\r\n\r\n{poison}")),
            Passes(204, ""),
        ),
        fault(
            "body_of_a_304",
            answer(&format!(
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n{poison}"
            )),
            Passes(304, ""),
        ),
    ]
}

/// Complete answers of the proxy's own. For an `http` target they cannot be told
/// from the target's, but for 407, which is the gateway's affair. A tunnel is
/// opened by none of them.
fn statuses() -> Vec<Fault> {
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
