//! `host`: base URLs of backends.

use std::net::Ipv6Addr;

use http::uri::{Authority, Scheme, Uri};

use crate::BaseUrl;

use super::{At, Problems};

/// A host cleaned as KrakenD does it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clean {
    /// Scheme, name and port.
    pub(super) url: String,
    /// Whether text around the host was dropped.
    pub(super) dropped: bool,
}

/// Base URLs of a `host` list. What cannot be used is an error.
pub(super) fn resolve(
    hosts: &[(String, At)],
    sanitize: bool,
    problems: &Problems<'_>,
) -> Vec<BaseUrl> {
    let hosts = hosts.iter();
    hosts
        .filter_map(|(host, at)| {
            if sanitize {
                sanitized(host, at, problems)
            } else {
                verbatim(host, at, problems)
            }
        })
        .collect()
}

fn sanitized(host: &str, at: &At, problems: &Problems<'_>) -> Option<BaseUrl> {
    let base = clean(host).and_then(|clean| Some((base_url(&clean.url)?, clean)));
    let Some((base, clean)) = base else {
        let message = format!("host {} not valid: invalid host", shown(host));
        let help = "write `http://name:port`; with \"disable_host_sanitize\": true also paths, \
                    user information and IPv6 addresses";
        problems.error(at, message, help);
        return None;
    };
    if clean.dropped {
        let message = format!(
            "is read as {:?}: what stands around it is dropped",
            clean.url
        );
        problems.warning(at, message, format!("write {:?}", clean.url));
    }
    Some(base)
}

/// A host that is not sanitised must be a whole URL: KrakenD puts it in front
/// of the path as it is, and what is no URL then fails on every call.
fn verbatim(host: &str, at: &At, problems: &Problems<'_>) -> Option<BaseUrl> {
    let base = base_url(host);
    if base.is_none() {
        let message = format!("host {} not valid: not an http or https URL", shown(host));
        let help = "write `http://name:port` or `https://name:port/path`, without `?` and `#`";
        problems.error(at, message, help);
    }
    base
}

fn base_url(text: &str) -> Option<BaseUrl> {
    if text.contains(['?', '#']) {
        return None;
    }
    let parts = text.parse::<Uri>().ok()?.into_parts();
    let scheme = parts.scheme?;
    if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
        return None;
    }
    let whole = parts.authority?;
    let (userinfo, authority) = match whole.as_str().rsplit_once('@') {
        Some((userinfo, rest)) => (Some(userinfo.to_owned()), rest.parse().ok()?),
        None => (None, whole),
    };
    if !has_usable_host(&authority) || !has_usable_port(&authority) {
        return None;
    }
    let path = parts.path_and_query.map_or(String::new(), |path| {
        path.path().trim_end_matches('/').to_owned()
    });
    Some(BaseUrl {
        scheme,
        authority,
        userinfo,
        path,
    })
}

/// A name, or an address in brackets.
fn has_usable_host(authority: &Authority) -> bool {
    match authority.host().strip_prefix('[') {
        None => !authority.host().is_empty(),
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
    }
}

fn has_usable_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().strip_prefix(authority.host());
    match after_host {
        None | Some("") => true,
        Some(_) => authority.port_u16().is_some_and(|port| port != 0),
    }
}

/// Cleans a host the way KrakenD does: the text must contain exactly one match
/// of `(https?://)?([a-zA-Z0-9._-]+)(:[0-9]{2,6})?/?`, which is what remains,
/// with `http://` where no scheme is given. IPv6 literals are refused, also
/// the few that would pass for a number.
pub(super) fn clean(host: &str) -> Option<Clean> {
    if host.contains(['[', ']']) {
        return None;
    }
    let start = host.find(is_name)?;
    let (before, text) = host.split_at_checked(start)?;
    let (found, after) = first_match(text)?;
    if after.contains(is_name) {
        return None;
    }
    let blank = |text: &str| text.chars().all(|c| c == '/' || c.is_whitespace());
    Some(Clean {
        url: found,
        dropped: !blank(before) || !blank(after),
    })
}

/// The match at the start of `text`, and what follows it.
fn first_match(text: &str) -> Option<(String, &str)> {
    let schemes = ["http://", "https://"];
    let with_scheme = schemes.into_iter().find_map(|scheme| {
        let rest = text.strip_prefix(scheme)?;
        rest.starts_with(is_name).then_some((scheme, rest))
    });
    let (scheme, rest) = with_scheme.unwrap_or(("http://", text));
    let (name, rest) = split(rest, |c| !is_name(c));
    let (port, rest) = port(rest).unwrap_or(("", rest));
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    Some((format!("{scheme}{name}{port}"), rest)).filter(|_| !name.is_empty())
}

/// A colon with two to six digits.
fn port(text: &str) -> Option<(&str, &str)> {
    let digits = text.strip_prefix(':')?;
    let count = digits
        .bytes()
        .take(6)
        .take_while(u8::is_ascii_digit)
        .count();
    (count >= 2).then(|| text.split_at_checked(count + 1))?
}

fn split(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(end).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// `host` for a message, without user information.
fn shown(host: &str) -> String {
    match host.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => host.to_owned(),
    }
}
