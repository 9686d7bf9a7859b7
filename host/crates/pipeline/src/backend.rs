//! One backend of an endpoint, compiled: from a client's request to the one its
//! executor sends.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use cuttle_config::{Backend, BaseUrl, Endpoint, InputQueryStrings};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH},
    uri::{Authority, PathAndQuery, Scheme},
};
use percent_encoding::percent_decode_str;

use crate::{
    Body, BoxError, Executor, Failure, FailureKind, Inbound, PassingRequest,
    aggregate::Performed,
    balance::Balancer,
    deadline::Deadline,
    explain::{self, Arrived, ExplainedRequest, Lists},
    headers::HeaderFilter,
    modify::{Flow, Stage},
    query::QueryFilter,
    url::{BadValue, UrlTemplate, Values, literal},
};

/// Everything about a backend that is the same for each of its calls.
pub(crate) struct BackendCall {
    query: QueryFilter,
    headers: HeaderFilter,
    url: UrlTemplate,
    /// Nothing is the client's.
    method: Option<Method>,
    hosts: Balancer<Host>,
    executor: Arc<dyn Executor>,
    /// What the filters were made of; not for calls.
    lists: Box<Lists>,
    modifiers: Option<Box<Stage>>,
}

impl BackendCall {
    pub(crate) fn new(endpoint: &Endpoint, performed: Performed<'_>) -> Self {
        let Performed {
            backend, executor, ..
        } = performed;
        let (query, headers) = filters(endpoint, backend, performed.filtered);
        Self {
            query,
            headers,
            url: UrlTemplate::compile(&backend.url_pattern),
            method: (!backend.client_method).then(|| backend.method.clone()),
            hosts: Balancer::new(backend.hosts.iter().map(Host::new).collect()),
            executor,
            lists: Box::new(Lists::new(endpoint, backend)),
            modifiers: Stage::new(performed.modifiers),
        }
    }

    /// Those who see its requests and responses.
    pub(crate) fn modifiers(&self) -> Option<&Stage> {
        self.modifiers.as_deref()
    }

    /// Sends one client's request, for an answer that is passed on as it is. The
    /// caller keeps the deadline.
    pub(crate) async fn call(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        if let Some(modifiers) = self.modifiers() {
            // Of no weight where there are none.
            return Box::pin(self.modified(modifiers, inbound, deadline)).await;
        }
        let asked = inbound.method.clone();
        let request = self.request(inbound, &[]).await?;
        let mut response = self.execute(request, deadline).await?;
        if self.method == Some(Method::HEAD) && asked != Method::HEAD {
            forget_length(&mut response);
        }
        Ok(response)
    }

    async fn modified(
        &self,
        modifiers: &Stage,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        let (asked, params) = (inbound.method.clone(), inbound.params.clone());
        let request = self.request(inbound, &[]).await?;
        let passing = PassingRequest { request, params };
        let (request, original) = match modifiers.request(passing, deadline).await? {
            Flow::Proceed((passing, original)) => (passing.request, original),
            Flow::Answer(response) => return Ok(response),
        };
        let head_only = *request.method() == Method::HEAD;
        let mut response = self.execute(request, deadline).await?;
        if head_only && asked != Method::HEAD {
            forget_length(&mut response);
        }
        let original = original.as_ref();
        modifiers.message(response, original, deadline).await
    }

    /// Sends what [`request`](Self::request) has made.
    pub(crate) async fn execute(
        &self,
        request: Request<Body>,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        Ok(self.executor.execute(request, deadline.at).await?)
    }

    /// The request for the backend. `responses` are the values of earlier
    /// answers that its URL may need.
    pub(crate) async fn request(
        &self,
        inbound: Inbound,
        responses: &[(Arc<str>, String)],
    ) -> Result<Request<Body>, Failure> {
        let found;
        let host = match self.hosts.pick() {
            Some(host) => host,
            None => {
                found = self.discovered().await?;
                &found
            }
        };
        self.to_host(host, inbound, responses)
    }

    /// What a call would send; nothing is sent or asked for. `responses` stand
    /// in for values of earlier answers. `prepare` adds what its caller adds to a request.
    pub(crate) fn explain(
        &self,
        inbound: Inbound,
        arrived: Arrived<'_>,
        responses: &[(Arc<str>, String)],
        prepare: impl FnOnce(&mut HeaderMap),
    ) -> Result<ExplainedRequest, Failure> {
        let sought = self.sought();
        let (host, host_unknown) = match self.hosts.pick() {
            Some(host) => (host, false),
            None => (sought.as_ref().ok_or_else(no_hosts)?, true),
        };
        let mut request = self.to_host(host, inbound, responses)?;
        prepare(request.headers_mut());
        Ok(ExplainedRequest {
            host_unknown,
            modifiers: self.modifiers().map_or_else(Vec::new, Stage::names),
            ..explain::explained(&request, &self.lists, arrived, self.url.responses())
        })
    }

    fn to_host(
        &self,
        host: &Host,
        inbound: Inbound,
        responses: &[(Arc<str>, String)],
    ) -> Result<Request<Body>, Failure> {
        let query = self.query.apply(inbound.query.as_deref());
        let mut path = String::with_capacity(host.path.len() + query.len() + USUAL_PATH);
        path.push_str(&host.path);
        let values = Values {
            params: &inbound.params,
            responses,
        };
        self.url
            .expand(values, &query, &mut path)
            .map_err(bad_value)?;
        let uri = host.uri(path).map_err(refuse)?;
        let mut headers = self
            .headers
            .apply(inbound.headers, inbound.client_ip, &inbound.host)
            .map_err(refuse)?;
        host.authorize(&mut headers);

        let mut request = Request::new(inbound.body);
        *request.method_mut() = self.method.clone().unwrap_or(inbound.method);
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// A host that is listed nowhere.
    async fn discovered(&self) -> Result<Box<Host>, Failure> {
        let source = self.executor.hosts().ok_or_else(no_hosts)?;
        let found = source.host().await.ok_or_else(none_found)?;
        Ok(Box::new(Host::listed_nowhere(found)))
    }

    /// What stands for a host that is listed nowhere, before it is found.
    fn sought(&self) -> Option<Host> {
        let sought = self.executor.hosts()?.sought()?;
        Some(Host::listed_nowhere(sought))
    }
}

/// The filters in front of a backend; those of its endpoint are not repeated
/// where they have been applied.
fn filters(endpoint: &Endpoint, backend: &Backend, filtered: bool) -> (QueryFilter, HeaderFilter) {
    let query_strings = backend.input_query_strings.as_deref();
    let headers = backend.input_headers.as_deref();
    if filtered {
        return (
            QueryFilter::new(&InputQueryStrings::All, query_strings),
            HeaderFilter::second(headers),
        );
    }
    (
        QueryFilter::new(&endpoint.input_query_strings, query_strings),
        HeaderFilter::new(&endpoint.input_headers, headers),
    )
}

/// An answer to HEAD announces a body that does not follow. A client that asked
/// for one would wait for it.
fn forget_length(response: &mut Response<Body>) {
    response.headers_mut().remove(CONTENT_LENGTH);
}

/// Bytes for an expanded `url_pattern` that are set aside at first.
const USUAL_PATH: usize = 128;

fn refuse(why: impl Into<BoxError>) -> Failure {
    Failure::new(FailureKind::ClientRequest, why)
}

fn bad_value(why: BadValue) -> Failure {
    match why.is_clients() {
        true => refuse(why),
        false => Failure::new(FailureKind::NoValue, why),
    }
}

fn no_hosts() -> Failure {
    Failure::new(
        FailureKind::NoHosts,
        "neither the backend nor the service has a `host`",
    )
}

fn none_found() -> Failure {
    Failure::new(
        FailureKind::NoHosts,
        "service discovery has found no host for the backend",
    )
}

/// One entry of a backend's `host`. `authorization` is a secret.
struct Host {
    scheme: Scheme,
    authority: Authority,
    /// In front of the `url_pattern`.
    path: String,
    /// From user information.
    authorization: Option<HeaderValue>,
}

impl Host {
    fn new(base: &BaseUrl) -> Self {
        Self {
            scheme: base.scheme.clone(),
            authority: base.authority.clone(),
            path: literal(&base.path),
            authorization: base.userinfo.as_deref().and_then(basic),
        }
    }

    fn listed_nowhere((scheme, authority): (Scheme, Authority)) -> Self {
        Self {
            scheme,
            authority,
            path: String::new(),
            authorization: None,
        }
    }

    fn uri(&self, path_and_query: String) -> Result<Uri, http::Error> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(path_and_query)?);
        Ok(Uri::from_parts(parts)?)
    }

    /// A client whose `Authorization` is forwarded speaks for itself.
    fn authorize(&self, headers: &mut HeaderMap) {
        if let Some(value) = &self.authorization {
            headers
                .entry(AUTHORIZATION)
                .or_insert_with(|| value.clone());
        }
    }
}

/// `Authorization: Basic` (RFC 7617) from percent-encoded user information.
fn basic(userinfo: &str) -> Option<HeaderValue> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut credentials: Vec<u8> = percent_decode_str(user).collect();
    credentials.push(b':');
    credentials.extend(percent_decode_str(password));
    let value = format!("Basic {}", BASE64_STANDARD.encode(credentials));
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}
