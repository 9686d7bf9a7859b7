//! `plugin`, `plugin/http-client` and `cuttle/plugins`.

use std::{collections::BTreeMap, net::IpAddr};

use http::uri::Authority;
use ipnet::IpNet;

use crate::{
    Grants, Isolation, PluginFolder, PluginLimits, PluginPolicy, PluginUse,
    read::{Object, Value},
};

use super::{Item, Problems, Section, section::misfit, size::bytes};

/// `plugin` of the root. Whether the folder is there is for others to say.
pub(super) fn folder(root: &mut Section<'_>) -> Option<PluginFolder> {
    let mut section = root.section("plugin")?;
    let folder = section.text("folder").filter(|folder| !folder.is_empty());
    let pattern = section
        .text("pattern")
        .filter(|pattern| !pattern.is_empty());
    let problems = section.problems();
    let pattern = match pattern {
        None => ".wasm".to_owned(),
        Some(pattern) => match pattern.strip_suffix(".so") {
            None => pattern,
            Some(stem) => {
                let wasm = format!("{stem}.wasm");
                let message = format!("{pattern:?} is read as {wasm:?}: plugins are components");
                problems.warning(
                    &section.at().key("pattern"),
                    message,
                    format!("write {wasm:?}"),
                );
                wasm
            }
        },
    };
    if folder.is_none() {
        let message = "no folder: only the bundled plugins are there";
        problems.warning(
            &section.at().key("folder"),
            message,
            "name a folder, or remove \"plugin\"",
        );
    }
    let place = section.path().clone();
    section.finish();
    Some(PluginFolder {
        place,
        folder: folder?.into(),
        pattern,
    })
}

/// `plugin/http-client` of a backend. Keys beside `name` are the plugin's own.
pub(super) fn client(item: &Item<'_>, problems: &Problems<'_>) -> Option<PluginUse> {
    let Value::Object(object) = &item.node.value else {
        misfit(problems, item, "an object");
        return None;
    };
    let name = match object.find("name").map(|entry| &entry.node.value) {
        Some(Value::Text(name)) if !name.is_empty() => name.clone(),
        other => {
            let (message, help) = not_a_name(other);
            problems.error(&item.at.key("name"), message, help);
            return None;
        }
    };
    Some(PluginUse {
        place: item.at.path(),
        name,
        settings: item.node.to_json(),
    })
}

fn not_a_name(value: Option<&Value>) -> (String, &'static str) {
    let help = "write the name of one plugin, such as \"name\": \"http-proxy\"";
    match value {
        None | Some(Value::Null) => ("is missing".to_owned(), help),
        Some(Value::Text(_)) => ("is empty".to_owned(), help),
        Some(Value::List(_)) => (
            "is a list: chains of plugins are not implemented yet".to_owned(),
            help,
        ),
        Some(other) => (format!("is {}, not a string", other.kind()), help),
    }
}

/// `cuttle/plugins`.
pub(super) fn policy(mut section: Section<'_>) -> PluginPolicy {
    let policy = PluginPolicy {
        grants: by_name(&mut section, "grants", grants),
        limits: by_name(&mut section, "limits", limits),
        isolation: isolation(&mut section),
        cache_dir: section
            .text("cache_dir")
            .filter(|path| !path.is_empty())
            .map(Into::into),
        max_instances: positive(&mut section, "max_instances")
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX)),
    };
    section.finish();
    policy
}

/// The sections under `key`, one for each plugin.
fn by_name<T>(
    section: &mut Section<'_>,
    key: &'static str,
    resolve: impl Fn(Section<'_>) -> T,
) -> BTreeMap<String, T> {
    let problems = section.problems();
    let Some(item) = section.item(key) else {
        return BTreeMap::new();
    };
    let Value::Object(object) = &item.node.value else {
        misfit(
            problems,
            &item,
            "an object with the names of plugins as keys",
        );
        return BTreeMap::new();
    };
    named(object, &item)
        .filter_map(|(name, item)| Some((name, resolve(Section::of(&item, problems)?))))
        .collect()
}

/// The entries of an object whose keys are names of plugins.
fn named<'a>(object: &'a Object, item: &Item<'a>) -> impl Iterator<Item = (String, Item<'a>)> {
    object.entries().iter().map(|entry| {
        let at = item.at.key(&entry.key);
        let node = &entry.node;
        (entry.key.clone(), Item { node, at })
    })
}

fn grants(mut section: Section<'_>) -> Grants {
    let problems = section.problems();
    let outbound = section.texts("outbound");
    for (authority, at) in &outbound {
        if let Some((message, help)) = not_a_host(authority) {
            problems.error(at, message, help);
        }
    }
    let addresses = section.texts("addresses");
    for (address, at) in &addresses {
        if address.parse::<IpNet>().is_err() && address.parse::<IpAddr>().is_err() {
            let help = "write an address, or a network such as `10.0.0.0/8`";
            problems.error(at, "is not an address", help);
        }
    }
    let grants = Grants {
        outbound: outbound.into_iter().map(|(text, _)| text).collect(),
        addresses: addresses.into_iter().map(|(text, _)| text).collect(),
        proxies: section
            .texts("proxies")
            .into_iter()
            .map(|(text, _)| text)
            .collect(),
    };
    section.finish();
    grants
}

/// What is wrong with a host that is granted, and what would be right.
fn not_a_host(text: &str) -> Option<(&'static str, &'static str)> {
    let parsed = text.parse::<Authority>().ok();
    let Some(authority) = parsed.filter(|parsed| !parsed.as_str().contains('@')) else {
        let help = "write `host` or `host:port`, without scheme and path";
        return Some(("is not the name of a host", help));
    };
    is_odd_address(authority.host()).then_some((
        "is an address in a form that hides it",
        "write four decimal numbers, as in `127.0.0.1`",
    ))
}

/// Whether a resolver would take `host` for an address though it does not look
/// like one: `2130706433`, `0x7f.1`, `0177.0.0.1` (inet_aton, and the "ends in a
/// number" of the URL standard).
fn is_odd_address(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_number = match last.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit()),
    };
    is_number && host.parse::<IpAddr>().is_err()
}

fn limits(mut section: Section<'_>) -> PluginLimits {
    let limits = PluginLimits {
        memory: bytes(&mut section, "memory"),
        table_elements: section.number("table_elements"),
        hostcall_fuel: bytes(&mut section, "hostcall_fuel"),
        resources: section.number("resources"),
        body_read: bytes(&mut section, "body_read"),
        host_calls: positive(&mut section, "host_calls"),
        log_lines_per_second: section.number("log_lines_per_second"),
        instances: positive(&mut section, "instances"),
        uses_per_instance: section.number("uses_per_instance"),
        timeout: section.duration("timeout"),
    };
    section.finish();
    limits
}

/// A number of which none would mean that no call ever succeeds.
fn positive(section: &mut Section<'_>, key: &'static str) -> Option<usize> {
    let number = section.number(key)?;
    if number == 0 {
        let at = section.at().key(key);
        section
            .problems()
            .error(&at, "is zero: no call could be served", "write 1 or more");
    }
    Some(number)
}

/// One word for all plugins, or one for each, `*` being every other one.
fn isolation(section: &mut Section<'_>) -> BTreeMap<String, Isolation> {
    let problems = section.problems();
    let Some(item) = section.item("isolation") else {
        return BTreeMap::new();
    };
    let items: Vec<_> = match &item.node.value {
        Value::Object(object) => named(object, &item).collect(),
        _ => vec![("*".to_owned(), item)],
    };
    items
        .into_iter()
        .filter_map(|(name, item)| Some((name, isolation_of(&item, problems)?)))
        .collect()
}

fn isolation_of(item: &Item<'_>, problems: &Problems<'_>) -> Option<Isolation> {
    match &item.node.value {
        Value::Text(text) if text == "instance" => Some(Isolation::Instance),
        Value::Text(text) if text == "request" => Some(Isolation::Request),
        _ => {
            misfit(problems, item, "\"instance\" or \"request\"");
            None
        }
    }
}
