//! Where the messages of an HTTP/1 connection begin and end, and what the
//! framing fields of each head look like on the wire.
//!
//! hyper frames the messages; this only watches. It is needed because hyper
//! hides what makes a length ambiguous (see [`Framing`]) and does not say when
//! a head has begun to arrive, from which its deadline counts.

use http::header;

use crate::head::Framing;

/// Header fields of one head; hyper's own limit, beyond which it refuses.
const MAX_FIELDS: usize = 100;

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(super) struct Tracker {
    state: State,
    max_head: usize,
}

#[derive(Debug)]
enum State {
    Head(PartialHead),
    Sized(u64),
    Chunked(Chunks),
    /// Not followed: hyper will close this connection.
    Opaque,
    /// In the middle of a body that is malformed from here on.
    Broken,
    Http2,
}

/// A head of which some bytes are there.
#[derive(Debug, Default)]
struct PartialHead {
    bytes: Vec<u8>,
    /// Line ends in a row; two end the head.
    line_ends: u8,
}

/// What the connection is reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Between two messages.
    Nothing,
    /// A head has begun.
    Head,
    /// A body has begun.
    Body,
    /// Whatever: this connection is about to be closed.
    Opaque,
    /// Frames of HTTP/2.
    Http2,
}

/// What [`Tracker::advance`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes that belong to the current message; the rest is the next one's.
    pub(super) used: usize,
    /// A head ended within them.
    pub(super) head: Option<Framing>,
}

impl Tracker {
    pub(super) fn new(max_head: usize) -> Self {
        Self {
            state: State::Head(PartialHead::default()),
            max_head,
        }
    }

    pub(super) fn reading(&self) -> Reading {
        match &self.state {
            State::Head(head) if head.bytes.is_empty() => Reading::Nothing,
            State::Head(_) => Reading::Head,
            State::Sized(_) | State::Chunked(_) => Reading::Body,
            State::Opaque | State::Broken => Reading::Opaque,
            State::Http2 => Reading::Http2,
        }
    }

    /// Whether nothing behind the bytes so far is to be read any more.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken)
    }

    /// Follows `bytes` up to the end of the current message.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Step {
        match &mut self.state {
            State::Opaque | State::Http2 => Step {
                used: bytes.len(),
                head: None,
            },
            State::Broken => Step::default(),
            State::Head(_) => self.advance_head(bytes),
            State::Sized(_) | State::Chunked(_) => Step {
                used: self.advance_body(bytes),
                head: None,
            },
        }
    }

    fn advance_head(&mut self, bytes: &[u8]) -> Step {
        let State::Head(head) = &mut self.state else {
            return Step::default();
        };
        match head.against_preface(bytes) {
            Some(true) => {
                self.state = State::Http2;
                return Step {
                    used: bytes.len(),
                    head: None,
                };
            }
            Some(false) => {}
            None => return self.keep_partial(bytes),
        }
        let Some(used) = head.find_end(bytes) else {
            return self.keep_partial(bytes);
        };
        let (mine, rest) = bytes.split_at_checked(used).unwrap_or((bytes, &[]));
        let (framing, body) = match head.bytes.is_empty() {
            true => inspect(mine, self.max_head),
            false => {
                head.bytes.extend_from_slice(mine);
                inspect(&head.bytes, self.max_head)
            }
        };
        self.state = body;
        let used = used + self.advance_body(rest);
        Step {
            used,
            head: Some(framing),
        }
    }

    fn keep_partial(&mut self, bytes: &[u8]) -> Step {
        if let State::Head(head) = &mut self.state {
            head.bytes.extend_from_slice(bytes);
            if head.bytes.len() > self.max_head {
                // hyper may still find its end: its buffer has a minimum.
                self.state = State::Opaque;
                return Step {
                    used: bytes.len(),
                    head: Some(Framing::TooLarge),
                };
            }
        }
        Step {
            used: bytes.len(),
            head: None,
        }
    }

    /// Bytes of `bytes` that belong to the body.
    fn advance_body(&mut self, bytes: &[u8]) -> usize {
        let (used, ended) = match &mut self.state {
            State::Head(_) | State::Broken => return 0,
            State::Opaque | State::Http2 => return bytes.len(),
            State::Sized(left) => {
                let used = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left = left.saturating_sub(used as u64);
                (used, *left == 0)
            }
            State::Chunked(chunks) => match chunks.advance(bytes) {
                Chunked::Inside => (bytes.len(), false),
                Chunked::Ended(used) => (used, true),
                Chunked::Malformed(good) => {
                    self.state = State::Broken;
                    return good;
                }
            },
        };
        if ended {
            self.state = State::Head(PartialHead::default());
        }
        used
    }
}

/// RFC 9113 section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl PartialHead {
    /// Whether the connection speaks HTTP/2; `None`: it may turn out so.
    fn against_preface(&self, more: &[u8]) -> Option<bool> {
        let same = self
            .bytes
            .iter()
            .chain(more)
            .zip(PREFACE)
            .all(|(a, b)| a == b);
        let enough = self.bytes.len() + more.len() >= PREFACE.len();
        (enough || !same).then_some(same)
    }

    /// Index in `more` behind the empty line, if the head ends there. Empty
    /// lines in front of a head are part of it.
    fn find_end(&mut self, more: &[u8]) -> Option<usize> {
        let mut begun = self.bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
        for (index, byte) in more.iter().enumerate() {
            match byte {
                b'\n' if begun => self.line_ends += 1,
                b'\n' | b'\r' => {}
                _ => {
                    begun = true;
                    self.line_ends = 0;
                }
            }
            if self.line_ends == 2 {
                return Some(index + 1);
            }
        }
        None
    }
}

/// The verdict on a whole head, and what follows it.
fn inspect(head: &[u8], max: usize) -> (Framing, State) {
    if head.len() > max {
        return (Framing::TooLarge, State::Opaque);
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        // hyper refuses it for the same reason.
        _ => return (Framing::Clean, State::Opaque),
    }
    if !has_whole_line_ends(head) {
        return (Framing::LineEnd, State::Opaque);
    }
    if request.path.is_some_and(|target| target.contains('#')) {
        return (Framing::Fragment, State::Opaque);
    }
    match lengths(&request) {
        Lengths {
            codings: 0,
            lengths: 0,
            ..
        } => (Framing::Clean, State::Head(PartialHead::default())),
        Lengths {
            codings: 0,
            lengths: 1,
            length: Some(0),
            ..
        } => (Framing::Clean, State::Head(PartialHead::default())),
        Lengths {
            codings: 0,
            lengths: 1,
            length: Some(n),
            ..
        } => (Framing::Clean, State::Sized(n)),
        Lengths { codings: 0, .. } => (Framing::ContentLength, State::Opaque),
        Lengths { lengths: 1.., .. } => (Framing::Both, State::Opaque),
        Lengths {
            codings: 1,
            chunked: true,
            ..
        } if request.version == Some(1) => (Framing::Clean, State::Chunked(Chunks::default())),
        _ => (Framing::TransferEncoding, State::Opaque),
    }
}

/// Whether each LF has its CR. Where a parser behind us takes LF alone for part
/// of a line, the same bytes would be another head.
fn has_whole_line_ends(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    // What stands behind the last one is no line.
    lines.next_back();
    lines.all(|line| line.ends_with(b"\r"))
}

/// The framing fields of a head.
#[derive(Default)]
struct Lengths {
    codings: usize,
    chunked: bool,
    lengths: usize,
    length: Option<u64>,
}

fn lengths(request: &httparse::Request<'_, '_>) -> Lengths {
    let mut found = Lengths::default();
    for field in request.headers.iter() {
        if field
            .name
            .eq_ignore_ascii_case(header::TRANSFER_ENCODING.as_str())
        {
            found.codings += 1;
            found.chunked = field.value.eq_ignore_ascii_case(b"chunked");
        } else if field
            .name
            .eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str())
        {
            found.lengths += 1;
            found.length = digits(field.value);
        }
    }
    found
}

fn digits(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    digits
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten()
}

/// Follows a chunked body (RFC 9112 section 7.1), word for word: what one parser
/// forgives, another reads as something else.
#[derive(Debug, Default)]
struct Chunks {
    at: ChunkPart,
    size: u64,
    /// Digits of the current size.
    digits: u8,
    /// Whether the current line of the trailers has any byte.
    line: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum ChunkPart {
    #[default]
    Size,
    Extension,
    /// Between the CR and the LF behind a size.
    SizeEnd,
    Data,
    DataEnd,
    /// Between the CR and the LF behind data.
    DataLf,
    Trailers,
    /// Between the CR and the LF of a trailer.
    TrailerEnd,
}

/// Digits of a size: all that fit into 64 bits.
const MAX_DIGITS: u8 = 16;

enum Chunked {
    Inside,
    /// Behind so many bytes.
    Ended(usize),
    /// At the byte of this index.
    Malformed(usize),
}

/// What one byte was.
enum Byte {
    Good,
    Last,
    Wrong,
}

impl Chunks {
    fn advance(&mut self, bytes: &[u8]) -> Chunked {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if matches!(self.at, ChunkPart::Data) {
                rest = self.skip_data(rest);
                continue;
            }
            match self.step(byte) {
                Byte::Good => rest = after,
                Byte::Last => return Chunked::Ended(bytes.len() - after.len()),
                Byte::Wrong => return Chunked::Malformed(bytes.len() - rest.len()),
            }
        }
        Chunked::Inside
    }

    fn skip_data<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let skip = usize::try_from(self.size)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.size = self.size.saturating_sub(skip as u64);
        if self.size == 0 {
            self.at = ChunkPart::DataEnd;
        }
        bytes.get(skip..).unwrap_or_default()
    }

    fn step(&mut self, byte: u8) -> Byte {
        use ChunkPart::{Data, DataEnd, DataLf, Extension, Size, SizeEnd, TrailerEnd, Trailers};
        self.at = match (self.at, byte) {
            (Size, b'\r') if self.digits > 0 => SizeEnd,
            (Size, b';' | b' ' | b'\t') if self.digits > 0 => Extension,
            (Size, _) => return self.digit(byte),
            (Extension, b'\r') => SizeEnd,
            (Extension, _) if byte == b'\t' || !byte.is_ascii_control() => Extension,
            (SizeEnd, b'\n') if self.size == 0 => Trailers,
            (SizeEnd, b'\n') => Data,
            (DataEnd, b'\r') => DataLf,
            (DataLf, b'\n') => {
                *self = Self::default();
                Size
            }
            (Trailers, b'\r') => TrailerEnd,
            (Trailers, _) if byte != b'\n' => {
                self.line = true;
                Trailers
            }
            (TrailerEnd, b'\n') if !self.line => return Byte::Last,
            (TrailerEnd, b'\n') => {
                self.line = false;
                Trailers
            }
            _ => return Byte::Wrong,
        };
        Byte::Good
    }

    fn digit(&mut self, byte: u8) -> Byte {
        match char::from(byte).to_digit(16) {
            Some(digit) if self.digits < MAX_DIGITS => {
                self.size = self.size << 4 | u64::from(digit);
                self.digits += 1;
                Byte::Good
            }
            _ => Byte::Wrong,
        }
    }
}

#[cfg(test)]
mod tests;
