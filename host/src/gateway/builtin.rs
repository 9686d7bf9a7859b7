//! `/__debug/*` and `/__echo/*`: endpoints without a backend, for finding out
//! what arrives here. Both are off unless the configuration asks for them.
//!
//! Values of secrets, in fields and in the query, are never logged; `/__echo/` shows a client nothing
//! but its own request, as it is after the head has been cleaned.

use std::{collections::BTreeMap, fmt::Write};

use bytes::Bytes;
use cuttle_pipeline::{
    FailureKind, REST,
    config::{KeyPath, PathPattern, Segment, Service},
};
use http::{HeaderMap, HeaderName, Method, Response, request::Parts, uri::PathAndQuery};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Target;
use crate::{
    head::body::ClientBody,
    respond::{self, Body, BoxError, Responder},
    router::Route,
    secrets,
};

/// Bytes that a body may have here, if the service allows no fewer: it is kept
/// in memory.
const BODY_LIMIT: u64 = 1 << 20;

/// Bytes of a body that are logged.
const LOGGED_BODY: usize = 4096;

/// Not CONNECT and TRACE, which mean something else.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
];

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    Debug,
    Echo,
}

/// The routes that `service` switches on.
pub(super) fn routes(service: &Service) -> Vec<Route<Target>> {
    let switches = [
        (service.debug_endpoint, Builtin::Debug),
        (service.echo_endpoint, Builtin::Echo),
    ];
    let on = switches.into_iter().filter(|(on, _)| *on);
    on.flat_map(|(_, builtin)| METHODS.map(|method| builtin.route(method)))
        .collect()
}

impl Builtin {
    fn route(self, method: Method) -> Route<Target> {
        let (name, key) = match self {
            Self::Debug => ("__debug", "debug_endpoint"),
            Self::Echo => ("__echo", "echo_endpoint"),
        };
        Route {
            method,
            path: PathPattern {
                text: format!("/{name}/*"),
                segments: vec![Segment {
                    prefix: name.to_owned(),
                    param: None,
                    suffix: String::new(),
                }],
                wildcard: true,
            },
            place: KeyPath::root().key(key),
            value: Target::Builtin(self),
        }
    }

    /// What it is, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Debug => "the debug endpoint",
            Self::Echo => "the echo endpoint",
        }
    }

    /// Answers one request; `host` is what its client asked for.
    pub(super) async fn answer<B>(
        self,
        parts: &Parts,
        host: &str,
        params: &Params,
        (body, limit): (B, Option<u64>),
        responder: &Responder,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let body = match read(body, limit).await {
            Ok(body) => body,
            Err(kind) => return responder.kind(kind),
        };
        match self {
            Self::Debug => {
                log(parts, params, &body);
                respond::json(r#"{"message":"pong"}"#.to_owned())
            }
            Self::Echo => respond::json(echo(parts, host, &body).to_string()),
        }
    }
}

type Params = [(std::sync::Arc<str>, String)];

async fn read<B>(body: B, limit: Option<u64>) -> Result<Bytes, FailureKind>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let limit = limit.map_or(BODY_LIMIT, |limit| limit.min(BODY_LIMIT));
    let (body, state) = ClientBody::new(body, Some(limit));
    let collected = Box::pin(body.collect()).await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|_| match state.is_too_large() {
            true => FailureKind::BodyTooLarge,
            false => FailureKind::ClientBody,
        })
}

fn log(parts: &Parts, params: &Params, body: &[u8]) {
    let uri = secrets::url(&parts.uri.to_string());
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let rest = params.iter().find(|(name, _)| **name == *REST);
    tracing::debug!(
        target: "cuttle",
        endpoint = "/__debug/*",
        method = %parts.method,
        uri,
        query,
        param = rest.map_or("", |(_, value)| value.as_str()),
        headers = fields(&parts.headers),
        body = logged(body),
        "debug request"
    );
}

/// The beginning of a body. Secrets are looked for in all of it: a half is harder to
/// read.
fn logged(body: &[u8]) -> String {
    let mut text = secrets::text(&String::from_utf8_lossy(body));
    let end = (0..=LOGGED_BODY.min(text.len())).rev();
    text.truncate(
        end.into_iter()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0),
    );
    text
}

/// Fields as one text, credentials left out.
fn fields(headers: &HeaderMap) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        let shown = secrets::field(name, value);
        // A text takes everything.
        let _ = write!(text, "{}: {shown}; ", canonical(name));
    }
    text.truncate(text.trim_end_matches("; ").len());
    text
}

/// A name as Go writes it: `X-Forwarded-For`.
fn canonical(name: &HeaderName) -> String {
    let mut starts = true;
    let letters = name.as_str().chars().map(|letter| {
        let upper = std::mem::replace(&mut starts, letter == '-');
        match upper {
            true => letter.to_ascii_uppercase(),
            false => letter,
        }
    });
    letters.collect()
}

/// The answer of `/__echo/*`, in the order of KrakenD's.
fn echo(parts: &Parts, host: &str, body: &[u8]) -> Value {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or("");
    let fields = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (canonical(name), value.into_owned())
    });
    json!({
        "req_uri": parts.uri.path_and_query().map_or(path, PathAndQuery::as_str),
        "req_uri_details": {
            // A request names no user: what stands before an `@` is refused.
            "user": "",
            "host": host,
            "path": percent_decode_str(path).decode_utf8_lossy(),
            "query": query,
            "fragment": "",
        },
        "req_method": parts.method.as_str(),
        "req_querystring": grouped(query.split('&').filter_map(pair)),
        "req_body": String::from_utf8_lossy(body),
        "req_headers": grouped(fields),
    })
}

fn grouped(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    groups
}

/// One `name=value`. As in Go, one with a semicolon does not count.
fn pair(text: &str) -> Option<(String, String)> {
    if text.is_empty() || text.contains(';') {
        return None;
    }
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    Some((component(name), component(value)))
}

fn component(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn names_are_written_as_go_writes_them() {
        for (name, written) in [
            ("x-forwarded-for", "X-Forwarded-For"),
            ("a--b", "A--B"),
            ("te", "Te"),
        ] {
            assert_eq!(canonical(&HeaderName::from_static(name)), written);
        }
    }

    #[test]
    fn credentials_are_not_logged() {
        let (parts, ()) = Request::get("/__debug/a")
            .header("authorization", "Bearer hunter2")
            .header("cookie", "sid=hunter2")
            .header("x-api-key", "hunter2")
            .header("x-auth-token", "hunter2")
            .header("x-upstream", "Bearer hunter2")
            .header("accept", "text/html")
            .body(())
            .unwrap()
            .into_parts();
        let text = fields(&parts.headers);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(
            text.contains("Authorization: ***; ") && text.contains("Accept: text/html"),
            "{text}"
        );
    }

    #[test]
    fn an_echo_is_the_request_in_the_order_of_krakend() {
        let (parts, ()) = Request::post("/__echo/a%20b?b=1&a=x+y&b=%3C2&;=c&flag")
            .header("x-two", "2")
            .header("x-one", "1")
            .header("x-one", "\u{e9}")
            .body(())
            .unwrap()
            .into_parts();
        let text = echo(&parts, "a.test:80", b"text \xff\"").to_string();
        assert_eq!(
            text,
            concat!(
                r#"{"req_uri":"/__echo/a%20b?b=1&a=x+y&b=%3C2&;=c&flag","#,
                r#""req_uri_details":{"user":"","host":"a.test:80","path":"/__echo/a b","#,
                r#""query":"b=1&a=x+y&b=%3C2&;=c&flag","fragment":""},"req_method":"POST","#,
                r#""req_querystring":{"a":["x y"],"b":["1","<2"],"flag":[""]},"#,
                "\"req_body\":\"text \u{fffd}\\\"\",",
                "\"req_headers\":{\"X-One\":[\"1\",\"\u{e9}\"],\"X-Two\":[\"2\"]}}",
            )
        );
    }
}
