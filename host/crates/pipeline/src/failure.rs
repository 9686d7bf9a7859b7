//! Why an endpoint has no answer, or an answer not all of its parts.

use std::{error::Error as StdError, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::{BoxError, ExecuteError, Refusal};

/// What kind of failure a [`Failure`] is. The gateway picks a status by it.
///
/// `Display` is a text a client may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// No backend answer: connection, DNS, TLS, protocol, proxy.
    Backend,
    /// The backend's answer has a status other than 200 and 201.
    Status,
    /// The backend's answer is not what its `encoding` says.
    Decode,
    /// The deadline passed.
    Timeout,
    /// Limits of the gateway (plugin pool) are reached.
    Overloaded,
    /// The plugin failed: trap, refusal, its own error.
    Plugin,
    /// A modifier refuses the request or the response, with a status.
    Refused,
    /// The client's body broke off or was malformed.
    ClientBody,
    /// The client's body is longer than allowed, or than what is kept of it
    /// where several calls need it.
    BodyTooLarge,
    /// A parameter or a field of the client cannot be used.
    ClientRequest,
    /// No host is configured for the backend, or no backend but shadows.
    NoHosts,
    /// A placeholder of `url_pattern` has no value.
    NoValue,
    /// The gateway's own code has panicked on the way to this backend.
    Panicked,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend => "the backend could not be reached",
            Self::Status => "invalid status code",
            Self::Decode => "the backend's answer could not be read",
            // This text and that of `NoHosts` are KrakenD's: people search for
            // them.
            Self::Timeout => "context deadline exceeded",
            Self::Overloaded => "the gateway is at its limits",
            Self::Plugin => "the backend's plugin failed",
            Self::Refused => "the request is refused",
            Self::ClientBody => "the body of the request could not be read",
            Self::BodyTooLarge => "the body of the request is too large",
            Self::ClientRequest => "the request cannot be passed on",
            Self::NoHosts => "no hosts available",
            Self::NoValue => "a value for the backend's URL is missing",
            Self::Panicked => "internal error",
        })
    }
}

/// Why an endpoint, or one of its backends, has no answer.
///
/// `Display` is fit for clients: KrakenD's text where it tells nothing that is
/// the operator's alone, else [`FailureKind`]'s. The cause in
/// [`source`](StdError::source) is for the log.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, for the log.
    pub source: BoxError,
    /// The answer behind it, of a backend with `return_error_code` or of a
    /// modifier.
    pub answer: Option<Box<BackendAnswer>>,
    /// Position of the backend in the endpoint's list, if there are several.
    pub backend: Option<usize>,
    /// In place of the kind's text.
    text: Option<String>,
}

/// What a backend has said instead of 200 or 201, or a modifier's refusal.
#[derive(Clone)]
pub struct BackendAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Fields that go to the client in any case: those of a modifier.
    pub headers: HeaderMap,
    /// Its `Content-Type`.
    pub content_type: Option<HeaderValue>,
    /// Its body, without content codings. Empty if it could not be read.
    pub body: Bytes,
}

/// Hides what is the client's alone.
impl fmt::Debug for BackendAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendAnswer")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: source.into(),
            answer: None,
            backend: None,
            text: None,
        }
    }

    /// A failure whose cause clients may read.
    pub(crate) fn open(kind: FailureKind, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self {
            text: Some(source.to_string()),
            ..Self::new(kind, source)
        }
    }

    /// That of an endpoint whose backends are all shadows.
    pub(crate) fn nobody() -> Self {
        Self::open(
            FailureKind::NoHosts,
            "all backends of the endpoint are shadows: there is none to answer",
        )
    }

    /// As KrakenD: where clients may read, they read the answer's body.
    pub(crate) fn with_answer(self, answer: BackendAnswer) -> Self {
        Self {
            text: Some(String::from_utf8_lossy(&answer.body).into_owned()),
            answer: Some(Box::new(answer)),
            ..self
        }
    }

    pub(crate) fn of_backend(self, position: Option<usize>) -> Self {
        Self {
            backend: position,
            ..self
        }
    }

    /// What several failures, none of whose backends answered, are together.
    /// KrakenD shows their texts in the order of their arrival and keeps no
    /// status of theirs.
    ///
    /// The kind is theirs if they agree in it: then `gateway_errors` can still
    /// tell a timeout from a dead backend, and a client its own fault.
    pub(crate) fn joined(failures: Vec<Self>) -> Self {
        let text: Vec<_> = failures.iter().map(ToString::to_string).collect();
        let mut kinds = failures.iter().map(|failure| failure.kind);
        let first = kinds.next().unwrap_or(FailureKind::Backend);
        let kind = match kinds.all(|kind| kind == first) {
            true => first,
            false => FailureKind::Backend,
        };
        Self {
            text: Some(text.join("\n")),
            ..Self::new(kind, Several(failures))
        }
    }

    /// This failure, with those behind it that came before.
    pub(crate) fn after(mut self, mut earlier: Vec<Self>) -> Self {
        if earlier.is_empty() {
            return self;
        }
        let (kind, text) = (self.kind, self.text.clone());
        let answer = self.answer.take();
        earlier.push(self);
        Self {
            text,
            answer,
            ..Self::new(kind, Several(earlier))
        }
    }

    /// The single failures behind one of several backends; else itself.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self.source.downcast_ref::<Several>() {
            Some(Several(failures)) => failures,
            None => std::slice::from_ref(self),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => self.kind.fmt(f),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<ExecuteError> for Failure {
    fn from(error: ExecuteError) -> Self {
        Self::new(error.kind, error.source)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let answer = BackendAnswer {
            status: refusal.status,
            headers: refusal.headers,
            content_type: refusal.content_type,
            body: refusal.message.into(),
        };
        Self::new(FailureKind::Refused, refusal.source).with_answer(answer)
    }
}

/// Source of a failure of several backends.
#[derive(Debug)]
struct Several(Vec<Failure>);

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failures", self.0.len())
    }
}

impl StdError for Several {}

/// The endpoint's `timeout` passed: source of a [`FailureKind::Timeout`], and
/// the error in which the body of a late response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    /// The endpoint's `timeout`, or a backend's share of it.
    pub limit: Duration,
    /// Whether it is such a share.
    pub(crate) share: bool,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share {
            true => write!(
                f,
                "{:?}, a part of the endpoint's timeout, passed",
                self.limit
            ),
            false => write!(f, "the endpoint's timeout of {:?} passed", self.limit),
        }
    }
}

impl StdError for TimedOut {}
