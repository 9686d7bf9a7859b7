//! Reading the address of a proxy.
//!
//! Two readers with one core: a setting must be complete, because a typing
//! error there would send traffic somewhere else; a variable of the environment
//! may leave scheme and port out, because others read it, too.
//!
//! No message repeats any part of an address before it is known not to be
//! credentials.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use crate::error::ProxyAddressError;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ProxyScheme {
    Http,
    Https,
    /// SOCKS5 (RFC 1928) with the target's address, looked up here.
    Socks5,
    /// SOCKS5 with the target's name, for the proxy to look up.
    Socks5h,
    /// SOCKS4a: as `Socks5h` with the older protocol.
    Socks4a,
}

impl ProxyScheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
            Self::Socks4a => "socks4a",
        }
    }

    /// Whether the proxy speaks SOCKS, so that it only ever carries bytes.
    pub(crate) fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h | Self::Socks4a)
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h | Self::Socks4a => 1080,
        }
    }
}

/// A proxy's address, taken apart. No `Debug`: it holds credentials.
pub(crate) struct ProxyAddress {
    pub(crate) scheme: ProxyScheme,
    /// In punycode; an IPv6 address in its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// User name and password, decoded.
    pub(crate) credentials: Option<(Vec<u8>, Vec<u8>)>,
}

impl ProxyAddress {
    /// Reads a setting: `scheme://[user[:password]@]host:port[/]`.
    pub(crate) fn strict(text: &str) -> Result<Self, ProxyAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            ProxyAddressError::new("needs a scheme, as in `http://proxy.example:3128`")
        })?;
        let (authority, tail) = split_authority(rest);
        if !matches!(tail, "" | "/") {
            return Err(ProxyAddressError::new(
                "must end after the port: a proxy has no path, query or fragment",
            ));
        }
        let (address, port) = parse(scheme, authority)?;
        let port = port.ok_or_else(|| {
            ProxyAddressError::new("needs a port, as in `http://proxy.example:3128`")
        })?;
        Ok(Self { port, ..address })
    }

    /// Reads a variable: the scheme is `http` and the port the scheme's own if
    /// they are left out; what follows the authority does not count.
    pub(crate) fn lenient(text: &str) -> Result<Self, ProxyAddressError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (authority, _) = split_authority(rest);
        parse(scheme, authority).map(|(address, _)| address)
    }
}

fn split_authority(rest: &str) -> (&str, &str) {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.split_at_checked(end).unwrap_or((rest, ""))
}

/// The address with the default port, and the port that was written.
fn parse(scheme: &str, authority: &str) -> Result<(ProxyAddress, Option<u16>), ProxyAddressError> {
    let scheme = parse_scheme(scheme)?;
    if authority.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(ProxyAddressError::new(
            "contains a blank, a line break or another control character",
        ));
    }
    let (credentials, place) = match authority.rsplit_once('@') {
        Some((userinfo, place)) => (Some(parse_userinfo(userinfo)?), place),
        None => (None, authority),
    };
    let (host, port) = split_port(place)?;
    let host = parse_host(host)?;
    let port = port.map(parse_port).transpose()?;
    let address = ProxyAddress {
        scheme,
        host,
        port: port.unwrap_or(scheme.default_port()),
        credentials,
    };
    Ok((address, port))
}

fn parse_scheme(scheme: &str) -> Result<ProxyScheme, ProxyAddressError> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(ProxyScheme::Http),
        "https" => Ok(ProxyScheme::Https),
        "socks5" => Ok(ProxyScheme::Socks5),
        "socks5h" => Ok(ProxyScheme::Socks5h),
        "socks4a" => Ok(ProxyScheme::Socks4a),
        "socks" => Err(ProxyAddressError::new(
            "does not say which SOCKS: write `socks5h://`, `socks5://` or `socks4a://`",
        )),
        "socks4" => Err(ProxyAddressError::new(
            "has the scheme `socks4`, which cannot carry names; use `socks4a://`",
        )),
        _ => Err(ProxyAddressError::new(
            "has an unknown scheme; use `http://`, `https://`, `socks5://`, `socks5h://` or \
             `socks4a://`",
        )),
    }
}

/// Decodes `user[:password]`. A missing password is an empty one.
fn parse_userinfo(userinfo: &str) -> Result<(Vec<u8>, Vec<u8>), ProxyAddressError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    Ok((decode(user)?, decode(password)?))
}

fn decode(text: &str) -> Result<Vec<u8>, ProxyAddressError> {
    let broken = text.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return Err(ProxyAddressError::new(
            "has a `%` in its credentials that starts no percent-encoding; write it as `%25`",
        ));
    }
    Ok(percent_decode_str(text).collect())
}

fn split_port(place: &str) -> Result<(&str, Option<&str>), ProxyAddressError> {
    let (host, rest) = match place.find(']') {
        Some(end) => place.split_at_checked(end + 1).unwrap_or((place, "")),
        None => place
            .split_at_checked(place.find(':').unwrap_or(place.len()))
            .unwrap_or((place, "")),
    };
    match rest.strip_prefix(':') {
        Some("") | None if rest.len() <= 1 => Ok((host, None)),
        Some(port) => Ok((host, Some(port))),
        None => Err(ProxyAddressError::new(
            "has something between host and port",
        )),
    }
}

fn parse_port(port: &str) -> Result<u16, ProxyAddressError> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse()
        .ok()
        .filter(|port| digits && *port != 0)
        .ok_or_else(|| ProxyAddressError::new("has a port that is not between 1 and 65535"))
}

fn parse_host(host: &str) -> Result<String, ProxyAddressError> {
    let broken = || {
        ProxyAddressError::new(
            "has a host that is neither a name nor an address (IPv6 ones need brackets; `@`, `/` \
             and `:` in credentials must be percent-encoded)",
        )
    };
    if host.is_empty() {
        return Err(ProxyAddressError::new(
            "needs a host, as in `http://proxy.example:3128`",
        ));
    }
    if let Some(v6) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let ip: Ipv6Addr = v6.parse().map_err(|_| broken())?;
        return Ok(format!("[{ip}]"));
    }
    let name = idna::domain_to_ascii(host).map_err(|_| broken())?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(broken());
    }
    Ok(name)
}
