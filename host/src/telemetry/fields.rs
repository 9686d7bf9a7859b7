//! Names of the fields of a request's span. Whoever learns a value records it
//! on `Span::current()`.

/// Method of the client's request.
pub const METHOD: &str = "method";
/// Path of the client's request, without its query, which may hold secrets.
pub const PATH: &str = "path";
/// `endpoint` that serves the request, as in the configuration.
pub const ENDPOINT: &str = "endpoint";
/// Host of the backend.
pub const BACKEND: &str = "backend";
/// Names of the plugins that make the backend call.
pub const PLUGIN: &str = "plugin";
/// From handing it the request to the head of its answer, in milliseconds; what
/// it waited for is part of it.
pub const PLUGIN_MS: &str = "plugin_ms";
/// Forward proxy, without credentials.
pub const PROXY: &str = "proxy";
/// Why the request went through that proxy, or through none.
pub const RULE: &str = "rule";
/// Address of the client.
pub const CLIENT: &str = "client";
/// Status of the response.
pub const STATUS: &str = "status";
/// From the request's head to the end of the response's body, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
