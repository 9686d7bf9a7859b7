//! Addresses that are not those of somebody on the public Internet: the special
//! registries of IANA (RFC 6890 and what has been added to them since).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Network, length of its prefix, and what to call it. The first match counts.
const V4: [(Ipv4Addr, u32, &str); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared (carrier NAT)"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "broadcast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// The same for IPv6, where everything outside of 2000::/3 is special anyway.
const V6: [(Ipv6Addr, u32, &str); 10] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (v6(0xfe80, 0), 10, "link-local"),
    (v6(0xfec0, 0), 10, "site-local"),
    (v6(0xfc00, 0), 7, "private (unique local)"),
    (v6(0xff00, 0), 8, "multicast"),
    // Teredo, which hides an IPv4 address, among other protocols.
    (v6(0x2001, 0), 23, "reserved"),
    (v6(0x2001, 0xdb8), 32, "for documentation"),
    (v6(0x3fff, 0), 20, "for documentation"),
    // IPv4 that only this network's translator knows (RFC 8215).
    (LOCAL_NAT64, 48, "of a local NAT64"),
];

/// Unicast that IANA gives out.
const GLOBAL: (Ipv6Addr, u32) = (v6(0x2000, 0), 3);
const LOCAL_NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0);
/// RFC 6052.
const NAT64: Ipv6Addr = v6(0x64, 0xff9b);
/// RFC 3056.
const SIX_TO_FOUR: Ipv6Addr = v6(0x2002, 0);

const fn v6(first: u16, second: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)
}

/// What is special about an address; `None` if it is one of the public Internet.
pub(super) fn class(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64
/// or 6to4.
pub(super) fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    let bits = address.to_bits();
    if within(address, (SIX_TO_FOUR, 16)) {
        return Some(Ipv4Addr::from_bits(low_32(bits >> 80)));
    }
    let last = within(address, (NAT64, 96)) || address.to_ipv4().is_some();
    let plain = address.is_unspecified() || address.is_loopback();
    (last && !plain).then(|| Ipv4Addr::from_bits(low_32(bits)))
}

fn class_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let found = V4.iter().find(|(network, length, _)| {
        let shift = 32 - length;
        bits >> shift == network.to_bits() >> shift
    });
    found.map(|(_, _, class)| *class)
}

fn class_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(v4) = embedded(address.into()) {
        let compatible = address.to_ipv4().is_some() && address.to_ipv4_mapped().is_none();
        return class_v4(v4).or(compatible.then_some("reserved"));
    }
    let found = V6
        .iter()
        .find(|(network, length, _)| within(address, (*network, *length)));
    let reserved = || (!within(address, GLOBAL)).then_some("reserved");
    found.map(|(_, _, class)| *class).or_else(reserved)
}

fn within(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    let shift = 128 - length;
    address.to_bits() >> shift == network.to_bits() >> shift
}

fn low_32(bits: u128) -> u32 {
    (bits & u128::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (address, expected) in [
            ("0.0.0.0", Some("unspecified")),
            ("0.1.2.3", Some("unspecified")),
            ("10.255.255.255", Some("private")),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.1", Some("shared (carrier NAT)")),
            ("100.127.255.255", Some("shared (carrier NAT)")),
            ("100.128.0.0", None),
            ("127.0.0.1", Some("loopback")),
            ("127.255.255.254", Some("loopback")),
            ("169.254.169.254", Some("link-local")),
            ("172.15.255.255", None),
            ("172.16.0.0", Some("private")),
            ("172.31.255.255", Some("private")),
            ("172.32.0.0", None),
            ("192.0.0.8", Some("reserved")),
            ("192.0.2.1", Some("for documentation")),
            ("192.88.99.1", Some("reserved")),
            ("192.168.1.1", Some("private")),
            ("192.169.0.0", None),
            ("198.18.0.1", Some("for benchmarks")),
            ("198.19.255.255", Some("for benchmarks")),
            ("198.51.100.7", Some("for documentation")),
            ("203.0.113.7", Some("for documentation")),
            ("224.0.0.1", Some("multicast")),
            ("239.255.255.255", Some("multicast")),
            ("240.0.0.1", Some("reserved")),
            ("255.255.255.255", Some("broadcast")),
            ("8.8.8.8", None),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::2", Some("unspecified")),
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::ffff:169.254.169.254", Some("link-local")),
            ("::ffff:8.8.8.8", None),
            ("::ffff:0:127.0.0.1", Some("reserved")),
            ("::127.0.0.1", Some("loopback")),
            ("::8.8.8.8", Some("reserved")),
            ("64:ff9b::10.0.0.1", Some("private")),
            ("64:ff9b::8.8.8.8", None),
            ("64:ff9b:1::1", Some("of a local NAT64")),
            ("2002:7f00:1::1", Some("loopback")),
            ("2002:a9fe:a9fe::", Some("link-local")),
            ("2002:808:808::1", None),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Some("reserved")),
            ("2001:db8::1", Some("for documentation")),
            ("2001:200::1", None),
            ("3fff:1000::1", None),
            ("3fff:fff::1", Some("for documentation")),
            ("100::1", Some("reserved")),
            ("5f00::1", Some("reserved")),
            ("fc00::1", Some("private (unique local)")),
            ("fdff::1", Some("private (unique local)")),
            ("fe80::1", Some("link-local")),
            ("febf::1", Some("link-local")),
            ("fec0::1", Some("site-local")),
            ("ff02::1", Some("multicast")),
            ("4000::1", Some("reserved")),
            ("2606:4700:4700::1111", None),
        ] {
            assert_eq!(class(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn plain_addresses_embed_nothing() {
        for address in ["10.0.0.1", "::", "::1", "2606:4700::1", "fe80::1"] {
            assert_eq!(embedded(address.parse().unwrap()), None, "{address}");
        }
        for address in [
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "64:ff9b::102:304",
            "2002:102:304::9",
        ] {
            let v4 = embedded(address.parse().unwrap());
            assert_eq!(v4, Some(Ipv4Addr::new(1, 2, 3, 4)), "{address}");
        }
    }
}
