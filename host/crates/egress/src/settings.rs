//! What a caller decides: settings of a client, options of one call.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{proxy::Rule, reach::Gate};

/// Settings of the whole client (KrakenD's service-level keys).
#[derive(Debug, Clone)]
pub struct Settings {
    /// `max_idle_connections`: over all hosts; `None` is unlimited. Beyond it
    /// the connection that has been idle longest is closed.
    pub max_idle_connections: Option<usize>,
    /// `max_idle_connections_per_host`: for one pool (target, tunnel or proxy).
    pub max_idle_connections_per_host: usize,
    /// `idle_connection_timeout`; `None` keeps idle connections for ever.
    pub idle_connection_timeout: Option<Duration>,
    /// `response_header_timeout`: from the end of the request to the end of the
    /// head of the response; `None` leaves the deadline alone.
    pub response_header_timeout: Option<Duration>,
    /// `dialer_timeout`: name resolution and TCP; `None` leaves it to the
    /// operating system and the deadline.
    pub dialer_timeout: Option<Duration>,
    /// `dialer_fallback_delay`: head start of an address before the next one is
    /// tried beside it (RFC 8305); `None` tries one after the other.
    pub dialer_fallback_delay: Option<Duration>,
    /// `dialer_keep_alive`: interval of TCP keep-alive; `None` is off.
    pub dialer_keep_alive: Option<Duration>,
    /// `disable_keep_alives`: one request per connection.
    pub disable_keep_alives: bool,
    /// Offers HTTP/2 to `https` targets, which choose by ALPN. Requests to one
    /// target then share connections, up to 100 at a time on each. Not with
    /// `disable_keep_alives`; `max_idle_connections` and its relative do not
    /// count these connections.
    pub http2: bool,
    /// `client_tls`.
    pub tls: TlsSettings,
}

impl Default for Settings {
    /// The defaults of KrakenD.
    fn default() -> Self {
        Self {
            max_idle_connections: None,
            max_idle_connections_per_host: 250,
            idle_connection_timeout: None,
            response_header_timeout: None,
            dialer_timeout: None,
            dialer_fallback_delay: Some(Duration::from_millis(300)),
            dialer_keep_alive: Some(Duration::from_secs(15)),
            disable_keep_alives: false,
            http2: false,
            tls: TlsSettings::default(),
        }
    }
}

/// TLS towards targets, and towards proxies that bring no CA of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Takes any certificate of any name. For tests only.
    pub allow_insecure_connections: bool,
    /// PEM files with more certificates to trust.
    pub ca_certs: Vec<PathBuf>,
    /// Trusts `ca_certs` alone.
    pub disable_system_ca_pool: bool,
    /// (certificate chain, private key), PEM files. The first pair whose key
    /// suits the server's signature algorithms is used.
    pub client_certs: Vec<(PathBuf, PathBuf)>,
    /// Offers TLS 1.2.
    pub tls12: bool,
    /// Offers TLS 1.3.
    pub tls13: bool,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            allow_insecure_connections: false,
            ca_certs: Vec::new(),
            disable_system_ca_pool: false,
            client_certs: Vec::new(),
            tls12: true,
            tls13: true,
        }
    }
}

/// Options of one call.
#[derive(Debug, Clone)]
pub struct SendOptions {
    /// Everything, redirects and the body of the response included, ends here.
    pub deadline: Instant,
    /// What happens on a redirect.
    pub redirects: Redirects,
    /// Who decides where the call may go; `None` is anywhere.
    pub gate: Option<Arc<dyn Gate>>,
}

/// What happens when the answer is a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Hand 3xx back.
    None,
    /// Go's rules: at most 10 requests in a row.
    Follow {
        /// Repeats a body (of at most 1 MiB) on 307 and 308, which are handed
        /// back otherwise.
        send_body: bool,
    },
}

/// In the extensions of a response: how it came.
#[derive(Debug, Clone)]
pub struct Via {
    /// Label of the proxy that was used, if any.
    pub proxy: Option<Arc<str>>,
    /// Why it went that way.
    pub rule: Rule,
}
