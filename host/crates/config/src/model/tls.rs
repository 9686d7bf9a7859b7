//! TLS of the listener and towards backends.

use std::path::PathBuf;

use crate::KeyPath;

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
