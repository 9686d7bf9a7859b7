//! What a configuration means once it is checked: every default filled in,
//! every value in range. Names follow KrakenD's keys.

mod proxy;

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, time::Duration};

use http::{HeaderName, Method, uri::Authority, uri::Scheme};

pub use self::proxy::*;
use crate::KeyPath;

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
}

/// `tls` of the listener.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListenerTls {
    /// Place of the object, for problems with its files.
    pub place: KeyPath,
    /// `keys`: certificate chain and key, PEM files. Never empty.
    pub keys: Vec<KeyPair>,
    /// `min_version`.
    pub min_version: TlsVersion,
    /// `max_version`.
    pub max_version: TlsVersion,
    /// `enable_mtls`: clients must show a certificate.
    pub enable_mtls: bool,
    /// `ca_certs`: PEM files to check clients' certificates with.
    pub ca_certs: Vec<PathBuf>,
    /// `disable_system_ca_pool`.
    pub disable_system_ca_pool: bool,
}

/// A certificate chain and its private key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// `public_key` or `certificate`.
    pub certificate: PathBuf,
    /// `private_key`.
    pub private_key: PathBuf,
}

/// TLS versions that can be configured; older ones are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// `TLS12`
    Tls12,
    /// `TLS13`
    Tls13,
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

/// `client_tls`: TLS towards backends.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientTls {
    /// Place of the object, for problems with its files.
    pub place: KeyPath,
    /// `allow_insecure_connections`: certificates are not checked.
    pub allow_insecure_connections: bool,
    /// `ca_certs`: PEM files trusted beside the system's.
    pub ca_certs: Vec<PathBuf>,
    /// `disable_system_ca_pool`: trust `ca_certs` only.
    pub disable_system_ca_pool: bool,
    /// `client_certs`.
    pub client_certs: Vec<KeyPair>,
    /// `min_version`.
    pub min_version: TlsVersion,
    /// `max_version`.
    pub max_version: TlsVersion,
}

/// One entry of `endpoints`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Endpoint {
    /// Where it stands, such as `endpoints[3]`.
    pub place: KeyPath,
    /// `endpoint`.
    pub path: PathPattern,
    /// `method`: GET, POST, PUT, PATCH or DELETE.
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
    pub output_encoding: Encoding,
    /// `backend`. Never empty.
    pub backends: Vec<Backend>,
}

/// A path of the router, such as `/users/{id}/posts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    /// As written, with the leading slash.
    pub text: String,
    /// Between the slashes; a trailing slash is an empty last segment.
    pub segments: Vec<Segment>,
}

/// One segment of a [`PathPattern`]: text, or a parameter with text around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Text of the segment, or text before the parameter.
    pub prefix: String,
    /// Name of the parameter, as written.
    pub param: Option<String>,
    /// Text after the parameter; empty without one.
    pub suffix: String,
}

/// `encoding` and `output_encoding`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    /// `no-op`: the body passes as it is.
    NoOp,
    /// Any other, in lower case.
    Other(String),
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

/// One entry of `backend`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Backend {
    /// Where it stands, such as `endpoints[3].backend[0]`.
    pub place: KeyPath,
    /// `host`, or the service's. Empty: every call fails.
    pub hosts: Vec<BaseUrl>,
    /// `url_pattern`.
    pub url_pattern: UrlPattern,
    /// `method`, or the endpoint's.
    pub method: Method,
    /// `encoding`; [`Encoding::NoOp`] where the endpoint's output is.
    pub encoding: Encoding,
    /// `input_headers`: a second filter; `None` lets all pass.
    pub input_headers: Option<Vec<HeaderName>>,
    /// `input_query_strings`: a second filter; `None` lets all pass.
    pub input_query_strings: Option<Vec<String>>,
    /// `plugin/http-client`.
    pub plugin: Option<PluginUse>,
    /// `backend/http/client`.
    pub http_client: HttpClient,
}

/// Base of a backend's URLs, such as `http://api.example.com:8080`.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Host and port, without user information.
    pub authority: Authority,
    /// User information of a host that is not sanitised, as written: a secret.
    pub userinfo: Option<String>,
    /// Path in front of the `url_pattern`; empty, or with a leading slash and
    /// without a trailing one.
    pub path: String,
}

/// `url_pattern`: path and query of a backend, with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    /// As written, with the leading slash.
    pub text: String,
    /// Text and placeholders in turn.
    pub parts: Vec<UrlPart>,
}

/// A piece of a [`UrlPattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlPart {
    /// Text as written.
    Text(String),
    /// A parameter of the endpoint's path, by its name as written there.
    Param(String),
}

/// `plugin/http-client` of a backend.
#[derive(Clone)]
#[non_exhaustive]
pub struct PluginUse {
    /// Place of the object: `….extra_config["plugin/http-client"]`.
    pub place: KeyPath,
    /// `name`.
    pub name: String,
    /// The whole object as JSON text. May hold secrets.
    pub settings: String,
}

/// `backend/http/client` of a backend.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HttpClient {
    /// `proxy_address`, `proxy_pac` and what belongs to them.
    pub proxy: BackendProxy,
    /// `no_redirect`: a 3xx is handed back.
    pub no_redirect: bool,
    /// `send_body_on_redirect`: 307 and 308 with a body are followed.
    pub send_body_on_redirect: bool,
}

/// `plugin`: a folder of components.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PluginFolder {
    /// Place of the object.
    pub place: KeyPath,
    /// `folder`.
    pub folder: PathBuf,
    /// `pattern`: part of the names of files to load, with `.so` read as `.wasm`.
    pub pattern: String,
}

/// `cuttle/plugins`: rights and limits.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PluginPolicy {
    /// `grants`, by name of the plugin.
    pub grants: BTreeMap<String, Grants>,
    /// `limits`, by name of the plugin.
    pub limits: BTreeMap<String, PluginLimits>,
    /// `isolation`, by name of the plugin; `*` is every other one.
    pub isolation: BTreeMap<String, Isolation>,
    /// `cache_dir`: where compiled plugins are kept; `None` compiles at each start.
    pub cache_dir: Option<PathBuf>,
}

/// What a plugin may do beyond the default.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grants {
    /// `outbound`: more authorities (`host` or `host:port`) it may send to.
    pub outbound: Vec<String>,
    /// `proxies`: more proxy addresses it may open. May hold credentials, so
    /// `Debug` hides them.
    pub proxies: Vec<String>,
}

/// What a plugin may use up; `None` is the plugin host's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginLimits {
    /// `memory`: bytes of linear memory of one instance.
    pub memory: Option<usize>,
    /// `table_elements`: entries of its tables.
    pub table_elements: Option<usize>,
    /// `hostcall_fuel`: bytes that one call into the host may carry.
    pub hostcall_fuel: Option<usize>,
    /// `resources`: handles one instance may hold.
    pub resources: Option<usize>,
    /// `body_read`: bytes of body one call may take into its memory.
    pub body_read: Option<u64>,
    /// `log_lines_per_second`.
    pub log_lines_per_second: Option<u32>,
    /// `instances`: how many of one place of use may exist at a time.
    pub instances: Option<usize>,
    /// `uses_per_instance`: calls until an instance is replaced; 0 is no limit.
    pub uses_per_instance: Option<u64>,
    /// `timeout`: for one call, if shorter than what the endpoint has left.
    pub timeout: Option<Duration>,
}

/// Whether instances are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// `"instance"`: a pool; an instance serves one request after the other.
    #[default]
    Instance,
    /// `"request"`: a fresh instance for each request.
    Request,
}

/// `router` options that are in effect.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RouterOptions {
    /// `return_error_msg`: the client sees the text of an error.
    pub return_error_msg: bool,
    /// `disable_access_log`.
    pub disable_access_log: bool,
    /// `logger_skip_paths`.
    pub logger_skip_paths: Vec<String>,
    /// `disable_health`.
    pub disable_health: bool,
    /// `health_path`, `/__health` by default.
    pub health_path: String,
    /// `hide_version_header`.
    pub hide_version_header: bool,
    /// `auto_options`.
    pub auto_options: bool,
    /// `disable_redirect_trailing_slash`.
    pub disable_redirect_trailing_slash: bool,
    /// `disable_redirect_fixed_path`.
    pub disable_redirect_fixed_path: bool,
    /// `disable_handle_method_not_allowed`.
    pub disable_handle_method_not_allowed: bool,
    /// `disable_path_decoding`: parameters that are still encoded are let through.
    pub disable_path_decoding: bool,
    /// `remove_extra_slash`.
    pub remove_extra_slash: bool,
    /// `forwarded_by_client_ip`.
    pub forwarded_by_client_ip: bool,
    /// `remote_ip_headers`.
    pub remote_ip_headers: Vec<HeaderName>,
    /// `trusted_proxies`; empty trusts nobody (a departure from KrakenD, which
    /// trusts everybody).
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// `error_body.404` as JSON text.
    pub error_body_404: Option<String>,
    /// `error_body.405` as JSON text.
    pub error_body_405: Option<String>,
}

/// `cuttle/http`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    /// `gateway_errors`: failures of backends are 502, 503 and 504, not 500.
    pub gateway_errors: bool,
    /// `http2_backends`: offers HTTP/2 to `https` backends, directly and through
    /// tunnels. KrakenD speaks HTTP/1.1 only, which is the default here, too.
    pub http2_backends: bool,
    /// `status_path`: where the gateway tells how it is; `None` is nowhere.
    pub status_path: Option<String>,
}

/// `telemetry/logging`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logging {
    /// `level`: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    pub level: LogLevel,
    /// `format`.
    pub format: LogFormat,
    /// `prefix`, in front of every message of the text format.
    pub prefix: String,
}

/// `level` of `telemetry/logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `DEBUG`
    Debug,
    /// `INFO`
    Info,
    /// `WARNING`
    Warning,
    /// `ERROR`, and `CRITICAL`, which has no lines of its own.
    Error,
}

/// `format` of `telemetry/logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `default`: text.
    Text,
    /// `logstash` or `json`: one JSON object a line.
    Json,
}

impl PathPattern {
    /// The path `/`.
    #[must_use]
    pub fn root() -> Self {
        Self {
            text: "/".to_owned(),
            segments: vec![Segment {
                prefix: String::new(),
                param: None,
                suffix: String::new(),
            }],
        }
    }
}

/// Hides user information.
impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let userinfo = if self.userinfo.is_some() { "…@" } else { "" };
        let Self {
            scheme,
            authority,
            path,
            ..
        } = self;
        write!(f, "{scheme}://{userinfo}{authority}{path}")
    }
}

/// Hides the settings.
impl fmt::Debug for PluginUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginUse")
            .field("place", &self.place)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Hides the proxies.
impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants")
            .field("outbound", &self.outbound)
            .field("proxies", &format_args!("{} hidden", self.proxies.len()))
            .finish()
    }
}
