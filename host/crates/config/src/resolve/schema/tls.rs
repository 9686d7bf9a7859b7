//! `tls` and `client_tls`.

use schemars::JsonSchema;

use super::scalars::{OneOf, TlsVersion};

/// TLS of the listener.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ListenerTls {
    /// Certificates with their keys.
    keys: Option<Vec<ServerKeys>>,
    /// PEM file with a certificate. Older spelling of the key in `keys`.
    public_key: Option<String>,
    /// PEM file with its key. Older spelling of the key in `keys`.
    private_key: Option<String>,
    /// As if `tls` were not there.
    disabled: Option<bool>,
    /// Oldest version; TLS13 unless set, nothing below TLS12.
    min_version: Option<OneOf<TlsVersion>>,
    /// Newest version; TLS13 unless set, nothing below TLS12.
    max_version: Option<OneOf<TlsVersion>>,
    /// Clients need a certificate.
    enable_mtls: Option<bool>,
    /// PEM files with authorities for the certificates of clients.
    ca_certs: Option<Vec<String>>,
    /// The authorities of the system do not count.
    disable_system_ca_pool: Option<bool>,
    /// Without effect: a fixed set of safe ciphers is used.
    #[schemars(extend("deprecated" = true))]
    cipher_suites: Option<Vec<u16>>,
    /// Without effect: a fixed set of safe curves is used.
    #[schemars(extend("deprecated" = true))]
    curve_preferences: Option<Vec<u16>>,
}

/// A certificate of the listener.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ServerKeys {
    /// PEM file with the certificate and its chain.
    public_key: String,
    /// PEM file with its key.
    private_key: String,
}

/// TLS to backends.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ClientTls {
    /// Certificates of backends are not checked.
    allow_insecure_connections: Option<bool>,
    /// PEM files with authorities.
    ca_certs: Option<Vec<String>>,
    /// The authorities of the system do not count.
    disable_system_ca_pool: Option<bool>,
    /// Certificates that are shown to backends.
    client_certs: Option<Vec<ClientCertificate>>,
    /// Oldest version; TLS13 unless set, nothing below TLS12.
    min_version: Option<OneOf<TlsVersion>>,
    /// Newest version; TLS13 unless set, nothing below TLS12.
    max_version: Option<OneOf<TlsVersion>>,
    /// Without effect: a fixed set of safe ciphers is used.
    #[schemars(extend("deprecated" = true))]
    cipher_suites: Option<Vec<u16>>,
    /// Without effect: a fixed set of safe curves is used.
    #[schemars(extend("deprecated" = true))]
    curve_preferences: Option<Vec<u16>>,
}

/// A certificate that is shown to backends.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ClientCertificate {
    /// PEM file with the certificate and its chain.
    certificate: String,
    /// PEM file with its key.
    private_key: String,
}
