//! Why a call produced no response.

use std::{borrow::Cow, error::Error as StdError, fmt, path::PathBuf};

/// A cause that only the log looks at.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call produced no response, or why the body of one broke off.
///
/// `Display` says which peer, which step and which status, for an operator; it
/// never contains credentials. The cause, where there is one, is in
/// [`source`](StdError::source). There is no HTTP status for the client here.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    text: Cow<'static, str>,
    source: Option<BoxError>,
}

impl Error {
    /// An error of `kind`, described by `text` without any secret in it.
    pub fn new(kind: ErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            text: text.into(),
            source: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What somebody who has to decide needs to know.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Kinds of failure, one for each thing a caller may do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be sent as it is, such as one without a host.
    InvalidRequest,
    /// A rule forbids the way, such as the CGI guard of `HTTP_PROXY`.
    Denied,
    /// A [`Gate`](crate::Gate) does not allow the addresses of the target.
    AddressDenied,
    /// A name could not be resolved.
    Dns,
    /// No connection to the target or the proxy.
    Connect,
    /// The connection was not there within its own limit, with time left for
    /// the call.
    ConnectTimeout,
    /// The proxy refused with this status: the tunnel, or (407) the request.
    ProxyStatus(u16),
    /// The SOCKS proxy refused the connection with this reply: 1 to 8 for
    /// SOCKS5 (RFC 1928, section 6), 91 to 93 for SOCKS4.
    SocksReply(u8),
    /// The SOCKS proxy wants credentials, or others.
    ProxyAuthentication,
    /// TLS with the target or the proxy failed.
    Tls,
    /// The deadline, or the limit for the head of the response, was reached.
    Timeout,
    /// The peer does not speak HTTP as it should.
    Protocol,
    /// The body of the request broke off; the cause is its own error.
    RequestBody,
    /// The peer closed the connection before the message was complete.
    Closed,
}

/// Why a [`Client`](crate::Client) cannot be built.
#[derive(Debug)]
pub struct BuildError {
    /// The file that is to blame, where it is one.
    pub file: Option<PathBuf>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}: {}", file.display(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl StdError for BuildError {}

/// Why a proxy cannot be used. Never repeats what might be credentials.
#[derive(Debug)]
pub struct ProxyAddressError {
    /// What is wrong, and for a variable of the environment which one.
    pub message: String,
}

impl ProxyAddressError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for ProxyAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ProxyAddressError {}
