//! Requests through a forward proxy.

use std::{fmt, time::Duration};

use crate::{Error, Request, Response, bindings::cuttle::plugin::forward_proxy as contract};

/// The way through one proxy. Opened once, in
/// [`HttpClient::new`](crate::HttpClient::new), and kept.
///
/// The proxy is never bypassed: when it cannot be used, the request fails.
///
/// ```
/// use cuttle_plugin_sdk::{
///     Error, HttpClient, Request, Response, SettingsError, forward_proxy::Transport,
/// };
///
/// #[derive(serde::Deserialize)]
/// struct Settings { proxy: String }
///
/// struct Plugin(Transport);
/// cuttle_plugin_sdk::export_http_client!(Plugin);
///
/// impl HttpClient for Plugin {
///     type Settings = Settings;
///     fn new(settings: Settings) -> Result<Self, SettingsError> {
///         let transport = Transport::builder(&settings.proxy).always_tunnel(true).open();
///         Ok(Self(transport.map_err(|error| SettingsError::at("proxy", error))?))
///     }
///     fn handle(&self, request: Request) -> Result<Response, Error> {
///         self.0.send(request)
///     }
/// }
/// ```
pub struct Transport(contract::Transport);

impl Transport {
    /// The way through the proxy at `address`: a URL with scheme, host and
    /// port, possibly with credentials.
    pub fn builder(address: &str) -> Builder {
        Builder {
            address: address.to_owned(),
            options: contract::Options {
                auth: None,
                connect_timeout_ms: None,
                connect_headers: Vec::new(),
                always_tunnel: false,
                ca: None,
                client_certificate: None,
                http2: false,
                no_proxy: Vec::new(),
                fallbacks: Vec::new(),
                spread: false,
            },
        }
    }

    /// Sends a request through the proxy and returns as soon as the head of the
    /// response is there.
    ///
    /// # Errors
    /// As of [`send`](crate::send), and [`Error::ProxyStatus`] if the proxy
    /// refuses a tunnel.
    pub fn send(&self, request: Request) -> Result<Response, Error> {
        let response = self.0.send(request.into_contract())?;
        Ok(Response::from_contract(response))
    }
}

/// How a proxy is to be used.
#[must_use = "nothing is opened before `open`"]
pub struct Builder {
    address: String,
    options: contract::Options,
}

impl Builder {
    /// Credentials, in place of those in the address. They appear in no log.
    pub fn basic_auth(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.auth = Some(contract::BasicAuth {
            username: username.into(),
            password: password.into(),
        });
        self
    }

    /// Limit for reaching the proxy, tunnel included, in whole milliseconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        let milliseconds = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        self.options.connect_timeout_ms = Some(milliseconds);
        self
    }

    /// One more field for `CONNECT`.
    pub fn connect_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.connect_headers.push(contract::FieldText {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Whether `CONNECT` is used for `http` targets too.
    pub fn always_tunnel(mut self, always: bool) -> Self {
        self.options.always_tunnel = always;
        self
    }

    /// Certificates (PEM) to trust in place of the system's when the proxy
    /// speaks TLS.
    pub fn ca(mut self, pem: impl Into<String>) -> Self {
        self.options.ca = Some(pem.into());
        self
    }

    /// Certificate chain and private key (PEM) for a proxy that speaks TLS and
    /// asks for one.
    pub fn client_certificate(mut self, pem: impl Into<String>) -> Self {
        self.options.client_certificate = Some(pem.into());
        self
    }

    /// Whether HTTP/2 is offered to the proxy.
    pub fn http2(mut self, offer: bool) -> Self {
        self.options.http2 = offer;
        self
    }

    /// One more target that is reached directly, as an entry of `NO_PROXY`.
    pub fn no_proxy(mut self, entry: impl Into<String>) -> Self {
        self.options.no_proxy.push(entry.into());
        self
    }

    /// One more proxy, for when those before cannot be reached.
    pub fn fallback(mut self, address: impl Into<String>) -> Self {
        self.options.fallbacks.push(address.into());
        self
    }

    /// Whether all proxies share the requests, instead of the first being
    /// preferred.
    pub fn spread(mut self, share: bool) -> Self {
        self.options.spread = share;
        self
    }

    /// Prepares the way. Opens no connection.
    ///
    /// # Errors
    /// [`Error::Denied`] for an address that stands neither in the settings of
    /// the plugin nor in a grant, [`Error::InvalidArgument`] for an address or
    /// an option that cannot be used.
    pub fn open(self) -> Result<Transport, Error> {
        let transport = contract::Transport::open(&self.address, Some(&self.options))?;
        Ok(Transport(transport))
    }
}

/// Without the address and the options: both may hold credentials.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}
