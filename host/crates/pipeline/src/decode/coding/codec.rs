//! The codings themselves: each decodes a quantum at a time into bytes that are
//! bounded.

use std::{
    io::{self, Write},
    mem,
};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status, write::MultiGzDecoder};

use super::CodingError;

/// Bytes that a coding gives at a time.
pub(super) const CHUNK: usize = 32 * 1024;

/// Bytes after which others get their turn: less than a millisecond of a thread
/// that serves everybody.
pub(in crate::decode) const QUANTUM: usize = 256 * 1024;

/// One content coding.
pub(super) trait Coding: Send {
    /// Decodes from the beginning of `piece` until there is a [`QUANTUM`], and
    /// says whether there may be more. If not, `piece` is done with.
    fn decode(&mut self, piece: &mut Bytes, out: &mut Bounded) -> Result<bool, CodingError>;

    /// Gives what it held back. An error when the data has not ended yet.
    fn finish(&mut self, out: &mut Bounded) -> Result<(), CodingError>;
}

/// Bytes up to a number.
#[derive(Default)]
pub(super) struct Bounded {
    pub(super) bytes: Vec<u8>,
    pub(super) room: usize,
    pub(super) overflowed: bool,
}

impl Bounded {
    fn has_quantum(&self) -> bool {
        self.bytes.len() >= QUANTUM
    }

    /// Whether there was room.
    fn add(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.room.checked_sub(bytes.len()) else {
            self.overflowed = true;
            return false;
        };
        self.room = room;
        self.bytes.extend_from_slice(bytes);
        true
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.add(bytes) {
            Ok(bytes.len())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RFC 1952: members one after another, each with a checksum.
impl Coding for MultiGzDecoder<Bounded> {
    fn decode(&mut self, piece: &mut Bytes, out: &mut Bounded) -> Result<bool, CodingError> {
        mem::swap(self.get_mut(), out);
        let done = inflate_members(self, piece);
        mem::swap(self.get_mut(), out);
        done.map_err(|_| CodingError::Damaged("gzip"))
    }

    fn finish(&mut self, out: &mut Bounded) -> Result<(), CodingError> {
        mem::swap(self.get_mut(), out);
        let done = self.try_finish();
        mem::swap(self.get_mut(), out);
        done.map_err(|_| CodingError::Truncated("gzip"))
    }
}

/// A write takes as much as fills 32 KiB.
fn inflate_members(decoder: &mut MultiGzDecoder<Bounded>, piece: &mut Bytes) -> io::Result<bool> {
    while !piece.is_empty() {
        if decoder.get_ref().has_quantum() {
            return Ok(true);
        }
        match decoder.write(piece)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            taken => piece.advance(taken),
        }
    }
    Ok(false)
}

/// `deflate` is a zlib stream (RFC 1950). Servers that send bare RFC 1951 data
/// under this name are old and many, so the first two bytes decide.
#[derive(Default)]
pub(super) struct Deflate {
    head: Vec<u8>,
    stream: Option<Decompress>,
    ended: bool,
}

impl Coding for Deflate {
    fn decode(&mut self, piece: &mut Bytes, out: &mut Bounded) -> Result<bool, CodingError> {
        if let Some(stream) = &mut self.stream {
            return inflate(stream, piece, out, &mut self.ended);
        }
        self.head.extend_from_slice(piece);
        let [method, flags, ..] = self.head.as_slice() else {
            return Ok(false);
        };
        let is_zlib = method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0;
        let stream = self.stream.insert(Decompress::new(is_zlib));
        *piece = mem::take(&mut self.head).into();
        inflate(stream, piece, out, &mut self.ended)
    }

    fn finish(&mut self, _: &mut Bounded) -> Result<(), CodingError> {
        if self.ended {
            Ok(())
        } else {
            Err(CodingError::Truncated("deflate"))
        }
    }
}

fn inflate(
    stream: &mut Decompress,
    piece: &mut Bytes,
    out: &mut Bounded,
    ended: &mut bool,
) -> Result<bool, CodingError> {
    let mut chunk = vec![0; CHUNK];
    while !*ended {
        if out.has_quantum() {
            return Ok(true);
        }
        let before = (stream.total_in(), stream.total_out());
        let status = stream
            .decompress(piece, &mut chunk, FlushDecompress::None)
            .map_err(|_| CodingError::Damaged("deflate"))?;
        let taken = since(before.0, stream.total_in());
        let given = since(before.1, stream.total_out());
        if !out.add(chunk.get(..given).unwrap_or_default()) {
            return Err(CodingError::TooLarge);
        }
        piece.advance(taken);
        *ended = status == Status::StreamEnd;
        if given < CHUNK && (piece.is_empty() || taken == 0) {
            break;
        }
    }
    Ok(false)
}

fn since(before: u64, now: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}

/// RFC 7932.
pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    ended: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        // Strict: without the extension whose window may take a gigabyte.
        let state = BrotliState::new_strict(alloc(), alloc(), alloc());
        Self {
            state: Box::new(state),
            ended: false,
        }
    }
}

impl Coding for Brotli {
    fn decode(&mut self, piece: &mut Bytes, out: &mut Bounded) -> Result<bool, CodingError> {
        let mut chunk = vec![0; CHUNK];
        while !self.ended {
            if out.has_quantum() {
                return Ok(true);
            }
            let (mut left, mut taken, mut total) = (piece.len(), 0, 0);
            let (mut room, mut given) = (chunk.len(), 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut taken,
                piece,
                &mut room,
                &mut given,
                &mut chunk,
                &mut total,
                &mut self.state,
            );
            piece.advance(taken);
            if !out.add(chunk.get(..given).unwrap_or_default()) {
                return Err(CodingError::TooLarge);
            }
            match result {
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => break,
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::ResultFailure => return Err(CodingError::Damaged("br")),
            }
        }
        Ok(false)
    }

    fn finish(&mut self, _: &mut Bounded) -> Result<(), CodingError> {
        if self.ended {
            Ok(())
        } else {
            Err(CodingError::Truncated("br"))
        }
    }
}
