//! Faults in the body and behind it.

use cuttle_tests::Step;

use super::{
    super::run::Outcome::{Failure, Passes, Truncated},
    CHUNKED, Fault, HUNDRED, OK, answer, fault, slowly, then,
};

/// Where the body ends.
pub(super) fn lengths() -> Vec<Fault> {
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

pub(super) fn chunks() -> Vec<Fault> {
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

/// More bytes than the answer has. None of them may be taken for the next one.
pub(super) fn leftovers() -> Vec<Fault> {
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
