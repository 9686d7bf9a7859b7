//! Which host a request is for (RFC 9112 section 3.2, RFC 9113 section 8.3.1).

use http::{HeaderMap, Version, header, request::Parts, uri::Authority};

use super::Refusal;

/// The target's own authority wins over the `Host` field, which must be usable
/// all the same: the next hop might decide the other way.
pub(super) fn of(parts: &Parts) -> Result<String, Refusal> {
    let field = field(&parts.headers)?;
    let named = match parts.uri.authority() {
        Some(authority) => Some(checked(authority.as_str())?),
        None => None,
    };
    match (named, field) {
        (Some(named), Some(field)) if parts.version == Version::HTTP_2 && !same(&named, &field) => {
            Err(Refusal::HostTwice)
        }
        (Some(_), None) if parts.version == Version::HTTP_11 => Err(Refusal::HostMissing),
        (Some(named), _) => Ok(named),
        (None, Some(field)) => Ok(field),
        (None, None) if parts.version < Version::HTTP_11 => Ok(String::new()),
        (None, None) => Err(Refusal::HostMissing),
    }
}

fn field(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(header::HOST).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Refusal::HostTwice);
    }
    let text = first.to_str().map_err(|_| Refusal::HostInvalid)?;
    checked(text).map(Some)
}

/// A host with or without a port; no user information, nothing else.
fn checked(text: &str) -> Result<String, Refusal> {
    if is_plain(text) {
        return Ok(text.to_owned());
    }
    let authority: Authority = text.parse().map_err(|_| Refusal::HostInvalid)?;
    let host = authority.host();
    let bracketed = host.starts_with('[');
    let good = !host.is_empty()
        && !text.contains('@')
        && (bracketed == host.contains(':'))
        && host.bytes().all(|byte| is_host_byte(byte, bracketed))
        && port_is_valid(text.strip_prefix(host));
    match good {
        true => Ok(text.to_owned()),
        false => Err(Refusal::HostInvalid),
    }
}

/// Bytes of a name in the DNS.
const MAX_NAME: usize = 253;

/// Whether `text` is of the common kind, which every parser reads alike:
/// letters, digits, hyphens and dots, and perhaps a port.
fn is_plain(text: &str) -> bool {
    let host = text.bytes().take_while(|byte| *byte != b':').count();
    let Some((host, port)) = text.split_at_checked(host) else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=MAX_NAME).contains(&host.len()) && host.bytes().all(plain) && port_is_valid(Some(port))
}

/// RFC 3986 section 3.2.2.
fn is_host_byte(byte: u8, bracketed: bool) -> bool {
    byte.is_ascii_alphanumeric()
        || b"-._~%!$&'()*+,;=".contains(&byte)
        || bracketed && b"[:]".contains(&byte)
}

fn port_is_valid(rest: Option<&str>) -> bool {
    match rest.map(|rest| rest.strip_prefix(':').unwrap_or(rest)) {
        None => false,
        Some("") => true,
        Some(port) => port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
