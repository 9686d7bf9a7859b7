//! Where a request leads, without serving it.

use std::{net::IpAddr, sync::Arc};

use cuttle_pipeline::{Explanation, config::KeyPath};
use http::{Request, StatusCode, header::CONTENT_LENGTH, request::Parts};

use super::{EndpointRoute, Gateway, Target, inbound};
use crate::{
    head::{self, Refusal},
    respond,
    router::Outcome,
    server_plugins::ServerPlugins,
};

/// Where a request leads. Found by the code that answers requests.
#[derive(Debug)]
pub(crate) enum Explained {
    /// To an endpoint.
    Endpoint(Box<ExplainedEndpoint>),
    /// To an endpoint that takes no body of this length.
    TooLarge {
        /// `endpoint` as written.
        pattern: String,
        /// Bytes that it takes.
        limit: u64,
    },
    /// To a page of the gateway's own: which.
    Own(&'static str),
    /// To another spelling of the path.
    Redirect {
        status: StatusCode,
        location: String,
    },
    /// The path is served by other methods.
    MethodNotAllowed { allow: String },
    /// `auto_options` answers.
    Options { allow: String },
    /// Nowhere.
    NotFound,
    /// The head cannot be used.
    Refused(Refusal),
    /// A parameter cannot be used.
    BadParam(String),
}

/// What an endpoint would do.
#[derive(Debug)]
pub(crate) struct ExplainedEndpoint {
    /// Where it stands in the configuration.
    pub(crate) place: KeyPath,
    /// Values of the path's parameters.
    pub(crate) params: Vec<(Arc<str>, String)>,
    /// Whom the gateway takes for the client.
    pub(crate) client: IpAddr,
    /// What would be sent.
    pub(crate) explanation: Explanation,
}

impl Gateway {
    /// Names of the plugins that see every request first, in the order of the file.
    pub(crate) fn plugins_in_front(&self) -> Vec<String> {
        let in_front = self.in_front.as_ref();
        in_front.map_or_else(Vec::new, ServerPlugins::names)
    }

    /// Where `request`, which comes from `peer`, would lead. Sends nothing. The
    /// length of its body is what `Content-Length` says.
    pub(crate) fn explain(&self, request: Request<()>, peer: IpAddr) -> Explained {
        let (mut parts, ()) = request.into_parts();
        let arrived = parts.headers.clone();
        let client = self.trust.client_ip(peer, &arrived);
        let head = match head::clean(&mut parts) {
            Ok(head) if head.asterisk => return Explained::Own("the answer to OPTIONS *"),
            Ok(head) => head,
            Err(refusal) => return Explained::Refused(refusal),
        };
        let (endpoint, params) = match self.route(&parts) {
            Outcome::Found { value, params } => match value {
                Target::Endpoint(endpoint) => (endpoint, params),
                other => return Explained::Own(other.name()),
            },
            Outcome::Redirect { status, location } => {
                return Explained::Redirect { status, location };
            }
            Outcome::MethodNotAllowed { allow } => return Explained::MethodNotAllowed { allow },
            Outcome::Options { allow } => return Explained::Options { allow },
            Outcome::NotFound => return Explained::NotFound,
            Outcome::BadParam(message) => return Explained::BadParam(message),
        };
        if let Some(limit) = endpoint.exceeded(announced(&parts)) {
            let pattern = endpoint.pattern.clone();
            return Explained::TooLarge { pattern, limit };
        }
        let inbound = inbound(parts, params.clone(), respond::empty(), (client, head.host));
        Explained::Endpoint(Box::new(ExplainedEndpoint {
            place: endpoint.place.clone(),
            params,
            client,
            explanation: endpoint.pipeline.explain(inbound, &arrived),
        }))
    }
}

/// Bytes of the body that the head announces.
fn announced(parts: &Parts) -> u64 {
    let length = parts.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

impl Target {
    /// What it is, for those that are no endpoint of the configuration.
    fn name(&self) -> &'static str {
        match self {
            Self::Endpoint(_) => "an endpoint",
            Self::Health => "the health page",
            Self::Status => "the status page",
            Self::Metrics => "the metrics",
            Self::Builtin(builtin) => builtin.name(),
        }
    }
}

impl EndpointRoute {
    /// The limit that a body of so many bytes exceeds.
    pub(super) fn exceeded(&self, announced: u64) -> Option<u64> {
        self.max_payload.filter(|limit| announced > *limit)
    }
}
