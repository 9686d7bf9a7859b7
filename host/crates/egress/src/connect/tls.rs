//! TLS by rustls with ring: settings, trust, handshake.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::{
        ResolvesClientCert, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{BoxedIo, Io, Peer};
use crate::{
    error::{BuildError, Error, ErrorKind, ProxyAddressError},
    proxy::{Proxy, ProxyOptions},
    settings::TlsSettings,
};

/// Limit of one handshake, as in KrakenD.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// HTTP/2 in ALPN (RFC 9113, section 3.2).
const HTTP2: &[u8] = b"h2";

/// How TLS is spoken; built once.
pub(super) struct Tls {
    target: Arc<ClientConfig>,
    proxy: Arc<ClientConfig>,
}

impl Tls {
    /// Reads every file that `settings` name.
    pub(super) fn new(settings: &TlsSettings, http2: bool) -> Result<Self, BuildError> {
        let target = config(settings)?;
        // The client certificates are meant for targets.
        let mut proxy = target.clone();
        proxy.client_auth_cert_resolver = Arc::new(ClientKeys(Vec::new()));
        Ok(Self {
            target: if http2 {
                offering_http2(&target)
            } else {
                Arc::new(target)
            },
            proxy: Arc::new(proxy),
        })
    }

    pub(super) fn to_target(&self) -> &Arc<ClientConfig> {
        &self.target
    }

    /// TLS with `proxy` itself, by its own certificates where it has some.
    pub(super) fn to_proxy(&self, proxy: &Proxy) -> Arc<ClientConfig> {
        let ProxyTls { roots, keys } = proxy.tls();
        let config = roots.as_ref().unwrap_or(&self.proxy);
        let Some(keys) = keys else {
            return Arc::clone(config);
        };
        let mut config = ClientConfig::clone(config);
        // A session belongs to the certificate it was made with.
        config.resumption = Resumption::disabled();
        config.client_auth_cert_resolver = Arc::<ClientKeys>::clone(keys);
        Arc::new(config)
    }
}

/// What a proxy brings along for the TLS with itself.
#[derive(Default)]
pub(crate) struct ProxyTls {
    /// In place of what the client trusts.
    roots: Option<Arc<ClientConfig>>,
    keys: Option<Arc<ClientKeys>>,
}

impl ProxyTls {
    /// Reads the certificates in `options`.
    pub(crate) fn read(options: &ProxyOptions) -> Result<Self, ProxyAddressError> {
        let of =
            |key: &'static str| move |why: String| ProxyAddressError::new(format!("{key}: {why}"));
        let roots = options.ca_pem.as_deref().map(trusting_only).transpose();
        let keys = options
            .client_certificate_pem
            .as_deref()
            .map(ClientKeys::from_pem)
            .transpose();
        Ok(Self {
            roots: roots.map_err(of("ca"))?.map(Arc::new),
            keys: keys.map_err(of("client certificate"))?.map(Arc::new),
        })
    }
}

/// TLS that trusts nothing but the certificates in `pem`.
fn trusting_only(pem: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    add_pem(&mut roots, pem.as_bytes())?;
    let versions = [&TLS13, &TLS12];
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn();
    Ok(config)
}

/// Speaks TLS over `io` with the server named `host`, a name or an address.
pub(super) async fn handshake(
    io: impl Io + 'static,
    config: Arc<ClientConfig>,
    host: &str,
    peer: &Peer<'_>,
) -> Result<BoxedIo, Error> {
    Ok(Box::new(negotiate(io, config, host, peer).await?))
}

/// The same, for somebody who wants to know what came of it.
pub(super) async fn negotiate<T: Io + 'static>(
    io: T,
    config: Arc<ClientConfig>,
    host: &str,
    peer: &Peer<'_>,
) -> Result<TlsStream<T>, Error> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| {
        Error::new(
            ErrorKind::Tls,
            format!("the host of {peer} fits in no certificate"),
        )
        .caused_by(error)
    })?;
    let connecting = TlsConnector::from(config).connect(name, io);
    match timeout(HANDSHAKE_LIMIT, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => {
            let text = format!("the TLS handshake with {peer} failed");
            Err(Error::new(ErrorKind::Tls, text).caused_by(error))
        }
        Err(_) => {
            let text = format!("the TLS handshake with {peer} took more than {HANDSHAKE_LIMIT:?}");
            Err(Error::new(ErrorKind::ConnectTimeout, text))
        }
    }
}

fn config(settings: &TlsSettings) -> Result<ClientConfig, BuildError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(settings)?)
        .map_err(|error| general(error.to_string()))?;
    let builder = if settings.allow_insecure_connections {
        let anything = Arc::new(TakesAnything(Arc::clone(&provider)));
        builder
            .dangerous()
            .with_custom_certificate_verifier(anything)
    } else {
        builder.with_root_certificates(roots(settings)?)
    };
    let keys = ClientKeys::read(&settings.client_certs, &provider)?;
    let mut config = builder.with_client_cert_resolver(Arc::new(keys));
    config.alpn_protocols = alpn();
    Ok(config)
}

fn versions(settings: &TlsSettings) -> Result<Vec<&'static SupportedProtocolVersion>, BuildError> {
    let mut versions = Vec::new();
    if settings.tls13 {
        versions.push(&TLS13);
    }
    if settings.tls12 {
        versions.push(&TLS12);
    }
    if versions.is_empty() {
        return Err(general("neither TLS 1.2 nor TLS 1.3 is allowed"));
    }
    Ok(versions)
}

/// The pool speaks HTTP/1.1 only.
fn alpn() -> Vec<Vec<u8>> {
    vec![b"http/1.1".to_vec()]
}

/// `config` with an offer of HTTP/2. Sessions are still shared with `config`.
pub(super) fn offering_http2(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols.insert(0, HTTP2.to_vec());
    Arc::new(config)
}

/// Whether HTTP/2 was chosen.
pub(super) fn is_http2<T>(stream: &TlsStream<T>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

fn general(message: impl Into<String>) -> BuildError {
    BuildError {
        file: None,
        message: message.into(),
    }
}

fn in_file(file: &Path, message: impl Into<String>) -> BuildError {
    BuildError {
        file: Some(file.to_owned()),
        message: message.into(),
    }
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, BuildError> {
    let mut roots = if settings.disable_system_ca_pool {
        RootCertStore::empty()
    } else {
        system_roots().clone()
    };
    for file in &settings.ca_certs {
        let pem = std::fs::read(file)
            .map_err(|error| in_file(file, format!("cannot be read: {error}")))?;
        add_pem(&mut roots, &pem).map_err(|why| in_file(file, why))?;
    }
    Ok(roots)
}

/// The machine's certificates, or Mozilla's where it has none (a container
/// without `ca-certificates`). Read once for all clients.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            tracing::debug!("no certificates on this machine; using the built-in ones");
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        roots
    })
}

fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    for certificate in chain(pem)? {
        roots
            .add(certificate)
            .map_err(|error| format!("holds a certificate that cannot be trusted: {error}"))?;
    }
    Ok(())
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is no valid PEM: {error}"))?;
    if chain.is_empty() {
        return Err("holds no certificate in PEM form".to_owned());
    }
    Ok(chain)
}

/// The certificates to show to a server that asks for one.
#[derive(Debug)]
struct ClientKeys(Vec<Arc<CertifiedKey>>);

impl ClientKeys {
    /// Chain and key in one text.
    fn from_pem(pem: &str) -> Result<Self, String> {
        let chain = chain(pem.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("holds no private key: {error}"))?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|error| format!("certificate and private key do not fit: {error}"))?;
        Ok(Self(vec![Arc::new(key)]))
    }

    fn read(
        pairs: &[(std::path::PathBuf, std::path::PathBuf)],
        provider: &CryptoProvider,
    ) -> Result<Self, BuildError> {
        pairs
            .iter()
            .map(|(chain, key)| certified_key(chain, key, provider).map(Arc::new))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn certified_key(
    chain_file: &Path,
    key_file: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, BuildError> {
    let pem = std::fs::read(chain_file)
        .map_err(|error| in_file(chain_file, format!("cannot be read: {error}")))?;
    let chain = chain(&pem).map_err(|why| in_file(chain_file, why))?;
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|error| in_file(key_file, format!("holds no private key: {error}")))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| in_file(key_file, format!("does not fit its certificate: {error}")))
}

impl ResolvesClientCert for ClientKeys {
    fn resolve(
        &self,
        _issuers: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.0
            .iter()
            .find(|pair| pair.key.choose_scheme(schemes).is_some())
            .cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Takes any certificate (`allow_insecure_connections`), but still checks that
/// the server has its key: the handshake itself stays sound.
struct TakesAnything(Arc<CryptoProvider>);

impl fmt::Debug for TakesAnything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TakesAnything")
    }
}

impl ServerCertVerifier for TakesAnything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
