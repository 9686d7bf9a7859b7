//! Whom a request may reach whose target is not the operator's word.
//!
//! A name can be made to resolve to anything (DNS rebinding), so rights by name
//! are not enough: what counts is the address that a connection is made to. The
//! check stands between resolution and connection, for every address, and the
//! addresses that were checked are the ones that are dialled. Through a proxy
//! that resolves names itself there is nothing to check here.

mod special;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use http::Uri;
use ipnet::IpNet;

/// Decides about each target of a call: that of the request, and those that
/// redirects lead to.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Which addresses of `target` may be reached. `redirected`: an answer led
    /// there.
    ///
    /// # Errors
    ///
    /// Why none may, for the operator.
    fn admit(&self, target: &Uri, redirected: bool) -> Result<Reach, String>;
}

/// Addresses that a connection may be made to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reach {
    /// All of them: the operator named the target.
    Any,
    /// Those of the public Internet, with exceptions.
    Public(Arc<Exceptions>),
}

/// Addresses that may be reached though they are not public.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exceptions {
    /// The addresses.
    pub networks: Vec<Network>,
    /// The setting that holds more of them, for messages.
    pub setting: String,
}

/// A network, such as `10.1.0.0/16` or `fd00::/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// A text that is no [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANetwork;

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is neither an address nor a network such as 10.0.0.0/8")
    }
}

impl std::error::Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| one());
        network.map(Self).map_err(|_| NotANetwork)
    }
}

impl Network {
    /// This machine, as `localhost` names it.
    pub const LOOPBACK: [Self; 2] = [
        Self(IpNet::new_assert(
            IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            8,
        )),
        Self(IpNet::new_assert(
            IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            128,
        )),
    ];

    /// By its own form, or by the IPv4 address that it stands for.
    fn contains(&self, address: IpAddr) -> bool {
        let embedded = special::embedded(address).map(IpAddr::V4);
        self.0.contains(&address) || embedded.is_some_and(|v4| self.0.contains(&v4))
    }
}

/// An address that may not be reached, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused<'a> {
    address: IpAddr,
    class: &'static str,
    setting: &'a str,
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            class,
            setting,
        } = self;
        write!(f, "its address {address} is {class}: `{setting}` allows it")
    }
}

impl Reach {
    /// Those of `addresses` that may be reached. An error if that is none of
    /// them, though there are some.
    pub(crate) fn admitted(
        &self,
        mut addresses: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Refused<'_>> {
        let Self::Public(exceptions) = self else {
            return Ok(addresses);
        };
        let first = addresses
            .iter()
            .find_map(|address| exceptions.refuse(address.ip()));
        addresses.retain(|address| exceptions.refuse(address.ip()).is_none());
        match first {
            Some(refused) if addresses.is_empty() => Err(refused),
            _ => Ok(addresses),
        }
    }
}

impl Exceptions {
    fn refuse(&self, address: IpAddr) -> Option<Refused<'_>> {
        let class = special::class(address)?;
        let excepted = |network: &Network| network.contains(address);
        (!self.networks.iter().any(excepted)).then_some(Refused {
            address,
            class,
            setting: &self.setting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(networks: &[&str]) -> Reach {
        let networks = networks.iter().map(|text| text.parse().unwrap());
        Reach::Public(Arc::new(Exceptions {
            networks: networks.collect(),
            setting: "here".into(),
        }))
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let addresses = texts.iter().map(|text| text.parse::<IpAddr>().unwrap());
        addresses.map(|address| (address, 80).into()).collect()
    }

    #[test]
    fn networks_are_read_from_text() {
        for text in ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0/8 "] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_public_is_left_out() {
        let all = addresses(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]);
        assert_eq!(Reach::Any.admitted(all.clone()).unwrap(), all);
        let some = addresses(&["8.8.8.8", "2606:4700::1"]);
        assert_eq!(public(&[]).admitted(all).unwrap(), some);
    }

    #[test]
    fn a_name_without_any_allowed_address_is_refused() {
        let reach = public(&["10.0.0.0/8"]);
        let refused = reach.admitted(addresses(&["169.254.169.254", "::1"]));
        let text = refused.unwrap_err().to_string();
        assert_eq!(
            text,
            "its address 169.254.169.254 is link-local: `here` allows it"
        );
        assert_eq!(reach.admitted(Vec::new()), Ok(Vec::new()));
    }

    #[test]
    fn exceptions_hold_in_every_spelling() {
        let reach = public(&["10.0.0.0/8"]);
        for text in ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"] {
            assert!(reach.admitted(addresses(&[text])).is_ok(), "{text}");
        }
        for text in ["192.168.0.1", "::ffff:192.168.0.1", "::1"] {
            assert!(reach.admitted(addresses(&[text])).is_err(), "{text}");
        }
    }
}
