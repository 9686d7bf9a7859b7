//! One entry of `backend`.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    extra::BackendExtra,
    scalars::{Discovery, Encoding, OneOf, Scheme},
};

/// A call that an endpoint makes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Backend {
    /// Hosts that share the calls, such as "http://api:8080"; those of the service unless set.
    host: Option<Vec<String>>,
    /// Path and query, with placeholders such as `{id}`, or `{resp0_id}` of an earlier backend.
    url_pattern: Option<String>,
    /// Method; the endpoint's unless set.
    method: Option<String>,
    /// How the answer is read; json unless set.
    encoding: Option<OneOf<Encoding>>,
    /// Hosts are taken as they are written.
    disable_host_sanitize: Option<bool>,
    /// Where hosts come from: the list, or SRV records of the first host (`dns`).
    sd: Option<OneOf<Discovery>>,
    /// Scheme of hosts from SRV records; http unless set.
    sd_scheme: Option<OneOf<Scheme>>,
    /// Headers that pass, of those that the endpoint lets in; all of these unless set.
    input_headers: Option<Vec<String>>,
    /// Query parameters that pass, of those that the endpoint lets in; all of these unless set.
    input_query_strings: Option<Vec<String>>,

    /// The answer is a list; it becomes the field `collection`.
    is_collection: Option<bool>,
    /// Field that takes the place of the whole answer, such as "data.user".
    target: Option<String>,
    /// Fields that stay; all others go. Dots lead into objects.
    allow: Option<Vec<String>>,
    /// Fields that go. Dots lead into objects.
    deny: Option<Vec<String>>,
    /// New names of fields, by the old ones.
    mapping: Option<BTreeMap<String, String>>,
    /// Field that takes the answer.
    group: Option<String>,
    /// Components of the backend, by namespace.
    extra_config: Option<BackendExtra>,
}
