//! `sd`: where hosts come from, if not from the list.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::uri::Scheme;

use crate::{BaseUrl, DnsDiscovery};

use super::{At, Section};

/// `dns_cache_ttl` where the service has none.
const DNS_CACHE_TTL: Duration = Duration::from_secs(30);

/// The shortest `dns_cache_ttl`, as in KrakenD.
const SHORTEST_DNS_CACHE_TTL: Duration = Duration::from_secs(1);

/// Where name servers listen (RFC 1035 section 4.2).
const DNS_PORT: u16 = 53;

/// `dns_cache_ttl` of the service.
pub(super) fn cache_ttl(root: &mut Section<'_>) -> Duration {
    let ttl = root.duration("dns_cache_ttl").unwrap_or(DNS_CACHE_TTL);
    if ttl < SHORTEST_DNS_CACHE_TTL {
        let at = root.at().key("dns_cache_ttl");
        let message = "is less than a second, which is taken for one second";
        root.problems()
            .warning(&at, message, "write \"1s\" or more");
    }
    ttl.max(SHORTEST_DNS_CACHE_TTL)
}

/// `dns_servers` of `cuttle/http`.
pub(super) fn name_servers(section: &mut Section<'_>) -> Vec<SocketAddr> {
    let texts = section.texts("dns_servers");
    let server = |(text, at): &(String, At)| {
        let server = name_server(text);
        if server.is_none() {
            let help = "write an IP address, with a port unless it is 53: \"10.0.0.2:8600\"";
            let message = format!("{text:?} is not the address of a name server");
            section.problems().error(at, message, help);
        }
        server
    };
    texts.iter().filter_map(server).collect()
}

fn name_server(text: &str) -> Option<SocketAddr> {
    let with_port = text
        .parse()
        .ok()
        .filter(|server: &SocketAddr| server.port() != 0);
    with_port.or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, DNS_PORT)))
}

/// How hosts are found; nothing if they are those of the list.
pub(super) fn resolve(
    section: &mut Section<'_>,
    service_hosts: &[BaseUrl],
    ttl: Duration,
) -> Option<DnsDiscovery> {
    let sd = section.text("sd").unwrap_or_default();
    match sd.as_str() {
        "dns" | "dns-shared" => {}
        "" | "static" => {
            section.accept(&["sd_scheme"]);
            return None;
        }
        _ => {
            let message = format!("unknown service discovery {sd:?}: the hosts are used as listed");
            let help = "write \"static\", or remove it";
            let at = section.at().key("sd");
            section.problems().warning(&at, message, help);
            section.accept(&["sd_scheme"]);
            return None;
        }
    }
    let scheme = scheme(section);
    let name = name(section, service_hosts)?;
    Some(DnsDiscovery { name, scheme, ttl })
}

fn scheme(section: &mut Section<'_>) -> Scheme {
    let written = section.text("sd_scheme").unwrap_or_default();
    match written.as_str() {
        "" | "http" => Scheme::HTTP,
        "https" => Scheme::HTTPS,
        _ => {
            let at = section.at().key("sd_scheme");
            let message = format!("{written:?} is no scheme backends can have");
            let help = "write \"http\" or \"https\"";
            section.problems().error(&at, message, help);
            Scheme::HTTP
        }
    }
}

/// The name to look up: the first host, a scheme left out. Nothing if there is
/// none, which is for the list of hosts to say.
fn name(section: &mut Section<'_>, service_hosts: &[BaseUrl]) -> Option<String> {
    let hosts = section.texts("host");
    section.accept(&["disable_host_sanitize"]);
    let problems = section.problems();
    if let Some((_, at)) = hosts.get(1) {
        let message = "has no effect: only the first host is looked up";
        problems.warning(at, message, "remove it, or remove \"sd\"");
    }
    let Some((written, at)) = hosts.first() else {
        let default = service_hosts.first()?;
        return Some(default.authority.host().to_owned());
    };
    let name = written
        .split_once("://")
        .map_or(written.as_str(), |(_, rest)| rest);
    let name = name.trim_end_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(fits) {
        let help = "write a name such as \"api.service.consul\", without scheme, port and path";
        problems.error(at, "is not a name that can be looked up", help);
    }
    Some(name.to_owned())
}
