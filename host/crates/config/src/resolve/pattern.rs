//! Paths of endpoints and backends, with their placeholders.

use std::collections::HashSet;

use crate::{PathPattern, Segment, UrlPart, UrlPattern};

use super::{At, Problems};

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
    let parts = split_segments(text.strip_prefix('/').unwrap_or(&text), relaxed);
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
    Some(PathPattern { text, segments })
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
    if text.ends_with('*') {
        let message = "wildcard endpoints are not implemented yet".to_owned();
        return Some((message, "name each path, with parameters such as `{id}`"));
    }
    if segments.any(|segment| RESERVED.contains(&segment)) {
        let help = "`/__debug`, `/__echo` and `/__health` belong to the gateway";
        return Some((invalid(), help));
    }
    if text == "/__catchall" {
        let message = "`/__catchall` is not implemented yet".to_owned();
        return Some((message, "name each path, with parameters such as `{id}`"));
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
}

/// `text` as a pattern of a backend. Placeholders may stand anywhere in it.
pub(super) fn backend(
    text: &str,
    around: &Around<'_>,
    at: &At,
    problems: &Problems<'_>,
) -> UrlPattern {
    let text = rooted(text);
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        if let Some((name, after)) = placeholder(rest, true) {
            check_placeholder(name, around, at, problems);
            if !literal.is_empty() {
                parts.push(UrlPart::Text(std::mem::take(&mut literal)));
            }
            parts.push(UrlPart::Param(name.to_owned()));
            rest = after;
        } else {
            literal.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or("");
        }
    }
    if !literal.is_empty() {
        parts.push(UrlPart::Text(literal));
    }
    UrlPattern { text, parts }
}

fn check_placeholder(name: &str, around: &Around<'_>, at: &At, problems: &Problems<'_>) {
    if around.params.is_none_or(|params| params.contains(&name)) {
        return;
    }
    let not_yet = if name.starts_with("JWT.") {
        Some("values of a JWT")
    } else if is_response_value(name) {
        Some("values of an earlier response")
    } else {
        None
    };
    if let Some(what) = not_yet {
        let message = format!("`{{{name}}}`: {what} are not implemented yet");
        let help = "use parameters of the endpoint's path only";
        return problems.error(at, message, help);
    }
    let params = around.params.unwrap_or_default().join(" ");
    let message = format!(
        "undefined output param '{name}'! endpoint: {}, backend: {}. input: [{params}]",
        around.endpoint, around.backend
    );
    let help = format!("add `{{{name}}}` to the endpoint's path, or use one it has");
    problems.error(at, message, help);
}

/// `resp0_x` and the like.
fn is_response_value(name: &str) -> bool {
    name.strip_prefix("resp")
        .and_then(|rest| rest.split_once('_'))
        .is_some_and(|(index, path)| {
            !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) && !path.is_empty()
        })
}
