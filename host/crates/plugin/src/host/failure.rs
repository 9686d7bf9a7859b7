//! Errors of the gateway's HTTP client and of bodies, in the contract's words.

use std::error::Error as StdError;

use cuttle_egress::ErrorKind;

use crate::{CallError, PluginFailure, bindings::cuttle::plugin::types::Error, log::printable};

/// What a plugin is told about a failed send.
pub(crate) fn send_failure(error: &cuttle_egress::Error) -> Error {
    let text = || chain(error);
    match error.kind() {
        ErrorKind::InvalidRequest => Error::InvalidArgument(text()),
        ErrorKind::Denied | ErrorKind::AddressDenied => Error::Denied(text()),
        ErrorKind::Dns => Error::Dns(text()),
        ErrorKind::Connect | ErrorKind::SocksReply(_) => Error::Connect(text()),
        ErrorKind::ConnectTimeout => Error::ConnectTimeout,
        ErrorKind::ProxyStatus(status) => Error::ProxyStatus(status),
        ErrorKind::ProxyAuthentication => Error::ProxyStatus(407),
        ErrorKind::Tls => Error::Tls(text()),
        ErrorKind::Timeout => Error::Timeout,
        ErrorKind::Protocol | ErrorKind::Closed => Error::Protocol(text()),
        ErrorKind::RequestBody => Error::Body(text()),
        _ => Error::Other(text()),
    }
}

/// What a plugin is told about a body that broke off.
pub(crate) fn body_failure(error: &(dyn StdError + 'static)) -> Error {
    match error.downcast_ref::<cuttle_egress::Error>() {
        Some(error) if matches!(error.kind(), ErrorKind::Timeout) => Error::Timeout,
        _ => Error::Body(chain(error)),
    }
}

/// What the gateway is told by a plugin: somebody else's text.
pub(crate) fn plugin_failure(error: Error) -> PluginFailure {
    match error {
        Error::InvalidArgument(text) => PluginFailure::InvalidArgument(printable(&text)),
        Error::Denied(text) => PluginFailure::Denied(printable(&text)),
        Error::Dns(text) => PluginFailure::Dns(printable(&text)),
        Error::Connect(text) => PluginFailure::Connect(printable(&text)),
        Error::ConnectTimeout => PluginFailure::ConnectTimeout,
        Error::ProxyStatus(status) => PluginFailure::ProxyStatus(status),
        Error::Tls(text) => PluginFailure::Tls(printable(&text)),
        Error::Timeout => PluginFailure::Timeout,
        Error::Protocol(text) => PluginFailure::Protocol(printable(&text)),
        Error::Body(text) => PluginFailure::Body(printable(&text)),
        Error::Cancelled => PluginFailure::Cancelled,
        Error::Other(text) => PluginFailure::Other(printable(&text)),
    }
}

/// What a plugin is told about the failure of one behind it.
pub(crate) fn following_failure(error: &CallError) -> Error {
    match error {
        CallError::Failed { error, .. } => contract(error.clone()),
        CallError::Deadline { .. } => Error::Timeout,
        other => Error::Other(other.to_string()),
    }
}

/// The way back of [`plugin_failure`].
pub(super) fn contract(failure: PluginFailure) -> Error {
    match failure {
        PluginFailure::InvalidArgument(text) => Error::InvalidArgument(text),
        PluginFailure::Denied(text) => Error::Denied(text),
        PluginFailure::Dns(text) => Error::Dns(text),
        PluginFailure::Connect(text) => Error::Connect(text),
        PluginFailure::ConnectTimeout => Error::ConnectTimeout,
        PluginFailure::ProxyStatus(status) => Error::ProxyStatus(status),
        PluginFailure::Tls(text) => Error::Tls(text),
        PluginFailure::Timeout => Error::Timeout,
        PluginFailure::Protocol(text) => Error::Protocol(text),
        PluginFailure::Body(text) => Error::Body(text),
        PluginFailure::Cancelled => Error::Cancelled,
        PluginFailure::Other(text) => Error::Other(text),
    }
}

/// An error with its causes, in one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
