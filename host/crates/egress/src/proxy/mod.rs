//! Forward proxies: addresses, credentials, and who is sent through which.

mod address;
mod environment;
mod no_proxy;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING},
};
use rustls::ClientConfig;

pub(crate) use self::address::ProxyScheme;
pub use self::environment::EnvironmentProxies;
use self::{address::ProxyAddress, no_proxy::NoProxy};
use crate::{
    connect::tls,
    error::{Error, ProxyAddressError},
    target::{Target, unbracketed},
};

/// How the way to a target is chosen.
#[derive(Debug, Clone)]
pub enum Way {
    /// Straight to the target.
    Direct,
    /// Through this proxy, except for its own `no_proxy` list.
    Proxy(Arc<Proxy>),
    /// By the environment's rules.
    Environment(Arc<EnvironmentProxies>),
}

impl Way {
    /// The proxy for `target`; `None` is direct.
    pub(crate) fn proxy_for(&self, target: &Target) -> Result<Option<Arc<Proxy>>, Error> {
        match self {
            Self::Direct => Ok(None),
            Self::Proxy(proxy) if proxy.skips(target) => Ok(None),
            Self::Proxy(proxy) => Ok(Some(Arc::clone(proxy))),
            Self::Environment(proxies) => proxies.for_target(target),
        }
    }
}

/// Options of a proxy beside its address.
#[derive(Clone, Default)]
pub struct ProxyOptions {
    /// User name and password; they take the place of those in the address.
    pub auth: Option<(String, String)>,
    /// Limit for reaching the proxy, tunnel included.
    pub connect_timeout: Option<Duration>,
    /// More fields for `CONNECT`. `Proxy-Authorization` here takes the place of
    /// the credentials there.
    pub connect_headers: HeaderMap,
    /// Use `CONNECT` for `http` targets, too.
    pub always_tunnel: bool,
    /// Certificates to trust, in place of the client's, when the proxy itself
    /// speaks TLS.
    pub ca_pem: Option<String>,
    /// Targets that are reached directly, one entry each, with the grammar of
    /// `NO_PROXY`. There is no exception for loopback.
    pub no_proxy: Vec<String>,
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
    /// TLS to the proxy where it brings its own CA.
    tls: Option<Arc<ClientConfig>>,
}

impl Proxy {
    /// Makes no socket. `address`: scheme, host and port are required
    /// (`http://proxy:3128`), credentials (percent-encoded) may stand in it.
    ///
    /// # Errors
    ///
    /// An address or option that cannot be used; the message repeats no
    /// credentials.
    pub fn new(address: &str, options: ProxyOptions) -> Result<Self, ProxyAddressError> {
        Self::from_address(ProxyAddress::strict(address)?, options)
    }

    /// `http://host:port`, for logs.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
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
        let credentials = match options.auth {
            Some((user, password)) => Some((user.into_bytes(), password.into_bytes())),
            None => credentials,
        };
        let tls = options
            .ca_pem
            .as_deref()
            .map(tls::trusting_only)
            .transpose();
        let tls = tls.map_err(|why| ProxyAddressError::new(format!("ca: {why}")))?;
        Ok(Self {
            label: format!("{}://{host}:{port}", scheme.as_str()).into(),
            connect_timeout: options.connect_timeout,
            no_proxy: NoProxy::new(options.no_proxy.iter().map(String::as_str)),
            tls,
            identity: Arc::new(Identity {
                scheme,
                host,
                port,
                authorization: credentials.map(basic).transpose()?,
                connect_fields: connect_fields(options.connect_headers)?,
                always_tunnel: options.always_tunnel,
                ca_pem: options.ca_pem,
            }),
        })
    }

    fn skips(&self, target: &Target) -> bool {
        self.no_proxy.matches(target.host(), target.port())
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

    pub(crate) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
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
    connect_fields: Vec<(HeaderName, HeaderValue)>,
    always_tunnel: bool,
    ca_pem: Option<String>,
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

    pub(crate) fn always_tunnel(&self) -> bool {
        self.always_tunnel
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
