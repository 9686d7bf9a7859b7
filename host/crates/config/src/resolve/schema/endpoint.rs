//! One entry of `endpoints`.

use schemars::JsonSchema;

use super::{
    backend::Backend,
    extra::EndpointExtra,
    scalars::{Duration, EndpointMethod, OneOf, OutputEncoding},
};

/// A path and what stands behind it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Endpoint {
    /// Path, such as "/users/{id}"; `/*` at its end takes any further segments.
    endpoint: String,
    /// Method; GET unless set.
    method: Option<OneOf<EndpointMethod>>,
    /// Where the answer comes from: one backend, or several that are merged.
    #[schemars(length(min = 1))]
    backend: Vec<Backend>,
    /// How the answer is written; `no-op` passes the only backend's on as it is.
    output_encoding: Option<OneOf<OutputEncoding>>,
    /// Limit for a request; that of the service unless set.
    timeout: Option<Duration>,
    /// How long clients may keep an answer (`Cache-Control`); as the service says unless set.
    cache_ttl: Option<Duration>,
    /// Identical calls of each backend at once, of which the first good answer counts; 1 unless set.
    #[schemars(range(min = 1))]
    concurrent_calls: Option<u32>,
    /// Headers of the client that pass; none unless set, "*" for all.
    input_headers: Option<Vec<String>>,
    /// Query parameters of the client that pass; none unless set, "*" for all.
    input_query_strings: Option<Vec<String>>,
    /// Components of the endpoint, by namespace.
    extra_config: Option<EndpointExtra>,
}
