//! A response body that says how it ended.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{Body, BoxError};
use crate::telemetry::{Exchange, Outcome};

/// Counts the bytes of a body and reports its end to the request's
/// [`Exchange`].
///
/// An error of the body is passed on: hyper then breaks the connection (or
/// resets the stream), so that the client never takes a part for the whole.
pub struct TrackedBody {
    inner: Body,
    exchange: Exchange,
    /// Bytes announced, if they were.
    expected: Option<u64>,
    bodyless: bool,
}

impl TrackedBody {
    /// `bodyless`: the protocol forbids a body (HEAD, 204, 304), so that it is
    /// never read.
    #[must_use]
    pub fn new(inner: Body, exchange: Exchange, bodyless: bool) -> Self {
        let expected = inner.size_hint().exact();
        Self {
            inner,
            exchange,
            expected,
            bodyless,
        }
    }

    fn is_whole(&self) -> bool {
        self.bodyless
            || self.inner.is_end_stream()
            || self
                .expected
                .is_some_and(|expected| self.exchange.bytes() >= expected)
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let polled = {
            let _entered = this.exchange.span().enter();
            Pin::new(&mut this.inner).poll_frame(cx)
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                this.exchange.add_bytes(length as u64);
            }
            Poll::Ready(Some(Err(error))) => this.exchange.broke_off(&**error),
            Poll::Ready(None) => this.exchange.finish(Outcome::Complete),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        let outcome = match self.is_whole() {
            true => Outcome::Complete,
            false => Outcome::ClientGone,
        };
        self.exchange.finish(outcome);
    }
}
