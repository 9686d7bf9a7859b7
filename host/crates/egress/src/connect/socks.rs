//! Opening a tunnel through a SOCKS proxy: SOCKS5 (RFC 1928) with user and
//! password (RFC 1929), and SOCKS4a.
//!
//! Every answer has a length that is known from its first bytes, so exactly as
//! much is read as belongs to it, in however many pieces it comes: at most 262
//! bytes. What follows belongs to the tunnel.

use std::{io, net::IpAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::BoxedIo;
use crate::{
    error::{Error, ErrorKind},
    proxy::{Proxy, ProxyScheme, SocksCredentials},
};

const VERSION_5: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
/// Of the negotiation in RFC 1929, which has a version of its own.
const AUTHENTICATION_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

const VERSION_4: u8 = 4;
const GRANTED_4: u8 = 90;
/// An address that cannot be: "the name follows" (SOCKS4a).
const NAME_FOLLOWS: [u8; 4] = [0, 0, 0, 1];

/// What the proxy is to connect to: a host and its port.
pub(super) struct Place<'a> {
    host: Host<'a>,
    port: u16,
}

enum Host<'a> {
    Address(IpAddr),
    Name(&'a str),
}

impl<'a> Place<'a> {
    /// `host` as it stands in the target; nothing is looked up.
    pub(super) fn new(host: &'a str, port: u16) -> Self {
        let host = match host.parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(host),
        };
        Self { host, port }
    }

    /// An address that was looked up here.
    pub(super) fn at(address: IpAddr, port: u16) -> Self {
        Self {
            host: Host::Address(address),
            port,
        }
    }
}

/// Asks `proxy` at the other end of `io` for a tunnel to `place`. `target` is
/// how errors call it.
pub(super) async fn open(
    io: BoxedIo,
    proxy: &Proxy,
    place: &Place<'_>,
    target: &str,
) -> Result<BoxedIo, Error> {
    let mut exchange = Exchange { io, proxy, target };
    match proxy.identity().scheme() {
        ProxyScheme::Socks4a => exchange.version_4(place).await?,
        _ => exchange.version_5(place).await?,
    }
    Ok(exchange.io)
}

/// Whether another address of the target may fare better.
pub(super) fn is_about_address(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::SocksReply(1 | 3 | 4 | 5 | 6 | 8))
}

/// A conversation with the proxy.
struct Exchange<'a> {
    io: BoxedIo,
    proxy: &'a Proxy,
    target: &'a str,
}

impl Exchange<'_> {
    async fn version_5(&mut self, place: &Place<'_>) -> Result<(), Error> {
        let request = request_5(place)?;
        let credentials = self.proxy.identity().socks_credentials();
        let greeting: &[u8] = match credentials {
            None => &[VERSION_5, 1, NO_AUTHENTICATION],
            Some(_) => &[VERSION_5, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
        };
        self.send(greeting, "the greeting").await?;
        let [version, method] = self.receive("the greeting").await?;
        if version != VERSION_5 {
            return Err(self.garbage("does not speak SOCKS5"));
        }
        match (method, credentials) {
            (NO_AUTHENTICATION, _) => {}
            (USER_AND_PASSWORD, Some(credentials)) => self.authenticate(credentials).await?,
            (NO_METHOD, None) => return Err(self.denied("wants credentials, and has none")),
            (NO_METHOD, Some(_)) => return Err(self.denied("takes no user and password")),
            _ => return Err(self.garbage("chose a method that it was not offered")),
        }
        self.send(&request, "the request").await?;
        self.reply_5().await
    }

    async fn authenticate(&mut self, credentials: &SocksCredentials) -> Result<(), Error> {
        let mut message = vec![AUTHENTICATION_VERSION];
        for text in [&credentials.user, &credentials.password] {
            message.push(length(text)?);
            message.extend_from_slice(text);
        }
        self.send(&message, "the authentication").await?;
        let [_version, status] = self.receive("the authentication").await?;
        match status {
            SUCCEEDED => Ok(()),
            _ => Err(self.denied("refused the credentials")),
        }
    }

    /// A refusal counts from its second byte on: some proxies send no more.
    async fn reply_5(&mut self) -> Result<(), Error> {
        let [version, reply] = self.receive("the request").await?;
        if version != VERSION_5 {
            return Err(self.garbage("sent a reply that is not SOCKS5"));
        }
        if reply != SUCCEEDED {
            return Err(self.refused(reply, meaning_5(reply)));
        }
        let [_reserved, kind] = self.receive("the request").await?;
        let address = match kind {
            IPV4 => 4,
            IPV6 => 16,
            NAME => {
                let [length] = self.receive("the request").await?;
                usize::from(length)
            }
            _ => return Err(self.garbage("sent a reply with an unknown kind of address")),
        };
        // The address it connects from, which is of no use here, and its port.
        let mut bound = vec![0; address + 2];
        let read = self.io.read_exact(&mut bound).await;
        read.map_err(|error| self.broken("the request", error))?;
        Ok(())
    }

    async fn version_4(&mut self, place: &Place<'_>) -> Result<(), Error> {
        let user = self.proxy.identity().socks_credentials();
        let request = request_4(place, user)?;
        self.send(&request, "the request").await?;
        let [version, reply] = self.receive("the request").await?;
        if version != 0 {
            return Err(self.garbage("does not speak SOCKS4"));
        }
        match reply {
            GRANTED_4 => {}
            92 | 93 => return Err(self.denied("refused the user name")),
            _ => return Err(self.refused(reply, "rejected or failed")),
        }
        self.receive::<6>("the request").await.map(|_bound| ())
    }

    async fn send(&mut self, bytes: &[u8], step: &str) -> Result<(), Error> {
        let sent = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        sent.await.map_err(|error| self.broken(step, error))
    }

    async fn receive<const LENGTH: usize>(&mut self, step: &str) -> Result<[u8; LENGTH], Error> {
        let mut bytes = [0; LENGTH];
        let read = self.io.read_exact(&mut bytes).await;
        read.map_err(|error| self.broken(step, error))?;
        Ok(bytes)
    }

    fn broken(&self, step: &str, error: io::Error) -> Error {
        let text = format!(
            "proxy {} closed the connection during {step} instead of opening a tunnel to {}",
            self.proxy.label(),
            self.target
        );
        Error::new(ErrorKind::Closed, text).caused_by(error)
    }

    fn garbage(&self, what: &str) -> Error {
        let text = format!("proxy {} {what}", self.proxy.label());
        Error::new(ErrorKind::Protocol, text)
    }

    fn denied(&self, what: &str) -> Error {
        let text = format!("proxy {} {what}", self.proxy.label());
        Error::new(ErrorKind::ProxyAuthentication, text)
    }

    fn refused(&self, reply: u8, meaning: &str) -> Error {
        let text = format!(
            "proxy {} refused the tunnel to {} with reply {reply}: {meaning}",
            self.proxy.label(),
            self.target
        );
        Error::new(ErrorKind::SocksReply(reply), text)
    }
}

/// What SOCKS5 replies mean (RFC 1928, section 6).
fn meaning_5(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "kind of address not supported",
        _ => "unknown reason",
    }
}

fn request_5(place: &Place<'_>) -> Result<Vec<u8>, Error> {
    let mut request = vec![VERSION_5, CONNECT, 0];
    match place.host {
        Host::Address(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend_from_slice(&address.octets());
        }
        Host::Address(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend_from_slice(&address.octets());
        }
        Host::Name(name) => {
            request.extend_from_slice(&[NAME, length(name.as_bytes())?]);
            request.extend_from_slice(name.as_bytes());
        }
    }
    request.extend_from_slice(&place.port.to_be_bytes());
    Ok(request)
}

fn request_4(place: &Place<'_>, user: Option<&SocksCredentials>) -> Result<Vec<u8>, Error> {
    let mut request = vec![VERSION_4, CONNECT];
    request.extend_from_slice(&place.port.to_be_bytes());
    let (address, name) = match place.host {
        Host::Address(IpAddr::V4(address)) => (address.octets(), None),
        Host::Address(IpAddr::V6(_)) => {
            return Err(invalid("SOCKS4a cannot reach IPv6 addresses"));
        }
        Host::Name(name) => {
            length(name.as_bytes())?;
            (NAME_FOLLOWS, Some(name))
        }
    };
    request.extend_from_slice(&address);
    request.extend_from_slice(user.map_or(&[][..], |user| &user.user));
    request.push(0);
    if let Some(name) = name {
        request.extend_from_slice(name.as_bytes());
        request.push(0);
    }
    Ok(request)
}

/// The length of a text of at most 255 bytes, as the byte in front of it.
fn length(text: &[u8]) -> Result<u8, Error> {
    u8::try_from(text.len())
        .ok()
        .ok_or_else(|| invalid("the target's name has more than 255 bytes, too many for SOCKS"))
}

fn invalid(text: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, text)
}

#[cfg(test)]
#[path = "socks_tests.rs"]
mod tests;
