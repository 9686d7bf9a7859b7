//! What would be sent, without sending it: for `cuttle explain`.
//!
//! Every request is made by the code that makes it for real calls; the reasons
//! are found beside it, from what has arrived and what would be sent.

mod reasons;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};

use crate::{
    Body, Failure, Inbound, Pipeline,
    backend::BackendCall,
    pipeline::Work,
    url::{encoded, placeholder},
};

pub(crate) use reasons::Lists;
pub use reasons::{HeaderReason, QueryReason};

/// What a pipeline would do with a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// `timeout` of the endpoint.
    pub timeout: Duration,
    /// The share of it that several backends have together; the rest is for
    /// merging and sending.
    pub window: Option<Duration>,
    /// When the backends are called that are no shadows.
    pub order: CallOrder,
    /// Who gets the client's body.
    pub body: BodyUse,
    /// Names of the endpoint's modifiers that may change the request, or answer
    /// it. What they would do is not known: the calls are those of a request
    /// that they leave as it is.
    pub modifiers: Vec<String>,
    /// The calls in the order of the list, shadows included, or why nobody is
    /// called.
    pub calls: Result<Vec<ExplainedCall>, Failure>,
}

/// When the backends of an endpoint are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOrder {
    /// There is one.
    One,
    /// All at once.
    Parallel,
    /// One after the other.
    Sequential,
}

/// Who gets the client's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyUse {
    /// The only backend, while it comes.
    Streamed,
    /// The first backend, while it comes; the others get none.
    First,
    /// Each call: the body is read first, up to so many bytes.
    Copied(u64),
}

/// The call of one backend.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExplainedCall {
    /// Place of the backend in the endpoint's list.
    pub backend: usize,
    /// Whether its answer is not waited for.
    pub shadow: bool,
    /// How often the same request is sent (`concurrent_calls`).
    pub times: u32,
    /// How long it may take.
    pub limit: Duration,
    /// What would be sent, or why nothing would.
    pub request: Result<ExplainedRequest, Failure>,
}

/// A request that is not sent. `Debug` is as careful as that of a
/// [`HeaderMap`]: it shows fields, but for those marked as sensitive.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExplainedRequest {
    /// The method.
    pub method: Method,
    /// Where to. Of several hosts it is the one whose turn it is. Values of
    /// answers that are not known stand in it as percent-encoded placeholders.
    pub uri: Uri,
    /// `uri` as text with the placeholders as written: `{resp0_id}`.
    pub url: String,
    /// Names of those placeholders.
    pub awaited: Vec<String>,
    /// Whether the host in `uri` is only the name that is looked up for it.
    pub host_unknown: bool,
    /// The fields. `Host` and what frames the body are set when it is sent.
    pub headers: Vec<ExplainedField>,
    /// The client's fields that stay behind.
    pub dropped: Vec<(HeaderName, HeaderReason)>,
    /// The client's query strings, decoded, and why those stay behind that do.
    pub query: Vec<(String, Option<QueryReason>)>,
    /// Names of the backend's modifiers that may change it still.
    pub modifiers: Vec<String>,
}

/// What the client has sent, before any filter.
#[derive(Clone, Copy)]
pub(crate) struct Arrived<'a> {
    pub(crate) headers: &'a HeaderMap,
    /// Raw.
    pub(crate) query: Option<&'a str>,
}

/// A field that would be sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExplainedField {
    /// Its name.
    pub name: HeaderName,
    /// Its value. May be a secret.
    pub value: HeaderValue,
    /// Whether the gateway sets it; else it is the client's.
    pub by_gateway: bool,
}

impl Pipeline {
    /// What `inbound` would lead to, if no modifier changes it. Its body is not
    /// looked at, and nothing is sent. `arrived` are the client's fields as they came, which `inbound` no
    /// longer has all of.
    ///
    /// Whose turn it is among several hosts moves on, as with a real call.
    #[must_use]
    pub fn explain(&self, inbound: Inbound, arrived: &HeaderMap) -> Explanation {
        let query = inbound.query.clone();
        let arrived = Arrived {
            headers: arrived,
            query: query.as_deref(),
        };
        let around = self.work.around();
        let explained = Explanation {
            timeout: self.timeout,
            window: None,
            order: CallOrder::One,
            body: BodyUse::Streamed,
            modifiers: around.map_or_else(Vec::new, |around| around.stage.names()),
            calls: Ok(Vec::new()),
        };
        let let_through = match around {
            Some(around) => around.let_through(inbound),
            None => Ok(inbound),
        };
        match let_through {
            Ok(inbound) => self.explain_calls(inbound, arrived, explained),
            Err(failure) => Explanation {
                calls: Err(failure),
                ..explained
            },
        }
    }

    /// Completes `explained` with the calls for what the endpoint lets through.
    fn explain_calls(
        &self,
        inbound: Inbound,
        arrived: Arrived<'_>,
        explained: Explanation,
    ) -> Explanation {
        let limit = explained.timeout;
        match &self.work {
            Work::Splice(backend) => Explanation {
                calls: Ok(vec![only(backend, limit, 1, inbound, arrived)]),
                ..explained
            },
            Work::Relay(relay) => {
                let (backend, times) = (relay.backend(), relay.calls());
                Explanation {
                    calls: Ok(vec![only(backend, limit, times, inbound, arrived)]),
                    body: relay.body_use(),
                    ..explained
                }
            }
            Work::Data(aggregate) => aggregate.explain(inbound, arrived, explained),
            Work::Nobody => Explanation {
                calls: Err(Failure::nobody()),
                ..explained
            },
        }
    }
}

/// The call of a no-op endpoint, which has one backend.
fn only(
    backend: &BackendCall,
    limit: Duration,
    times: u32,
    inbound: Inbound,
    arrived: Arrived<'_>,
) -> ExplainedCall {
    ExplainedCall {
        backend: 0,
        shadow: false,
        times,
        limit,
        request: backend.explain(inbound, arrived, &[], |_| {}),
    }
}

/// Stands in for a body that is not looked at.
pub(crate) fn no_body() -> Body {
    Full::new(Bytes::new())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A value's placeholder in its own place: what is not known before an answer is
/// there.
pub(crate) fn stand_in(name: &str) -> (Arc<str>, String) {
    (Arc::from(name), placeholder(name))
}

/// What there is to say about a request for which `awaited` stood in.
pub(crate) fn explained(
    request: &Request<Body>,
    lists: &Lists,
    arrived: Arrived<'_>,
    awaited: Vec<String>,
) -> ExplainedRequest {
    let (headers, dropped) = lists.headers(arrived.headers, request.headers());
    ExplainedRequest {
        method: request.method().clone(),
        uri: request.uri().clone(),
        url: readable(request.uri(), &awaited),
        awaited,
        host_unknown: false,
        headers,
        dropped,
        query: lists.query(arrived.query.unwrap_or_default()),
        modifiers: Vec::new(),
    }
}

/// `uri` with the placeholders of `awaited` as written.
fn readable(uri: &Uri, awaited: &[String]) -> String {
    let mut text = uri.to_string();
    for name in awaited {
        let placeholder = placeholder(name);
        for encoded in encoded(&placeholder) {
            text = text.replace(&encoded, &placeholder);
        }
    }
    text
}
