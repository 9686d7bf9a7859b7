//! Host names as texts.

use std::net::Ipv6Addr;

/// Whether `host` has no domain. An IPv6 address has no dots, but is no name.
pub fn is_plain(host: &str) -> bool {
    !host.contains('.') && host.parse::<Ipv6Addr>().is_err()
}

/// Whether `host` ends with `domain`, letter for letter: `.example.com` is the
/// way to write a domain, `example.com` also ends `myexample.com`.
pub fn ends_with(host: &str, domain: &str) -> bool {
    lower(host).ends_with(&lower(domain))
}

/// Whether `host` is `full`, or its beginning up to a dot.
pub fn is_or_begins(host: &str, full: &str) -> bool {
    let (host, full) = (lower(host), lower(full));
    full.strip_prefix(&host)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Number of dots.
pub fn levels(host: &str) -> u32 {
    host.matches('.').map(|_| 1).sum()
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}
