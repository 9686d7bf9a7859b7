//! `plugin/http-server`: plugins between the listener and the router.
//!
//! They see a request after its head was cleaned, and what they hand on is
//! cleaned once more: a plugin cannot bring the router what a client could not.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use cuttle_plugin::{Answering, CallError, Handler, ServerPlugin};
use http::{
    HeaderValue, Request, Response, Uri, Version,
    header::HOST,
    request::Parts,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tracing::Span;

use crate::{
    gateway::Gateway,
    head::{
        self, Head, Refusal,
        body::{BodyState, ClientBody},
    },
    respond::{self, Body, BoxError},
};

/// Stands for the host of a request without one, which HTTP/1.0 permits. A name
/// that never exists (RFC 6761, section 6.4).
const NO_HOST: &str = "no-host.invalid";

/// The plugins of a service; at least one.
pub(crate) struct ServerPlugins {
    /// The one that sees a request first.
    outermost: ServerPlugin,
    /// In the order of the file.
    all: Vec<ServerPlugin>,
    /// Time for a request, up to the head of its answer.
    timeout: Duration,
}

/// One request of a client, as far as the plugins do not see it.
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    pub(crate) tls: bool,
    pub(crate) span: Span,
}

impl ServerPlugins {
    /// `all` in the order of the file, so that the last is the outermost.
    pub(crate) fn new(all: Vec<ServerPlugin>, timeout: Duration) -> Option<Self> {
        Some(Self {
            outermost: all.last()?.clone(),
            all,
            timeout,
        })
    }

    /// Their names, in the order of the file.
    pub(crate) fn names(&self) -> Vec<String> {
        self.all.iter().map(|one| one.name().to_owned()).collect()
    }

    /// Lets them answer a request whose head is clean, in front of `gateway`.
    pub(crate) async fn answer<B>(
        &self,
        gateway: &Arc<Gateway>,
        (parts, body): (Parts, B),
        head: Head,
        client: Client,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (body, state) = ClientBody::new(body, gateway.max_payload());
        let Some(request) = absolute(parts, body, &head.host, client.tls) else {
            return respond::refused(Refusal::Target);
        };
        let (ip, deadline) = (client.ip, Instant::now() + self.timeout);
        let behind = Arc::new(Behind {
            gateway: Arc::clone(gateway),
            client,
        });
        let called = self.outermost.call(request, ip, behind, deadline).await;
        let response = match called {
            Ok(response) => response,
            Err(error) => gateway.failed_in_front(&error, overloaded(&error), &state),
        };
        ended(response, &state)
    }
}

/// Where the next request begins is not known, or too far.
fn ended(mut response: Response<Body>, body: &BodyState) -> Response<Body> {
    if body.is_broken() || body.is_too_large() {
        respond::close(&mut response);
    }
    response
}

fn overloaded(error: &CallError) -> bool {
    matches!(error, CallError::Exhausted { .. })
}

/// The request as plugins see it. `None` if it has no absolute form.
fn absolute<B>(parts: Parts, body: B, host: &str, tls: bool) -> Option<Request<Body>>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + 'static,
{
    let scheme = if tls { Scheme::HTTPS } else { Scheme::HTTP };
    let host = if host.is_empty() { NO_HOST } else { host };
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let uri = Uri::builder().scheme(scheme).authority(host);
    let mut request = Request::new(body.boxed_unsync());
    *request.uri_mut() = uri.path_and_query(target).build().ok()?;
    *request.method_mut() = parts.method;
    *request.headers_mut() = parts.headers;
    Some(request)
}

/// The gateway behind the plugins, for one request of a client.
struct Behind {
    gateway: Arc<Gateway>,
    client: Client,
}

impl Handler for Behind {
    fn answer(&self, request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let body = Carried(body);
            relative(&mut parts);
            match head::clean(&mut parts) {
                Ok(head) => {
                    let Client { ip, span, .. } = &self.client;
                    self.gateway.answer((parts, body), head, *ip, span).await
                }
                Err(refusal) => {
                    tracing::info!(target: "cuttle", reason = %refusal, "request refused");
                    respond::refused(refusal)
                }
            }
        })
    }
}

/// A body as it is, under a name. (With the error of [`Body`] in its type, the
/// compiler does not see that the future that answers can be sent.)
struct Carried(Body);

/// The error of a [`Carried`], as it is.
struct CarriedError(BoxError);

impl HttpBody for Carried {
    type Data = Bytes;
    type Error = CarriedError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CarriedError>>> {
        let frame = Pin::new(&mut self.get_mut().0).poll_frame(context);
        frame.map_err(CarriedError)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl From<CarriedError> for BoxError {
    fn from(CarriedError(error): CarriedError) -> Self {
        error
    }
}

/// The head as a client would have sent it.
fn relative(parts: &mut Parts) {
    let authority = parts.uri.authority().map(Authority::as_str);
    let host = authority.filter(|host| *host != NO_HOST);
    let host = host.and_then(|host| HeaderValue::from_str(host).ok());
    parts.version = match host {
        Some(_) => Version::HTTP_11,
        None => Version::HTTP_10,
    };
    parts.headers.remove(HOST);
    if let Some(host) = host {
        parts.headers.insert(HOST, host);
    }
    let target = parts.uri.path_and_query().cloned();
    parts.uri = target.map_or_else(Uri::default, Uri::from);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(target: &str, host: &str, tls: bool) -> Option<String> {
        let (parts, ()) = Request::get(target).body(()).unwrap().into_parts();
        let (body, _) = ClientBody::new(http_body_util::Empty::<Bytes>::new(), None);
        absolute(parts, body, host, tls).map(|request| request.uri().to_string())
    }

    #[test]
    fn plugins_see_an_absolute_uri() {
        for (target, host, tls, expected) in [
            ("/a%20b?c=/d", "x.test", false, "http://x.test/a%20b?c=/d"),
            ("/", "x.test:8443", true, "https://x.test:8443/"),
            ("http://y.test/a", "x.test", false, "http://x.test/a"),
            ("//a//b", "[::1]:1", false, "http://[::1]:1//a//b"),
            ("/a", "", false, "http://no-host.invalid/a"),
        ] {
            assert_eq!(seen(target, host, tls).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_router_sees_it_as_a_client_would_have_sent_it() {
        for (uri, target, host) in [
            ("http://x.test/a?b", "/a?b", Some("x.test")),
            ("https://y.test:1", "/", Some("y.test:1")),
            ("http://no-host.invalid/a", "/a", None),
        ] {
            let request = Request::get(uri).header("host", "other.test").body(());
            let (mut parts, ()) = request.unwrap().into_parts();
            relative(&mut parts);
            assert_eq!(parts.uri.to_string(), target);
            let seen = parts.headers.get("host").map(|host| host.to_str().unwrap());
            assert_eq!(seen, host);
            assert_eq!(head::clean(&mut parts).unwrap().host, host.unwrap_or(""));
        }
    }
}
