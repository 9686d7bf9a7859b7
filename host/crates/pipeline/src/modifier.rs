//! The seam between an endpoint's work and whatever changes its requests and
//! responses on their way (`plugin/req-resp-modifier`).

use std::{future::Future, pin::Pin, sync::Arc};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tokio::time::Instant;

use crate::{Body, BoxError, ExecuteError};

/// What the calls of a [`Modifier`] return. Dropping it stops the modifier.
pub type ModifyFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<Verdict<T>, ExecuteError>> + Send + 'a>>;

/// Sees requests and responses of one place, and may change them.
pub trait Modifier: Send + Sync {
    /// Its name, for messages.
    fn name(&self) -> &str;

    /// The calls it wants. Asked for once, at start.
    fn hooks(&self) -> Hooks;

    /// A request goes on. Must return before `deadline`; the pipeline drops the
    /// future when it does not.
    fn modify_request(
        &self,
        passing: PassingRequest,
        deadline: Instant,
    ) -> ModifyFuture<'_, PassingRequest>;

    /// A response goes on. `original` is there for those who want it.
    fn modify_response(
        &self,
        passing: PassingResponse,
        original: Option<PassingRequest>,
        deadline: Instant,
    ) -> ModifyFuture<'_, PassingResponse>;
}

/// The modifiers of an endpoint, in the order of their lists. None by default.
#[derive(Default)]
pub struct Modifiers {
    /// Those of the endpoint.
    pub endpoint: Vec<Arc<dyn Modifier>>,
    /// Those of each backend, in the order of the file. Backends beyond the end
    /// have none.
    pub backends: Vec<Vec<Arc<dyn Modifier>>>,
}

/// The calls that a modifier wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hooks {
    /// [`modify_request`](Modifier::modify_request).
    pub request: bool,
    /// [`modify_response`](Modifier::modify_response).
    pub response: bool,
    /// The latter also for an answer some of whose backends have failed.
    pub partial: bool,
    /// The latter with the request.
    pub original_request: bool,
}

/// A request on its way.
///
/// Of a backend all of it goes out. Of an endpoint its URI is made of the
/// client's host and path and of the query that passes; what counts afterwards
/// is method, query, fields and body.
pub struct PassingRequest {
    /// Its URI is absolute.
    pub request: Request<Body>,
    /// Values of the endpoint's path, and of earlier answers, by name. They
    /// count where no URL has been made of them yet: at the endpoint.
    pub params: Vec<(Arc<str>, String)>,
}

/// A response on its way. Where answers are data its body is JSON, its status
/// 200, and it has no fields but those that modifiers have set.
pub struct PassingResponse {
    /// The response.
    pub response: Response<Body>,
    /// Whether every backend has given all it should; true of a message.
    pub complete: bool,
    /// Whether its body is another one than before. Only looked at when it
    /// comes back.
    pub replaced: bool,
}

/// What becomes of a request or a response.
pub enum Verdict<T> {
    /// It goes on like this.
    Proceed(T),
    /// This is answered, and nothing goes on. At a backend it is that backend's
    /// answer, at an endpoint the client's.
    Answer(Response<Body>),
    /// It fails with a status of the modifier's choice.
    Refuse(Refusal),
}

/// A failure with a status.
#[derive(Debug)]
pub struct Refusal {
    /// What the client gets.
    pub status: StatusCode,
    /// Fields that go with it.
    pub headers: HeaderMap,
    /// Of the message; text without.
    pub content_type: Option<HeaderValue>,
    /// For the client, if the service lets messages of failures out.
    pub message: String,
    /// For the log.
    pub source: BoxError,
}
