//! The bodies of a call, watched on their way.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    error::{BoxError, Error, ErrorKind},
    pool::Lease,
    route::Route,
};

/// Body of requests and responses: streamed, never buffered.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

/// A body without anything in it.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// The body of a request on its way to the peer.
pub(crate) struct Upload {
    body: Body,
    /// None: there is nothing to send.
    state: Option<Arc<UploadState>>,
}

/// What becomes of a request's body.
#[derive(Default)]
pub(crate) struct UploadState {
    finished: AtomicBool,
    waker: AtomicWaker,
    error: Mutex<Option<BoxError>>,
}

impl Upload {
    pub(crate) fn new(body: Body) -> Self {
        let state = (!body.is_end_stream()).then(Arc::default);
        Self { body, state }
    }

    pub(crate) fn state(&self) -> Option<Arc<UploadState>> {
        self.state.clone()
    }

    /// The body itself, of which nothing was sent.
    pub(crate) fn into_body(self) -> Body {
        self.body
    }

    fn observe(&self, polled: Option<&Result<Frame<Bytes>, BoxError>>) {
        let Some(state) = &self.state else { return };
        if polled.is_none() || (matches!(polled, Some(Ok(_))) && self.body.is_end_stream()) {
            state.finish();
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                // Trailers belong to a connection that agreed on them.
                Some(Ok(frame)) if frame.is_trailers() => {}
                other => break other,
            }
        };
        self.observe(polled.as_ref());
        Poll::Ready(match polled {
            Some(Err(error)) => {
                if let Some(state) = &self.state {
                    state.fail(error);
                }
                Some(Err(Box::new(BrokenUpload)))
            }
            other => other,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl UploadState {
    /// Whether the whole body was handed over.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Waits until the whole body was handed over.
    pub(crate) async fn finished(&self) {
        std::future::poll_fn(|cx| {
            self.waker.register(cx.waker());
            match self.is_finished() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// The error that the body itself gave, once.
    pub(crate) fn take_error(&self) -> Option<BoxError> {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn finish(&self) {
        self.finished.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn fail(&self, error: BoxError) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// Stands in for the error of a request's body, which is kept aside.
#[derive(Debug)]
struct BrokenUpload;

impl fmt::Display for BrokenUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the request broke off")
    }
}

impl std::error::Error for BrokenUpload {}

pin_project! {
    /// The body of a response. Gives the connection back at its end, and closes
    /// it at an error, at the deadline, or when dropped before.
    pub(crate) struct Download {
        incoming: Incoming,
        lease: Option<Lease>,
        reusable: bool,
        upload: Option<Arc<UploadState>>,
        route: Arc<Route>,
        #[pin]
        deadline: Sleep,
        done: bool,
    }
}

impl Download {
    /// The body for the caller. `reusable`: the connection may be used again
    /// after this.
    pub(crate) fn body(
        incoming: Incoming,
        lease: Lease,
        reusable: bool,
        upload: Option<Arc<UploadState>>,
        route: Arc<Route>,
        deadline: Instant,
    ) -> Body {
        let mut body = Self {
            done: incoming.is_end_stream(),
            incoming,
            lease: Some(lease),
            reusable,
            upload,
            route,
            deadline: sleep_until(deadline),
        };
        if body.done {
            release(&mut body.lease, body.reusable, body.upload.as_deref());
        }
        body.boxed_unsync()
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if *this.done {
            return Poll::Ready(None);
        }
        let frame = loop {
            match Pin::new(&mut *this.incoming).poll_frame(cx) {
                // Nobody asked for trailers, and they bypass what is checked
                // about fields.
                Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {}
                other => break other,
            }
        };
        let polled = match frame {
            Poll::Pending => {
                ready!(this.deadline.poll(cx));
                Some(Err(timeout(this.route)))
            }
            Poll::Ready(_) if this.deadline.deadline() <= Instant::now() => {
                Some(Err(timeout(this.route)))
            }
            Poll::Ready(Some(Err(error))) => {
                Some(Err(broken(this.route, this.upload.as_deref(), error)))
            }
            Poll::Ready(Some(Ok(frame))) => Some(Ok(frame)),
            Poll::Ready(None) => None,
        };
        match &polled {
            Some(Ok(_)) if !this.incoming.is_end_stream() => {}
            Some(Err(_)) => {
                *this.done = true;
                *this.lease = None;
            }
            _ => {
                *this.done = true;
                release(this.lease, *this.reusable, this.upload.as_deref());
            }
        }
        Poll::Ready(polled.map(|outcome| outcome.map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }

    fn size_hint(&self) -> SizeHint {
        if self.done {
            SizeHint::with_exact(0)
        } else {
            self.incoming.size_hint()
        }
    }
}

fn release(lease: &mut Option<Lease>, reusable: bool, upload: Option<&UploadState>) {
    if let Some(lease) = lease.take()
        && reusable
        && upload.is_none_or(UploadState::is_finished)
    {
        lease.give_back();
    }
}

fn timeout(route: &Route) -> Error {
    let text = format!("the response of {route} was not complete in time");
    Error::new(ErrorKind::Timeout, text)
}

fn broken(route: &Route, upload: Option<&UploadState>, error: hyper::Error) -> Error {
    if let Some(cause) = upload.and_then(UploadState::take_error) {
        return Error::new(ErrorKind::RequestBody, "the body of the request broke off")
            .caused_by(cause);
    }
    let kind = if error.is_parse() || is_bad_framing(&error) {
        ErrorKind::Protocol
    } else {
        ErrorKind::Closed
    };
    Error::new(kind, format!("the response body of {route} broke off")).caused_by(error)
}

/// Whether chunks are not what they should be.
fn is_bad_framing(error: &hyper::Error) -> bool {
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| match cause.kind() {
        io::ErrorKind::InvalidInput => true,
        // TLS uses it, too.
        io::ErrorKind::InvalidData => !cause
            .get_ref()
            .is_some_and(|inner| inner.is::<rustls::Error>()),
        _ => false,
    })
}
