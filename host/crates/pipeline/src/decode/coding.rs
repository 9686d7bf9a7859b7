//! Undoes content codings (RFC 9110, section 8.4) while a body arrives.
//!
//! A coding may turn a kilobyte into a gigabyte. Each one writes into a
//! [`Bounded`] buffer, which refuses the byte above the limit: what a hostile
//! answer costs is known beforehand, whatever it claims.

mod codec;

use std::{error::Error as StdError, fmt, mem};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header::CONTENT_ENCODING};

pub(super) use codec::QUANTUM;
use codec::{Bounded, Brotli, Coding, Deflate};

/// Codings that one answer may stack. Two happen (a compressed file served by
/// a compressing proxy); each takes its own window of memory.
const MAX_CODINGS: usize = 3;

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
                stages.push(Stage::new(coding, limit));
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

    /// Takes the next piece of the body, or its end: to be followed by
    /// [`step`](Self::step)s.
    pub(super) fn push(&mut self, piece: Option<Bytes>) {
        let Some(stage) = self.stages.first_mut() else {
            return;
        };
        match piece {
            Some(piece) => {
                self.started |= !piece.is_empty();
                stage.take(piece);
            }
            None => stage.ending = self.started,
        }
    }

    /// Decodes about [`QUANTUM`] bytes, to the end of `out` if they are through
    /// all codings, and says how many. `None`: there is nothing left to decode.
    ///
    /// # Errors
    ///
    /// [`CodingError::Truncated`] when the end is not the end of the coding.
    pub(super) fn step(&mut self, out: &mut Vec<u8>) -> Result<Option<usize>, CodingError> {
        step(&mut self.stages, out)
    }
}

/// The innermost coding goes first, so that none keeps more than a quantum
/// waiting. At most `MAX_CODINGS` calls deep.
fn step(stages: &mut [Stage], out: &mut Vec<u8>) -> Result<Option<usize>, CodingError> {
    let Some((stage, inner)) = stages.split_first_mut() else {
        return Ok(None);
    };
    if let Some(given) = step(inner, out)? {
        return Ok(Some(given));
    }
    let ends = stage.ending && !stage.waiting;
    let given = match (stage.waiting, ends) {
        (true, _) => stage.decode()?,
        (_, true) => stage.finish()?,
        (false, false) => return Ok(None),
    };
    let length = given.len();
    match inner.first_mut() {
        Some(next) => {
            next.take(given.into());
            next.ending |= ends;
        }
        None => out.extend_from_slice(&given),
    }
    Ok(Some(length))
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
    /// What it has not decoded yet.
    input: Bytes,
    /// Whether there is more to decode.
    waiting: bool,
    /// Nothing comes after what is waiting.
    ending: bool,
}

impl Stage {
    fn new(coding: Box<dyn Coding>, room: usize) -> Self {
        Self {
            coding,
            room,
            input: Bytes::new(),
            waiting: false,
            ending: false,
        }
    }

    /// For one that waits for nothing else.
    fn take(&mut self, input: Bytes) {
        self.waiting = !input.is_empty();
        self.input = input;
    }

    fn decode(&mut self) -> Result<Vec<u8>, CodingError> {
        let mut input = mem::take(&mut self.input);
        let mut more = false;
        let given = self.bounded(|coding, out| {
            more = coding.decode(&mut input, out)?;
            Ok(())
        })?;
        (self.input, self.waiting) = (input, more);
        Ok(given)
    }

    fn finish(&mut self) -> Result<Vec<u8>, CodingError> {
        self.ending = false;
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
