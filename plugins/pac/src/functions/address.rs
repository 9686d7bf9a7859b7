//! IP addresses, of names and as texts.

use std::net::{IpAddr, Ipv4Addr};

use crate::cuttle::pac::surroundings;

/// The first IPv4 address of `host`, which may be one.
pub fn v4_of(host: &str) -> Option<Ipv4Addr> {
    v4(host).or_else(|| {
        all_of(host).into_iter().find_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    })
}

/// Every address of `host`, which may be one.
pub fn all_of(host: &str) -> Vec<IpAddr> {
    match any(host) {
        Some(address) => vec![address],
        None if host.is_empty() => Vec::new(),
        None => surroundings::resolve(host)
            .iter()
            .filter_map(|address| any(address))
            .collect(),
    }
}

/// Whether the IPv4 address of `host` is in the network `net`/`mask`.
pub fn is_in_net(host: &str, net: &str, mask: &str) -> bool {
    let (Some(net), Some(mask)) = (v4(net), v4(mask)) else {
        return false;
    };
    v4_of(host)
        .is_some_and(|address| address.to_bits() & mask.to_bits() == net.to_bits() & mask.to_bits())
}

/// Whether an address of `host` is in the network `prefix`, as `10.0.0.0/8`.
pub fn has_prefix(host: &str, prefix: &str) -> bool {
    let Some((net, length)) = prefix.split_once('/') else {
        return false;
    };
    let (Some(net), Ok(length)) = (any(net), length.parse()) else {
        return false;
    };
    all_of(host)
        .into_iter()
        .any(|address| in_prefix(address, net, length))
}

fn in_prefix(address: IpAddr, net: IpAddr, length: u32) -> bool {
    let (difference, width) = match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    length <= width && difference.checked_shr(width - length).unwrap_or(0) == 0
}

/// An IPv4 address as the number JavaScript's operators make of it: with a
/// sign. 0 if it is none.
pub fn number(address: &str) -> i32 {
    v4(address).map_or(0, |address| address.to_bits().cast_signed())
}

/// Whether `text` is an IPv4 address.
pub fn is_v4(text: &str) -> bool {
    v4(text).is_some()
}

/// Addresses separated by `;`, as the `Ex` functions have them.
pub fn list(addresses: &[IpAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    addresses.join(";")
}

/// The same list with IPv6 first. `None` if something else is in it.
pub fn sorted(text: &str) -> Option<String> {
    let mut addresses: Vec<_> = text
        .split(';')
        .map(|address| any(address.trim()))
        .collect::<Option<_>>()?;
    addresses.sort_by_key(|address| (address.is_ipv4(), *address));
    Some(list(&addresses))
}

fn any(text: &str) -> Option<IpAddr> {
    match v4(text) {
        Some(address) => Some(address.into()),
        None => text.parse().ok(),
    }
}

/// Four decimal numbers. Zeros in front do not make them octal.
fn v4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.').map(part);
    let address = Ipv4Addr::new(
        parts.next()??,
        parts.next()??,
        parts.next()??,
        parts.next()??,
    );
    parts.next().is_none().then_some(address)
}

fn part(text: &str) -> Option<u8> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
