//! Keeps the body of a response under the endpoint's timeout.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{Body, BoxError, Failure, FailureKind, TimedOut};

/// The end of an endpoint's work.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    limit: Duration,
    /// The endpoint's timeout, of which `limit` may be a share.
    whole: Duration,
}

/// `percent` % of `whole`.
pub(crate) fn share_of(whole: Duration, percent: u32) -> Duration {
    whole.saturating_mul(percent) / 100
}

/// Stands in for timeouts beyond what a clock can hold.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        let now = Instant::now();
        let at = now.checked_add(limit).unwrap_or_else(|| now + FAR);
        Self {
            at,
            limit,
            whole: limit,
        }
    }

    /// `percent` % of the endpoint's timeout from now on, but no longer than
    /// until this one.
    pub(crate) fn share(self, percent: u32) -> Self {
        let share = Self::after(share_of(self.whole, percent));
        match share.at < self.at {
            true => Self {
                whole: self.whole,
                ..share
            },
            false => self,
        }
    }

    pub(crate) fn error(self) -> TimedOut {
        TimedOut {
            limit: self.limit,
            share: self.limit < self.whole,
        }
    }

    pub(crate) fn failure(self) -> Failure {
        Failure::new(FailureKind::Timeout, self.error())
    }

    /// `body`, ending in [`TimedOut`] unless it is complete in time.
    pub(crate) fn guard(self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        BodyInTime {
            inner: Some(body),
            deadline: self,
            timer: sleep_until(self.at),
        }
        .boxed_unsync()
    }
}

pin_project! {
    /// A body that errors at its deadline.
    ///
    /// An error and not an end: the server then cuts the client's connection,
    /// so that a shortened body cannot be taken for a whole one. The inner body
    /// is dropped at the same moment, which cancels the backend call and lets
    /// go of the client's body if that was still being sent.
    struct BodyInTime {
        inner: Option<Body>,
        deadline: Deadline,
        #[pin]
        timer: Sleep,
    }
}

impl HttpBody for BodyInTime {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let Some(body) = this.inner.as_mut() else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            // A body that always has something ready must end in time as well;
            // asking the clock is cheaper than arming a timer for it.
            Poll::Ready(Some(Ok(_))) if Instant::now() >= this.deadline.at => {}
            Poll::Ready(other) => return Poll::Ready(other),
            Poll::Pending => ready!(this.timer.poll(cx)),
        }
        *this.inner = None;
        Poll::Ready(Some(Err(this.deadline.error().into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
