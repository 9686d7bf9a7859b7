//! The root object: the listener and the client for backends.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    ClientTls, Endpoint, ListenerTls, Logging, PluginFolder, PluginPolicy, PluginUse, RouterOptions,
};

/// A whole configuration file (KrakenD: the root object).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Service {
    /// `name`: free text for people.
    pub name: String,
    /// Where and how the gateway listens.
    pub listen: Listen,
    /// How it talks to backends.
    pub client: ClientSettings,
    /// `endpoints` that can be served, in the order of the file.
    pub endpoints: Vec<Endpoint>,
    /// `plugin`: where components are looked for beside the bundled ones.
    pub plugin_folder: Option<PluginFolder>,
    /// `cuttle/plugins`: what plugins may do and use up.
    pub plugins: PluginPolicy,
    /// `plugin/http-server`: what stands in front of the router; the last of the
    /// list sees a request first.
    pub server_plugins: Option<PluginUse>,
    /// `timeout`: the endpoints' default. Zero in a service that nobody read.
    pub timeout: Duration,
    /// `router`.
    pub router: RouterOptions,
    /// `cuttle/http`: departures from KrakenD's answers.
    pub http: HttpOptions,
    /// `telemetry/logging`.
    pub logging: Logging,
    /// `max_shutdown_wait_time`; `None` waits for ever.
    pub max_shutdown_wait_time: Option<Duration>,
    /// `debug_endpoint`.
    pub debug_endpoint: bool,
    /// `echo_endpoint`.
    pub echo_endpoint: bool,
}

/// Listener keys of the service.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listen {
    /// `listen_ip`; `None` is every interface.
    pub ip: Option<IpAddr>,
    /// `port`, never 0 unless the command line asks for any free port.
    pub port: u16,
    /// `read_timeout`: whole request, body included.
    pub read_timeout: Option<Duration>,
    /// `read_header_timeout`: the head of a request.
    pub read_header_timeout: Option<Duration>,
    /// `write_timeout`: from the end of the request's head to the end of the response.
    pub write_timeout: Option<Duration>,
    /// `idle_timeout`: between two requests; falls back to `read_timeout`.
    pub idle_timeout: Option<Duration>,
    /// `max_header_bytes`: bytes of a request's head.
    pub max_header_bytes: usize,
    /// `use_h2c`: HTTP/2 without TLS.
    pub h2c: bool,
    /// `tls`; `None` is plain HTTP.
    pub tls: Option<ListenerTls>,
    /// `max_connections` of `cuttle/http`: clients at a time, of all addresses.
    pub max_connections: usize,
    /// `max_connections_per_address` of `cuttle/http`: of one address, or of
    /// one network of 64 bits for IPv6.
    pub max_connections_per_address: usize,
    /// `first_byte_timeout` of `cuttle/http`: from the connection to its first
    /// byte; `None` is `read_header_timeout` or the listener's own.
    pub first_byte_timeout: Option<Duration>,
    /// `tls_handshake_timeout` of `cuttle/http`.
    pub tls_handshake_timeout: Duration,
    /// `stall_timeout` of `cuttle/http`: a client takes no byte of its answer.
    pub stall_timeout: Duration,
    /// `flush_timeout` of `cuttle/http`: from when an answer is complete here
    /// to when the client has taken the rest of it.
    pub flush_timeout: Duration,
}

/// Backend client keys of the service.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientSettings {
    /// `max_idle_connections` over all hosts; `None` is unlimited.
    pub max_idle_connections: Option<usize>,
    /// `max_idle_connections_per_host`.
    pub max_idle_connections_per_host: usize,
    /// `idle_connection_timeout`; `None` keeps them for ever.
    pub idle_connection_timeout: Option<Duration>,
    /// `response_header_timeout`.
    pub response_header_timeout: Option<Duration>,
    /// `expect_continue_timeout`.
    pub expect_continue_timeout: Option<Duration>,
    /// `dialer_timeout`.
    pub dialer_timeout: Option<Duration>,
    /// `dialer_fallback_delay`; `None` switches happy eyeballs off.
    pub dialer_fallback_delay: Option<Duration>,
    /// `dialer_keep_alive`; `None` switches TCP keep-alive off.
    pub dialer_keep_alive: Option<Duration>,
    /// `disable_keep_alives`: one request per connection.
    pub disable_keep_alives: bool,
    /// `disable_compression`.
    pub disable_compression: bool,
    /// `client_tls` (and `allow_insecure_connections`).
    pub tls: ClientTls,
}

/// `cuttle/http`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// `gateway_errors`: failures of backends are 502, 503 and 504, not 500.
    pub gateway_errors: bool,
    /// `http2_backends`: offers HTTP/2 to `https` backends, directly and through
    /// tunnels. KrakenD speaks HTTP/1.1 only, which is the default here, too.
    pub http2_backends: bool,
    /// `max_decoded_body`: bytes of a backend's answer that is not passed on as
    /// it is, a content coding undone. More is a failure. 64 MiB by default.
    pub max_decoded_body: u64,
    /// `status_path`: where the gateway tells how it is; `None` is nowhere.
    pub status_path: Option<String>,
    /// `dns_servers`: who is asked for the hosts of `sd: dns`; empty is those of
    /// the system. Names of hosts are for the system to resolve.
    pub dns_servers: Vec<SocketAddr>,
    /// `metrics_path`: where it tells its counters to Prometheus; `None` is nowhere.
    pub metrics_path: Option<String>,
}
