use std::fmt;

use http::StatusCode;

/// Why a head cannot be used. Always the client's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// CONNECT or TRACE.
    Method,
    /// A target that is neither a path, an http URL nor `OPTIONS *`.
    Target,
    /// More than [`MAX_TARGET_BYTES`](super::MAX_TARGET_BYTES).
    TargetTooLong,
    /// HTTP/1.1 without `Host` (RFC 9112 section 3.2).
    HostMissing,
    /// More than one `Host`, or one that contradicts `:authority`.
    HostTwice,
    /// A `Host` that is no host.
    HostInvalid,
    /// `Transfer-Encoding` other than exactly one `chunked`.
    TransferEncoding,
    /// `Content-Length` more than once or not a number.
    ContentLength,
    /// `Transfer-Encoding` and `Content-Length`.
    LengthTwice,
    /// More bytes than `max_header_bytes`.
    HeadTooLarge,
    /// A line that ends with LF alone (RFC 9112 section 2.2 lets us choose).
    LineEnd,
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::NOT_IMPLEMENTED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "method not supported",
            Self::Target => "invalid request target",
            Self::TargetTooLong => "request target too long",
            Self::HostMissing => "missing required Host header",
            Self::HostTwice => "more than one host",
            Self::HostInvalid => "malformed Host header",
            Self::TransferEncoding => "unsupported transfer encoding",
            Self::ContentLength => "invalid Content-Length",
            Self::LengthTwice => "both Transfer-Encoding and Content-Length",
            Self::HeadTooLarge => "request header too large",
            Self::LineEnd => "a line that does not end with CR LF",
        })
    }
}

impl std::error::Error for Refusal {}
