//! Requests and responses in a plugin's hands.

use std::borrow::Cow;

use cuttle_egress::Body;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, request,
    response,
};
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::body::{BodyHandle, body_to_send};
use crate::bindings::cuttle::plugin::types::{Error, Field};

/// Bytes of names and values in a head that a plugin has touched. Heads are
/// memory of the gateway: with 1,024 handles this is the limit that counts.
const MAX_HEAD: usize = 64 << 10;
/// Bytes of text that is kept though it is not valid.
const MAX_INVALID: usize = 1 << 10;

/// A request.
pub struct RequestHandle {
    pub(super) parts: request::Parts,
    pub(super) body: Option<BodyHandle>,
    /// What the plugin gave to the constructor, if it cannot be used.
    invalid_method: Option<String>,
    invalid_uri: Option<String>,
}

impl RequestHandle {
    /// The request to be answered.
    pub(crate) fn incoming(request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            parts,
            body: BodyHandle::unless_empty(body),
            invalid_method: None,
            invalid_uri: None,
        }
    }

    /// A request by the plugin.
    pub(super) fn made(method: String, uri: String) -> Self {
        let (parts, ()) = Request::new(()).into_parts();
        let mut request = Self {
            parts,
            body: None,
            invalid_method: None,
            invalid_uri: None,
        };
        if request.set_method(&method).is_err() {
            request.invalid_method = Some(cut(method));
        }
        if request.set_uri(&uri).is_err() {
            request.invalid_uri = Some(cut(uri));
        }
        request
    }

    pub(super) fn method(&self) -> String {
        match &self.invalid_method {
            Some(method) => method.clone(),
            None => self.parts.method.as_str().to_owned(),
        }
    }

    pub(super) fn set_method(&mut self, method: &str) -> Result<(), Error> {
        self.parts.method = parse_method(method)?;
        self.invalid_method = None;
        Ok(())
    }

    pub(super) fn uri(&self) -> String {
        match &self.invalid_uri {
            Some(uri) => uri.clone(),
            None => self.parts.uri.to_string(),
        }
    }

    pub(super) fn set_uri(&mut self, uri: &str) -> Result<(), Error> {
        self.parts.uri = parse_uri(uri)?;
        self.invalid_uri = None;
        Ok(())
    }

    /// As it leaves the plugin. The client drops what it frames itself.
    pub(crate) fn into_request(self) -> Result<Request<Body>, Error> {
        if let Some(method) = &self.invalid_method {
            parse_method(method)?;
        }
        if let Some(uri) = &self.invalid_uri {
            parse_uri(uri)?;
        }
        Ok(Request::from_parts(self.parts, body_to_send(self.body)))
    }
}

/// A response.
pub struct ResponseHandle {
    /// Its status is that of `status`.
    pub(crate) parts: response::Parts,
    /// As the plugin gave it: possibly none that exists.
    pub(crate) status: u16,
    pub(crate) body: Option<BodyHandle>,
    /// The body is not the one the head came with.
    pub(crate) body_changed: bool,
}

impl ResponseHandle {
    pub(crate) fn received(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            body: BodyHandle::unless_empty(body),
            body_changed: false,
            parts,
        }
    }

    pub(super) fn made(status: u16) -> Self {
        let (parts, ()) = Response::new(()).into_parts();
        Self {
            parts,
            status,
            body: None,
            body_changed: true,
        }
    }

    pub(super) fn set_status(&mut self, status: u16) -> Result<(), Error> {
        let usable = (200..=599).contains(&status) && StatusCode::from_u16(status).is_ok();
        if !usable {
            return Err(Error::InvalidArgument(format!(
                "status {status} is not in 200 to 599"
            )));
        }
        self.status = status;
        Ok(())
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_INVALID));
    text
}

fn parse_method(method: &str) -> Result<Method, Error> {
    if method.len() > MAX_INVALID {
        return Err(Error::InvalidArgument("method is too long".into()));
    }
    Method::from_bytes(method.as_bytes())
        .map_err(|_| Error::InvalidArgument(format!("`{method}` is not a method")))
}

/// Characters outside of ASCII are percent-encoded (RFC 3987, section 3.1): a URI
/// has none. User information is refused: it would end up in logs, and is no part
/// of an `http` URI (RFC 9110, section 4.2.4).
fn parse_uri(uri: &str) -> Result<Uri, Error> {
    let invalid = |reason: &str| Error::InvalidArgument(format!("URI: {reason}"));
    let parsed: Uri = Cow::from(utf8_percent_encode(uri, &AsciiSet::EMPTY))
        .parse()
        .map_err(|error: http::uri::InvalidUri| invalid(&error.to_string()))?;
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err(invalid("needs the scheme `http` or `https`"));
    }
    match parsed.authority() {
        Some(authority) if authority.as_str().contains('@') => Err(invalid(
            "must not hold user information; set `authorization`",
        )),
        Some(authority) if !authority.host().is_empty() => Ok(parsed),
        _ => Err(invalid("needs a host")),
    }
}

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    Some(headers.get(name)?.as_bytes().to_vec())
}

pub(super) fn fields(headers: &HeaderMap) -> Vec<Field> {
    headers
        .iter()
        .map(|(name, value)| Field {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_vec(),
        })
        .collect()
}

pub(super) fn set_header(headers: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), Error> {
    let (name, value) = field(headers, name, value)?;
    headers
        .try_insert(name, value)
        .map(drop)
        .map_err(|_| too_large())
}

pub(super) fn append_header(
    headers: &mut HeaderMap,
    name: &str,
    value: &[u8],
) -> Result<(), Error> {
    let (name, value) = field(headers, name, value)?;
    headers
        .try_append(name, value)
        .map(drop)
        .map_err(|_| too_large())
}

/// The fields of a message that never was a handle.
pub(crate) fn appended(fields: Vec<Field>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for field in fields {
        append_header(&mut headers, &field.name, &field.value)?;
    }
    Ok(headers)
}

fn field(
    headers: &HeaderMap,
    name: &str,
    value: &[u8],
) -> Result<(HeaderName, HeaderValue), Error> {
    let used: usize = headers
        .iter()
        .map(|(name, value)| field_size(name.as_str().len(), value.len()))
        .sum();
    if used.saturating_add(field_size(name.len(), value.len())) > MAX_HEAD {
        return Err(too_large());
    }
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::InvalidArgument(format!("`{name}` is not a field name")))?;
    let value = HeaderValue::from_bytes(value)
        .map_err(|_| Error::InvalidArgument(format!("value of `{name}` is not a field value")))?;
    Ok((name, value))
}

/// With what a map needs beside it, so that empty fields count too.
fn field_size(name: usize, value: usize) -> usize {
    name.saturating_add(value).saturating_add(32)
}

fn too_large() -> Error {
    Error::InvalidArgument(format!("the fields are more than {MAX_HEAD} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_cannot_grow_without_end() {
        let mut headers = HeaderMap::new();
        let full = (0..100_000)
            .map(|_| append_header(&mut headers, "a", b""))
            .find(Result::is_err);
        assert_eq!(full, Some(Err(too_large())));
        assert!(headers.len() < 2_000);
    }

    #[test]
    fn text_that_would_break_a_message_is_refused() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("a b", "x"), ("", "x"), ("a", "x\r\nb: y"), ("a", "\0")] {
            let refused = set_header(&mut headers, name, value.as_bytes());
            assert!(refused.is_err(), "{name:?}: {value:?}");
        }
        assert!(headers.is_empty());
    }

    #[test]
    fn only_absolute_http_uris_without_user_information_are_taken() {
        let cases = [
            ("http://a/", true),
            ("https://a:1/b?c", true),
            ("HTTP://a/", true),
            ("/a", false),
            ("a:80", false),
            ("ftp://a/", false),
            ("http://user@a/", false),
            ("http://a/\r\nx", false),
            ("http://a b/", false),
        ];
        for (uri, usable) in cases {
            assert_eq!(parse_uri(uri).is_ok(), usable, "{uri:?}");
        }
    }

    #[test]
    fn characters_outside_of_ascii_are_percent_encoded() {
        for (uri, sent) in [
            ("http://a/é?ü=€", "http://a/%C3%A9?%C3%BC=%E2%82%AC"),
            ("http://a/%C3%A9?b=%zz", "http://a/%C3%A9?b=%zz"),
        ] {
            assert_eq!(parse_uri(uri).unwrap().to_string(), sent);
            let request = RequestHandle::made("GET".into(), uri.into());
            assert_eq!(request.into_request().unwrap().uri(), sent);
        }
        assert!(parse_uri("http://é.test/").is_err(), "a host is no path");
    }

    #[test]
    fn what_the_constructor_got_wrong_is_reported_by_the_send() {
        let request = RequestHandle::made("A B".into(), "nonsense".into());
        assert_eq!(request.method(), "A B");
        assert_eq!(request.uri(), "nonsense");
        assert!(request.into_request().is_err());

        let mut request = RequestHandle::made("A B".into(), "http://a/".into());
        request.set_method("GET").unwrap();
        assert!(request.into_request().is_ok());
    }
}
