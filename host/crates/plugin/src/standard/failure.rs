//! Errors in the words of `wasi:http`, and back in those of the contract.

use std::error::Error as StdError;

use cuttle_egress::BoxError;
use wasmtime_wasi_http::Error;

use crate::{PluginFailure, host::body_failure, log::printable};

/// What a guest is told about a failed send.
pub(super) fn send_error(failure: &PluginFailure) -> Error {
    match failure {
        PluginFailure::InvalidArgument(_) => Error::HttpRequestUriInvalid,
        PluginFailure::Denied(_) => Error::HttpRequestDenied,
        PluginFailure::Dns(_) => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        PluginFailure::Connect(_) => Error::ConnectionRefused,
        PluginFailure::ConnectTimeout => Error::ConnectionTimeout,
        PluginFailure::ProxyStatus(_) => Error::DestinationUnavailable,
        PluginFailure::Tls(_) => Error::TlsProtocolError,
        PluginFailure::Timeout => Error::HttpResponseTimeout,
        PluginFailure::Body(_) | PluginFailure::Cancelled => Error::ConnectionTerminated,
        PluginFailure::Protocol(_) => Error::HttpProtocolError,
        PluginFailure::Other(_) => Error::InternalError(None),
    }
}

/// What a guest is told about a body that broke off.
#[expect(
    clippy::needless_pass_by_value,
    reason = "in this form it converts the errors of bodies"
)]
pub(crate) fn body_error(error: BoxError) -> Error {
    let error: &(dyn StdError + 'static) = error.as_ref();
    match crate::host::plugin_failure(body_failure(error)) {
        PluginFailure::Timeout => Error::HttpResponseTimeout,
        _ => Error::HttpResponseIncomplete,
    }
}

/// What the gateway is told by a guest.
pub(crate) fn plugin_failure(error: &Error) -> PluginFailure {
    let text = || printable(&error.to_string());
    match error {
        Error::HttpRequestDenied | Error::DestinationIpProhibited => PluginFailure::Denied(text()),
        Error::DnsTimeout | Error::DnsError { .. } => PluginFailure::Dns(text()),
        Error::ConnectionTimeout => PluginFailure::ConnectTimeout,
        Error::ConnectionReadTimeout
        | Error::ConnectionWriteTimeout
        | Error::HttpResponseTimeout => PluginFailure::Timeout,
        Error::DestinationNotFound
        | Error::DestinationUnavailable
        | Error::DestinationIpUnroutable
        | Error::ConnectionRefused
        | Error::ConnectionTerminated
        | Error::ConnectionLimitReached => PluginFailure::Connect(text()),
        Error::TlsProtocolError | Error::TlsCertificateError | Error::TlsAlertReceived { .. } => {
            PluginFailure::Tls(text())
        }
        Error::HttpRequestMethodInvalid
        | Error::HttpRequestUriInvalid
        | Error::HttpRequestUriTooLong => PluginFailure::InvalidArgument(text()),
        Error::HttpRequestBodySize(_)
        | Error::HttpResponseBodySize(_)
        | Error::HttpResponseIncomplete => PluginFailure::Body(text()),
        Error::HttpProtocolError | Error::HttpResponseTransferCoding(_) => {
            PluginFailure::Protocol(text())
        }
        _ => PluginFailure::Other(text()),
    }
}
