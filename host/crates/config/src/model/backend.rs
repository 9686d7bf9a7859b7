//! One entry of `backend`.

use std::{fmt, time::Duration};

use http::{HeaderName, Method, uri::Authority, uri::Scheme};

use crate::KeyPath;

use super::{BackendProxy, ClientTls, Manipulation, PluginUse, UrlPattern};

/// One entry of `backend`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Backend {
    /// Where it stands, such as `endpoints[3].backend[0]`.
    pub place: KeyPath,
    /// `host`, or the service's. Empty: every call fails, unless there is a
    /// `discovery`.
    pub hosts: Vec<BaseUrl>,
    /// `url_pattern`.
    pub url_pattern: UrlPattern,
    /// `method`, or the endpoint's.
    pub method: Method,
    /// The client's method is taken rather than `method`: a backend of
    /// `/__catchall` that names none.
    pub client_method: bool,
    /// `encoding`; [`Encoding::NoOp`] where the endpoint's output is.
    pub encoding: Encoding,
    /// `target`, `allow` and the like. Without effect on no-op.
    pub manipulation: Manipulation,
    /// `backend/http`: what a status other than 200 and 201 leads to.
    pub errors: BackendErrors,
    /// `shadow` of `proxy`: its answer is not waited for.
    pub shadow: Option<Shadow>,
    /// `sd`: where hosts come from other than `hosts`.
    pub discovery: Option<DnsDiscovery>,
    /// `input_headers`: a second filter; `None` lets all pass.
    pub input_headers: Option<Vec<HeaderName>>,
    /// `input_query_strings`: a second filter; `None` lets all pass.
    pub input_query_strings: Option<Vec<String>>,
    /// `plugin/http-client`.
    pub plugin: Option<PluginUse>,
    /// `plugin/req-resp-modifier`, in the order of the list.
    pub modifiers: Vec<PluginUse>,
    /// `backend/http/client`.
    pub http_client: HttpClient,
}

/// `encoding`: how a backend's answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `json`, `fast-json` and names nobody knows: an object.
    #[default]
    Json,
    /// `safejson`: any JSON.
    SafeJson,
    /// `xml`
    Xml,
    /// `rss`: RSS and Atom.
    Rss,
    /// `yaml`
    Yaml,
    /// `string`: the body as text.
    String,
    /// `no-op`: the body passes as it is.
    NoOp,
}

/// `shadow` of a backend's `proxy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shadow {
    /// `shadow_timeout`; `None` is the endpoint's timeout.
    pub timeout: Option<Duration>,
}

/// `backend/http`: what a status other than 200 and 201 leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BackendErrors {
    /// A failure that tells nothing of the answer.
    #[default]
    Fail,
    /// `return_error_code`: a failure with the answer's status and body.
    ReturnCode,
    /// `return_error_details`: data under `error_` and this name.
    ReturnDetails(String),
}

/// `sd: dns`: hosts come from SRV records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsDiscovery {
    /// The first `host`: the name to look up, without a scheme.
    pub name: String,
    /// `sd_scheme`: how the targets are spoken to.
    pub scheme: Scheme,
    /// `dns_cache_ttl` of the service: how long an answer is used. At least a
    /// second.
    pub ttl: Duration,
}

/// Base of a backend's URLs, such as `http://api.example.com:8080`.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Host and port, without user information.
    pub authority: Authority,
    /// User information of a host that is not sanitised, as written: a secret.
    pub userinfo: Option<String>,
    /// Path in front of the `url_pattern`; empty, or with a leading slash and
    /// without a trailing one.
    pub path: String,
}

/// Hides user information.
impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let userinfo = if self.userinfo.is_some() { "…@" } else { "" };
        let Self {
            scheme,
            authority,
            path,
            ..
        } = self;
        write!(f, "{scheme}://{userinfo}{authority}{path}")
    }
}

/// `backend/http/client` of a backend.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HttpClient {
    /// `proxy_address`, `proxy_pac` and what belongs to them.
    pub proxy: BackendProxy,
    /// `no_redirect`: a 3xx is handed back.
    pub no_redirect: bool,
    /// `send_body_on_redirect`: 307 and 308 with a body are followed.
    pub send_body_on_redirect: bool,
    /// `client_tls`: in place of the service's.
    pub tls: Option<ClientTls>,
}

impl Encoding {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::SafeJson => "safejson",
            Self::Xml => "xml",
            Self::Rss => "rss",
            Self::Yaml => "yaml",
            Self::String => "string",
            Self::NoOp => "no-op",
        }
    }
}
