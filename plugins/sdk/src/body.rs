//! Bodies: read whole, as a stream, or written.

use std::io;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, bindings::cuttle::plugin::types};

/// The bytes of a message. They stay in the gateway until they are read, so a
/// body that is passed on unread costs nothing.
///
/// As an [`io::Read`] it is a stream; the errors are [`Error`]s again after `?`.
///
/// ```no_run
/// # use cuttle_plugin_sdk::{Body, Error, Request, Response, StatusCode};
/// #[derive(serde::Deserialize)]
/// struct Order { amount: u32 }
///
/// fn handle(request: Request) -> Result<Response, Error> {
///     let order: Order = request.take_body().into_json(64 << 10)?;
///     Response::text(StatusCode::OK, &order.amount.to_string())
/// }
/// ```
pub struct Body(Option<types::Body>);

impl Body {
    /// A body of no bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self(None)
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// [`Error::Other`] if the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let text = serde_json::to_vec(value).map_err(Error::other)?;
        Ok(text.into())
    }

    /// A body that is written piece by piece, and its writing end.
    ///
    /// The gateway keeps up to 1 MiB that nobody has read. A response body is
    /// read once `handle` has returned, a request body from its sending on;
    /// what is written before and does not fit is the error [`Error::Body`].
    ///
    /// ```no_run
    /// use cuttle_plugin_sdk::{Body, Error, Response};
    /// use std::io::{Read, Write};
    ///
    /// /// What is in `body` up to 64 KiB, in capitals.
    /// fn shout(response: &Response) -> Result<(), Error> {
    ///     let mut pieces = response.take_body();
    ///     let (mut writer, shouted) = Body::pipe();
    ///     response.set_body(shouted);
    ///     while let Some(piece) = pieces.next_piece(8 << 10)? {
    ///         writer.write_all(&piece.to_ascii_uppercase())?;
    ///     }
    ///     writer.finish()
    /// }
    /// ```
    #[must_use]
    pub fn pipe() -> (BodyWriter, Self) {
        let (writer, body) = types::Body::pipe();
        (BodyWriter(writer), Self(Some(body)))
    }

    /// Length in bytes, where it is known beforehand.
    #[must_use]
    pub fn size_hint(&self) -> Option<u64> {
        match &self.0 {
            Some(body) => body.size_hint(),
            None => Some(0),
        }
    }

    /// The next piece: one byte to `max`, `None` at the end.
    ///
    /// # Errors
    /// [`Error::Body`] if the body broke off, or more has been read than the
    /// operator lets one call read.
    pub fn next_piece(&mut self, max: u32) -> Result<Option<Vec<u8>>, Error> {
        match &self.0 {
            Some(body) => Ok(body.read(max)?),
            None => Ok(None),
        }
    }

    /// All that is left.
    ///
    /// # Errors
    /// [`Error::Body`] for more than `limit` bytes, and as of
    /// [`next_piece`](Self::next_piece).
    pub fn into_bytes(self, limit: u64) -> Result<Vec<u8>, Error> {
        match self.0 {
            Some(body) => Ok(body.read_all(limit)?),
            None => Ok(Vec::new()),
        }
    }

    /// All that is left, as text.
    ///
    /// # Errors
    /// [`Error::Body`] if it is not UTF-8, and as of
    /// [`into_bytes`](Self::into_bytes).
    pub fn into_text(self, limit: u64) -> Result<String, Error> {
        Ok(String::from_utf8(self.into_bytes(limit)?)?)
    }

    /// All that is left, read as JSON.
    ///
    /// # Errors
    /// [`Error::Body`] if it is no JSON or not of this type, and as of
    /// [`into_bytes`](Self::into_bytes).
    pub fn into_json<T: DeserializeOwned>(self, limit: u64) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.into_bytes(limit)?)?)
    }

    pub(crate) fn from_contract(body: Option<types::Body>) -> Self {
        Self(body)
    }

    pub(crate) fn into_contract(self) -> types::Body {
        self.0.unwrap_or_else(|| types::Body::from_bytes(&[]))
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self(Some(types::Body::from_bytes(bytes)))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        text.as_bytes().into()
    }
}

impl io::Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let max = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let piece = self.next_piece(max)?.unwrap_or_default();
        // Never longer than asked for: `copied` is the whole piece.
        let mut rest = piece.as_slice();
        rest.read(buffer)
    }
}

/// The writing end of [`Body::pipe`].
///
/// Without [`finish`](Self::finish) the body breaks off: who reads it gets an
/// error, never an end that looks complete.
pub struct BodyWriter(types::BodyWriter);

impl BodyWriter {
    /// Marks the end of the body.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the reader is gone.
    pub fn finish(self) -> Result<(), Error> {
        Ok(types::BodyWriter::finish(self.0)?)
    }
}

impl io::Write for BodyWriter {
    /// Writes all of `piece`.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.write(piece).map_err(Error::from)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
