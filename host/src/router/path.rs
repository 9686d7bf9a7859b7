//! Paths as text: decoding, other spellings, and writing them into `Location`.

use std::{borrow::Cow, error::Error, fmt};

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

/// Why a path of a client cannot be used. `Display` is KrakenD's text for the
/// client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadPath {
    /// A `%` without two hexadecimal digits; up to three characters from there.
    Escape(String),
    /// Not UTF-8 when decoded.
    NotUtf8,
    /// A parameter that is encoded still, or holds what ends a path.
    EncodedParam,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escape(text) => write!(f, "error: invalid URL escape {text:?}"),
            Self::NotUtf8 => f.write_str("error: invalid UTF-8 in URL"),
            Self::EncodedParam => f.write_str("error: encoded url params"),
        }
    }
}

impl Error for BadPath {}

/// `raw` with every escape decoded, once.
pub(super) fn decode(raw: &str) -> Result<Cow<'_, str>, BadPath> {
    check_escapes(raw)?;
    percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| BadPath::NotUtf8)
}

/// Refuses a decoded parameter that could be decoded again.
pub(super) fn check_param(value: &str) -> Result<(), BadPath> {
    check_escapes(value)?;
    if value.contains(['%', '?', '#']) {
        return Err(BadPath::EncodedParam);
    }
    Ok(())
}

fn check_escapes(text: &str) -> Result<(), BadPath> {
    let broken = |after: &&str| !matches!(after.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    match text.split('%').skip(1).find(broken) {
        Some(after) => Err(BadPath::Escape(
            std::iter::once('%').chain(after.chars().take(2)).collect(),
        )),
        None => Ok(()),
    }
}

/// `path` with `//`, `.` and `..` resolved. Starts with a slash, never climbs
/// above it, and keeps a trailing one.
pub(super) fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            text => kept.push(text),
        }
    }
    let mut clean = String::with_capacity(path.len() + 1);
    for segment in kept {
        clean.push('/');
        clean.push_str(segment);
    }
    if clean.is_empty() || path.ends_with('/') || path.ends_with("/.") {
        clean.push('/');
    }
    clean
}

/// `path` with a trailing slash, or without it if there is one. Nothing for
/// `/`, which is nothing without.
pub(super) fn toggle_slash(path: &str) -> Option<String> {
    match path.strip_suffix('/') {
        Some("") => None,
        Some(shorter) => Some(shorter.to_owned()),
        None => Some(format!("{path}/")),
    }
}

/// Everything that is not a `pchar` (RFC 3986 section 3.3) or a slash.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// A query is passed on as it came, except for what no field value may hold.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'#');

/// Value of `Location` for the decoded `path`, on the client's own origin.
///
/// It starts with exactly one slash: with two, or with a slash and a backslash,
/// a browser reads the next segment as a host. `prefix` comes from the client.
pub(super) fn location(prefix: Option<&str>, path: &str, query: Option<&str>) -> String {
    let mut location = prefix.map(safe_prefix).unwrap_or_default();
    location.push('/');
    location.extend(utf8_percent_encode(path.trim_start_matches('/'), PATH));
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        location.push('?');
        location.extend(utf8_percent_encode(query, QUERY));
    }
    location
}

/// What may be used of `X-Forwarded-Prefix`: letters, digits, `_`, `.`, `-` and
/// slashes, with dot segments resolved. Empty, or with one leading slash and no
/// trailing one.
fn safe_prefix(prefix: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.' | '-');
    let prefix: String = prefix.chars().filter(allowed).collect();
    let mut prefix = clean(&prefix);
    if prefix.ends_with('/') {
        prefix.pop();
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_path_has_no_empty_and_no_dot_segments() {
        #[rustfmt::skip]
        let cases = [
            ("",              "/"),
            ("/",             "/"),
            ("//",            "/"),
            ("/a",            "/a"),
            ("/a/",           "/a/"),
            ("a/b",           "/a/b"),
            ("//a///b//",     "/a/b/"),
            ("/./a/./b/.",    "/a/b/"),
            ("/a/b/..",       "/a"),
            ("/a/b/../",      "/a/"),
            ("/a/../../../b", "/b"),
            ("/..",           "/"),
            ("/...",          "/..."),
            ("/a/.b/..c",     "/a/.b/..c"),
        ];
        for (path, expected) in cases {
            assert_eq!(clean(path), expected, "{path}");
            assert_eq!(clean(expected), expected, "{path}: twice");
        }
    }

    #[test]
    fn a_location_stays_on_this_origin() {
        #[rustfmt::skip]
        let cases = [
            (None,                        "/a",         None,         "/a"),
            (None,                        "//evil.com", None,         "/evil.com"),
            (None,                        "/\\evil.com",None,         "/%5Cevil.com"),
            (None,                        "/a b?#%é",   None,         "/a%20b%3F%23%25%C3%A9"),
            (None,                        "/a\r\nX: 1", None,         "/a%0D%0AX:%201"),
            (None,                        "/a",         Some(""),     "/a"),
            (None,                        "/a",         Some("b=c%20d&e"), "/a?b=c%20d&e"),
            (None,                        "/a",         Some("x\r\né#"), "/a?x%0D%0A%C3%A9%23"),
            (Some(""),                    "/a",         None,         "/a"),
            (Some("."),                   "/a",         None,         "/a"),
            (Some("/"),                   "/a",         None,         "/a"),
            (Some("/api"),                "/a/",        None,         "/api/a/"),
            (Some("api/"),                "/a",         None,         "/api/a"),
            (Some("//evil.com"),          "/a",         None,         "/evil.com/a"),
            (Some("/\\evil.com"),         "/a",         None,         "/evil.com/a"),
            (Some("https://evil.com"),    "/a",         None,         "/https/evil.com/a"),
            (Some("/..//evil.com"),       "/a",         None,         "/evil.com/a"),
            (Some("../../api#?"),         "/a",         None,         "/api/a"),
            (Some("/api/../../x"),        "/a",         None,         "/x/a"),
            (Some("/a\r\nSet-Cookie: b"), "/a",         None,         "/aSet-Cookieb/a"),
            (Some("/.\u{e9}./x"),         "/a",         None,         "/x/a"),
        ];
        for (prefix, path, query, expected) in cases {
            let location = location(prefix, path, query);
            assert_eq!(location, expected, "{prefix:?} {path:?} {query:?}");
            assert!(location.starts_with('/') && !location.starts_with("//"));
        }
    }
}
