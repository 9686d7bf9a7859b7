//! What passes through a modifier, in this crate's own types.

use std::sync::{Arc, OnceLock};

use cuttle_egress::Body;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use crate::log::printable;

/// Where in the work of an endpoint a modifier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Around all of the endpoint. A request's host and path are the client's,
    /// and give the plugin no right to reach them.
    Endpoint,
    /// Around one backend: the request is the one that goes out.
    Backend,
}

/// What the responses of a place are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Bodies are JSON objects, or `null`.
    Data,
    /// `no-op`: bodies are streams of anything.
    Message,
}

/// A place of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Around what.
    pub level: Level,
    /// Of what responses are made.
    pub content: Content,
}

/// The calls that a modifier wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hooks {
    /// [`modify_request`](super::Modifier::modify_request).
    pub request: bool,
    /// [`modify_response`](super::Modifier::modify_response).
    pub response: bool,
    /// The latter also where some of the backends have failed.
    pub partial: bool,
    /// The latter with the request.
    pub original_request: bool,
}

/// Values of the endpoint's path, by name.
pub type Params = Vec<(Arc<str>, String)>;

/// A request on its way.
pub struct PassingRequest {
    /// Its URI is absolute.
    pub request: Request<Body>,
    /// Values of the endpoint's path.
    pub params: Params,
}

/// A response on its way.
pub struct PassingResponse {
    /// Its body is JSON where the content is data.
    pub response: Response<Body>,
    /// Whether every backend has given all it should.
    pub complete: bool,
    /// Whether the plugin has set another body.
    pub replaced: bool,
}

/// What becomes of a request or a response.
pub enum Verdict<T> {
    /// It goes on like this.
    Proceed(T),
    /// This is the answer.
    Answer(Response<Body>),
    /// It is refused.
    Refuse(Refusal),
}

/// A refusal, in the plugin's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 200 to 599.
    pub status: StatusCode,
    /// Without those about the connection.
    pub headers: HeaderMap,
    /// Of the message.
    pub content_type: Option<HeaderValue>,
    /// Somebody else's text, as it came.
    pub message: String,
}

impl Refusal {
    /// The message as part of a log line: cut, with control characters escaped.
    #[must_use]
    pub fn line(&self) -> String {
        printable(&self.message)
    }
}

/// What a pool of modifiers knows beside what every pool does.
pub(crate) struct ModifierSite {
    pub(crate) place: Place,
    /// Those of the first instance: the contract wants all to agree.
    hooks: OnceLock<Hooks>,
}

impl ModifierSite {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            hooks: OnceLock::new(),
        }
    }

    pub(crate) fn wants(&self, hooks: Hooks) {
        self.hooks.get_or_init(|| hooks);
    }

    pub(crate) fn hooks(&self) -> Hooks {
        self.hooks.get().copied().unwrap_or_default()
    }
}
