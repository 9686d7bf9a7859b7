//! Addresses as text.

use std::net::IpAddr;

/// The text of an IPv4 address takes so many bytes at most.
const IPV4_LENGTH: usize = 15;

/// `ip` as text, an IPv4 address in IPv6 form as IPv4.
///
/// Every request needs it, and the formatting of the standard library costs a
/// thousand instructions for IPv4.
#[must_use]
pub fn ip_text(ip: IpAddr) -> String {
    let v4 = match ip.to_canonical() {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(v6) => return v6.to_string(),
    };
    let mut text = String::with_capacity(IPV4_LENGTH);
    for (index, octet) in v4.octets().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for (unit, more) in [(100, octet >= 100), (10, octet >= 10), (1, true)] {
            if more {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_text_of_the_standard_library() {
        for octet in 0..=255 {
            let ip = IpAddr::from([octet, 0, 255 - octet, 9]);
            assert_eq!(ip_text(ip), ip.to_string());
        }
        for (ip, text) in [("::1", "::1"), ("::ffff:1.2.3.4", "1.2.3.4")] {
            assert_eq!(ip_text(ip.parse().unwrap()), text);
        }
    }
}
