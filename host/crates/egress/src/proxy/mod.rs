//! Forward proxies: addresses, credentials, and who is sent through which.

mod address;
mod environment;
mod group;
mod health;
mod no_proxy;
mod pac;
mod socks;
mod way;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

pub(crate) use self::address::ProxyScheme;
pub use self::environment::EnvironmentProxies;
pub use self::group::{ProxyGroup, Sharing};
pub(crate) use self::health::Health;
pub use self::health::ProxyHealth;
pub use self::pac::{PacAnswer, PacEvaluator, PacProxies};
pub(crate) use self::socks::SocksCredentials;
pub(crate) use self::way::{Choice, Found};
pub use self::way::{Decision, Rule, Way};
use self::{address::ProxyAddress, no_proxy::NoProxy};
use crate::{
    connect::tls::ProxyTls,
    error::ProxyAddressError,
    target::{Target, unbracketed},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING},
};
use tokio::time::Instant;

/// Options of a proxy beside its address.
#[derive(Clone, Default, PartialEq)]
pub struct ProxyOptions {
    /// User name and password; they take the place of those in the address.
    pub auth: Option<(String, String)>,
    /// Limit for reaching the proxy, tunnel included.
    pub connect_timeout: Option<Duration>,
    /// More fields for `CONNECT`. `Proxy-Authorization` here takes the place of
    /// the credentials there. SOCKS proxies know no fields and get none.
    pub connect_headers: HeaderMap,
    /// Use `CONNECT` for `http` targets, too. SOCKS proxies do nothing else.
    pub always_tunnel: bool,
    /// Certificates to trust, in place of the client's, when the proxy itself
    /// speaks TLS.
    pub ca_pem: Option<String>,
    /// Certificate chain and private key in one PEM text, for an `https` proxy
    /// that asks for a certificate.
    pub client_certificate_pem: Option<String>,
    /// Speak HTTP/2 with the proxy: offered by ALPN to an `https` proxy, taken
    /// for granted with an `http` one. SOCKS proxies are not asked.
    pub http2: bool,
    /// Targets that are reached directly, one entry each, with the grammar of
    /// `NO_PROXY`. There is no exception for loopback.
    pub no_proxy: Vec<String>,
}

impl ProxyOptions {
    /// Whether a proxy could use them, where none has been named yet.
    ///
    /// # Errors
    ///
    /// As [`Proxy::new`], apart from the address and the credentials.
    pub fn check(&self) -> Result<(), ProxyAddressError> {
        ProxyTls::read(self)?;
        connect_fields(self.connect_headers.clone()).map(|_fields| ())
    }
}

impl fmt::Debug for ProxyOptions {
    /// Shows no credentials, and no values of fields, which may be some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.connect_headers.keys().collect();
        f.debug_struct("ProxyOptions")
            .field("auth", &self.auth.as_ref().map(|_| ".."))
            .field("connect_timeout", &self.connect_timeout)
            .field("connect_headers", &fields)
            .field("always_tunnel", &self.always_tunnel)
            .field("ca_pem", &self.ca_pem.is_some())
            .field(
                "client_certificate_pem",
                &self.client_certificate_pem.as_ref().map(|_| ".."),
            )
            .field("http2", &self.http2)
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

/// One forward proxy with its options and credentials. `Debug` and the label
/// never show credentials.
pub struct Proxy {
    label: Arc<str>,
    identity: Arc<Identity>,
    connect_timeout: Option<Duration>,
    no_proxy: NoProxy,
    /// TLS to the proxy as far as it is the proxy's own.
    tls: ProxyTls,
    health: Health,
}

impl Proxy {
    /// Makes no socket. `address`: scheme (`http`, `https`, `socks5`, `socks5h`
    /// or `socks4a`), host and port are required (`http://proxy:3128`),
    /// credentials (percent-encoded) may stand in it.
    ///
    /// # Errors
    ///
    /// An address or option that cannot be used; the message repeats no
    /// credentials.
    pub fn new(address: &str, options: ProxyOptions) -> Result<Self, ProxyAddressError> {
        Self::from_address(ProxyAddress::strict(address)?, options)
    }

    /// `scheme://host:port`, for logs.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What the requests through it have shown.
    fn known(&self) -> ProxyHealth {
        self.health.snapshot(&self.label, Instant::now())
    }

    fn from_address(
        address: ProxyAddress,
        options: ProxyOptions,
    ) -> Result<Self, ProxyAddressError> {
        let ProxyAddress {
            scheme,
            host,
            port,
            credentials,
        } = address;
        let tls = ProxyTls::read(&options)?;
        let credentials = match options.auth {
            Some((user, password)) => Some((user.into_bytes(), password.into_bytes())),
            None => credentials,
        };
        let (authorization, socks) = match credentials {
            Some(credentials) if scheme.is_socks() => {
                (None, Some(SocksCredentials::new(scheme, credentials)?))
            }
            credentials => (credentials.map(basic).transpose()?, None),
        };
        Ok(Self {
            label: format!("{}://{host}:{port}", scheme.as_str()).into(),
            connect_timeout: options.connect_timeout,
            no_proxy: NoProxy::new(options.no_proxy.iter().map(String::as_str)),
            tls,
            health: Health::default(),
            identity: Arc::new(Identity {
                scheme,
                host,
                port,
                authorization,
                socks,
                connect_fields: connect_fields(options.connect_headers)?,
                always_tunnel: options.always_tunnel,
                ca_pem: options.ca_pem,
                client_certificate_pem: options.client_certificate_pem,
                http2: options.http2 && !scheme.is_socks(),
            }),
        })
    }

    /// The entry of `no_proxy` by which `target` is reached directly.
    fn exception(&self, target: &Target) -> Option<&Arc<str>> {
        self.no_proxy.exception(target)
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) fn shared_label(&self) -> &Arc<str> {
        &self.label
    }

    pub(crate) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    pub(crate) fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    pub(crate) fn tls(&self) -> &ProxyTls {
        &self.tls
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.label).finish()
    }
}

/// Everything about a proxy that shapes a connection through it. Connections
/// are shared between proxies that are equal in this, and only between them.
/// No `Debug`: it holds credentials.
#[derive(PartialEq, Eq)]
pub(crate) struct Identity {
    scheme: ProxyScheme,
    host: String,
    port: u16,
    authorization: Option<HeaderValue>,
    socks: Option<SocksCredentials>,
    connect_fields: Vec<(HeaderName, HeaderValue)>,
    always_tunnel: bool,
    ca_pem: Option<String>,
    client_certificate_pem: Option<String>,
    http2: bool,
}

impl Hash for Identity {
    /// The place alone: two identities at one place are rare.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
        self.port.hash(state);
    }
}

impl Identity {
    pub(crate) fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The host, an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        unbracketed(&self.host)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `Proxy-Authorization`, for this proxy and nobody else.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// User and password of a SOCKS proxy.
    pub(crate) fn socks_credentials(&self) -> Option<&SocksCredentials> {
        self.socks.as_ref()
    }

    /// Whether the proxy only carries bytes, for `http` targets, too.
    pub(crate) fn always_tunnel(&self) -> bool {
        self.always_tunnel || self.scheme.is_socks()
    }

    /// Whether HTTP/2 is to be spoken with the proxy.
    pub(crate) fn http2(&self) -> bool {
        self.http2
    }
}

/// `Basic` credentials (RFC 7617).
fn basic((user, password): (Vec<u8>, Vec<u8>)) -> Result<HeaderValue, ProxyAddressError> {
    if user.contains(&b':') {
        return Err(ProxyAddressError::new(
            "has a `:` in its user name, which Basic authentication cannot carry",
        ));
    }
    let encoded = STANDARD.encode([user, password].join(&b':'));
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
        .map_err(|_| ProxyAddressError::new("has credentials that fit in no field"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn connect_fields(headers: HeaderMap) -> Result<Vec<(HeaderName, HeaderValue)>, ProxyAddressError> {
    let mut fields = Vec::with_capacity(headers.len());
    let mut current = None;
    for (name, mut value) in headers {
        current = name.or(current);
        let Some(name) = current.clone() else {
            continue;
        };
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            return Err(ProxyAddressError::new(format!(
                "connect headers: `{name}` is the gateway's own to set"
            )));
        }
        value.set_sensitive(true);
        fields.push((name, value));
    }
    Ok(fields)
}

impl Identity {
    /// The fields of a `CONNECT` in the order of the wire.
    pub(crate) fn tunnel_fields(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let own = self
            .connect_fields
            .iter()
            .any(|(name, _)| name == PROXY_AUTHORIZATION);
        self.authorization
            .iter()
            .filter(move |_| !own)
            .map(|value| (&PROXY_AUTHORIZATION, value))
            .chain(
                self.connect_fields
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
    }
}

#[cfg(test)]
mod tests;
