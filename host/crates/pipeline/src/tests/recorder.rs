//! An executor that keeps what it gets and does as it is told, and bodies of the
//! same kind.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, Response, StatusCode, request};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, sleep};

use crate::*;

/// What the next call of a [`Recorder`] does.
pub(super) enum Script {
    Answer(Response<Body>),
    Fail(FailureKind),
    /// Never, keeping the request.
    Hang,
    Panic,
    /// Waits first.
    After(Duration, Box<Script>),
}

#[derive(Default)]
pub(super) struct Recorder {
    /// The last comes first.
    script: Mutex<Vec<Script>>,
    /// Status and body of answers beyond the script.
    otherwise: Option<(u16, &'static str)>,
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
        Self::sequence(vec![script])
    }

    pub(super) fn sequence(mut script: Vec<Script>) -> Arc<Self> {
        script.reverse();
        Arc::new(Self {
            script: Mutex::new(script),
            ..Self::default()
        })
    }

    /// Answers every call with this.
    pub(super) fn saying(status: u16, body: &'static str) -> Arc<Self> {
        Arc::new(Self {
            otherwise: Some((status, body)),
            ..Self::default()
        })
    }

    /// Methods and URLs of the calls.
    pub(super) fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let line = |seen: &Seen| format!("{} {}", seen.head.method, seen.head.uri);
        seen.iter().map(line).collect()
    }

    /// Bodies of the calls, read to their ends.
    pub(super) async fn bodies(&self) -> Vec<String> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let mut bodies = Vec::new();
        for body in seen.into_iter().filter_map(|seen| seen.body) {
            let body = body.collect().await.unwrap().to_bytes();
            bodies.push(String::from_utf8(body.to_vec()).unwrap());
        }
        bodies
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
        let otherwise = self.otherwise;
        Box::pin(async move {
            let _running = running;
            let _held = held;
            let mut script = script;
            while let Some(Script::After(time, next)) = script {
                sleep(time).await;
                script = Some(*next);
            }
            match script {
                None => {
                    let (status, body) = otherwise.unwrap_or((200, ""));
                    Ok(answer(status, &[], body))
                }
                Some(Script::Answer(response)) => Ok(response),
                Some(Script::Fail(kind)) => Err(ExecuteError {
                    kind,
                    source: "the cause".into(),
                }),
                // A panic on purpose is none for the hook, which all tests share.
                Some(Script::Panic) => std::panic::resume_unwind(Box::new("on purpose")),
                Some(Script::Hang | Script::After(..)) => std::future::pending().await,
            }
        })
    }
}

pub(super) fn answer(
    status: u16,
    fields: &[(&'static str, &'static str)],
    body: &'static str,
) -> Response<Body> {
    let mut response = Response::new(body_of(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in fields {
        let value = HeaderValue::from_static(value);
        response.headers_mut().append(*name, value);
    }
    response
}

/// An answer that is `body` after `milliseconds`.
pub(super) fn after(milliseconds: u64, body: &'static str) -> Script {
    let answer = Script::Answer(answer(200, &[], body));
    Script::After(Duration::from_millis(milliseconds), Box::new(answer))
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
