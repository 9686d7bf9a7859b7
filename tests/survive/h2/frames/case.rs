//! One line of the table, and what most of them are made of.

use crate::h2::wire::{DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, fields, frame, get};

pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const UNKNOWN: u8 = 0xb7;
pub(super) const PADDED: u8 = 8;
pub(super) const WITH_PRIORITY: u8 = 0x20;
pub(super) const ACK: u8 = 1;

/// Codes of RFC 9113, section 7.
pub(super) const PROTOCOL: u32 = 1;
pub(super) const FLOW_CONTROL: u32 = 3;
pub(super) const STREAM_CLOSED: u32 = 5;
pub(super) const FRAME_SIZE: u32 = 6;
pub(super) const COMPRESSION: u32 = 9;

/// What the RFC wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// The connection ends, with one of these codes if it says why.
    Connection(&'static [u32]),
    /// Stream 1 ends by a reset or a refusal; the connection may end with it.
    Stream,
    /// Stream 1 is answered with 200.
    Answer,
    /// The same as [`Stream`] by the RFC. h2 does not tell of it, and all
    /// trailers end in the gateway.
    Dropped,
}

pub(super) use Wanted::{Answer, Connection, Dropped, Stream};

pub(super) struct Case {
    /// What it is, and the section that has it.
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) wanted: Wanted,
}

pub(super) fn case(name: &'static str, bytes: impl Into<Vec<u8>>, wanted: Wanted) -> Case {
    Case {
        name,
        bytes: bytes.into(),
        wanted,
    }
}

/// The head of a POST whose body is to come.
pub(super) fn post() -> Vec<u8> {
    post_with(&[])
}

pub(super) fn post_with(more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &post_fields(more))
}

pub(super) fn post_fields(more: &[(&str, &str)]) -> Vec<u8> {
    let mut all = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", "/x"),
    ];
    all.extend(more);
    fields(&all)
}

pub(super) fn setting(id: u16, value: u32) -> Vec<u8> {
    let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &payload)
}

/// A GET whose block of fields ends with these bytes.
pub(super) fn block(end: &[u8]) -> Vec<u8> {
    let block = [get("/x"), end.to_vec()].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)
}

/// The whole of `POST /x`, with these trailers.
pub(super) fn trailers(more: &[(&str, &str)]) -> Vec<u8> {
    let end = frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(more));
    [post(), frame(DATA, 0, 1, b"ok"), end].concat()
}
