//! Paths: those of endpoints, which the router matches, and those of backends,
//! which are filled in.

use std::fmt;

/// A path of the router, such as `/users/{id}/posts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    /// As written, with the leading slash.
    pub text: String,
    /// Between the slashes; a trailing slash is an empty last segment.
    pub segments: Vec<Segment>,
    /// `/*` at the end, which is no segment: further segments, which
    /// [`UrlPart::Rest`] stands for. Without any segment (`/__catchall`) it
    /// matches, with any method, what nothing else does.
    pub wildcard: bool,
}

impl PathPattern {
    /// The path `/`.
    #[must_use]
    pub fn root() -> Self {
        Self {
            text: "/".to_owned(),
            segments: vec![Segment {
                prefix: String::new(),
                param: None,
                suffix: String::new(),
            }],
            wildcard: false,
        }
    }
}

/// One segment of a [`PathPattern`]: text, or a parameter with text around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Text of the segment, or text before the parameter.
    pub prefix: String,
    /// Name of the parameter, as written.
    pub param: Option<String>,
    /// Text after the parameter; empty without one.
    pub suffix: String,
}

/// `url_pattern`: path and query of a backend, with placeholders.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlPattern {
    /// As written, with the leading slash.
    pub text: String,
    /// Text and placeholders in turn.
    pub parts: Vec<UrlPart>,
}

/// Hides the query, where keys of services stand.
impl fmt::Debug for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = self.text.split_once('?').unwrap_or((&self.text, ""));
        let hidden = if query.is_empty() { "" } else { "?…" };
        write!(f, "UrlPattern({path}{hidden})")
    }
}

/// A piece of a [`UrlPattern`].
#[derive(Clone, PartialEq, Eq)]
pub enum UrlPart {
    /// Text as written.
    Text(String),
    /// A parameter of the endpoint's path, by its name as written there.
    Param(String),
    /// `{respN_x}`: a value of an earlier backend's answer. Without one, as in
    /// an endpoint that is not [sequential], the call fails.
    ///
    /// [sequential]: super::EndpointProxy::sequential
    Response(ResponseValue),
    /// What the [wildcard](PathPattern::wildcard) of the endpoint's path
    /// matched, with a leading slash: the end of the path, with the pattern's
    /// query behind it.
    Rest,
}

/// Hides text, which may be of the query.
impl fmt::Debug for UrlPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Param(name) => f.debug_tuple("Param").field(name).finish(),
            Self::Response(value) => f.debug_tuple("Response").field(value).finish(),
            Self::Rest => f.write_str("Rest"),
        }
    }
}

/// A value of the answer of an earlier backend of a sequential endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseValue {
    /// Position of that backend in the endpoint's `backends`. KrakenD does not
    /// count shadow backends, so the file's number may be lower. `usize::MAX`
    /// if there is no such backend.
    pub backend: usize,
    /// Names of fields, from the outermost one on. Empty: the whole body of a
    /// no-op backend.
    pub path: Vec<String>,
    /// As written, such as `resp0_user.id`.
    pub name: String,
}
