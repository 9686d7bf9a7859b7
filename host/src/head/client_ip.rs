//! Who the client is when proxies stand in front (KrakenD's `trusted_proxies`
//! and `remote_ip_headers`).

use std::net::IpAddr;

use cuttle_pipeline::config::RouterOptions;
use http::{HeaderMap, HeaderName};

/// Whose word about the client's address counts.
#[derive(Debug, Clone)]
pub struct Trust {
    proxies: Vec<ipnet::IpNet>,
    headers: Vec<HeaderName>,
}

impl Trust {
    /// Nobody is trusted unless the configuration says so.
    #[must_use]
    pub fn new(options: &RouterOptions) -> Self {
        let proxies = match options.forwarded_by_client_ip {
            true => options.trusted_proxies.clone(),
            false => Vec::new(),
        };
        Self {
            proxies,
            headers: options.remote_ip_headers.clone(),
        }
    }

    /// The client's address: `peer`, or what a trusted `peer` says.
    #[must_use]
    pub fn client_ip(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let named = self
            .headers
            .iter()
            .find_map(|name| self.named(name, headers));
        named.unwrap_or(peer)
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&ip))
    }

    /// The address nearest to us that no trusted proxy has; the leftmost if
    /// all are trusted. A bad entry on the way makes the field worthless.
    fn named(&self, name: &HeaderName, headers: &HeaderMap) -> Option<IpAddr> {
        let values: Result<Vec<_>, _> = headers.get_all(name).iter().map(|v| v.to_str()).collect();
        let list = values.ok()?.join(",");
        let mut leftmost = None;
        for entry in list.rsplit(',') {
            let ip = entry.trim().parse::<IpAddr>().ok()?.to_canonical();
            if !self.trusts(ip) {
                return Some(ip);
            }
            leftmost = Some(ip);
        }
        leftmost
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn trust(proxies: &[&str]) -> Trust {
        Trust {
            proxies: proxies.iter().map(|net| net.parse().unwrap()).collect(),
            headers: ["x-forwarded-for", "x-real-ip"]
                .map(HeaderName::from_static)
                .to_vec(),
        }
    }

    fn client(trust: &Trust, peer: &str, fields: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        trust.client_ip(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let spoofed = [("x-forwarded-for", "9.9.9.9")];
        assert_eq!(client(&trust(&[]), "10.0.0.1", &spoofed), "10.0.0.1");
        assert_eq!(
            client(&trust(&["10.0.0.0/8"]), "11.0.0.1", &spoofed),
            "11.0.0.1"
        );
        assert_eq!(
            client(&trust(&["10.0.0.0/8"]), "10.0.0.1", &spoofed),
            "9.9.9.9"
        );
        assert_eq!(
            client(&trust(&["10.0.0.0/8"]), "::ffff:10.0.0.1", &spoofed),
            "9.9.9.9"
        );
    }

    #[test]
    fn the_nearest_untrusted_address_counts() {
        let trust = trust(&["10.0.0.0/8"]);
        let cases: [(&[(&str, &str)], &str); 8] = [
            (
                &[("x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.0.0.2")],
                "2.2.2.2",
            ),
            (&[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            (
                &[
                    ("x-forwarded-for", "1.1.1.1"),
                    ("x-forwarded-for", "2.2.2.2"),
                ],
                "2.2.2.2",
            ),
            (&[("x-forwarded-for", "1.1.1.1, nonsense")], "10.0.0.1"),
            (
                &[("x-forwarded-for", "nonsense"), ("x-real-ip", "3.3.3.3")],
                "3.3.3.3",
            ),
            (&[("x-real-ip", "3.3.3.3")], "3.3.3.3"),
            (&[("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
            (&[], "10.0.0.1"),
        ];
        for (fields, expected) in cases {
            let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, *v)).collect();
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            let client = trust.client_ip("10.0.0.1".parse().unwrap(), &headers);
            assert_eq!(client.to_string(), expected, "{headers:?}");
        }
    }
}
