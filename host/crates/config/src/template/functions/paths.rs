//! sprig: file paths and URLs.

use std::{collections::BTreeMap, rc::Rc};

use super::{Call, Function, Returned, Type, function};
use crate::template::value::{Element, Map, Value};

const TEXT: Type = Type::Text;

pub(super) const FUNCTIONS: &[Function] = &[
    function("base", &[TEXT], |call| call.text(base(call.str(0)))),
    function("osBase", &[TEXT], |call| call.text(base(call.str(0)))),
    function("dir", &[TEXT], |call| call.text(dir(call.str(0)))),
    function("osDir", &[TEXT], |call| call.text(dir(call.str(0)))),
    function("ext", &[TEXT], |call| call.text(ext(call.str(0)))),
    function("osExt", &[TEXT], |call| call.text(ext(call.str(0)))),
    function("clean", &[TEXT], |call| call.text(clean(call.str(0)))),
    function("osClean", &[TEXT], |call| call.text(clean(call.str(0)))),
    function("isAbs", &[TEXT], |call| {
        Ok(Value::Bool(call.str(0).starts_with('/')))
    }),
    function("osIsAbs", &[TEXT], |call| {
        Ok(Value::Bool(call.str(0).starts_with('/')))
    }),
    function("urlParse", &[TEXT], url_parse),
    function("urlJoin", &[Type::Map], url_join),
];

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path, trimmed) {
        ("", _) => ".",
        (_, "") => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    clean(path.get(..end).unwrap_or(""))
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.')
        .and_then(|dot| name.get(dot..))
        .unwrap_or("")
}

/// The shortest path to the same file, by the text alone.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// A URL's parts by sprig's names.
fn url_parse(call: &Call<'_>) -> Returned {
    let (rest, fragment) = split(call.str(0), '#');
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), rest),
    };
    let (rest, query) = split(rest, '?');
    let opaque = !scheme.is_empty() && !rest.starts_with('/');
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None if opaque => ("", ""),
        None => ("", rest),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let path = percent_decoded(path);
    let parts = [
        ("scheme", scheme.as_str()),
        ("host", host),
        ("hostname", hostname(host)),
        ("path", path.as_str()),
        ("query", query),
        ("opaque", if opaque { rest } else { "" }),
        ("fragment", fragment),
        ("userinfo", user),
    ];
    let parts = parts.map(|(name, part)| (Rc::from(name), Value::Text(part.into())));
    Ok(call.heap.map(Element::Any, BTreeMap::from(parts)))
}

fn split(text: &str, separator: char) -> (&str, &str) {
    text.split_once(separator).unwrap_or((text, ""))
}

fn is_scheme(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(rest)
}

/// Without port and brackets.
fn hostname(host: &str) -> &str {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next().unwrap_or(inner);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or(&[]);
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The URL of parts as `url_parse` gives them.
fn url_join(call: &Call<'_>) -> Returned {
    let part = |name: &str| text_of(call.map(0), name);
    let (scheme, user, host) = (part("scheme"), part("userinfo"), part("host"));
    let (opaque, path) = (part("opaque"), part("path"));
    let mut url = String::new();
    if !scheme.is_empty() {
        url = format!("{scheme}:");
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            url.push_str("//");
        }
        if !user.is_empty() {
            url.push_str(&user);
            url.push('@');
        }
        url.push_str(&host);
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            url.push('/');
        }
        url.push_str(
            &path
                .replace('%', "%25")
                .replace(' ', "%20")
                .replace('?', "%3F"),
        );
    } else {
        url.push_str(&opaque);
    }
    for (sign, name) in [('?', "query"), ('#', "fragment")] {
        let part = part(name);
        if !part.is_empty() {
            url.push(sign);
            url.push_str(&part);
        }
    }
    call.text(url)
}

fn text_of(map: Option<&Map>, name: &str) -> Rc<str> {
    match map.and_then(|map| map.get(name)) {
        Some(Value::Text(text)) => text,
        _ => "".into(),
    }
}
