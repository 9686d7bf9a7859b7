//! Why an endpoint has no answer.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::{BoxError, ExecuteError};

/// What kind of failure a [`Failure`] is. The gateway picks a status by it.
///
/// `Display` is a text a client may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// No backend answer: connection, DNS, TLS, protocol, proxy.
    Backend,
    /// The deadline passed.
    Timeout,
    /// Limits of the gateway (plugin pool) are reached.
    Overloaded,
    /// The plugin failed: trap, refusal, its own error.
    Plugin,
    /// The client's body broke off or was malformed.
    ClientBody,
    /// A parameter or a field of the client cannot be used.
    ClientRequest,
    /// No host is configured for the backend.
    NoHosts,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend => "the backend could not be reached",
            // The next and the last text are KrakenD's: people search for them.
            Self::Timeout => "context deadline exceeded",
            Self::Overloaded => "the gateway is at its limits",
            Self::Plugin => "the backend's plugin failed",
            Self::ClientBody => "the body of the request could not be read",
            Self::ClientRequest => "the request cannot be passed on",
            Self::NoHosts => "no hosts available",
        })
    }
}

/// Why an endpoint has no answer.
///
/// `Display` is [`FailureKind`]'s text, fit for clients; the cause in
/// [`source`](StdError::source) is for the log.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, for the log.
    pub source: BoxError,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<ExecuteError> for Failure {
    fn from(error: ExecuteError) -> Self {
        Self {
            kind: error.kind,
            source: error.source,
        }
    }
}

/// The endpoint's `timeout` passed: source of a [`FailureKind::Timeout`], and
/// the error in which the body of a late response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    /// The endpoint's `timeout`.
    pub limit: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the endpoint's timeout of {:?} passed", self.limit)
    }
}

impl StdError for TimedOut {}
