//! Namespaces of `extra_config` that are served. The others come from the table
//! of namespaces.

use schemars::JsonSchema;

use super::{
    plugins::{HttpClientPlugin, ListedPlugins, Policy},
    proxies::Options,
    scalars::{
        AnyObject, Duration, LogFormat, LogLevel, OneOf, Operation, Size, StaticStrategy, Strategy,
        TextOrTexts,
    },
    tls::ClientTls,
};

/// Components of the service, by namespace.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ServiceExtra {
    router: Option<Router>,
    #[schemars(rename = "telemetry/logging")]
    logging: Option<Logging>,
    #[schemars(rename = "cuttle/http")]
    http: Option<CuttleHttp>,
    #[schemars(rename = "cuttle/plugins")]
    plugins: Option<Policy>,
    #[schemars(rename = "plugin/http-server")]
    in_front: Option<ListedPlugins>,
}

/// Components of an endpoint, by namespace.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct EndpointExtra {
    proxy: Option<EndpointProxy>,
    #[schemars(rename = "plugin/req-resp-modifier")]
    modifiers: Option<ListedPlugins>,
}

/// Components of a backend, by namespace.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct BackendExtra {
    proxy: Option<BackendProxy>,
    #[schemars(rename = "backend/http")]
    errors: Option<BackendErrors>,
    #[schemars(rename = "backend/http/client")]
    client: Option<HttpClient>,
    #[schemars(rename = "plugin/http-client")]
    plugin: Option<HttpClientPlugin>,
    #[schemars(rename = "plugin/req-resp-modifier")]
    modifiers: Option<ListedPlugins>,
}

/// Options of the router and of the gateway's own pages.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Router {
    /// Clients see the text of an error.
    return_error_msg: Option<bool>,
    /// No line for each request.
    disable_access_log: Option<bool>,
    /// Paths whose requests have no line.
    logger_skip_paths: Option<Vec<String>>,
    /// No `/__health`.
    disable_health: Option<bool>,
    /// Path of the health page; /__health unless set.
    health_path: Option<String>,
    /// No header with the version.
    hide_version_header: Option<bool>,
    /// Answers OPTIONS with the methods of the path.
    auto_options: Option<bool>,
    /// No redirect between `/a` and `/a/`.
    disable_redirect_trailing_slash: Option<bool>,
    /// No redirect to a path that differs in case or slashes.
    disable_redirect_fixed_path: Option<bool>,
    /// 404 instead of 405 where a path has other methods.
    disable_handle_method_not_allowed: Option<bool>,
    /// Parameters keep their percent-encoding.
    disable_path_decoding: Option<bool>,
    /// Repeated slashes count as one.
    remove_extra_slash: Option<bool>,
    /// The client's address is taken from headers of trusted proxies; true unless set.
    forwarded_by_client_ip: Option<bool>,
    /// The headers it is taken from.
    remote_ip_headers: Option<Vec<String>>,
    /// Addresses and networks of the proxies in front of the gateway; nobody unless set.
    trusted_proxies: Option<Vec<String>>,
    /// Largest body of a request.
    max_payload: Option<Size>,
    /// Bodies of 404 and 405.
    error_body: Option<ErrorBody>,
    /// HTTP/2 without TLS on the listener.
    use_h2c: Option<bool>,
}

/// Bodies of the router's errors.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ErrorBody {
    /// For paths that no endpoint has.
    #[schemars(rename = "404")]
    not_found: Option<AnyObject>,
    /// For methods that the path does not have.
    #[schemars(rename = "405")]
    method_not_allowed: Option<AnyObject>,
}

/// What is logged.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Logging {
    /// The least that is logged; INFO unless set.
    level: Option<OneOf<LogLevel>>,
    /// Text, or JSON lines (`json`, `logstash`); default is text.
    format: Option<OneOf<LogFormat>>,
    /// In front of each message of text lines.
    prefix: Option<String>,
    /// Lines go to standard output, whatever is said.
    stdout: Option<bool>,
}

/// HTTP options that KrakenD does not have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CuttleHttp {
    /// 502, 503 and 504 for failures of backends, instead of 500.
    gateway_errors: Option<bool>,
    /// Offers HTTP/2 to `https://` backends.
    http2_backends: Option<bool>,
    /// Largest answer that is decoded; 64MiB unless set.
    max_decoded_body: Option<Size>,
    /// Path of the status page; none unless set.
    status_path: Option<String>,
    /// Name servers for `sd: dns`, as `address` or `address:port`; those of the system unless set.
    dns_servers: Option<Vec<String>>,
    /// Path of the metrics for Prometheus; none unless set.
    metrics_path: Option<String>,
    /// Connections of clients at a time; 16384 unless set.
    max_connections: Option<u32>,
    /// The same for one address; 8192 unless set.
    max_connections_per_address: Option<u32>,
    /// How long a new connection may be silent; read_header_timeout or 60s unless set.
    first_byte_timeout: Option<Duration>,
    /// How long a TLS handshake may take; 10s unless set.
    tls_handshake_timeout: Option<Duration>,
    /// How long a client may take no byte of its answer; 60s unless set.
    stall_timeout: Option<Duration>,
    /// How long it may take the rest of an answer that is complete; 10m unless set.
    flush_timeout: Option<Duration>,
}

/// How the answers of an endpoint's backends are put together.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EndpointProxy {
    /// Backends are called one after the other.
    sequential: Option<bool>,
    /// The same in KrakenD's newer words.
    strategy: Option<OneOf<Strategy>>,
    /// Values of earlier backends that later ones get as parameters, such as "resp0_id".
    sequential_propagated_params: Option<Vec<String>>,
    /// Fields that are added to the answer.
    #[schemars(rename = "static")]
    static_data: Option<StaticData>,
    /// Operations on the merged answer.
    flatmap_filter: Option<Vec<FlatmapOperation>>,
    /// How answers are combined: only `default` is known.
    combiner: Option<String>,
    /// Each backend gets a copy of the request.
    force_sandboxed_request: Option<bool>,
    /// Bytes that a request's body may have; more is answered 413.
    max_payload: Option<Size>,
    /// Without effect (KrakenD Enterprise).
    #[schemars(extend("deprecated" = true))]
    decompress_gzip: Option<bool>,
}

/// Fields that are added to the answer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct StaticData {
    /// When they are added; always unless set.
    strategy: Option<OneOf<StaticStrategy>>,
    /// The fields.
    data: AnyObject,
}

/// How the answer of a backend takes part.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BackendProxy {
    /// Operations on the answer, in place of `allow`, `deny` and `mapping`.
    flatmap_filter: Option<Vec<FlatmapOperation>>,
    /// The backend gets a copy of the traffic; its answer is dropped.
    shadow: Option<bool>,
    /// Limit for such a call; the endpoint's unless set.
    shadow_timeout: Option<Duration>,
}

/// An operation on an answer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FlatmapOperation {
    /// What is done.
    #[schemars(rename = "type")]
    kind: OneOf<Operation>,
    /// Paths: source and destination, or any number for `del`. `*` stands for each entry of a list.
    args: Vec<String>,
}

/// What becomes of an answer with an error status.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BackendErrors {
    /// The client gets the backend's status.
    return_error_code: Option<bool>,
    /// The error becomes the field `error_` with this name.
    return_error_details: Option<String>,
}

/// How requests to the backend go out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HttpClient {
    /// Forward proxy, such as "http://proxy.example:3128", a list of them, or "direct".
    proxy_address: Option<TextOrTexts>,
    /// File with `FindProxyForURL`; not together with `proxy_address`.
    proxy_pac: Option<String>,
    #[schemars(flatten)]
    proxy: Options,
    /// Redirects are passed on instead of followed.
    no_redirect: Option<bool>,
    /// A redirected request keeps its body.
    send_body_on_redirect: Option<bool>,
    /// TLS to this backend, in place of the service's.
    client_tls: Option<ClientTls>,
}
