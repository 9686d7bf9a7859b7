//! URLs of backend calls: `url_pattern` with the client's parameters in it.
//!
//! Scheme and authority come from the configuration alone. Values of the client
//! are encoded for the place they stand at, in one pass: what a value brings
//! along is never read as a placeholder, a segment, a query or a host.

use std::{fmt, sync::Arc};

use cuttle_config::{UrlPart, UrlPattern};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::query::{begins_with_hex_pair, push_component};

/// A compiled `url_pattern`.
pub(crate) struct UrlTemplate {
    pieces: Vec<Piece>,
    has_query: bool,
}

enum Piece {
    /// Text, as it goes on the wire.
    Text(String),
    /// A value in the path.
    InPath(Source),
    /// A value in the query.
    InQuery(Source),
    /// What the wildcard of the endpoint's path matched: whole segments.
    Rest,
}

/// Where a value comes from.
enum Source {
    /// A parameter of the client's path, by name.
    Param(String),
    /// An earlier backend's answer, by the name of the placeholder.
    Response(String),
}

/// The values of one request.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    /// Parameters of the client's path.
    pub(crate) params: &'a [(Arc<str>, String)],
    /// Values of earlier answers, by the names of their placeholders.
    pub(crate) responses: &'a [(Arc<str>, String)],
}

/// Name of the value that holds what the wildcard of the endpoint's path has
/// matched: segments and the slashes between them, decoded. No parameter can
/// have it.
pub const REST: &str = "*";

impl UrlTemplate {
    pub(crate) fn compile(pattern: &UrlPattern) -> Self {
        let mut template = Self {
            pieces: Vec::with_capacity(pattern.parts.len()),
            has_query: false,
        };
        for part in &pattern.parts {
            match part {
                UrlPart::Param(name) => template.value(Source::Param(name.clone())),
                UrlPart::Response(value) => template.value(Source::Response(value.name.clone())),
                UrlPart::Rest => template.pieces.push(Piece::Rest),
                UrlPart::Text(text) => {
                    // A fragment is for the reader of a URL, not for its server.
                    let (text, fragment) = match text.split_once('#') {
                        Some((text, _)) => (text, true),
                        None => (text.as_str(), false),
                    };
                    template.has_query |= text.contains('?');
                    template.pieces.push(Piece::Text(literal(text)));
                    if fragment {
                        break;
                    }
                }
            }
        }
        template
    }

    fn value(&mut self, source: Source) {
        self.pieces.push(match self.has_query {
            true => Piece::InQuery(source),
            false => Piece::InPath(source),
        });
    }

    /// Names of the client's parameters that it needs.
    pub(crate) fn params(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::InPath(Source::Param(name)) | Piece::InQuery(Source::Param(name)) => {
                Some(name.as_str())
            }
            _ => None,
        })
    }

    /// Appends path and query to `out`, with `query` behind the pattern's own.
    pub(crate) fn expand(
        &self,
        values: Values<'_>,
        query: &str,
        out: &mut String,
    ) -> Result<(), BadValue> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::InPath(source) => push_segment(out, source.segment(values)?),
                Piece::InQuery(source) => {
                    push_component(out, source.usable(values)?.as_bytes());
                }
                Piece::Rest => push_rest(out, values)?,
            }
        }
        if !query.is_empty() {
            out.push(if self.has_query { '&' } else { '?' });
            out.push_str(query);
        }
        Ok(())
    }
}

impl Source {
    /// A value for a place inside of a segment.
    fn segment<'v>(&self, values: Values<'v>) -> Result<&'v str, BadValue> {
        let value = self.usable(values)?;
        match value {
            "" => Err(self.bad("is empty")),
            "." | ".." => Err(self.bad("is a dot segment")),
            _ => Ok(value),
        }
    }

    /// The value, unless no URL should carry it.
    ///
    /// A NUL or a line break in a value is an attack on something further on,
    /// even when it is encoded. An empty one would merge two segments; no
    /// parameter of a path is, while an answer's value may well be in a query.
    fn usable<'v>(&self, values: Values<'v>) -> Result<&'v str, BadValue> {
        let (name, known) = match self {
            Self::Param(name) => (name, values.params),
            Self::Response(name) => (name, values.responses),
        };
        let value = known
            .iter()
            .find(|(known, _)| **known == **name)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| self.bad(NO_VALUE))?;
        if value.is_empty() && matches!(self, Self::Param(_)) {
            return Err(self.bad("is empty"));
        }
        match has_forbidden(value) {
            true => Err(self.bad(CONTROL)),
            false => Ok(value),
        }
    }

    fn bad(&self, why: &'static str) -> BadValue {
        let (name, of_client) = match self {
            Self::Param(name) => (name, true),
            Self::Response(name) => (name, false),
        };
        BadValue {
            name: name.clone(),
            of_client,
            why,
        }
    }
}

const NO_VALUE: &str = "has no value";
const CONTROL: &str = "contains a control character";

fn has_forbidden(value: &str) -> bool {
    value.contains(['\0', '\r', '\n'])
}

pub(crate) fn push_segment(out: &mut String, value: &str) {
    out.extend(utf8_percent_encode(value, SEGMENT));
}

/// Appends a slash and what a wildcard has matched. Its slashes are the client's
/// own, but none of its segments may lead out of the pattern's path.
fn push_rest(out: &mut String, values: Values<'_>) -> Result<(), BadValue> {
    let source = || Source::Param(REST.to_owned());
    let rest = values.params.iter().find(|(name, _)| **name == *REST);
    let (_, rest) = rest.ok_or_else(|| source().bad(NO_VALUE))?;
    if has_forbidden(rest) {
        return Err(source().bad(CONTROL));
    }
    for segment in rest.split('/') {
        if matches!(segment, "." | "..") {
            return Err(source().bad("contains a dot segment"));
        }
        out.push('/');
        push_segment(out, segment);
    }
    Ok(())
}

/// Everything that is not a `pchar` (RFC 3986 section 3.3), and `%`: a value is
/// text, so a percent sign in it is one.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
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
    .remove(b'@');

/// What cannot stand in a URL at all.
const NOT_IN_URLS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Text of the configuration as it goes on the wire: escapes are kept, what
/// cannot stand in a URL is encoded, and so is a `%` that starts no escape.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    out.extend(
        pieces
            .next()
            .map(|p| utf8_percent_encode(p, NOT_IN_URLS))
            .into_iter()
            .flatten(),
    );
    for piece in pieces {
        let whole = begins_with_hex_pair(piece.as_bytes());
        out.push_str(if whole { "%" } else { "%25" });
        out.extend(utf8_percent_encode(piece, NOT_IN_URLS));
    }
    out
}

/// A value cannot go into a URL.
#[derive(Debug)]
pub(crate) struct BadValue {
    name: String,
    of_client: bool,
    why: &'static str,
}

impl BadValue {
    /// Whether the client has sent it; else it, or its lack, is a backend's.
    pub(crate) fn is_clients(&self) -> bool {
        self.of_client
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.of_client {
            true => "path parameter",
            false => "value",
        };
        write!(f, "{whose} `{}` {}", self.name, self.why)
    }
}

impl std::error::Error for BadValue {}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with `{name}` as placeholders.
    fn pattern(text: &str) -> UrlPattern {
        let mut parts = Vec::new();
        let mut pieces = text.split('{');
        parts.extend(pieces.next().map(|t| UrlPart::Text(t.to_owned())));
        for piece in pieces {
            let (name, rest) = piece.split_once('}').expect("placeholders are closed");
            parts.push(UrlPart::Param(name.to_owned()));
            parts.push(UrlPart::Text(rest.to_owned()));
        }
        UrlPattern {
            text: text.to_owned(),
            parts,
        }
    }

    fn expand(text: &str, value: &str, query: &str) -> Result<String, String> {
        let params = [
            ("id".into(), value.to_owned()),
            ("o".into(), "O".to_owned()),
        ];
        let mut out = String::new();
        let values = Values {
            params: &params,
            responses: &params,
        };
        UrlTemplate::compile(&pattern(text))
            .expand(values, query, &mut out)
            .map(|()| out)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_value_stays_inside_its_segment() {
        #[rustfmt::skip]
        let cases = [
            ("42",              "/u/42/x"),
            ("a b",             "/u/a%20b/x"),
            ("é",               "/u/%C3%A9/x"),
            ("a&b=c;d+e,f",     "/u/a&b=c;d+e,f/x"),
            ("a:b@c",           "/u/a:b@c/x"),
            ("~._-!$'()*",      "/u/~._-!$'()*/x"),
            ("@10.0.0.1/",      "/u/@10.0.0.1%2F/x"),
            ("//10.0.0.1",      "/u/%2F%2F10.0.0.1/x"),
            ("../../admin",     "/u/..%2F..%2Fadmin/x"),
            ("%2e%2e",          "/u/%252e%252e/x"),
            ("%2f",             "/u/%252f/x"),
            ("?x",              "/u/%3Fx/x"),
            ("#x",              "/u/%23x/x"),
            ("\\evil",          "/u/%5Cevil/x"),
            ("...",             "/u/.../x"),
            ("{o}",             "/u/%7Bo%7D/x"),
            ("{{.O}}",          "/u/%7B%7B.O%7D%7D/x"),
            ("a\tb\x7f",        "/u/a%09b%7F/x"),
            ("\"<>^`|[]",       "/u/%22%3C%3E%5E%60%7C%5B%5D/x"),
        ];
        for (value, sent) in cases {
            assert_eq!(
                expand("/u/{id}/x", value, "").as_deref(),
                Ok(sent),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_value_stays_inside_its_query_value() {
        #[rustfmt::skip]
        let cases = [
            ("42",        "/s?q=42&k=v"),
            ("a b",       "/s?q=a+b&k=v"),
            ("a+b",       "/s?q=a%2Bb&k=v"),
            ("a&b",       "/s?q=a%26b&k=v"),
            ("a=b;c",     "/s?q=a%3Db%3Bc&k=v"),
            ("#x?y/z",    "/s?q=%23x%3Fy%2Fz&k=v"),
            ("%26",       "/s?q=%2526&k=v"),
            ("é",         "/s?q=%C3%A9&k=v"),
            // Dots mean nothing here.
            ("..",        "/s?q=..&k=v"),
        ];
        for (value, sent) in cases {
            assert_eq!(
                expand("/s?q={id}&k=v", value, "").as_deref(),
                Ok(sent),
                "{value:?}"
            );
        }
    }

    #[test]
    fn values_that_no_url_should_carry_are_refused() {
        #[rustfmt::skip]
        let cases = [
            ("/u/{id}",   "",         "path parameter `id` is empty"),
            ("/u/{id}",   ".",        "path parameter `id` is a dot segment"),
            ("/u/{id}",   "..",       "path parameter `id` is a dot segment"),
            ("/u/{id}",   "a\0",      "path parameter `id` contains a control character"),
            ("/u/{id}",   "a\r\nb",   "path parameter `id` contains a control character"),
            ("/u/{id}",   "a\nb",     "path parameter `id` contains a control character"),
            ("/s?q={id}", "a\r",      "path parameter `id` contains a control character"),
            ("/s?q={id}", "",         "path parameter `id` is empty"),
            ("/u/{no}",   "x",        "path parameter `no` has no value"),
        ];
        for (text, value, why) in cases {
            assert_eq!(
                expand(text, value, "").unwrap_err(),
                why,
                "{text} with {value:?}"
            );
        }
    }

    #[test]
    fn what_a_wildcard_matched_stays_below_the_path_of_the_pattern() {
        #[rustfmt::skip]
        let cases = [
            ("",              Ok("/base/?k=v&q=1")),
            ("a",             Ok("/base/a?k=v&q=1")),
            ("a/b c/",        Ok("/base/a/b%20c/?k=v&q=1")),
            ("a//b",          Ok("/base/a//b?k=v&q=1")),
            ("...",           Ok("/base/...?k=v&q=1")),
            ("a?b#c%2f\\d",   Ok("/base/a%3Fb%23c%252f%5Cd?k=v&q=1")),
            ("http://é@b:1",  Ok("/base/http://%C3%A9@b:1?k=v&q=1")),
            ("{o}",           Ok("/base/%7Bo%7D?k=v&q=1")),
            ("..",            Err("path parameter `*` contains a dot segment")),
            ("a/../../b",     Err("path parameter `*` contains a dot segment")),
            ("a/.",           Err("path parameter `*` contains a dot segment")),
            ("a\nb",          Err("path parameter `*` contains a control character")),
        ];
        let pattern = UrlPattern {
            text: "/base?k=v".to_owned(),
            parts: vec![
                UrlPart::Text("/base".to_owned()),
                UrlPart::Rest,
                UrlPart::Text("?k=v".to_owned()),
            ],
        };
        for (value, expected) in cases {
            let params = [(REST.into(), value.to_owned())];
            let values = Values {
                params: &params,
                responses: &[],
            };
            let mut out = String::new();
            let expanded = UrlTemplate::compile(&pattern).expand(values, "q=1", &mut out);
            let expanded = expanded.map(|()| out).map_err(|e| e.to_string());
            assert_eq!(
                expanded.as_deref().map_err(String::as_str),
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn the_text_of_the_pattern_is_kept_where_a_url_can_hold_it() {
        #[rustfmt::skip]
        let cases = [
            ("/",               "",     "/"),
            ("/a//b;c=d,e",     "",     "/a//b;c=d,e"),
            ("/a b/ü",          "",     "/a%20b/%C3%BC"),
            ("/a%20b%2Fc",      "",     "/a%20b%2Fc"),
            ("/100%/%zz",       "",     "/100%25/%25zz"),
            ("/a|\"b",          "",     "/a%7C%22b"),
            ("/a?x=1+2",        "",     "/a?x=1+2"),
            ("/a#top/{id}",     "",     "/a"),
            ("/a",              "k=v",  "/a?k=v"),
            ("/a?x=1",          "k=v",  "/a?x=1&k=v"),
            ("/a?x={id}",       "k=v",  "/a?x=V&k=v"),
            ("/{id}/{o}.{id}",  "",     "/V/O.V"),
            ("/{id}?{id}={o}",  "",     "/V?V=O"),
        ];
        for (text, query, sent) in cases {
            assert_eq!(expand(text, "V", query).as_deref(), Ok(sent), "{text}");
        }
    }
}
