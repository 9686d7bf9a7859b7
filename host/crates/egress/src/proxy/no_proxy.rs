//! Which targets are reached directly: the grammar of `NO_PROXY` as Go's
//! `httpproxy` reads it.
//!
//! An entry is `*`, an IP address, a CIDR block, or a domain; addresses and
//! domains may carry a port. `example.com` stands for the name and all below
//! it, `.example.com` and `*.example.com` for those below it only. Names are
//! never resolved for the comparison, and a domain never matches an address.
//! What cannot be understood matches nothing, so traffic stays on the proxy.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

use crate::target::Target;

/// A list of exceptions from a proxy.
#[derive(Debug, Clone, Default)]
pub(crate) struct NoProxy {
    /// The entry `*`, if it is there.
    everything: Option<Arc<str>>,
    addresses: Vec<Address>,
    domains: Vec<Domain>,
}

#[derive(Debug, Clone)]
struct Address {
    entry: Arc<str>,
    rule: AddressRule,
    port: Port,
}

#[derive(Debug, Clone)]
enum AddressRule {
    One(IpAddr),
    Block(IpNet),
}

#[derive(Debug, Clone)]
struct Domain {
    entry: Arc<str>,
    /// With a dot in front, in lower case and punycode.
    suffix: String,
    /// Whether the name itself matches, too.
    apex: bool,
    port: Port,
}

/// The port of an entry.
#[derive(Debug, Clone, Copy)]
enum Port {
    Any,
    Only(u16),
    /// Not a port, so no target has it.
    Nonsense,
}

impl NoProxy {
    /// Reads entries, one each. Blanks around them do not count.
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rules = Self::default();
        for entry in entries {
            rules.add(entry.trim());
        }
        rules
    }

    /// Reads the value of the environment variable: entries separated by commas.
    pub(crate) fn from_list(list: &str) -> Self {
        Self::new(list.split(','))
    }

    /// Whether `host` (an IPv6 address without brackets) is an exception.
    #[cfg(test)]
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        self.entry_for(host, port).is_some()
    }

    /// The entry that `target` falls under. Most lists are empty, for which its
    /// host need not be looked for.
    pub(crate) fn exception(&self, target: &Target) -> Option<&Arc<str>> {
        match self.is_empty() {
            true => None,
            false => self.entry_for(target.host(), target.port()),
        }
    }

    fn is_empty(&self) -> bool {
        self.everything.is_none() && self.addresses.is_empty() && self.domains.is_empty()
    }

    /// The entry, as it was written, that makes `host` (an IPv6 address without
    /// brackets) an exception.
    pub(crate) fn entry_for(&self, host: &str, port: u16) -> Option<&Arc<str>> {
        if self.everything.is_some() {
            return self.everything.as_ref();
        }
        if self.addresses.is_empty() && self.domains.is_empty() {
            return None;
        }
        match address(host) {
            Some(ip) => self
                .addresses
                .iter()
                .find(|address| address.rule.matches(ip) && address.port.matches(port))
                .map(|address| &address.entry),
            None => self.entry_for_name(&ascii(host), port),
        }
    }

    fn entry_for_name(&self, host: &str, port: u16) -> Option<&Arc<str>> {
        self.domains
            .iter()
            .find(|domain| domain.matches(host) && domain.port.matches(port))
            .map(|domain| &domain.entry)
    }

    fn add(&mut self, entry: &str) {
        if entry == "*" {
            self.everything = Some(entry.into());
        } else if let Ok(block) = entry.parse::<IpNet>() {
            self.add_address(entry, AddressRule::Block(block), Port::Any);
        } else {
            let (host, port) = host_and_port(entry);
            self.add_host(entry, host, port);
        }
    }

    fn add_address(&mut self, entry: &str, rule: AddressRule, port: Port) {
        self.addresses.push(Address {
            entry: entry.into(),
            rule,
            port,
        });
    }

    fn add_host(&mut self, entry: &str, host: &str, port: Port) {
        if let Some(ip) = address(host) {
            self.add_address(entry, AddressRule::One(ip), port);
            return;
        }
        let below = host.strip_prefix('*').filter(|rest| rest.starts_with('.'));
        let host = ascii(below.unwrap_or(host));
        let apex = !host.starts_with('.');
        if !host.is_empty() {
            self.domains.push(Domain {
                entry: entry.into(),
                suffix: if apex { format!(".{host}") } else { host },
                apex,
                port,
            });
        }
    }
}

impl AddressRule {
    fn matches(&self, ip: IpAddr) -> bool {
        match self {
            Self::One(one) => *one == ip,
            Self::Block(block) => block.contains(&ip),
        }
    }
}

impl Domain {
    fn matches(&self, host: &str) -> bool {
        host.ends_with(&self.suffix) || (self.apex && self.suffix.strip_prefix('.') == Some(host))
    }
}

impl Port {
    fn matches(self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => only == port,
            Self::Nonsense => false,
        }
    }
}

/// Whether `host` is this machine by name or address.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

/// `host` as an address, an IPv4 one in IPv6 clothes as IPv4. A zone does not
/// make an address a name: `fe80::1%.example.com` is no host of `example.com`.
fn address(host: &str) -> Option<IpAddr> {
    let bare = host.split_once('%').map_or(host, |(bare, _)| bare);
    let ip: IpAddr = bare.parse().ok()?;
    (bare.len() == host.len() || ip.is_ipv6()).then(|| ip.to_canonical())
}

/// Splits `host:port` and `[v6]:port`; everything else is all host.
fn host_and_port(entry: &str) -> (&str, Port) {
    let split = match entry.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => entry
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':')),
    };
    match split {
        Some((host, "")) => (host, Port::Any),
        Some((host, port)) => (host, port.parse().map_or(Port::Nonsense, Port::Only)),
        None => (entry, Port::Any),
    }
}

/// `host` in lower case and punycode, or just in lower case if it has none.
fn ascii(host: &str) -> String {
    if host.is_ascii() {
        return host.to_ascii_lowercase();
    }
    // The empty label in front of a leading dot is not the conversion's concern.
    let (dot, name) = match host.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", host),
    };
    let name = idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_lowercase());
    format!("{dot}{name}")
}
