//! Which streams of an HTTP/2 connection are open on the wire.
//!
//! What is complete for hyper may still wait in h2 for the client's windows. Only the
//! frames themselves tell when an answer has really gone out.

use tokio::time::Instant;

/// Bytes of a frame's header (RFC 9113 section 4.1).
const HEADER: usize = 9;
/// More than can be open at a time: what h2 ignores after its GOAWAY is not kept.
const MOST: usize = 1024;

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const END_STREAM: u8 = 0x1;

/// Finds the headers of frames among the bytes of one direction.
#[derive(Debug)]
pub(super) struct Headers {
    header: [u8; HEADER],
    have: usize,
    /// Bytes before the next header.
    skip: usize,
}

/// The header of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// Bytes of what follows it.
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    stream: u32,
}

impl Headers {
    /// Behind so many bytes that are no frames.
    pub(super) fn after(skip: usize) -> Self {
        Self {
            header: [0; HEADER],
            have: 0,
            skip,
        }
    }

    /// The next header that is complete; takes what it has looked at from `bytes`.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Header> {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            *bytes = bytes.get(skipped..).unwrap_or_default();
            let taken = (HEADER - self.have).min(bytes.len());
            let end = self.have + taken;
            if let (Some(to), Some(from)) =
                (self.header.get_mut(self.have..end), bytes.get(..taken))
            {
                to.copy_from_slice(from);
            }
            self.have = end;
            *bytes = bytes.get(taken..).unwrap_or_default();
            if self.have == HEADER {
                return Some(self.complete());
            }
        }
        None
    }

    fn complete(&mut self) -> Header {
        let [a, b, c, kind, flags, d, e, f, g] = self.header;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.have = 0;
        self.skip = usize::try_from(length).unwrap_or(usize::MAX);
        Header {
            length,
            kind,
            flags,
            // The first bit means nothing.
            stream: u32::from_be_bytes([d & 0x7f, e, f, g]),
        }
    }
}

/// The streams of one connection.
#[derive(Debug)]
pub(super) struct Streams {
    /// Headers of what is sent.
    sent: Headers,
    open: Vec<u32>,
    /// The highest that the client has opened.
    last: u32,
    /// When a piece of an answer has gone out last.
    moved: Instant,
}

/// Answers that have not gone out to their end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsent {
    /// Streams that are open, those without an answer included.
    pub(super) streams: usize,
    /// When a piece of an answer has gone out last.
    pub(super) moved: Instant,
}

impl Streams {
    pub(super) fn new() -> Self {
        Self {
            sent: Headers::after(0),
            open: Vec::new(),
            last: 0,
            moved: Instant::now(),
        }
    }

    /// A frame has come from the client.
    pub(super) fn came(&mut self, header: &Header) {
        match header.kind {
            HEADERS if header.stream > self.last && self.open.len() < MOST => {
                self.last = header.stream;
                self.open.push(header.stream);
            }
            RST_STREAM => self.ended(header.stream),
            _ => {}
        }
    }

    /// These bytes have been sent.
    pub(super) fn sent(&mut self, mut bytes: &[u8]) {
        while let Some(header) = self.sent.next(&mut bytes) {
            match header.kind {
                DATA | HEADERS => {
                    self.moved = Instant::now();
                    if header.flags & END_STREAM != 0 {
                        self.ended(header.stream);
                    }
                }
                RST_STREAM => self.ended(header.stream),
                _ => {}
            }
        }
    }

    pub(super) fn unsent(&self) -> Unsent {
        Unsent {
            streams: self.open.len(),
            moved: self.moved,
        }
    }

    fn ended(&mut self, stream: u32) {
        self.open.retain(|open| *open != stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
        frame.resize(HEADER + usize::from(length), 7);
        frame
    }

    fn came(streams: &mut Streams, bytes: &[u8]) {
        let (mut headers, mut bytes) = (Headers::after(0), bytes);
        while let Some(header) = headers.next(&mut bytes) {
            streams.came(&header);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_open_until_its_end_has_gone_out() {
        let mut streams = Streams::new();
        for stream in [1, 3, 5, 7] {
            came(&mut streams, &frame(HEADERS, END_STREAM, stream, 3));
        }
        // Trailers open nothing.
        came(&mut streams, &frame(HEADERS, END_STREAM, 1, 3));
        assert_eq!(streams.unsent().streams, 4);
        streams.sent(&frame(HEADERS, 4, 1, 9));
        streams.sent(&frame(DATA, 0, 1, 200));
        assert_eq!(streams.unsent().streams, 4, "there is more of it");
        streams.sent(&frame(DATA, END_STREAM, 1, 0));
        streams.sent(&frame(HEADERS, END_STREAM, 3, 9));
        streams.sent(&frame(RST_STREAM, 0, 5, 4));
        came(&mut streams, &frame(RST_STREAM, 0, 7, 4));
        assert_eq!(streams.unsent().streams, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn how_the_bytes_are_cut_makes_no_difference() {
        let sent = [
            frame(4, 0, 0, 18),
            frame(HEADERS, 4, 1, 9),
            frame(DATA, END_STREAM, 1, 30),
        ];
        for size in 1..30 {
            let mut streams = Streams::new();
            came(&mut streams, &frame(HEADERS, END_STREAM, 1, 3));
            let sent = sent.concat();
            let (last, before) = sent.split_at(39 + 27);
            last.chunks(size).for_each(|part| streams.sent(part));
            streams.sent(before);
            assert_eq!(streams.unsent().streams, 0, "{size}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_answered_takes_bounded_memory() {
        let mut streams = Streams::new();
        for stream in 0..5_000_u32 {
            let mut header = frame(HEADERS, END_STREAM, 0, 0);
            header.splice(5.., (2 * stream + 1).to_be_bytes());
            came(&mut streams, &header);
        }
        assert_eq!(streams.unsent().streams, MOST);
    }
}
