//! Looking up names for a script.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    pin::Pin,
};

use tokio::net::lookup_host;

/// Addresses of a name, as soon as they are known.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = Vec<IpAddr>> + Send + 'a>>;

/// Where a script's names are looked up.
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, none if it has none. `host` is whatever the
    /// script passes, and need not be a name. Dropped when the time is up.
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            match lookup_host((host, 0)).await {
                Ok(addresses) => unique(addresses.map(|address| address.ip())),
                Err(error) => {
                    tracing::debug!(host = crate::log::printable(host), %error, "PAC script: no address");
                    Vec::new()
                }
            }
        })
    }
}

fn unique(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut kept = Vec::new();
    for address in addresses {
        if !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept
}

/// The addresses this machine would send from: the routing table is asked by
/// connecting a datagram socket, which sends nothing. The destinations are
/// reserved for documentation (RFC 5737, RFC 3849).
pub(super) fn own_addresses() -> Vec<IpAddr> {
    let v4 = (
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)),
    );
    let v6 = (
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    );
    [v4, v6]
        .into_iter()
        .filter_map(|(from, to)| source(from, to))
        .collect()
}

fn source(from: IpAddr, to: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(from, 0)).ok()?;
    socket.connect(SocketAddr::new(to, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified()).then_some(own)
}
