//! The gateway: a cleaned and routed request goes to its endpoint's pipeline,
//! and what comes of it becomes a response.

mod build;
mod builtin;
mod explain;
mod outcome;
mod routes;

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use cuttle_pipeline::{FailureKind, Inbound, Pipeline, config::KeyPath};
use futures_util::FutureExt;
use http::{HeaderName, Method, Request, Response, StatusCode, request::Parts};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tracing::{Instrument, Span};

use crate::{
    head::{self, Head, body::ClientBody, client_ip::Trust},
    metrics::{self, Traffic},
    respond::{self, Body, BoxError, Responder, TrackedBody},
    router::{Outcome, Router},
    server::Census,
    server_plugins::{self, ServerPlugins},
    status::Status,
    telemetry::{AccessLog, fields},
};
pub use build::RouteConflict;
use builtin::Builtin;
pub(crate) use explain::{Explained, ExplainedEndpoint};

/// Names the path in front of ours, for redirects.
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address, IPv4 as such also on a socket for both families.
    pub ip: IpAddr,
    /// As accepted.
    pub addr: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// Everything that answers requests. It does not change: another configuration
/// is another gateway, of the next generation.
pub struct Gateway {
    generation: u64,
    /// Another one answers the requests that begin.
    retired: AtomicBool,
    router: Router<Target>,
    responder: Responder,
    trust: Trust,
    access: AccessLog,
    /// Bytes that a client's body may have, unless an endpoint allows fewer.
    max_payload: Option<u64>,
    panics: AtomicU64,
    status: Option<Status>,
    /// Of the listener it stands behind.
    census: OnceLock<Arc<Census>>,
    /// Counted where the metrics page is.
    traffic: Option<Arc<Traffic>>,
    /// `plugin/http-server`.
    in_front: Option<ServerPlugins>,
}

/// Mark of an answer that gets no line in the access log.
#[derive(Clone, Copy)]
struct Unlogged;

/// What a route leads to.
enum Target {
    Endpoint(Box<EndpointRoute>),
    Health,
    Status,
    Metrics,
    Builtin(Builtin),
}

struct EndpointRoute {
    /// As written in the configuration.
    pattern: String,
    place: KeyPath,
    /// Bytes that a client's body may have here.
    max_payload: Option<u64>,
    pipeline: Pipeline,
}

impl Gateway {
    /// The same with something to tell on its status page.
    #[must_use]
    pub(crate) fn with_status(mut self, status: Option<Status>) -> Self {
        self.status = status;
        self
    }

    /// Its pages tell of these connections, too.
    pub(crate) fn tell_of(&self, census: &Arc<Census>) {
        // A gateway stands behind one listener.
        let _ = self.census.set(Arc::clone(census));
    }

    /// The same behind plugins.
    #[must_use]
    pub(crate) fn with_plugins(mut self, in_front: Option<ServerPlugins>) -> Self {
        self.in_front = in_front;
        self
    }

    /// Bytes that a client's body may have.
    pub(crate) fn max_payload(&self) -> Option<u64> {
        self.max_payload
    }

    /// Answers one request. The response is final: its body reports to the
    /// access log when it has been sent or has broken off. Dropping the future
    /// cancels the backend calls.
    pub async fn handle<B>(self: &Arc<Self>, request: Request<B>, peer: Peer) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let client = self.trust.client_ip(peer.ip, &parts.headers);
        let head_only = parts.method == Method::HEAD;
        let open = self.traffic.as_ref().map(Traffic::open);
        let mut exchange = self.access.begin(&parts, client).counted(open);
        let span = exchange.span().clone();
        // A panic must cost its own request only; nothing that it may have
        // left half done is shared between requests.
        let received = self.receive((parts, body), client, peer.tls, exchange.span());
        let response = AssertUnwindSafe(received)
            .catch_unwind()
            .instrument(span.clone())
            .await
            .unwrap_or_else(|_| span.in_scope(|| self.panicked()));
        exchange.answered(response.status());
        if response.extensions().get::<Unlogged>().is_some() {
            exchange.silence();
        }
        let bodyless = head_only
            || matches!(
                response.status(),
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        response.map(|body| BodyExt::boxed_unsync(TrackedBody::new(body, exchange, bodyless)))
    }

    /// The same as the `generation`th that the process has, the first being 1.
    #[must_use]
    pub fn of_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// Another one has taken its place; its own requests go on.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Panics that requests have caused since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// A request as it came.
    async fn receive<B>(
        self: &Arc<Self>,
        (mut parts, body): (Parts, B),
        client: IpAddr,
        tls: bool,
        span: &Span,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let head = match head::clean(&mut parts) {
            Ok(head) if head.asterisk => return respond::alive(),
            Ok(head) => head,
            Err(refusal) => {
                tracing::info!(target: "cuttle", reason = %refusal, "request refused");
                return respond::refused(refusal);
            }
        };
        match &self.in_front {
            None => self.answer((parts, body), head, client, span).await,
            Some(plugins) => {
                let client = server_plugins::Client {
                    ip: client,
                    tls,
                    span: span.clone(),
                };
                // Its size is not to weigh on requests without plugins.
                Box::pin(plugins.answer(self, (parts, body), head, client)).await
            }
        }
    }

    /// A request with a clean head, behind the plugins that may be in front.
    pub(crate) async fn answer<B>(
        &self,
        (parts, body): (Parts, B),
        head: Head,
        client: IpAddr,
        span: &Span,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match self.route(&parts) {
            Outcome::Found {
                value: Target::Health,
                ..
            } => respond::health(),
            Outcome::Found {
                value: Target::Builtin(builtin),
                params,
            } => {
                let body = (body, self.max_payload);
                let answer = builtin.answer(&parts, &head.host, &params, body, &self.responder);
                // Its size is not to weigh on that of the others.
                Box::pin(answer).await
            }
            Outcome::Found {
                value: Target::Status,
                ..
            } => respond::status(&self.status_page()),
            Outcome::Found {
                value: Target::Metrics,
                ..
            } => respond::metrics(self.metrics_page()),
            Outcome::Found {
                value: Target::Endpoint(endpoint),
                params,
            } => {
                span.record(fields::ENDPOINT, tracing::field::display(&endpoint.pattern));
                // What is announced too long is not even begun.
                if endpoint.exceeded(body.size_hint().lower()).is_some() {
                    tracing::info!(target: "cuttle", "request refused: its body is too long");
                    return self.responder.kind(FailureKind::BodyTooLarge);
                }
                let (body, state) = ClientBody::new(body, endpoint.max_payload);
                let body = BodyExt::boxed_unsync(body);
                let inbound = inbound(parts, params, body, (client, head.host));
                self.run(endpoint, inbound, &state).await
            }
            Outcome::Redirect { status, location } => {
                // As KrakenD: the request that follows is the one to log.
                let mut redirect = respond::redirect(status, &location);
                redirect.extensions_mut().insert(Unlogged);
                redirect
            }
            Outcome::MethodNotAllowed { allow } => self.responder.method_not_allowed(&allow),
            Outcome::Options { allow } => respond::options(&allow),
            Outcome::NotFound => self.responder.not_found(),
            Outcome::BadParam(message) => respond::bad_parameter(message),
        }
    }

    fn status_page(&self) -> serde_json::Value {
        let status = self.status.as_ref();
        status.map_or_else(Default::default, |status| {
            status.page(self.generation, self.panics(), self.census())
        })
    }

    fn census(&self) -> Option<&Census> {
        self.census.get().map(|census| &**census)
    }

    fn metrics_page(&self) -> String {
        match (&self.status, &self.traffic) {
            (Some(status), Some(traffic)) => metrics::page(
                status,
                traffic,
                self.census(),
                (self.generation, self.panics()),
            ),
            _ => String::new(),
        }
    }

    fn route(&self, parts: &Parts) -> Outcome<'_, Target> {
        let prefix = parts
            .headers
            .get(&X_FORWARDED_PREFIX)
            .and_then(|value| value.to_str().ok());
        self.router
            .route(&parts.method, parts.uri.path(), parts.uri.query(), prefix)
    }
}

impl Drop for Gateway {
    /// Pools and plugin instances go with it.
    fn drop(&mut self) {
        if *self.retired.get_mut() {
            let generation = self.generation;
            tracing::info!(target: "cuttle", generation, "former generation is gone");
        }
    }
}

/// What a pipeline is given of a request.
fn inbound(
    parts: Parts,
    params: Vec<(Arc<str>, String)>,
    body: Body,
    (client_ip, host): (IpAddr, String),
) -> Inbound {
    Inbound {
        method: parts.method,
        params,
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body,
        client_ip,
        host,
    }
}

#[cfg(test)]
mod tests;
