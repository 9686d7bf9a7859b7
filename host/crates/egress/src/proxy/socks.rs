//! Credentials of SOCKS proxies.

use super::address::ProxyScheme;
use crate::error::ProxyAddressError;

/// User and password as SOCKS carries them. No `Debug`.
#[derive(PartialEq, Eq)]
pub(crate) struct SocksCredentials {
    pub(crate) user: Vec<u8>,
    /// Empty for SOCKS4a. RFC 1929 wants at least one byte; servers take none,
    /// and Go and curl send it.
    pub(crate) password: Vec<u8>,
}

impl SocksCredentials {
    /// Checks the limits: 1 to 255 bytes for the user and at most 255 for the
    /// password (RFC 1929, section 2); SOCKS4a ends the user with a zero byte
    /// and knows no password.
    pub(super) fn new(
        scheme: ProxyScheme,
        (user, password): (Vec<u8>, Vec<u8>),
    ) -> Result<Self, ProxyAddressError> {
        let wrong = match scheme {
            _ if user.is_empty() => Some("has an empty user name, which SOCKS cannot carry"),
            ProxyScheme::Socks4a if !password.is_empty() => {
                Some("has a password, which SOCKS4a cannot carry; use `socks5h://`")
            }
            ProxyScheme::Socks4a if user.contains(&0) => {
                Some("has a zero byte in its user name, which SOCKS4a cannot carry")
            }
            _ if user.len() > 255 => Some("has a user name of more than 255 bytes"),
            _ if password.len() > 255 => Some("has a password of more than 255 bytes"),
            _ => None,
        };
        match wrong {
            Some(message) => Err(ProxyAddressError::new(message)),
            None => Ok(Self { user, password }),
        }
    }
}
