//! Why a call failed.

use std::{fmt, io, string::FromUtf8Error};

use http::StatusCode;

use crate::{Response, bindings::cuttle::plugin::types};

/// Why something failed.
///
/// As the result of `handle` each is the answer 500 for the client and a line
/// with its text for the operator, except [`Status`](Self::Status).
///
/// ```
/// use cuttle_plugin_sdk::Error;
///
/// fn port(text: &str) -> Result<u16, Error> {
///     text.parse().map_err(Error::other)
/// }
/// assert_eq!(port("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not a failure of the plugin but its answer: the client gets this status
    /// (200 to 599) and this text. Of a [`Modifier`](crate::Modifier) it is a
    /// [`Refusal`](crate::Refusal).
    Status(StatusCode, String),
    /// A method, URI, field, status or option that cannot be used.
    InvalidArgument(String),
    /// The operator has not granted this.
    Denied(String),
    /// A host name could not be resolved.
    Dns(String),
    /// No connection to the backend or to the proxy.
    Connect(String),
    /// The connection was not there in time.
    ConnectTimeout,
    /// The forward proxy refused the tunnel with this status.
    ProxyStatus(u16),
    /// TLS with the backend or with the proxy failed.
    Tls(String),
    /// The time left for the request is used up.
    Timeout,
    /// The peer does not speak HTTP as it should.
    Protocol(String),
    /// A body broke off, was longer than a limit allows, or is not what it
    /// should be.
    Body(String),
    /// The client of the gateway has gone away, or the gateway is about to.
    Cancelled,
    /// Anything else.
    Other(String),
}

impl Error {
    /// Anything that has a text, for `map_err`.
    pub fn other(reason: impl fmt::Display) -> Self {
        Self::Other(reason.to_string())
    }

    /// An answer with this status and text in place of a failure.
    pub fn status(status: StatusCode, text: impl Into<String>) -> Self {
        Self::Status(status, text.into())
    }

    /// The response that is meant, or the error of the contract.
    pub(crate) fn into_answer(self) -> Result<Response, types::Error> {
        match self {
            Self::Status(status, text) => Response::text(status, &text)
                .map_err(|error| types::Error::Other(error.to_string())),
            other => Err(other.into_contract()),
        }
    }

    /// The error of the contract.
    pub(crate) fn into_contract(self) -> types::Error {
        match self {
            Self::Status(..) => types::Error::Other(self.to_string()),
            Self::InvalidArgument(text) => types::Error::InvalidArgument(text),
            Self::Denied(text) => types::Error::Denied(text),
            Self::Dns(text) => types::Error::Dns(text),
            Self::Connect(text) => types::Error::Connect(text),
            Self::ConnectTimeout => types::Error::ConnectTimeout,
            Self::ProxyStatus(status) => types::Error::ProxyStatus(status),
            Self::Tls(text) => types::Error::Tls(text),
            Self::Timeout => types::Error::Timeout,
            Self::Protocol(text) => types::Error::Protocol(text),
            Self::Body(text) => types::Error::Body(text),
            Self::Cancelled => types::Error::Cancelled,
            Self::Other(text) => types::Error::Other(text),
        }
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::InvalidArgument(text) => Self::InvalidArgument(text),
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::Dns(text) => Self::Dns(text),
            types::Error::Connect(text) => Self::Connect(text),
            types::Error::ConnectTimeout => Self::ConnectTimeout,
            types::Error::ProxyStatus(status) => Self::ProxyStatus(status),
            types::Error::Tls(text) => Self::Tls(text),
            types::Error::Timeout => Self::Timeout,
            types::Error::Protocol(text) => Self::Protocol(text),
            types::Error::Body(text) => Self::Body(text),
            types::Error::Cancelled => Self::Cancelled,
            types::Error::Other(text) => Self::Other(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, text) => write!(f, "{}: {text}", status.as_u16()),
            Self::InvalidArgument(text)
            | Self::Denied(text)
            | Self::Dns(text)
            | Self::Connect(text)
            | Self::Tls(text)
            | Self::Protocol(text)
            | Self::Body(text)
            | Self::Other(text) => f.write_str(text),
            Self::ConnectTimeout => f.write_str("no connection in time"),
            Self::ProxyStatus(status) => write!(f, "the proxy answers {status}"),
            Self::Timeout => f.write_str("the time for the request is used up"),
            Self::Cancelled => f.write_str("nobody waits for the answer"),
        }
    }
}

impl std::error::Error for Error {}

/// JSON that a peer has sent and that is not as expected. Values of the peer
/// are part of the text.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Body(format!("not the JSON expected: {error}"))
    }
}

impl From<FromUtf8Error> for Error {
    fn from(error: FromUtf8Error) -> Self {
        Self::Body(format!("not UTF-8: {error}"))
    }
}

/// The error of a body that was read or written by `std::io`, again.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(other) => Self::other(other),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_its_way_through_io() {
        let error = Error::ProxyStatus(407);
        assert_eq!(Error::from(io::Error::from(error.clone())), error);
        let foreign = io::Error::new(io::ErrorKind::UnexpectedEof, "early");
        assert_eq!(Error::from(foreign), Error::Other("early".into()));
    }

    #[test]
    fn every_error_of_the_contract_comes_back_as_itself() {
        let text = || "why".to_owned();
        let errors = [
            Error::InvalidArgument(text()),
            Error::Denied(text()),
            Error::Dns(text()),
            Error::Connect(text()),
            Error::ConnectTimeout,
            Error::ProxyStatus(407),
            Error::Tls(text()),
            Error::Timeout,
            Error::Protocol(text()),
            Error::Body(text()),
            Error::Cancelled,
            Error::Other(text()),
        ];
        for error in errors {
            let Err(contract) = error.clone().into_answer() else {
                panic!("{error:?} is an answer");
            };
            assert_eq!(Error::from(contract), error);
        }
    }

    #[test]
    fn what_fails_while_a_body_is_read_is_about_the_body() {
        let json = serde_json::from_str::<u8>("x").unwrap_err();
        assert!(matches!(Error::from(json), Error::Body(_)));
        let text = String::from_utf8(vec![0xff]).unwrap_err();
        assert!(matches!(Error::from(text), Error::Body(_)));
    }
}
