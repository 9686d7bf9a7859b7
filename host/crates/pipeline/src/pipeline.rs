//! The work of one endpoint, from the routed request to the answer.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use cuttle_config::{Backend, Encoding, Endpoint, KeyPath};
use http::{HeaderMap, Method, Response};
use tokio::time::timeout_at;

use crate::{
    Body, Executor, Failure, FailureKind, backend::BackendCall, deadline::Deadline,
    url::UrlTemplate,
};

/// A request whose head has been cleaned and routed.
pub struct Inbound {
    /// The client's method.
    pub method: Method,
    /// Values of the path's parameters, decoded, in the order of the pattern.
    pub params: Vec<(Arc<str>, String)>,
    /// Raw query without `?`.
    pub query: Option<String>,
    /// The client's fields.
    pub headers: HeaderMap,
    /// The client's body. A body of known length keeps its
    /// [`size_hint`](http_body::Body::size_hint) on the way to the executor.
    pub body: Body,
    /// Who the client is, for `X-Forwarded-For`.
    pub client_ip: IpAddr,
    /// The client's Host, for `X-Forwarded-Host`. The backend's own comes from
    /// the configuration.
    pub host: String,
}

/// One endpoint's work. Built once at start; serves any number of requests at a
/// time.
pub struct Pipeline {
    timeout: Duration,
    backend: BackendCall,
}

impl Pipeline {
    /// Compiles `endpoint`, whose backends are performed by `executors`, one
    /// for each in the order of the file.
    ///
    /// # Errors
    ///
    /// Everything the endpoint asks for that this version cannot serve. It
    /// serves the `no-op` encoding with one backend.
    pub fn build(
        endpoint: &Endpoint,
        executors: Vec<Arc<dyn Executor>>,
    ) -> Result<Self, Vec<Unsupported>> {
        let mut unsupported = Self::unsupported(endpoint);
        let only = endpoint.backends.first().zip(executors.into_iter().next());
        match only {
            Some((backend, executor)) if unsupported.is_empty() => Ok(Self {
                timeout: endpoint.timeout,
                backend: BackendCall::new(endpoint, backend, executor),
            }),
            Some(_) => Err(unsupported),
            None => {
                unsupported.push(Unsupported::new(
                    endpoint.place.key("backend"),
                    "there is no backend to call",
                    "add an entry to `backend`",
                ));
                Err(unsupported)
            }
        }
    }

    /// Everything `endpoint` asks for that [`build`](Self::build) would refuse,
    /// for those who could not make its executors.
    #[must_use]
    pub fn unsupported(endpoint: &Endpoint) -> Vec<Unsupported> {
        let mut unsupported = Vec::new();
        unsupported.extend(encoding(endpoint));
        unsupported.extend(several_backends(endpoint));
        for backend in &endpoint.backends {
            unsupported.extend(placeholders(endpoint, backend));
        }
        unsupported
    }

    /// Answers one request. Dropping the future cancels the backend call.
    ///
    /// The endpoint's timeout starts now. It covers the body of the answer as
    /// well, which ends in [`TimedOut`](crate::TimedOut) when it is not
    /// complete by then.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] when there is no answer of the backend to pass on.
    /// An answer of any status is none.
    pub async fn serve(&self, inbound: Inbound) -> Result<Response<Body>, Failure> {
        let deadline = Deadline::after(self.timeout);
        // At the deadline this drops the call and, with it, the client's body.
        let response = timeout_at(deadline.at, self.backend.call(inbound, deadline))
            .await
            .map_err(|_| Failure::new(FailureKind::Timeout, deadline.error()))??;
        Ok(response.map(|body| deadline.guard(body)))
    }
}

/// Something the configuration asks for and this version cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The key that asks for it.
    pub path: KeyPath,
    /// What is not there.
    pub message: String,
    /// What to do instead.
    pub help: Option<String>,
}

impl Unsupported {
    fn new(path: KeyPath, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            path,
            message: message.into(),
            help: Some(help.into()),
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

fn encoding(endpoint: &Endpoint) -> Option<Unsupported> {
    let Encoding::Other(name) = &endpoint.output_encoding else {
        return None;
    };
    let default = match name.as_str() {
        "json" => " (the encoding of an endpoint that names none)",
        _ => "",
    };
    Some(Unsupported::new(
        endpoint.place.key("output_encoding"),
        format!("{name:?}{default} is not implemented yet"),
        "use \"no-op\", which passes the backend's answer on as it is",
    ))
}

fn several_backends(endpoint: &Endpoint) -> Option<Unsupported> {
    let count = endpoint.backends.len();
    (count > 1).then(|| {
        Unsupported::new(
            endpoint.place.key("backend"),
            format!("merging the answers of {count} backends is not implemented yet"),
            "keep one backend for each endpoint",
        )
    })
}

/// Placeholders that take something else than a parameter of the path, such as
/// `{JWT.sub}` and `{resp0_id}`.
fn placeholders(endpoint: &Endpoint, backend: &Backend) -> Vec<Unsupported> {
    let known = |name: &str| {
        let params = endpoint
            .path
            .segments
            .iter()
            .filter_map(|s| s.param.as_deref());
        params.into_iter().any(|param| param == name)
    };
    UrlTemplate::compile(&backend.url_pattern)
        .params()
        .filter(|name| !known(name))
        .map(|name| {
            Unsupported::new(
                backend.place.key("url_pattern"),
                format!("`{{{name}}}` is not a parameter of `{}`", endpoint.path.text),
                "use parameters of the endpoint's path; other sources of values are not implemented yet",
            )
        })
        .collect()
}
