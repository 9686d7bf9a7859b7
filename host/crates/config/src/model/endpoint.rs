//! One entry of `endpoints`.

use std::{fmt, time::Duration};

use http::{HeaderName, Method};

use crate::KeyPath;

use super::{Backend, FlatmapOp, PathPattern, PluginUse, ResponseValue};

/// One entry of `endpoints`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Endpoint {
    /// Where it stands, such as `endpoints[3]`.
    pub place: KeyPath,
    /// `endpoint`.
    pub path: PathPattern,
    /// `method`: GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.
    pub method: Method,
    /// `timeout` of the whole request, or the service's.
    pub timeout: Duration,
    /// `cache_ttl`, or the service's; zero is none.
    pub cache_ttl: Duration,
    /// `concurrent_calls`, at least 1.
    pub concurrent_calls: u32,
    /// `input_headers`.
    pub input_headers: InputHeaders,
    /// `input_query_strings`.
    pub input_query_strings: InputQueryStrings,
    /// `output_encoding`, or the service's.
    pub output_encoding: OutputEncoding,
    /// `proxy`.
    pub proxy: EndpointProxy,
    /// `plugin/req-resp-modifier`, in the order of the list.
    pub modifiers: Vec<PluginUse>,
    /// `backend`. Never empty.
    pub backends: Vec<Backend>,
}

/// `input_headers` of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputHeaders {
    /// Empty: `Content-Type` only.
    None,
    /// Contains `*`: all.
    All,
    /// These.
    List(Vec<HeaderName>),
}

/// `input_query_strings` of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputQueryStrings {
    /// Empty: none.
    None,
    /// Contains `*`: all.
    All,
    /// These, exactly.
    List(Vec<String>),
}

/// `output_encoding`: how an endpoint's data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputEncoding {
    /// `json`, `fast-json` and names nobody knows.
    #[default]
    Json,
    /// `json-collection`: the list under `collection`.
    JsonCollection,
    /// `negotiate`: by the client's `Accept`.
    Negotiate,
    /// `xml`
    Xml,
    /// `yaml`
    Yaml,
    /// `string`: the text under `content`.
    String,
    /// `no-op`: the backend's answer as it is.
    NoOp,
}

/// `proxy` of an endpoint: what happens around its backends.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EndpointProxy {
    /// `sequential`, or `strategy`: the backends are called one after the
    /// other. Never with fewer than two backends that count.
    pub sequential: bool,
    /// `sequential_propagated_params`: values that become parameters of every
    /// later backend. Empty unless `sequential`.
    pub propagated_params: Vec<ResponseValue>,
    /// `static`: fields that are added at the end.
    pub static_data: Option<StaticData>,
    /// `flatmap_filter`: operations on the merged data. Empty unless there are
    /// two backends or more.
    pub flatmap: Vec<FlatmapOp>,
    /// `force_sandboxed_request`: each backend gets its own copy of the body,
    /// whatever the methods.
    pub force_sandboxed_request: bool,
    /// `max_payload`: bytes a client's body may have here; the smaller one counts
    /// beside that of `router`. `None` is no limit of its own.
    pub max_payload: Option<u64>,
}

/// `static` of `proxy`.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticData {
    /// `strategy`: when the data is added.
    pub strategy: StaticStrategy,
    /// `data`: a JSON object as text, its numbers as written. `Debug` hides it.
    pub data: String,
}

/// `strategy` of `static`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StaticStrategy {
    /// `always`, and names nobody knows.
    #[default]
    Always,
    /// `success`: nothing failed.
    Success,
    /// `errored`: something failed.
    Errored,
    /// `complete`: the answer is.
    Complete,
    /// `incomplete`: the answer is, or there is none.
    Incomplete,
}

impl OutputEncoding {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonCollection => "json-collection",
            Self::Negotiate => "negotiate",
            Self::Xml => "xml",
            Self::Yaml => "yaml",
            Self::String => "string",
            Self::NoOp => "no-op",
        }
    }
}

impl StaticStrategy {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Success => "success",
            Self::Errored => "errored",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
        }
    }
}

/// Hides the data.
impl fmt::Debug for StaticData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticData")
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
