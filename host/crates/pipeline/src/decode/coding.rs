//! Undoes content codings (RFC 9110, section 8.4) while a body arrives.
//!
//! A coding may turn a kilobyte into a gigabyte. Each one writes into a
//! [`Bounded`] buffer, which refuses the byte above the limit: what a hostile
//! answer costs is known beforehand, whatever it claims.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, Write},
    mem,
};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status, write::MultiGzDecoder};
use http::{HeaderMap, header::CONTENT_ENCODING};

/// Codings that one answer may stack. Two happen (a compressed file served by
/// a compressing proxy); each takes its own window of memory.
const MAX_CODINGS: usize = 3;

/// Bytes that a coding gives at a time.
const CHUNK: usize = 32 * 1024;

/// The codings of one answer, outermost first.
pub(super) struct Decompressor {
    stages: Vec<Stage>,
    /// Whether any byte has come. An answer to `HEAD` names codings and has
    /// no body; that is no truncated one.
    started: bool,
}

impl Decompressor {
    /// For the `Content-Encoding` of an answer; `None` where there is nothing
    /// to undo. No coding may give more than `limit` bytes.
    pub(super) fn new(headers: &HeaderMap, limit: usize) -> Result<Option<Self>, CodingError> {
        let mut stages = Vec::new();
        for name in names(headers) {
            if let Some(coding) = coding(name)? {
                stages.push(Stage {
                    coding,
                    room: limit,
                });
            }
        }
        if stages.len() > MAX_CODINGS {
            return Err(CodingError::TooMany);
        }
        // They are listed in the order in which they were applied.
        stages.reverse();
        let started = false;
        Ok((!stages.is_empty()).then_some(Self { stages, started }))
    }

    /// Decodes the next piece of the body to the end of `out`.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), CodingError> {
        self.started |= !piece.is_empty();
        run(&mut self.stages, piece, out)
    }

    /// Decodes what is left at the end of the body.
    ///
    /// # Errors
    ///
    /// [`CodingError::Truncated`] when the end is not the end of the coding.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        let mut stages = self.stages.as_mut_slice();
        while let Some((stage, inner)) = stages.split_first_mut() {
            if self.started {
                let rest = stage.finish()?;
                run(inner, &rest, out)?;
            }
            stages = inner;
        }
        Ok(())
    }
}

fn run(stages: &mut [Stage], piece: &[u8], out: &mut Vec<u8>) -> Result<(), CodingError> {
    let Some((stage, inner)) = stages.split_first_mut() else {
        out.extend_from_slice(piece);
        return Ok(());
    };
    // At most `MAX_CODINGS` calls deep.
    run(inner, &stage.push(piece)?, out)
}

fn names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONTENT_ENCODING).into_iter();
    values
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn coding(name: &str) -> Result<Option<Box<dyn Coding>>, CodingError> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    Ok(if is("gzip") || is("x-gzip") {
        Some(Box::new(MultiGzDecoder::new(Bounded::default())))
    } else if is("deflate") {
        Some(Box::<Deflate>::default())
    } else if is("br") {
        Some(Box::new(Brotli::new()))
    } else if is("identity") {
        None
    } else {
        return Err(CodingError::Unknown(name.chars().take(32).collect()));
    })
}

/// A coding and the bytes it may still give.
struct Stage {
    coding: Box<dyn Coding>,
    room: usize,
}

impl Stage {
    fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, CodingError> {
        self.bounded(|coding, out| coding.decode(piece, out))
    }

    fn finish(&mut self) -> Result<Vec<u8>, CodingError> {
        self.bounded(|coding, out| coding.finish(out))
    }

    fn bounded(
        &mut self,
        work: impl FnOnce(&mut dyn Coding, &mut Bounded) -> Result<(), CodingError>,
    ) -> Result<Vec<u8>, CodingError> {
        let mut out = Bounded {
            room: self.room,
            ..Bounded::default()
        };
        let done = work(self.coding.as_mut(), &mut out);
        if out.overflowed {
            return Err(CodingError::TooLarge);
        }
        done?;
        self.room = out.room;
        Ok(out.bytes)
    }
}

/// One content coding.
trait Coding: Send {
    fn decode(&mut self, piece: &[u8], out: &mut Bounded) -> Result<(), CodingError>;

    /// Gives what it held back. An error when the data has not ended yet.
    fn finish(&mut self, out: &mut Bounded) -> Result<(), CodingError>;
}

/// Bytes up to a number.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
    overflowed: bool,
}

impl Bounded {
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
    fn decode(&mut self, piece: &[u8], out: &mut Bounded) -> Result<(), CodingError> {
        mem::swap(self.get_mut(), out);
        let done = self.write_all(piece);
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

/// `deflate` is a zlib stream (RFC 1950). Servers that send bare RFC 1951 data
/// under this name are old and many, so the first two bytes decide.
#[derive(Default)]
struct Deflate {
    head: Vec<u8>,
    stream: Option<Decompress>,
    ended: bool,
}

impl Coding for Deflate {
    fn decode(&mut self, piece: &[u8], out: &mut Bounded) -> Result<(), CodingError> {
        if let Some(stream) = &mut self.stream {
            return inflate(stream, piece, out, &mut self.ended);
        }
        self.head.extend_from_slice(piece);
        let [method, flags, ..] = self.head.as_slice() else {
            return Ok(());
        };
        let is_zlib = method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0;
        let stream = self.stream.insert(Decompress::new(is_zlib));
        inflate(stream, &mem::take(&mut self.head), out, &mut self.ended)
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
    mut piece: &[u8],
    out: &mut Bounded,
    ended: &mut bool,
) -> Result<(), CodingError> {
    let mut chunk = vec![0; CHUNK];
    while !*ended {
        let before = (stream.total_in(), stream.total_out());
        let status = stream
            .decompress(piece, &mut chunk, FlushDecompress::None)
            .map_err(|_| CodingError::Damaged("deflate"))?;
        let taken = since(before.0, stream.total_in());
        let given = since(before.1, stream.total_out());
        if !out.add(chunk.get(..given).unwrap_or_default()) {
            return Err(CodingError::TooLarge);
        }
        piece = piece.get(taken..).unwrap_or_default();
        *ended = status == Status::StreamEnd;
        if given < CHUNK && (piece.is_empty() || taken == 0) {
            break;
        }
    }
    Ok(())
}

fn since(before: u64, now: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}

/// RFC 7932.
struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    ended: bool,
}

impl Brotli {
    fn new() -> Self {
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
    fn decode(&mut self, piece: &[u8], out: &mut Bounded) -> Result<(), CodingError> {
        let mut chunk = vec![0; CHUNK];
        let (mut left, mut taken, mut total) = (piece.len(), 0, 0);
        while !self.ended {
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
        Ok(())
    }

    fn finish(&mut self, _: &mut Bounded) -> Result<(), CodingError> {
        if self.ended {
            Ok(())
        } else {
            Err(CodingError::Truncated("br"))
        }
    }
}

/// Why the content codings of an answer could not be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum CodingError {
    /// A coding that this gateway does not know.
    Unknown(String),
    /// More than three codings on top of each other.
    TooMany,
    /// The data is not what the coding says.
    Damaged(&'static str),
    /// The data stops before its end.
    Truncated(&'static str),
    /// More bytes come out than the limit allows.
    TooLarge,
}

impl fmt::Display for CodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "content coding {name:?} is not known"),
            Self::TooMany => write!(f, "more than {MAX_CODINGS} content codings are stacked"),
            Self::Damaged(coding) => write!(f, "the {coding} data is damaged"),
            Self::Truncated(coding) => write!(f, "the {coding} data stops before its end"),
            Self::TooLarge => f.write_str("the data grows beyond the limit"),
        }
    }
}

impl StdError for CodingError {}

#[cfg(test)]
mod tests;
