//! An executor that keeps what it gets and does as it is told, and bodies of the
//! same kind.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::{Request, Response, request};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use crate::*;

/// What the next call of a [`Recorder`] does.
pub(super) enum Script {
    Answer(Response<Body>),
    Fail(FailureKind),
    /// Never, keeping the request.
    Hang,
}

#[derive(Default)]
pub(super) struct Recorder {
    script: Mutex<Vec<Script>>,
    pub(super) seen: Mutex<Vec<Seen>>,
    /// Calls that are under way.
    pub(super) running: Arc<AtomicUsize>,
}

pub(super) struct Seen {
    pub(super) head: request::Parts,
    pub(super) size: SizeHint,
    pub(super) deadline: Instant,
    pub(super) body: Option<Body>,
}

/// Counts itself in [`Recorder::running`].
struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Recorder {
    pub(super) fn playing(script: Script) -> Arc<Self> {
        let recorder = Self::default();
        recorder.script.lock().unwrap().push(script);
        Arc::new(recorder)
    }

    pub(super) fn only(&self) -> Seen {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "calls");
        seen.pop().unwrap()
    }

    pub(super) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Executor for Recorder {
    fn execute(&self, request: Request<Body>, deadline: Instant) -> ExecuteFuture<'_> {
        let running = Running::start(&self.running);
        let (head, body) = request.into_parts();
        let script = self.script.lock().unwrap().pop();
        let hangs = matches!(script, Some(Script::Hang));
        let (kept, held) = if hangs {
            (None, Some(body))
        } else {
            (Some(body), None)
        };
        self.seen.lock().unwrap().push(Seen {
            head,
            size: kept.as_ref().or(held.as_ref()).unwrap().size_hint(),
            deadline,
            body: kept,
        });
        Box::pin(async move {
            let _running = running;
            let _held = held;
            match script {
                None => Ok(Response::new(body_of(""))),
                Some(Script::Answer(response)) => Ok(response),
                Some(Script::Fail(kind)) => Err(ExecuteError {
                    kind,
                    source: "the cause".into(),
                }),
                Some(Script::Hang) => std::future::pending().await,
            }
        })
    }
}

/// A body that hands out `frames`, then goes on as `then` says.
struct Scripted {
    frames: Vec<&'static str>,
    then: Then,
    _alive: Option<Running>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    Hang,
    Repeat,
}

impl http_body::Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.frames.first().copied() {
            Some(text) => {
                if self.then == Then::Hang {
                    self.frames.remove(0);
                }
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
            }
            None => Poll::Pending,
        }
    }
}

pub(super) fn scripted(frames: &[&'static str], then: Then, alive: &Arc<AtomicUsize>) -> Body {
    Scripted {
        frames: frames.to_vec(),
        then,
        _alive: Some(Running::start(alive)),
    }
    .boxed_unsync()
}

pub(super) fn body_of(text: &'static str) -> Body {
    Full::from(text)
        .map_err(|never| match never {})
        .boxed_unsync()
}
