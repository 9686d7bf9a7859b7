//! Certificates of the test's own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tempfile::TempDir;

/// A certificate authority that nobody else trusts.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// A new one, with its certificate in a file.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        // Not the default, which is that of the certificates it signs.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of the test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem())
            .expect("a file for the certificate");
        Self { issuer, folder }
    }

    /// Its certificate as PEM, for `client_tls.ca_certs`.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes a certificate for `names` and its key as PEM files.
    pub fn issue(&self, names: &[&str], folder: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.leaf(names);
        let files = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&files.0, certificate.pem()).expect("a file for the certificate");
        std::fs::write(&files.1, key.serialize_pem()).expect("a file for the key");
        files
    }

    pub(crate) fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_for(names, WebPkiClientVerifier::no_client_auth())
    }

    /// The same, for those only who show a certificate of this authority.
    pub(crate) fn mutual_server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.issuer.der().clone())
            .expect("a certificate of our own");
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider())
            .build()
            .expect("a root to check by");
        self.server_for(names, verifier)
    }

    fn server_for(
        &self,
        names: &[&str],
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Arc<ServerConfig> {
        let (certificate, key) = self.leaf(names);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its own key");
        Arc::new(config)
    }

    fn leaf(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("valid names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signature");
        (certificate, key)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
