//! Paths of endpoints and backends, with their placeholders.

use std::collections::HashSet;

use crate::{PathPattern, Segment, UrlPart, UrlPattern};

use super::{At, Problems, responses};

/// The endpoint of all requests that no other one serves.
pub(super) const CATCH_ALL: &str = "/__catchall";

const RESERVED: [&str; 3] = ["__debug", "__echo", "__health"];

/// Puts exactly one slash in front: one is added or kept, further ones stay.
pub(super) fn rooted(path: &str) -> String {
    format!("/{}", path.strip_prefix('/').unwrap_or(path))
}

/// `path` as a pattern of the router. `None` after an error.
///
/// `shown` is the endpoint in messages, such as `GET /users/{id}`.
pub(super) fn endpoint(
    path: &str,
    shown: &str,
    relaxed: bool,
    at: &At,
    problems: &Problems<'_>,
) -> Option<PathPattern> {
    if let Some((message, help)) = refused(path, shown) {
        problems.error(at, message, help);
        return None;
    }
    let text = rooted(path);
    if text == CATCH_ALL {
        return Some(PathPattern {
            text,
            segments: Vec::new(),
            wildcard: true,
        });
    }
    let (before, wildcard) = match text.strip_suffix("/*") {
        Some(before) => (before, true),
        None => (text.as_str(), false),
    };
    let parts = split_segments(before.strip_prefix('/').unwrap_or(before), relaxed);
    let segments: Vec<_> = parts
        .iter()
        .map(|part| segment(part, relaxed, at, problems))
        .collect();
    let segments = segments.into_iter().collect::<Option<Vec<_>>>()?;
    if let Some(name) = repeated(&segments) {
        let message = format!("parameter `{name}` stands in the path twice");
        problems.error(at, message, "give each parameter a name of its own");
        return None;
    }
    Some(PathPattern {
        text,
        segments,
        wildcard,
    })
}

/// Names of the parameters of `pattern`, in order.
pub(super) fn params(pattern: &PathPattern) -> Vec<&str> {
    let segments = pattern.segments.iter();
    segments.filter_map(|s| s.param.as_deref()).collect()
}

/// Paths that cannot be endpoints, with message and way out.
fn refused(path: &str, shown: &str) -> Option<(String, &'static str)> {
    let invalid = || format!("ignoring the '{shown}' endpoint, since it is invalid!!!");
    let text = rooted(path);
    let mut segments = text.split('/');
    if text
        .split_once('*')
        .is_some_and(|(_, after)| !after.is_empty())
    {
        return Some((invalid(), "nothing may follow a `*`"));
    }
    if text == "/*" {
        return Some((
            invalid(),
            "for all that no other endpoint serves, write `/__catchall`",
        ));
    }
    if text.ends_with('*') && !text.ends_with("/*") {
        return Some((
            invalid(),
            "a wildcard is a segment of its own, the last one: `/*`",
        ));
    }
    if segments.any(|segment| RESERVED.contains(&segment)) {
        let help = "`/__debug`, `/__echo` and `/__health` belong to the gateway";
        return Some((invalid(), help));
    }
    if text.chars().any(char::is_control) || text.contains(['?', '#']) {
        let help = "a path has no query, no fragment and no control characters";
        return Some((invalid(), help));
    }
    None
}

/// The parts between slashes. With relaxed placeholders a slash inside braces
/// does not separate.
fn split_segments(path: &str, relaxed: bool) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut rest = path;
    while let Some(character) = rest.chars().next() {
        let taken = match placeholder(rest, relaxed) {
            Some((_, after)) if relaxed => rest.len() - after.len(),
            _ => character.len_utf8(),
        };
        let (taken, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        match segments.last_mut() {
            Some(segment) if taken != "/" => segment.push_str(taken),
            _ => segments.push(String::new()),
        }
        rest = after;
    }
    segments
}

fn segment(text: &str, relaxed: bool, at: &At, problems: &Problems<'_>) -> Option<Segment> {
    let found = text.match_indices('{').find_map(|(start, _)| {
        let (before, rest) = text.split_at_checked(start)?;
        if !relaxed && !before.is_empty() {
            return None;
        }
        let (name, after) = placeholder(rest, relaxed)?;
        Some((before, name, after))
    });
    let Some((prefix, name, suffix)) = found else {
        warn_literal(text, at, problems);
        return Some(Segment {
            prefix: text.to_owned(),
            param: None,
            suffix: String::new(),
        });
    };
    if suffix.match_indices('{').any(|(start, _)| {
        let rest = suffix.get(start..).unwrap_or("");
        placeholder(rest, true).is_some()
    }) {
        let message = format!("segment `{text}` has more than one parameter");
        problems.error(at, message, "put a slash between two parameters");
        return None;
    }
    Some(Segment {
        prefix: prefix.to_owned(),
        param: Some(name.to_owned()),
        suffix: suffix.to_owned(),
    })
}

fn warn_literal(text: &str, at: &At, problems: &Problems<'_>) {
    let (message, help) = if text.contains(['{', '}']) {
        (
            format!("the braces of `{text}` are not a parameter but stand for themselves"),
            "write `{name}` right after a slash, with letters, digits, `_` and `-`; \
             \"disable_rest\": true allows more",
        )
    } else if text.starts_with(':') {
        (
            format!("`{text}` is not a parameter but stands for itself"),
            "write parameters in braces, such as `{id}`",
        )
    } else {
        return;
    };
    problems.warning(at, message, help);
}

/// The name of the placeholder `text` begins with, and what follows it.
fn placeholder(text: &str, relaxed: bool) -> Option<(&str, &str)> {
    let fits = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '-')
            || (relaxed && matches!(c, '.' | ':' | '/'))
    };
    let inside = text.strip_prefix('{')?;
    let (name, rest) = inside.split_at_checked(inside.find(|c| !fits(c))?)?;
    let after = rest.strip_prefix('}')?;
    (!name.is_empty()).then_some((name, after))
}

fn repeated(segments: &[Segment]) -> Option<&str> {
    let mut seen = HashSet::new();
    let mut names = segments.iter().filter_map(|s| s.param.as_deref());
    names.find(|name| !seen.insert(*name))
}

/// The endpoint a `url_pattern` belongs to.
pub(super) struct Around<'a> {
    /// Such as `GET /users/{id}`.
    pub(super) endpoint: &'a str,
    /// Position of the backend in its list.
    pub(super) backend: usize,
    /// Names of the endpoint's parameters; `None` if its path is unusable.
    pub(super) params: Option<&'a [&'a str]>,
    /// Whether its path ends in a wildcard.
    pub(super) wildcard: bool,
}

/// `text` as a pattern of a backend. Placeholders may stand anywhere in it.
/// What a wildcard matches goes to the end of its path, as in KrakenD, whether
/// it ends in `/*` or not.
pub(super) fn backend(
    text: &str,
    around: &Around<'_>,
    at: &At,
    problems: &Problems<'_>,
) -> UrlPattern {
    let text = rooted(text);
    let parts_of = |text| parts(text, around, at, problems);
    if !around.wildcard {
        let parts = parts_of(&text);
        return UrlPattern { text, parts };
    }
    let query = text.find('?').and_then(|start| text.get(start..));
    let query = query.unwrap_or("");
    let path = text.strip_suffix(query).unwrap_or(&text);
    let path = path.strip_suffix("/*").unwrap_or(path);
    let mut parts = parts_of(path.strip_suffix('/').unwrap_or(path));
    parts.push(UrlPart::Rest);
    parts.extend(parts_of(query));
    UrlPattern { text, parts }
}

/// Text and placeholders of `text`, in turn.
fn parts(text: &str, around: &Around<'_>, at: &At, problems: &Problems<'_>) -> Vec<UrlPart> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some((name, after)) = placeholder(rest, true) {
            if !literal.is_empty() {
                parts.push(UrlPart::Text(std::mem::take(&mut literal)));
            }
            parts.push(part(name, around, at, problems));
            rest = after;
        } else {
            literal.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or("");
        }
    }
    if !literal.is_empty() {
        parts.push(UrlPart::Text(literal));
    }
    parts
}

/// The part that `name` in braces stands for; an error if there is no such
/// value.
fn part(name: &str, around: &Around<'_>, at: &At, problems: &Problems<'_>) -> UrlPart {
    let param = UrlPart::Param(name.to_owned());
    if around.params.is_some_and(|params| params.contains(&name)) {
        return param;
    }
    if let Some(value) = responses::placeholder(name) {
        return UrlPart::Response(value);
    }
    if name.starts_with("JWT.") {
        let message = format!("`{{{name}}}`: values of a JWT are not implemented yet");
        let help = "use parameters of the endpoint's path only";
        problems.error(at, message, help);
    } else if let Some(params) = around.params {
        let message = format!(
            "undefined output param '{name}'! endpoint: {}, backend: {}. input: [{}]",
            around.endpoint,
            around.backend,
            params.join(" ")
        );
        let help = format!("add `{{{name}}}` to the endpoint's path, or use one it has");
        problems.error(at, message, help);
    }
    param
}
