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

    /// Names of the values of earlier answers that it needs, each once.
    pub(crate) fn responses(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for piece in &self.pieces {
            if let Piece::InPath(Source::Response(name)) | Piece::InQuery(Source::Response(name)) =
                piece
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
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

/// How a placeholder is written.
pub(crate) fn placeholder(name: &str) -> String {
    format!("{{{name}}}")
}

/// `value` as it stands in a path, and in a query.
pub(crate) fn encoded(value: &str) -> [String; 2] {
    let (mut path, mut query) = (String::new(), String::new());
    push_segment(&mut path, value);
    push_component(&mut query, value.as_bytes());
    [path, query]
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
mod tests;
