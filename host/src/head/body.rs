//! The body of a client's request, whose errors can be told from a backend's.

use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The client's body broke off or was malformed. Whoever passes it on keeps it
/// as the source of its own error.
#[derive(Debug)]
pub struct ClientBodyError(BoxError);

impl fmt::Display for ClientBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the client's request is malformed or incomplete")
    }
}

impl StdError for ClientBodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// The client's body has more bytes than `max_payload` of `router` allows.
#[derive(Debug)]
pub struct PayloadTooLarge {
    limit: u64,
}

impl fmt::Display for PayloadTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the body of the request has more than {} bytes",
            self.limit
        )
    }
}

impl StdError for PayloadTooLarge {}

/// How the body of a request ended, known also after the body has gone through
/// a plugin, which keeps no sources.
#[derive(Debug, Clone, Default)]
pub struct BodyState(Arc<AtomicU8>);

const BROKEN: u8 = 1;
const TOO_LARGE: u8 = 2;

impl BodyState {
    /// Whether reading the body has failed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.load(Ordering::Acquire) == BROKEN
    }

    /// Whether the body was longer than allowed.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.0.load(Ordering::Acquire) == TOO_LARGE
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Release);
    }
}

pin_project! {
    /// Marks the errors of `inner`, bounds its length and drops its trailers,
    /// which nobody asked for and which hold fields that were never checked.
    pub struct ClientBody<B> {
        #[pin]
        inner: B,
        state: BodyState,
        limit: u64,
        left: u64,
    }
}

impl<B> ClientBody<B> {
    /// `inner` with the state in which it will be. `limit`: bytes it may have.
    pub fn new(inner: B, limit: Option<u64>) -> (Self, BodyState) {
        let state = BodyState::default();
        let limit = limit.unwrap_or(u64::MAX);
        (
            Self {
                inner,
                state: state.clone(),
                limit,
                left: limit,
            },
            state,
        )
    }
}

impl<B> HttpBody for ClientBody<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        this.inner.poll_frame(cx).map(|frame| match frame? {
            Ok(frame) => {
                let length = frame.data_ref()?.len() as u64;
                match this.left.checked_sub(length) {
                    Some(left) => *this.left = left,
                    None => {
                        this.state.set(TOO_LARGE);
                        let limit = *this.limit;
                        return Some(Err(PayloadTooLarge { limit }.into()));
                    }
                }
                Some(Ok(frame))
            }
            Err(error) => {
                let error = error.into();
                if error.is::<PayloadTooLarge>() {
                    // Counted before, on the way through a plugin.
                    this.state.set(TOO_LARGE);
                    return Some(Err(error));
                }
                this.state.set(BROKEN);
                Some(Err(Box::new(ClientBodyError(error)) as BoxError))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
