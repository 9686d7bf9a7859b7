//! What keys mean that are not there: KrakenD's defaults, each in this one
//! place. (Those of an endpoint depend on the service and are resolved there.)

use std::time::Duration;

use http::HeaderName;

use crate::{
    ClientSettings, ClientTls, HttpOptions, KeyPath, Listen, LogFormat, LogLevel, Logging,
    RouterOptions, TlsVersion,
};

impl Default for Listen {
    /// Port 8080 of every interface, without timeouts.
    fn default() -> Self {
        Self {
            ip: None,
            port: 8080,
            read_timeout: None,
            read_header_timeout: None,
            write_timeout: None,
            idle_timeout: None,
            max_header_bytes: 1 << 20,
            h2c: false,
            tls: None,
            // At most about 256 MiB of idle connections.
            max_connections: 16_384,
            // A load balancer in front is one address; half is left for others.
            max_connections_per_address: 8_192,
            first_byte_timeout: None,
            tls_handshake_timeout: Duration::from_secs(10),
            // A client that takes no byte for so long is not there.
            stall_timeout: Duration::from_secs(60),
            // 64 MiB, the most that is merged, at 1 Mbit/s.
            flush_timeout: Duration::from_secs(600),
        }
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            max_idle_connections: None,
            max_idle_connections_per_host: 250,
            idle_connection_timeout: None,
            response_header_timeout: None,
            expect_continue_timeout: None,
            dialer_timeout: None,
            dialer_fallback_delay: Some(Duration::from_millis(300)),
            dialer_keep_alive: Some(Duration::from_secs(15)),
            disable_keep_alives: false,
            disable_compression: false,
            tls: ClientTls::default(),
        }
    }
}

impl Default for ClientTls {
    /// TLS 1.2 and 1.3, trusting the system's certificates.
    fn default() -> Self {
        Self {
            place: KeyPath::root().key("client_tls"),
            allow_insecure_connections: false,
            ca_certs: Vec::new(),
            disable_system_ca_pool: false,
            client_certs: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
        }
    }
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self {
            return_error_msg: false,
            disable_access_log: false,
            logger_skip_paths: Vec::new(),
            disable_health: false,
            health_path: "/__health".to_owned(),
            hide_version_header: false,
            auto_options: false,
            disable_redirect_trailing_slash: false,
            disable_redirect_fixed_path: false,
            disable_handle_method_not_allowed: false,
            disable_path_decoding: false,
            remove_extra_slash: false,
            forwarded_by_client_ip: true,
            remote_ip_headers: vec![
                HeaderName::from_static("x-forwarded-for"),
                HeaderName::from_static("x-real-ip"),
            ],
            trusted_proxies: Vec::new(),
            max_payload: None,
            error_body_404: None,
            error_body_405: None,
        }
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            gateway_errors: false,
            http2_backends: false,
            // Far above the answers that gateways merge, and far below what a
            // small gzip body can become.
            max_decoded_body: 64 << 20,
            status_path: None,
            dns_servers: Vec::new(),
            metrics_path: None,
        }
    }
}

impl Default for Logging {
    /// Text from DEBUG on, as KrakenD without `telemetry/logging`.
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            format: LogFormat::Text,
            prefix: String::new(),
        }
    }
}
