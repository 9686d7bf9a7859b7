//! Reads the whole body of an answer, content codings undone.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::task::yield_now;

use crate::{Body, BoxError};

use super::coding::{CodingError, Decompressor, QUANTUM};

/// Bytes set aside at first for a body of several pieces that does not tell its
/// length.
const USUAL_LENGTH: usize = 16 * 1024;

/// Reads `body`, whose head had `headers`, to its end.
///
/// A body without content coding that comes in one piece is not copied.
///
/// # Errors
///
/// See [`BodyError`]. At most `limit` bytes, and one piece, are kept.
pub(crate) async fn read_body(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
) -> Result<Bytes, BodyError> {
    match Decompressor::new(headers, limit) {
        Ok(None) => read_plain(body, limit).await,
        Ok(Some(decompressor)) => read_coded(body, decompressor, limit).await,
        Err(error) => Err(BodyError::Coding(error)),
    }
}

async fn read_plain(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).is_ok_and(|length| length > limit) {
        return Err(BodyError::TooLarge { limit });
    }
    let first = match next(&mut body).await {
        Ok(piece) => piece.unwrap_or_default(),
        Err(source) => return Err(BodyError::cut(Bytes::new(), source)),
    };
    if first.len() > limit {
        return Err(BodyError::TooLarge { limit });
    }
    let second = match next(&mut body).await {
        Ok(None) => return Ok(first),
        Ok(Some(piece)) => piece,
        Err(source) => return Err(BodyError::cut(first, source)),
    };

    let length = usize::try_from(announced).unwrap_or(0).max(USUAL_LENGTH);
    let mut whole = Vec::with_capacity(length.max(first.len() + second.len()).min(limit));
    whole.extend_from_slice(&first);
    let mut piece = second;
    loop {
        if piece.len() > limit.saturating_sub(whole.len()) {
            return Err(BodyError::TooLarge { limit });
        }
        whole.extend_from_slice(&piece);
        piece = match next(&mut body).await {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(Bytes::from(whole)),
            Err(source) => return Err(BodyError::cut(Bytes::from(whole), source)),
        };
    }
}

async fn read_coded(
    mut body: Body,
    mut decompressor: Decompressor,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let failed = |error| match error {
        CodingError::TooLarge => BodyError::TooLarge { limit },
        other => BodyError::Coding(other),
    };
    let mut whole = Vec::new();
    let mut busy = 0;
    loop {
        // What came before the break has no checksum: it is not kept.
        let cut = |source| BodyError::cut(Bytes::new(), source);
        let piece = next(&mut body).await.map_err(cut)?;
        let ended = piece.is_none();
        decompressor.push(piece);
        while let Some(given) = decompressor.step(&mut whole).map_err(failed)? {
            busy += given;
            // A kilobyte may become gigabytes, within one piece as well.
            if busy >= QUANTUM {
                busy = 0;
                yield_now().await;
            }
        }
        if ended {
            return Ok(Bytes::from(whole));
        }
    }
}

/// The next piece that has bytes; trailers are passed over.
async fn next(body: &mut Body) -> Result<Option<Bytes>, BoxError> {
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data()
            && !piece.is_empty()
        {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// Why a body could not be read as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum BodyError {
    /// It broke off: the connection, or the time it had.
    Cut {
        /// What had come until then. Empty where a content coding was in use.
        received: Bytes,
        /// What happened.
        source: BoxError,
    },
    /// It is larger than allowed, as it came or after undoing content codings.
    TooLarge {
        /// Bytes that are allowed.
        limit: usize,
    },
    /// Its content codings cannot be undone.
    Coding(CodingError),
}

impl BodyError {
    fn cut(received: Bytes, source: BoxError) -> Self {
        Self::Cut { received, source }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { received, .. } => {
                write!(f, "the body broke off after {} bytes", received.len())
            }
            Self::TooLarge { limit } => write!(
                f,
                "the body is larger than {limit} bytes once decoded; \
                 `max_decoded_body` of `cuttle/http` raises the limit"
            ),
            Self::Coding(_) => f.write_str("the content coding of the body cannot be undone"),
        }
    }
}

impl StdError for BodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Cut { source, .. } => Some(source.as_ref()),
            Self::TooLarge { .. } => None,
            Self::Coding(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
