//! The one place where the head of a client's request is checked and cleaned,
//! before anything else looks at it.
//!
//! What leaves here has exactly one usable host, an unambiguous length, and no
//! field that concerns only the connection it came by. Whatever cannot be
//! brought into that shape is refused; nothing is guessed.

pub mod body;
pub mod client_ip;
mod host;
mod refusal;

use cuttle_egress::remove_hop_by_hop;
use http::{HeaderValue, Method, Version, header, request::Parts, uri::Scheme};

pub use refusal::Refusal;

/// Bytes of a request target. Longer than any browser sends; a limit of its
/// own because the target is decoded, matched and logged.
pub const MAX_TARGET_BYTES: usize = 16 * 1024;

/// What a head looked like on the wire.
///
/// hyper drops a `Content-Length` that stands beside a `Transfer-Encoding`,
/// merges equal ones and forgives line ends, so the listener reads the raw head
/// and hands its verdict on as an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Nothing to object to.
    #[default]
    Clean,
    /// Both `Transfer-Encoding` and `Content-Length`.
    Both,
    /// `Transfer-Encoding` is not exactly one `chunked`, or came by HTTP/1.0.
    TransferEncoding,
    /// `Content-Length` is there twice or is not a number.
    ContentLength,
    /// The head has more bytes than `max_header_bytes`.
    TooLarge,
    /// A line ends with LF alone, which others do not take for its end.
    LineEnd,
    /// The target has a fragment, which no client may send and hyper cuts off.
    Fragment,
}

/// A head that may be routed.
#[derive(Debug)]
pub struct Head {
    /// Host the client asked for, with its port if it named one. Empty only
    /// for an HTTP/1.0 request without `Host`.
    pub host: String,
    /// `OPTIONS *`: about the server, not about a path.
    pub asterisk: bool,
}

/// Checks `parts` and removes what must not go further.
///
/// # Errors
/// The first reason to refuse the request; the connection is to be closed.
pub fn clean(parts: &mut Parts) -> Result<Head, Refusal> {
    check_method(&parts.method)?;
    check_framing(parts)?;
    let asterisk = check_target(parts)?;
    let host = host::of(parts)?;
    remove_hop_by_hop(&mut parts.headers);
    strip_gateway_fields(parts);
    Ok(Head { host, asterisk })
}

/// CONNECT would make an open proxy of the gateway, TRACE would show a client
/// what proxies in front of it added.
fn check_method(method: &Method) -> Result<(), Refusal> {
    if method == Method::CONNECT || method == Method::TRACE {
        return Err(Refusal::Method);
    }
    Ok(())
}

/// RFC 9112 section 6: a request whose length can be read in two ways is
/// refused, also where the RFC allows to repair it.
fn check_framing(parts: &Parts) -> Result<(), Refusal> {
    match parts.extensions.get().copied().unwrap_or_default() {
        Framing::Clean => {}
        Framing::Both => return Err(Refusal::LengthTwice),
        Framing::TransferEncoding => return Err(Refusal::TransferEncoding),
        Framing::ContentLength => return Err(Refusal::ContentLength),
        Framing::TooLarge => return Err(Refusal::HeadTooLarge),
        Framing::LineEnd => return Err(Refusal::LineEnd),
        Framing::Fragment => return Err(Refusal::Target),
    }
    check_transfer_encoding(parts)?;
    check_content_length(parts)
}

fn check_transfer_encoding(parts: &Parts) -> Result<(), Refusal> {
    let mut values = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(first) = values.next() else {
        return Ok(());
    };
    let chunked = first.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !chunked || values.next().is_some() || parts.version != Version::HTTP_11 {
        return Err(Refusal::TransferEncoding);
    }
    if parts.headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Refusal::LengthTwice);
    }
    Ok(())
}

fn check_content_length(parts: &Parts) -> Result<(), Refusal> {
    let mut values = parts.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = values.next() else {
        return Ok(());
    };
    if values.next().is_some() || length(first).is_none() {
        return Err(Refusal::ContentLength);
    }
    Ok(())
}

/// Digits only: `parse` alone would take a `+`.
fn length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// RFC 9112 section 3.2. True for the asterisk form.
fn check_target(parts: &Parts) -> Result<bool, Refusal> {
    let uri = &parts.uri;
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if target > MAX_TARGET_BYTES {
        return Err(Refusal::TargetTooLong);
    }
    let http = uri
        .scheme()
        .is_none_or(|s| *s == Scheme::HTTP || *s == Scheme::HTTPS);
    let asterisk = uri.path() == "*";
    let rooted = uri.path().starts_with('/');
    match http && (rooted || asterisk && parts.method == Method::OPTIONS) {
        true => Ok(asterisk),
        false => Err(Refusal::Target),
    }
}

/// Fields that only this gateway may act on.
fn strip_gateway_fields(parts: &mut Parts) {
    // CGI programs behind the gateway read `Proxy` as `HTTP_PROXY` ("httpoxy").
    parts.headers.remove("proxy");
    // The listener has answered it; a backend would answer a second time.
    parts.headers.remove(header::EXPECT);
    // Says nothing that the body does not say itself.
    parts.headers.remove(header::TRANSFER_ENCODING);
}

#[cfg(test)]
mod tests;
