//! The seam between an endpoint's work and whatever performs a backend call.

use std::{error::Error as StdError, fmt, future::Future, pin::Pin};

use http::{
    Request, Response,
    uri::{Authority, Scheme},
};
use tokio::time::Instant;

use crate::{Body, BoxError, FailureKind};

/// What [`Executor::execute`] returns. Dropping it cancels the call.
pub type ExecuteFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Body>, ExecuteError>> + Send + 'a>>;

/// Performs the calls of one backend: by a plugin or by the gateway's client.
pub trait Executor: Send + Sync {
    /// Sends `request`, whose URI is absolute, and returns when the head of the
    /// response is there.
    ///
    /// Everything, the body of the response included, has to be over at
    /// `deadline`. The pipeline drops the future, and later the body, when it
    /// is not; an executor needs the deadline to bound what it does elsewhere.
    fn execute(&self, request: Request<Body>, deadline: Instant) -> ExecuteFuture<'_>;

    /// Where the hosts come from of a backend that lists none (`sd`).
    fn hosts(&self) -> Option<&dyn HostSource> {
        None
    }
}

/// What [`HostSource::host`] returns. Dropping it ends the wait, not the search.
pub type HostFuture<'a> = Pin<Box<dyn Future<Output = Option<(Scheme, Authority)>> + Send + 'a>>;

/// Finds hosts, which may change from call to call.
pub trait HostSource: Send + Sync {
    /// The host of the next call; `None` if none is known. The pipeline drops
    /// the future at the call's deadline.
    fn host(&self) -> HostFuture<'_>;

    /// What is known of hosts before any is found: their scheme, and the name
    /// that is looked up. Asks nobody.
    fn sought(&self) -> Option<(Scheme, Authority)> {
        None
    }
}

/// Why a backend call has no response.
#[derive(Debug)]
pub struct ExecuteError {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, for the log.
    pub source: BoxError,
}

impl fmt::Display for ExecuteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl StdError for ExecuteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}
