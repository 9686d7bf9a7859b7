//! Whatever stands in `NO_PROXY`, it excepts what a second reading of Go's
//! grammar says, and a further entry never brings an exception to an end.
//!
//! The first line of the input is the target's authority, the rest the list.
#![no_main]

use std::net::IpAddr;

use cuttle_egress::EnvironmentProxies;
use http::Uri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let Some((authority, list)) = text.split_once('\n') else {
        return;
    };
    let Ok(target) = format!("http://{authority}/").parse::<Uri>() else {
        return;
    };
    let Some(direct) = is_direct(list, &target) else {
        return;
    };
    let longer = is_direct(&format!("{list},10.0.0.0/8,*.more.test"), &target);
    assert!(!direct || longer == Some(true), "{text:?}");
    let (Some(host), None) = (target.host(), authority.find('@')) else {
        return;
    };
    let six = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = six.unwrap_or(host).to_ascii_lowercase();
    // Brackets elsewhere are no host that could be sent to.
    if host.contains(['[', ']']) {
        return;
    }
    let port = target.port_u16().unwrap_or(80);
    if let Some(expected) = expected(list, &host, port) {
        assert_eq!(direct, expected, "{text:?}");
    }
});

fn is_direct(list: &str, target: &Uri) -> Option<bool> {
    let variables = EnvironmentProxies::from_vars(|name| match name {
        "HTTP_PROXY" => Some("http://proxy.test:3128".to_owned()),
        "NO_PROXY" => Some(list.to_owned()),
        _ => None,
    });
    let variables = variables.expect("the proxy can be used");
    Some(variables.proxy_for(target).ok()?.is_none())
}

/// `None` for what this reading leaves out: names beyond ASCII, zones.
fn expected(list: &str, host: &str, port: u16) -> Option<bool> {
    if !list.is_ascii() || list.contains('%') || host.contains('%') {
        return None;
    }
    let address: Option<IpAddr> = host.parse().ok().map(|ip: IpAddr| ip.to_canonical());
    if host == "localhost" || address.is_some_and(|ip| ip.is_loopback()) {
        return Some(true);
    }
    let mut entries = list.split(',').map(str::trim);
    Some(entries.any(|entry| entry == "*" || excepts(entry, host, address, port)))
}

fn excepts(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if let Some(found) = in_block(entry, address) {
        return found;
    }
    let (name, only) = parts(entry);
    if only.is_some_and(|only| only.parse() != Ok(port)) {
        return false;
    }
    match (name.parse::<IpAddr>(), address) {
        (Ok(one), _) => Some(one.to_canonical()) == address,
        (Err(_), Some(_)) => false,
        (Err(_), None) => matches(&name.to_ascii_lowercase(), host),
    }
}

/// The host of an entry, and its port if it names one.
fn parts(entry: &str) -> (&str, Option<&str>) {
    let bracketed = entry.starts_with('[');
    let split = match bracketed {
        true => entry[1..].split_once("]:"),
        false if entry.matches(':').count() == 1 => entry.split_once(':'),
        false => None,
    };
    match split {
        Some((name, "")) => (name, None),
        Some((name, port)) => (name, Some(port)),
        None => (entry, None),
    }
}

fn matches(name: &str, host: &str) -> bool {
    let name = match name.strip_prefix("*.") {
        Some(_) => &name[1..],
        None => name,
    };
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => !name.is_empty() && (host == name || host.ends_with(&format!(".{name}"))),
    }
}

/// Whether the address is in a block; `None` if the entry is none.
fn in_block(entry: &str, address: Option<IpAddr>) -> Option<bool> {
    let (ip, bits) = entry.split_once('/')?;
    let digits = !bits.is_empty() && bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit());
    let bits = digits.then(|| bits.parse::<u32>().ok())??;
    let same = |a: u128, b: u128, size: u32| (a ^ b).checked_shr(size - bits).unwrap_or(0) == 0;
    match (ip.parse().ok()?, address) {
        (IpAddr::V4(_), _) if bits > 32 => None,
        (IpAddr::V6(_), _) if bits > 128 => None,
        (IpAddr::V4(a), Some(IpAddr::V4(b))) => {
            Some(same(u32::from(a).into(), u32::from(b).into(), 32))
        }
        (IpAddr::V6(a), Some(IpAddr::V6(b))) => Some(same(a.into(), b.into(), 128)),
        _ => Some(false),
    }
}
