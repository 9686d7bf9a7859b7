//! `backend/http/client`: which forward proxy, and how it is used.

use std::{fmt, path::PathBuf, time::Duration};

use http::HeaderName;

use crate::KeyPath;

/// Which way a backend is reached.
#[derive(Debug, Clone, Default)]
pub enum BackendProxy {
    /// Not said: what the environment says.
    #[default]
    Environment,
    /// `"proxy_address": "direct"`: none.
    Direct,
    /// By forward proxies.
    Forward(Box<ForwardProxy>),
}

/// The `proxy_…` keys of `backend/http/client`, and `no_proxy`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ForwardProxy {
    /// Place of the object, for problems that are found when it is used.
    pub place: KeyPath,
    /// Who says which proxy.
    pub source: ProxySource,
    /// `proxy_username`: in place of the one in the address.
    pub username: Option<Reference>,
    /// `proxy_password`. Never without a user name.
    pub password: Option<Reference>,
    /// `proxy_connect_headers`: more fields for `CONNECT`.
    pub connect_headers: Vec<(HeaderName, Reference)>,
    /// `no_proxy`: targets that are reached directly, one entry each.
    pub no_proxy: Vec<String>,
    /// `proxy_tunnel`: `CONNECT` for `http` hosts, too.
    pub tunnel: bool,
    /// `proxy_ca`: where the certificates (PEM) to trust a proxy with stand.
    pub ca: Option<Reference>,
    /// `proxy_client_certificate`: chain and key (PEM) to show to a proxy.
    pub client_certificate: Option<Reference>,
    /// `proxy_http2`: HTTP/2 with the proxy.
    pub http2: bool,
    /// `proxy_connect_timeout`: limit for reaching a proxy, tunnel included;
    /// `None` leaves it to the endpoint's timeout.
    pub connect_timeout: Option<Duration>,
}

/// Who says which proxy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProxySource {
    /// `proxy_address`.
    Addresses {
        /// Never empty; in the order of the file.
        addresses: Vec<ProxyAddress>,
        /// `proxy_sharing`.
        sharing: ProxySharing,
    },
    /// `proxy_pac`: a script in this file.
    Pac(PathBuf),
}

/// `proxy_sharing`: which of several proxies a request tries first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxySharing {
    /// `"order"`: the first that is usable.
    #[default]
    Order,
    /// `"spread"`: each in turn.
    Spread,
}

/// An address of `proxy_address`, not yet taken apart.
#[derive(Clone)]
pub struct ProxyAddress {
    /// As written. May hold credentials, so `Debug` hides it.
    pub text: String,
    /// Where it stands.
    pub place: KeyPath,
}

/// A value that may stand elsewhere, so that the file holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Reference {
    /// The value itself. `Debug` hides it.
    Text(String),
    /// `{"env": "NAME"}`: in this environment variable.
    Variable(String),
    /// `{"file": "path"}`: in this file, a line break at its end left out.
    File(PathBuf),
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAddress")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Variable(name) => f.debug_tuple("Variable").field(name).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}
