//! Texts of feeds: markup, people, dates.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use quick_xml::escape::resolve_html5_entity;
use time::{
    OffsetDateTime, UtcOffset,
    format_description::well_known::{Rfc2822, Rfc3339},
};

use super::tree::Element;

const CDATA: &str = "<![CDATA[";

/// Characters among which an entity's name ends.
const ENTITY: usize = 34;

/// Somebody a feed names.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
}

/// The text of an element of RSS: entities resolved, CDATA sections opened,
/// markup as it is.
pub(super) fn plain(element: &Element<'_>) -> String {
    let inner = element.inner.trim();
    if !inner.contains(CDATA) {
        return unescape(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, section)) = rest.split_once(CDATA) {
        let (section, after) = section.split_once("]]>").unwrap_or((section, ""));
        text.push_str(&unescape(before));
        text.push_str(section);
        rest = after;
    }
    text.push_str(&unescape(rest));
    text
}

/// The text of an element of Atom, by its `type` (RFC 4287, section 3.1).
pub(super) fn typed(element: &Element<'_>) -> String {
    let kind = element.attribute("type").to_ascii_lowercase();
    let inner = element.inner.trim();
    if inner.contains(CDATA) || matches!(kind.as_str(), "" | "text") || kind.starts_with("text/") {
        return plain(element);
    }
    if kind.contains("xhtml") || kind.ends_with("xml") {
        return without_div(inner).to_owned();
    }
    if kind == "html" {
        return unescape(without_div(inner));
    }
    let compact: String = inner.split_whitespace().collect();
    let decoded = BASE64_STANDARD.decode(compact).ok();
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| inner.to_owned())
}

/// XHTML comes in a `<div>` that is no part of it.
fn without_div(markup: &str) -> &str {
    let within = || {
        let start = markup
            .strip_prefix("<div")
            .or(markup.strip_prefix("<xhtml:div"))?;
        let (_, inner) = start.split_once('>')?;
        let inner = inner
            .strip_suffix("</div>")
            .or(inner.strip_suffix("</xhtml:div>"))?;
        Some(inner.trim())
    };
    within().unwrap_or(markup)
}

/// Resolves the entities of HTML and character references; what is neither
/// stays.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.char_indices().take(ENTITY).find(|(_, c)| *c == ';');
        let entity = end.and_then(|(at, _)| after.split_at_checked(at));
        rest = match entity.and_then(|(name, after)| Some((resolve(name)?, after))) {
            Some((text, after)) => {
                out.push_str(&text);
                after.strip_prefix(';').unwrap_or(after)
            }
            None => {
                out.push('&');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

fn resolve(name: &str) -> Option<Cow<'static, str>> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_html5_entity(name).map(Cow::Borrowed);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    let character = char::from_u32(code).filter(|c| *c != '\0')?;
    Some(Cow::Owned(character.to_string()))
}

/// Name and address of `Some Body (some@body.example)`, or the other way
/// round, or one of both.
pub(super) fn person(text: &str) -> Person {
    let outer_and_inner = || {
        let (outer, inner) = text.strip_suffix(')')?.split_once('(')?;
        Some((outer.trim_end(), inner))
    };
    let (name, email) = match outer_and_inner() {
        Some((address, name)) if address.contains('@') && !name.contains('@') => (name, address),
        Some((name, address)) if address.contains('@') && !name.contains('@') => (name, address),
        Some(_) => ("", ""),
        None if text.contains('@') => ("", text),
        None => (text, ""),
    };
    Person {
        name: name.to_owned(),
        email: email.to_owned(),
    }
}

/// A date in UTC as Go writes it (RFC 3339); empty where it cannot be read.
pub(super) fn date(text: &str) -> String {
    let text = text.trim();
    let date = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Rfc2822))
        .or_else(|_| OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339));
    let utc = date
        .ok()
        .and_then(|date| date.checked_to_offset(UtcOffset::UTC));
    utc.and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// The texts of all extensions of one name.
pub(super) fn extension_texts(
    extensions: &[&Element<'_>],
    prefix: &str,
    name: &str,
) -> impl Iterator<Item = String> {
    extensions
        .iter()
        .filter(move |element| element.prefix == prefix && element.name == name)
        .map(|element| element.text.trim().to_owned())
}

/// Where the artwork of a podcast is.
pub(super) fn itunes_image(extensions: &[&Element<'_>]) -> Option<String> {
    let mut images = extensions
        .iter()
        .filter(|element| element.prefix == "itunes" && element.name == "image");
    let url = images.next()?.attribute("href");
    (!url.is_empty()).then(|| url.to_owned())
}
