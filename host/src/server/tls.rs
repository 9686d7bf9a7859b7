//! TLS of the listener (KrakenD's `tls`).

use std::{
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use cuttle_pipeline::config::{KeyPair, KeyPath, ListenerTls, TlsVersion};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    client::verify_server_name,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{
        ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsAcceptor;

/// Why the listener's TLS cannot be set up.
#[derive(Debug)]
pub struct TlsError {
    /// The key of the configuration.
    pub place: KeyPath,
    /// The file, if one is to blame.
    pub file: Option<PathBuf>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        f.write_str(&self.message)
    }
}

impl StdError for TlsError {}

/// Reads the files and makes the acceptor; HTTP/2 is offered by ALPN.
///
/// # Errors
/// The first file that cannot be used.
pub fn acceptor(tls: &ListenerTls) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let keys = Keys::load(tls, &provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(tls))
        .map_err(|error| problem(tls.place.clone(), None, &error))?;
    let builder = match tls.enable_mtls {
        true => builder.with_client_cert_verifier(verifier(tls, provider)?),
        false => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(keys));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn versions(tls: &ListenerTls) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)];
    let allowed = tls.min_version..=tls.max_version;
    all.into_iter()
        .filter(|(version, _)| allowed.contains(version))
        .map(|(_, v)| v)
        .collect()
}

/// Who may sign clients' certificates: the system's CAs unless switched off,
/// `ca_certs`, and the listener's own certificates, as in KrakenD.
fn verifier(
    tls: &ListenerTls,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    if !tls.disable_system_ca_pool {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for (index, file) in tls.ca_certs.iter().enumerate() {
        let place = tls.place.key("ca_certs").index(index);
        for certificate in certificates(file, &place)? {
            roots
                .add(certificate)
                .map_err(|error| problem(place.clone(), Some(file), &error))?;
        }
    }
    for pair in &tls.keys {
        roots.add_parsable_certificates(certificates(&pair.certificate, &tls.place)?);
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| problem(tls.place.clone(), None, &error))
}

/// The key pairs, in the order of the file.
#[derive(Debug)]
struct Keys(Vec<Arc<CertifiedKey>>);

impl Keys {
    fn load(tls: &ListenerTls, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let place = tls.place.key("keys");
        let pairs = tls.keys.iter().enumerate();
        let keys = pairs.map(|(index, pair)| key(pair, &place.index(index), provider));
        keys.collect::<Result<_, _>>().map(Self)
    }
}

impl ResolvesServerCert for Keys {
    /// The first whose certificate has the name that the client asks for; the
    /// first of all for clients that name none or another.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| {
            let name = ServerName::try_from(name).ok()?;
            self.0.iter().find(|key| has_name(key, &name))
        });
        named.or(self.0.first()).cloned()
    }
}

fn has_name(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let certificate = key.end_entity_cert().ok();
    let parsed = certificate.and_then(|der| ParsedCertificate::try_from(der).ok());
    parsed.is_some_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

fn key(
    pair: &KeyPair,
    place: &KeyPath,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(&pair.certificate, &place.key("public_key"))?;
    let place = place.key("private_key");
    let file = Some(&*pair.private_key);
    let der = PrivateKeyDer::from_pem_file(&pair.private_key)
        .map_err(|error| problem(place.clone(), file, &error))?;
    let key = CertifiedKey::from_der(chain, der, provider)
        .map_err(|error| problem(place, file, &error))?;
    Ok(Arc::new(key))
}

fn certificates(file: &Path, place: &KeyPath) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| problem(place.clone(), Some(file), &error))?;
    match found.is_empty() {
        true => Err(problem(
            place.clone(),
            Some(file),
            &"holds no PEM certificate",
        )),
        false => Ok(found),
    }
}

fn problem(place: KeyPath, file: Option<&Path>, message: &dyn fmt::Display) -> TlsError {
    TlsError {
        place,
        file: file.map(Path::to_owned),
        message: message.to_string(),
    }
}
