//! The body of a client's request, whose errors can be told from a backend's.

use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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

/// Whether the body of a request broke, known also after the body has gone
/// through a plugin, which keeps no sources.
#[derive(Debug, Clone, Default)]
pub struct BodyState(Arc<AtomicBool>);

impl BodyState {
    /// Whether reading the body has failed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

pin_project! {
    /// Marks the errors of `inner` and drops its trailers, which nobody asked
    /// for and which hold fields that were never checked.
    pub struct ClientBody<B> {
        #[pin]
        inner: B,
        state: BodyState,
    }
}

impl<B> ClientBody<B> {
    /// `inner` with the state in which it will be.
    pub fn new(inner: B) -> (Self, BodyState) {
        let state = BodyState::default();
        (
            Self {
                inner,
                state: state.clone(),
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
            Ok(frame) => frame.is_data().then_some(Ok(frame)),
            Err(error) => {
                this.state.0.store(true, Ordering::Release);
                Some(Err(Box::new(ClientBodyError(error.into())) as BoxError))
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
