//! The `proxy_…` keys of `backend/http/client`. Values may hold passwords and
//! are never repeated.

use std::path::PathBuf;

use http::HeaderName;

use crate::{
    BackendProxy, ForwardProxy, ProxyAddress, ProxySharing, ProxySource, Reference, read::Value,
};

use super::{At, Item, Problems, Section, section::misfit};

/// Keys that mean something beside a proxy only.
const OPTIONS: [&str; 10] = [
    "proxy_sharing",
    "proxy_username",
    "proxy_password",
    "proxy_connect_headers",
    "no_proxy",
    "proxy_tunnel",
    "proxy_ca",
    "proxy_client_certificate",
    "proxy_http2",
    "proxy_connect_timeout",
];

/// All keys about proxies.
pub(super) fn resolve(section: &mut Section<'_>) -> BackendProxy {
    let before = section.problems().count();
    let written = address(section);
    let source = source(section, written.as_ref());
    let options = options(section);
    match (written, source) {
        (_, Some(source)) => BackendProxy::Forward(Box::new(ForwardProxy { source, ..options })),
        (written, None) => {
            let direct = matches!(written, Some(Written::Direct));
            if section.problems().count() == before {
                without_proxy(section, direct);
            }
            match direct {
                true => BackendProxy::Direct,
                false => BackendProxy::Environment,
            }
        }
    }
}

/// What `proxy_address` says.
enum Written {
    Direct,
    Addresses(Vec<ProxyAddress>),
}

fn source(section: &mut Section<'_>, written: Option<&Written>) -> Option<ProxySource> {
    let sharing = sharing(section);
    let pac = pac(section);
    if let (Some(_), Some((at, _))) = (written, &pac) {
        section.problems().error(
            at,
            "stands beside \"proxy_address\": only one of them can decide",
            "remove one of the two",
        );
    }
    if let Some((_, file)) = pac {
        return Some(ProxySource::Pac(file));
    }
    let Some(Written::Addresses(addresses)) = written else {
        return None;
    };
    if let (Some((_, at)), [_]) = (&sharing, addresses.as_slice()) {
        let message = "has no effect with one address";
        let help = "list several in \"proxy_address\", or remove it";
        section.problems().warning(at, message, help);
    }
    Some(ProxySource::Addresses {
        addresses: addresses.clone(),
        sharing: sharing.map_or_else(ProxySharing::default, |(sharing, _)| sharing),
    })
}

/// `proxy_address`: a text, or a list of them.
fn address(section: &mut Section<'_>) -> Option<Written> {
    let item = section.item("proxy_address")?;
    let problems = section.problems();
    let Value::List(nodes) = &item.node.value else {
        return match one_address(&item, problems)? {
            address if address.text == "direct" => Some(Written::Direct),
            address => Some(Written::Addresses(vec![address])),
        };
    };
    if nodes.is_empty() {
        let help = "list one address or more, or remove the key";
        problems.error(&item.at, "is an empty list", help);
        return None;
    }
    let mut addresses: Vec<ProxyAddress> = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let at = At::Key(item.at.path().index(index));
        let Some(address) = one_address(
            &Item {
                node,
                at: at.clone(),
            },
            problems,
        ) else {
            continue;
        };
        if address.text == "direct" {
            let message = "is \"direct\": a list of proxies never ends in a direct connection";
            problems.error(&at, message, "remove it");
        } else if addresses.iter().any(|known| known.text == address.text) {
            problems.warning(&at, "stands in the list already", "remove it");
        } else {
            addresses.push(address);
        }
    }
    (!addresses.is_empty()).then_some(Written::Addresses(addresses))
}

fn one_address(item: &Item<'_>, problems: &Problems<'_>) -> Option<ProxyAddress> {
    let message = match &item.node.value {
        Value::Text(text) if !text.trim().is_empty() => {
            return Some(ProxyAddress {
                text: text.clone(),
                place: item.at.path(),
            });
        }
        Value::Text(_) => "is empty".to_owned(),
        other => format!("is {}, not a string", other.kind()),
    };
    let help = "write an address such as \"http://proxy:3128\", a list of them, or \"direct\"";
    problems.error(&item.at, message, help);
    None
}

fn sharing(section: &mut Section<'_>) -> Option<(ProxySharing, At)> {
    let item = section.item("proxy_sharing")?;
    let sharing = match &item.node.value {
        Value::Text(text) if text == "order" => ProxySharing::Order,
        Value::Text(text) if text == "spread" => ProxySharing::Spread,
        _ => {
            misfit(section.problems(), &item, "\"order\" or \"spread\"");
            return None;
        }
    };
    Some((sharing, item.at))
}

fn pac(section: &mut Section<'_>) -> Option<(At, PathBuf)> {
    let item = section.item("proxy_pac")?;
    match &item.node.value {
        Value::Text(path) if !path.trim().is_empty() => Some((item.at, path.into())),
        _ => {
            misfit(section.problems(), &item, "the path of a file");
            None
        }
    }
}

/// Everything but the source.
fn options(section: &mut Section<'_>) -> ForwardProxy {
    let username = text_or_reference(section, "proxy_username");
    let password = text_or_reference(section, "proxy_password");
    if let (None, Some(_)) = (&username, &password) {
        let at = section.at().key("proxy_password");
        let message = "needs \"proxy_username\" beside it";
        section
            .problems()
            .error(&at, message, "add the user's name");
    }
    ForwardProxy {
        place: section.path().clone(),
        source: ProxySource::Addresses {
            addresses: Vec::new(),
            sharing: ProxySharing::default(),
        },
        username,
        password,
        connect_headers: connect_headers(section),
        no_proxy: no_proxy(section),
        tunnel: section.flag("proxy_tunnel").unwrap_or(false),
        ca: file_or_reference(section, "proxy_ca"),
        client_certificate: file_or_reference(section, "proxy_client_certificate"),
        http2: section.flag("proxy_http2").unwrap_or(false),
        connect_timeout: section.duration("proxy_connect_timeout"),
    }
}

/// Options that are there for nothing.
fn without_proxy(section: &mut Section<'_>, direct: bool) {
    let message = match direct {
        true => "has no effect: \"proxy_address\" is \"direct\"",
        false => "has no effect without \"proxy_address\" or \"proxy_pac\"",
    };
    for key in OPTIONS {
        if let Some(item) = section.item(key) {
            let help = "add a proxy, or remove it; the environment brings its own settings";
            section.problems().warning(&item.at, message, help);
        }
    }
}

fn text_or_reference(section: &mut Section<'_>, key: &'static str) -> Option<Reference> {
    let item = section.item(key)?;
    reference(&item, section.problems(), Reference::Text)
}

/// Certificates and keys: a text is the path of their file.
fn file_or_reference(section: &mut Section<'_>, key: &'static str) -> Option<Reference> {
    let item = section.item(key)?;
    reference(&item, section.problems(), |path| {
        Reference::File(path.into())
    })
}

/// `{"env": "NAME"}`, `{"file": "path"}`, or what `of_text` makes of a text.
fn reference(
    item: &Item<'_>,
    problems: &Problems<'_>,
    of_text: impl Fn(String) -> Reference,
) -> Option<Reference> {
    match &item.node.value {
        Value::Object(_) => elsewhere(item, problems),
        Value::Text(text) if !text.is_empty() => Some(of_text(text.clone())),
        Value::Text(_) => {
            problems.error(&item.at, "is empty", "write a value, or remove the key");
            None
        }
        _ => {
            let wanted = "a string, {\"env\": \"NAME\"} or {\"file\": \"path\"}";
            misfit(problems, item, wanted);
            None
        }
    }
}

fn elsewhere(item: &Item<'_>, problems: &Problems<'_>) -> Option<Reference> {
    let before = problems.count();
    let mut section = Section::of(item, problems)?;
    let mut name = |key| section.text(key).filter(|text| !text.is_empty());
    let found = match (name("env"), name("file")) {
        (Some(variable), None) if !variable.contains(['=', '\0']) => {
            Some(Reference::Variable(variable))
        }
        (None, Some(path)) => Some(Reference::File(path.into())),
        _ => None,
    };
    if found.is_none() && problems.count() == before {
        let message = "must name one variable or one file";
        let help = "write {\"env\": \"NAME\"} or {\"file\": \"path\"}";
        problems.error(&item.at, message, help);
    }
    section.finish();
    found
}

fn connect_headers(section: &mut Section<'_>) -> Vec<(HeaderName, Reference)> {
    let Some(item) = section.item("proxy_connect_headers") else {
        return Vec::new();
    };
    let problems = section.problems();
    let Value::Object(object) = &item.node.value else {
        misfit(
            problems,
            &item,
            "an object with the names of headers as keys",
        );
        return Vec::new();
    };
    let fields = object.entries().iter().filter_map(|entry| {
        let at = item.at.key(&entry.key);
        let name = header_name(&entry.key, &at, problems);
        let node = &entry.node;
        let value = reference(&Item { node, at }, problems, Reference::Text);
        Some((name?, value?))
    });
    fields.collect()
}

fn header_name(key: &str, at: &At, problems: &Problems<'_>) -> Option<HeaderName> {
    const FRAMING: [&str; 3] = ["host", "content-length", "transfer-encoding"];
    match HeaderName::from_bytes(key.as_bytes()) {
        Ok(name) if FRAMING.contains(&name.as_str()) => {
            problems.error(at, "is the gateway's own to set", "remove it");
            None
        }
        Ok(name) => Some(name),
        Err(_) => {
            problems.error(
                at,
                "is not the name of a header",
                "write one such as \"X-Team\"",
            );
            None
        }
    }
}

/// A list, or one text with commas.
fn no_proxy(section: &mut Section<'_>) -> Vec<String> {
    let texts = section.texts("no_proxy");
    let entries = texts.iter().flat_map(|(text, _)| text.split(','));
    entries
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}
