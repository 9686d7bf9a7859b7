//! The numbers of the listener that no key sets. `docs/limits.md` has them in
//! words, with those that a key does.

/// Requests at a time on one HTTP/2 connection.
pub(super) const MAX_STREAMS: u32 = 100;
/// Upper limit of a head in HTTP/2, its fields unpacked (RFC 9113 section
/// 6.5.2); `max_header_bytes` may be less. h2 derives from it how many
/// CONTINUATION frames a head may have.
pub(super) const MAX_HEADER_LIST: u32 = 64 * 1024;
/// Response bytes that wait for the client, for each HTTP/2 stream.
pub(super) const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Streams that the client has reset before we looked at them (rapid reset,
/// CVE-2023-44487); beyond it the connection ends.
pub(super) const MAX_PENDING_RESETS: usize = 20;
/// Streams that we had to reset for what the client sent on them (MadeYouReset,
/// CVE-2025-8671); beyond it the connection ends.
pub(super) const MAX_LOCAL_RESETS: usize = 100;

/// Frames that are neither request nor body, in advance (`frames.rs`).
pub(super) const FRAME_ACCOUNT: u32 = 2_000;
/// Such frames for each second.
pub(super) const FRAMES_PER_SECOND: u32 = 100;
/// Such frames for each request: old browsers send a PRIORITY with it, and some
/// clients a WINDOW_UPDATE.
pub(super) const FRAMES_PER_REQUEST: u32 = 2;
/// Bytes sent that are worth one such frame: full frames of 16 KiB may each be
/// acknowledged by many a WINDOW_UPDATE.
pub(super) const WRITTEN_PER_FRAME: u32 = 512;
/// What a RST_STREAM costs: the request before it has cost us more.
pub(super) const RESET_COST: u32 = 4;
