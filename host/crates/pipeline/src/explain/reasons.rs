//! Why something of a request stays behind.

use std::fmt;

use cuttle_config::{Backend, Endpoint, InputHeaders, InputQueryStrings};
use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TRANSFER_ENCODING},
};

use super::ExplainedField;
use crate::{
    headers::{is_always_replaced, is_forwardable, nominated},
    query::decode_pair,
};

/// Why a field of the client is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderReason {
    /// It is about the client's connection (RFC 9110 section 7.6.1), or for the
    /// next proxy.
    HopByHop,
    /// The client's `Connection` names it.
    Named,
    /// The body is framed anew.
    Framing,
    /// The backend's own host is sent.
    Host,
    /// The gateway has met the expectation.
    Expectation,
    /// CGI programs take `Proxy` for the variable `HTTP_PROXY`.
    ProxyVariable,
    /// The gateway sends its own.
    Replaced,
    /// `input_headers` of the endpoint do not have it.
    Endpoint,
    /// `input_headers` of the backend do not have it.
    Backend,
}

/// Why a query string of the client is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryReason {
    /// It has a `;`, which some backends take for a separator.
    Semicolon,
    /// It has a `%` that begins no escape.
    Escape,
    /// `input_query_strings` of the endpoint do not have it.
    Endpoint,
    /// `input_query_strings` of the backend do not have it.
    Backend,
}

impl fmt::Display for HeaderReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HopByHop => "hop-by-hop: about the client's connection only",
            Self::Named => "hop-by-hop: named by the client's Connection",
            Self::Framing => "the body is framed anew",
            Self::Host => "the backend gets its own host",
            Self::Expectation => "the gateway has met it",
            Self::ProxyVariable => "never forwarded: CGI programs take it for HTTP_PROXY",
            Self::Replaced => "the gateway sends its own",
            Self::Endpoint => "not in \"input_headers\" of the endpoint",
            Self::Backend => "not in \"input_headers\" of the backend",
        })
    }
}

impl fmt::Display for QueryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Semicolon => "has a \";\", which backends read in two ways",
            Self::Escape => "has a \"%\" that begins no escape",
            Self::Endpoint => "not in \"input_query_strings\" of the endpoint",
            Self::Backend => "not in \"input_query_strings\" of the backend",
        })
    }
}

/// The lists of an endpoint and of one of its backends, one by one, which the
/// filters for requests have made one of.
pub(crate) struct Lists {
    headers: InputHeaders,
    backend_headers: Option<Vec<HeaderName>>,
    query: InputQueryStrings,
    backend_query: Option<Vec<String>>,
}

impl Lists {
    pub(crate) fn new(endpoint: &Endpoint, backend: &Backend) -> Self {
        Self {
            headers: endpoint.input_headers.clone(),
            backend_headers: backend.input_headers.clone(),
            query: endpoint.input_query_strings.clone(),
            backend_query: backend.input_query_strings.clone(),
        }
    }

    /// The fields of `sent`, and those of `arrived` that are not among them.
    pub(super) fn headers(
        &self,
        arrived: &HeaderMap,
        sent: &HeaderMap,
    ) -> (Vec<ExplainedField>, Vec<(HeaderName, HeaderReason)>) {
        let named = nominated(arrived);
        let has = |headers: &HeaderMap, name: &HeaderName, value| {
            !is_always_replaced(name) && headers.get_all(name).iter().any(|one| one == value)
        };
        let fields = sent.iter().map(|(name, value)| ExplainedField {
            name: name.clone(),
            value: value.clone(),
            by_gateway: !has(arrived, name, value),
        });
        let dropped = arrived
            .iter()
            .filter(|(name, value)| !has(sent, name, value));
        let dropped = dropped.map(|(name, _)| (name.clone(), self.why(name, &named, sent)));
        let mut dropped: Vec<_> = dropped.collect();
        // The values of one name come one after the other.
        dropped.dedup();
        (fields.collect(), dropped)
    }

    fn why(&self, name: &HeaderName, named: &[HeaderName], sent: &HeaderMap) -> HeaderReason {
        let backend = self.backend_headers.as_ref();
        if !is_forwardable(name) {
            never(name)
        } else if named.contains(name) {
            HeaderReason::Named
        } else if is_always_replaced(name) && sent.contains_key(name) {
            HeaderReason::Replaced
        } else if !self.endpoint_has(name) {
            HeaderReason::Endpoint
        } else if backend.is_some_and(|names| !names.contains(name)) {
            HeaderReason::Backend
        } else {
            HeaderReason::Replaced
        }
    }

    fn endpoint_has(&self, name: &HeaderName) -> bool {
        match &self.headers {
            InputHeaders::None => name == CONTENT_TYPE,
            InputHeaders::All => true,
            InputHeaders::List(names) => names.contains(name),
        }
    }

    /// The names in the client's `raw` query, and why those stay behind that do.
    pub(super) fn query(&self, raw: &str) -> Vec<(String, Option<QueryReason>)> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let told = pairs.map(|pair| match decode_pair(pair) {
            Some((name, _)) => {
                let why = self.query_reason(&name);
                (String::from_utf8_lossy(&name).into_owned(), why)
            }
            None => unreadable(pair),
        });
        told.collect()
    }

    fn query_reason(&self, name: &[u8]) -> Option<QueryReason> {
        let has = |names: &[String]| names.iter().any(|one| one.as_bytes() == name);
        let endpoint = match &self.query {
            InputQueryStrings::None => false,
            InputQueryStrings::All => true,
            InputQueryStrings::List(names) => has(names),
        };
        let backend = self.backend_query.as_deref().is_none_or(has);
        match (endpoint, backend) {
            (false, _) => Some(QueryReason::Endpoint),
            (true, false) => Some(QueryReason::Backend),
            (true, true) => None,
        }
    }
}

/// Why a field never passes.
fn never(name: &HeaderName) -> HeaderReason {
    match *name {
        HOST => HeaderReason::Host,
        CONTENT_LENGTH | TRANSFER_ENCODING => HeaderReason::Framing,
        EXPECT => HeaderReason::Expectation,
        _ if name == "proxy" => HeaderReason::ProxyVariable,
        _ => HeaderReason::HopByHop,
    }
}

/// A pair without a meaning: as much of it as is no value.
fn unreadable(pair: &str) -> (String, Option<QueryReason>) {
    let why = match pair.contains(';') {
        true => QueryReason::Semicolon,
        false => QueryReason::Escape,
    };
    let name = pair.split(['=', ';']).next().unwrap_or_default();
    (name.to_owned(), Some(why))
}
