//! The work of one endpoint, from the routed request to the answer.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use cuttle_config::{Backend, Endpoint, KeyPath, OutputEncoding};
use http::{HeaderMap, Method, Response};
use tokio::time::timeout_at;

use crate::{
    Body, Executor, Failure, Modifiers, Settings,
    aggregate::{Aggregate, Performed},
    backend::BackendCall,
    deadline::Deadline,
    modify::Around,
    relay::Relay,
    url::UrlTemplate,
};

/// A request whose head has been cleaned and routed.
pub struct Inbound {
    /// The client's method.
    pub method: Method,
    /// Values of the path's parameters, decoded, in the order of the pattern.
    /// What its wildcard has matched is called [`REST`](crate::REST).
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
    pub(crate) timeout: Duration,
    pub(crate) work: Work,
}

/// The kinds of work. All but the splice are boxed, and so are their futures:
/// what they need does not weigh on it.
pub(crate) enum Work {
    /// `no-op`: the answer of the only backend passes as it is.
    Splice(BackendCall),
    /// `no-op` with more to it.
    Relay(Box<Relay>),
    /// Answers made of data.
    Data(Box<Aggregate>),
    /// Nothing but shadows, which do not answer.
    Nobody,
}

/// What an endpoint answers.
#[derive(Debug)]
pub struct Answer {
    /// The response, without the gateway's own fields.
    pub response: Response<Body>,
    /// Whether every backend has given all it should and there is data: what
    /// `X-Krakend-Completed` says. No-op answers are never complete.
    pub completed: bool,
    /// What has gone wrong behind an answer that is there all the same, in the
    /// order of its coming.
    pub failures: Vec<Failure>,
}

impl Answer {
    /// A backend's answer as it is.
    pub(crate) fn passing(response: Response<Body>) -> Self {
        Self {
            response,
            completed: false,
            failures: Vec::new(),
        }
    }
}

impl Pipeline {
    /// Compiles `endpoint` with default settings; see
    /// [`build_with`](Self::build_with).
    ///
    /// # Errors
    ///
    /// Everything the endpoint asks for that this version cannot serve.
    pub fn build(
        endpoint: &Endpoint,
        executors: Vec<Arc<dyn Executor>>,
    ) -> Result<Self, Vec<Unsupported>> {
        Self::build_with(endpoint, Settings::default(), executors)
    }

    /// Compiles `endpoint`, whose backends are performed by `executors`, one
    /// for each in the order of the file.
    ///
    /// # Errors
    ///
    /// Everything the endpoint asks for that this version cannot serve.
    pub fn build_with(
        endpoint: &Endpoint,
        settings: Settings,
        executors: Vec<Arc<dyn Executor>>,
    ) -> Result<Self, Vec<Unsupported>> {
        Self::build_modified(endpoint, settings, executors, Modifiers::default())
    }

    /// The same with `modifiers` around the endpoint and its backends.
    ///
    /// # Errors
    ///
    /// Everything the endpoint asks for that this version cannot serve.
    pub fn build_modified(
        endpoint: &Endpoint,
        settings: Settings,
        executors: Vec<Arc<dyn Executor>>,
        modifiers: Modifiers,
    ) -> Result<Self, Vec<Unsupported>> {
        let mut unsupported = Self::unsupported(endpoint);
        if endpoint.backends.is_empty() || executors.len() != endpoint.backends.len() {
            unsupported.push(Unsupported::new(
                endpoint.place.key("backend"),
                "there is no backend to call",
                "add an entry to `backend`",
            ));
        }
        if !unsupported.is_empty() {
            return Err(unsupported);
        }
        Ok(Self {
            timeout: endpoint.timeout,
            work: Work::of(endpoint, settings, executors, modifiers).map_err(|one| vec![one])?,
        })
    }

    /// Everything `endpoint` asks for that [`build`](Self::build) would refuse,
    /// for those who could not make its executors.
    #[must_use]
    pub fn unsupported(endpoint: &Endpoint) -> Vec<Unsupported> {
        let mut unsupported = Vec::new();
        unsupported.extend(several_spliced(endpoint));
        for backend in &endpoint.backends {
            unsupported.extend(placeholders(endpoint, backend));
        }
        unsupported
    }

    /// Answers one request. Dropping the future cancels the backend calls.
    ///
    /// The endpoint's timeout starts now. It covers the body of a no-op answer
    /// as well, which ends in [`TimedOut`](crate::TimedOut) when it is not
    /// complete by then.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] when there is nothing to answer with. For a no-op
    /// endpoint a backend's answer of any status is something; for the others
    /// one backend of several that has answered is enough.
    pub async fn serve(&self, inbound: Inbound) -> Result<Answer, Failure> {
        let deadline = Deadline::after(self.timeout);
        match &self.work {
            Work::Splice(backend) => {
                // At the deadline this drops the call and, with it, the
                // client's body.
                let response = timeout_at(deadline.at, backend.call(inbound, deadline))
                    .await
                    .map_err(|_| deadline.failure())??;
                Ok(Answer::passing(response.map(|body| deadline.guard(body))))
            }
            Work::Relay(relay) => {
                let response = Box::pin(relay.serve(inbound, deadline)).await?;
                Ok(Answer::passing(response))
            }
            Work::Data(aggregate) => Box::pin(aggregate.serve(inbound, deadline)).await,
            Work::Nobody => Err(Failure::nobody()),
        }
    }
}

impl Work {
    /// The modifiers of the endpoint.
    pub(crate) fn around(&self) -> Option<&Around> {
        match self {
            Self::Relay(relay) => relay.around(),
            Self::Data(aggregate) => aggregate.around(),
            Self::Splice(_) | Self::Nobody => None,
        }
    }

    fn of(
        endpoint: &Endpoint,
        settings: Settings,
        executors: Vec<Arc<dyn Executor>>,
        modifiers: Modifiers,
    ) -> Result<Self, Unsupported> {
        let around = Around::new(endpoint, modifiers.endpoint);
        let filtered = around.as_ref().is_some_and(|around| around.filters());
        let mut of_backends = modifiers.backends.into_iter();
        let performed = endpoint.backends.iter().zip(executors).enumerate();
        let performed = performed.map(|(position, (backend, executor))| Performed {
            position,
            backend,
            executor,
            modifiers: of_backends.next().unwrap_or_default(),
            filtered,
        });
        let (shadows, mut regular): (Vec<_>, Vec<_>) =
            performed.partition(|one| one.backend.shadow.is_some());
        if regular.is_empty() {
            return Ok(Self::Nobody);
        }
        if endpoint.output_encoding != OutputEncoding::NoOp {
            let aggregate = Aggregate::new(endpoint, settings, around, (regular, shadows))?;
            return Ok(Self::Data(Box::new(aggregate)));
        }
        let Some(only) = regular.pop() else {
            return Ok(Self::Nobody);
        };
        let backend = BackendCall::new(endpoint, only);
        Ok(match Relay::is_needed(endpoint, around.as_deref()) {
            true => Self::Relay(Box::new(Relay::new(endpoint, settings, around, backend))),
            false => Self::Splice(backend),
        })
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
    pub(crate) fn new(path: KeyPath, message: impl Into<String>, help: impl Into<String>) -> Self {
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

fn several_spliced(endpoint: &Endpoint) -> Option<Unsupported> {
    let count = endpoint.backends.len();
    (count > 1 && endpoint.output_encoding == OutputEncoding::NoOp).then(|| {
        Unsupported::new(
            endpoint.place.key("backend"),
            format!("`no-op` passes one answer on, not those of {count} backends"),
            "keep one backend, or use another `output_encoding`",
        )
    })
}

/// Placeholders that take something that is not known here, such as
/// `{JWT.sub}`.
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
