//! Keys of the root.

use schemars::JsonSchema;

use super::{
    endpoint::Endpoint,
    extra::ServiceExtra,
    scalars::{Duration, OneOf, OutputEncoding},
    tls::{ClientTls, ListenerTls},
};

/// Configuration of Cuttle: a KrakenD configuration of version 3.
#[derive(JsonSchema)]
#[schemars(title = "Cuttle configuration", deny_unknown_fields)]
pub(super) struct Root {
    /// Schema for editors. Not read by the gateway.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Version of the configuration's format.
    #[schemars(extend("const" = 3))]
    version: u32,
    /// Name of the service, for people.
    name: Option<String>,
    /// Port to listen on; 8080 unless set. `-p` and `KRAKEND_PORT` win.
    port: Option<u16>,
    /// IP address to listen on; all of them unless set.
    listen_ip: Option<String>,
    /// Hosts of backends that have none of their own, such as "http://api:8080".
    host: Option<Vec<String>>,
    /// Limit for a request to an endpoint; 2s unless set.
    timeout: Option<Duration>,
    /// How long clients may keep an answer (`Cache-Control`); not at all unless set.
    cache_ttl: Option<Duration>,
    /// How answers are written where the endpoint does not say; json unless set.
    output_encoding: Option<OneOf<OutputEncoding>>,
    /// What clients may ask for.
    endpoints: Option<Vec<Endpoint>>,
    /// Components of the service, by namespace.
    extra_config: Option<ServiceExtra>,
    /// Folder of plugins.
    plugin: Option<PluginFolder>,

    /// Limit for reading a request.
    read_timeout: Option<Duration>,
    /// Limit for the head of a request; 10s unless set.
    read_header_timeout: Option<Duration>,
    /// Limit for writing an answer.
    write_timeout: Option<Duration>,
    /// How long an idle connection of a client is kept; `read_timeout`, or 60s.
    idle_timeout: Option<Duration>,
    /// Largest head of a request in bytes; 1 MB unless set.
    max_header_bytes: Option<u32>,
    /// How long a shutdown waits for requests; without end unless set.
    max_shutdown_wait_time: Option<Duration>,
    /// TLS of the listener.
    tls: Option<ListenerTls>,
    /// HTTP/2 without TLS on the listener.
    use_h2c: Option<bool>,
    /// Serves `/__debug/`, which logs requests.
    debug_endpoint: Option<bool>,
    /// Serves `/__echo/`, which answers with the request.
    echo_endpoint: Option<bool>,
    /// Placeholders may stand anywhere in a path, not only between slashes.
    disable_rest: Option<bool>,

    /// TLS to backends.
    client_tls: Option<ClientTls>,
    /// Certificates of backends are not checked. Older spelling of the key of `client_tls`.
    allow_insecure_connections: Option<bool>,
    /// Limit for connecting to a backend.
    dialer_timeout: Option<Duration>,
    /// Head start of IPv6; 300ms unless set, negative for none.
    dialer_fallback_delay: Option<Duration>,
    /// Interval of TCP keep-alives; 15s unless set, negative for none.
    dialer_keep_alive: Option<Duration>,
    /// How long SRV records are kept (`sd: dns`); 30s unless set, at least 1s.
    #[schemars(rename = "dns_cache_ttl")]
    dns_cache_ttl: Option<Duration>,
    /// Limit for the head of a backend's answer.
    response_header_timeout: Option<Duration>,
    /// Each connection to a backend serves one request.
    disable_keep_alives: Option<bool>,
    /// Backends are not asked for compressed answers.
    disable_compression: Option<bool>,
    /// Idle connections to all backends together; unlimited unless set.
    max_idle_connections: Option<u32>,
    /// Idle connections to one host; 250 unless set.
    max_idle_connections_per_host: Option<u32>,
    /// How long an idle connection to a backend is kept; without end unless set.
    idle_connection_timeout: Option<Duration>,
}

/// Where plugins are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PluginFolder {
    /// Folder with components. The name of a plugin is that of its file, without extension.
    folder: Option<String>,
    /// Text in the names of the files to load; ".so" is read as ".wasm".
    pattern: Option<String>,
}
