//! Where a plugin may go.

use std::collections::HashSet;

use http::uri::{Authority, Scheme, Uri};

/// Who may be reached from one place of use.
pub(crate) struct Rights {
    hosts: Vec<Authority>,
    proxies: HashSet<String>,
}

impl Rights {
    /// `settings` is JSON text; text that is not names no proxies.
    pub(crate) fn new(hosts: Vec<Authority>, granted: Vec<String>, settings: &str) -> Self {
        let mut proxies: HashSet<_> = granted.into_iter().collect();
        if let Ok(settings) = serde_json::from_str(settings) {
            collect_texts(&settings, &mut proxies);
        }
        Self { hosts, proxies }
    }

    /// Whether `target` may be sent to while working on a request to `own`,
    /// which may be nobody.
    pub(crate) fn may_reach(&self, target: &Uri, own: Option<&Origin>) -> bool {
        Origin::of(target).is_some_and(|target| {
            own.is_some_and(|own| target.same(own))
                || self.hosts.iter().any(|host| target.is_at(host))
        })
    }

    /// Whether a proxy may be opened: letter for letter, so that a plugin can
    /// neither invent credentials nor add a port.
    pub(crate) fn may_open(&self, address: &str) -> bool {
        self.proxies.contains(address)
    }
}

fn collect_texts(value: &serde_json::Value, texts: &mut HashSet<String>) {
    match value {
        serde_json::Value::String(text) => {
            texts.insert(text.clone());
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| collect_texts(item, texts));
        }
        serde_json::Value::Object(members) => {
            members
                .values()
                .for_each(|value| collect_texts(value, texts));
        }
        _ => {}
    }
}

/// Host and port of a target.
#[derive(Clone)]
pub(crate) struct Origin {
    authority: Authority,
    port: u16,
    default_port: u16,
}

impl Origin {
    /// `None` if the URI is not absolute, or neither `http` nor `https`.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let default_port = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTP => 80,
            scheme if *scheme == Scheme::HTTPS => 443,
            _ => return None,
        };
        let authority = uri.authority()?.clone();
        let port = port(&authority, default_port)?;
        Some(Self {
            authority,
            port,
            default_port,
        })
    }

    fn same(&self, other: &Self) -> bool {
        self.port == other.port && self.has_host(&other.authority)
    }

    fn is_at(&self, granted: &Authority) -> bool {
        self.has_host(granted) && port(granted, self.default_port) == Some(self.port)
    }

    fn has_host(&self, other: &Authority) -> bool {
        self.authority.host().eq_ignore_ascii_case(other.host())
    }
}

/// `None` if there is a port that is no number.
fn port(authority: &Authority, default: u16) -> Option<u16> {
    let host_and_port = authority
        .as_str()
        .rsplit_once('@')
        .map_or(authority.as_str(), |(_, rest)| rest);
    match host_and_port.strip_prefix(authority.host()) {
        Some("") => Some(default),
        _ => authority.port_u16(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_granted_hosts_and_the_requests_own_are_reachable() {
        let rights = Rights::new(
            ["api.example.com", "other.example.com:8080", "[::1]:9"]
                .map(|host| host.parse().unwrap())
                .into(),
            Vec::new(),
            "{}",
        );
        let own = Origin::of(&"http://own.example.com/x".parse().unwrap()).unwrap();
        let cases = [
            ("http://own.example.com/y", true),
            ("http://own.example.com:80/", true),
            ("https://own.example.com/", false),
            ("http://OWN.example.com/", true),
            ("http://api.example.com/", true),
            ("https://api.example.com:443/", true),
            ("https://api.example.com:80/", false),
            ("http://api.example.com:8080/", false),
            ("http://other.example.com:8080/", true),
            ("https://other.example.com:8080/", true),
            ("http://other.example.com/", false),
            ("http://[::1]:9/", true),
            ("http://[::1]/", false),
            ("http://api.example.com.evil.com/", false),
            ("http://api.example.com@evil.com/", false),
            ("http://api.example.com:99999/", false),
            ("http://127.0.0.1/", false),
            ("http://2130706433/", false),
            ("ftp://api.example.com/", false),
            ("/relative", false),
        ];
        for (target, expected) in cases {
            let Ok(uri) = target.parse::<Uri>() else {
                assert!(!expected, "{target} does not parse");
                continue;
            };
            assert_eq!(rights.may_reach(&uri, Some(&own)), expected, "{target}");
        }
    }

    #[test]
    fn a_proxy_must_stand_in_the_settings_or_be_granted_letter_for_letter() {
        let settings = r#"{"proxy_address": "http://a:1", "more": [{"x": "http://b:2"}], "n": 3}"#;
        let rights = Rights::new(Vec::new(), vec!["http://c:3".into()], settings);

        for open in ["http://a:1", "http://b:2", "http://c:3"] {
            assert!(rights.may_open(open), "{open}");
        }
        for closed in ["http://a:1/", "http://A:1", "http://a", "http://d:4", "3"] {
            assert!(!rights.may_open(closed), "{closed}");
        }
    }
}
