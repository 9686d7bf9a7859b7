//! Modifiers at their places: around an endpoint ([`endpoint`]), around a
//! backend, around data ([`data`]) and around messages.
//!
//! Several of one place are called in the order of their list, and each gets
//! what the one before has left. An answer, a refusal or a failure of one ends
//! the list.

mod data;
mod endpoint;

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};

use crate::{
    Body, Failure, Modifier, PassingRequest, PassingResponse, Verdict, deadline::Deadline,
};

pub(crate) use data::{DataAnswer, Head};
pub(crate) use endpoint::Around;

/// The modifiers of one place.
pub(crate) struct Stage {
    modifiers: Vec<Arc<dyn Modifier>>,
    /// Somebody wants to see the request beside the response.
    keeps_original: bool,
}

/// Whether the work goes on.
pub(crate) enum Flow<T> {
    /// With this.
    Proceed(T),
    /// No: this is the answer.
    Answer(Response<Body>),
}

/// A request as it went on, without its body.
pub(crate) struct Original {
    head: Request<()>,
    params: Vec<(Arc<str>, String)>,
}

impl Stage {
    /// `None` if nobody wants a call.
    pub(crate) fn new(mut modifiers: Vec<Arc<dyn Modifier>>) -> Option<Box<Self>> {
        modifiers.retain(|one| one.hooks().request || one.hooks().response);
        let keeps_original = modifiers.iter().any(wants_original);
        (!modifiers.is_empty()).then(|| {
            Box::new(Self {
                modifiers,
                keeps_original,
            })
        })
    }

    /// Whether requests have to be shown to somebody.
    fn sees_requests(&self) -> bool {
        self.keeps_original || self.modifiers.iter().any(|one| one.hooks().request)
    }

    /// Names of those who may change a request.
    pub(crate) fn names(&self) -> Vec<String> {
        let asked = self.modifiers.iter().filter(|one| one.hooks().request);
        asked.map(|one| one.name().to_owned()).collect()
    }

    /// Shows a request to those who want it.
    pub(crate) async fn request(
        &self,
        mut passing: PassingRequest,
        deadline: Deadline,
    ) -> Result<Flow<(PassingRequest, Option<Original>)>, Failure> {
        for modifier in self.modifiers.iter().filter(|one| one.hooks().request) {
            match modifier.modify_request(passing, deadline.at).await? {
                Verdict::Proceed(next) => passing = next,
                Verdict::Answer(response) => return Ok(Flow::Answer(response)),
                Verdict::Refuse(refusal) => return Err(refusal.into()),
            }
        }
        let original = self.keeps_original.then(|| Original::of(&passing));
        Ok(Flow::Proceed((passing, original)))
    }

    /// Shows a no-op response to those who want it.
    pub(crate) async fn message(
        &self,
        mut response: Response<Body>,
        original: Option<&Original>,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        for modifier in self.modifiers.iter().filter(|one| one.hooks().response) {
            let passing = PassingResponse {
                response,
                complete: true,
                replaced: false,
            };
            let original = shown(modifier, original);
            let verdict = modifier.modify_response(passing, original, deadline.at);
            match verdict.await? {
                Verdict::Proceed(next) => response = next.response,
                Verdict::Answer(response) => return Ok(response),
                Verdict::Refuse(refusal) => return Err(refusal.into()),
            }
        }
        Ok(response)
    }
}

impl Original {
    fn of(passing: &PassingRequest) -> Self {
        let mut head = Request::new(());
        head.method_mut().clone_from(passing.request.method());
        head.uri_mut().clone_from(passing.request.uri());
        head.headers_mut().clone_from(passing.request.headers());
        Self {
            head,
            params: passing.params.clone(),
        }
    }

    fn copy(&self) -> PassingRequest {
        PassingRequest {
            request: self.head.clone().map(|()| empty()),
            params: self.params.clone(),
        }
    }
}

/// What `modifier` gets to see of the request.
fn shown(modifier: &Arc<dyn Modifier>, original: Option<&Original>) -> Option<PassingRequest> {
    let original = original.filter(|_| wants_original(modifier));
    original.map(Original::copy)
}

fn wants_original(modifier: &Arc<dyn Modifier>) -> bool {
    let hooks = modifier.hooks();
    hooks.response && hooks.original_request
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}
