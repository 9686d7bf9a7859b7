//! Fields that belong to one connection only (RFC 9110, section 7.6.1).

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
};
use http_body::Body;

/// Removed from every message, whether `Connection` names them or not.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "proxy-connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "http2-settings"
    )
}

/// Takes hop-by-hop fields, `Host` and framing off a request. The last two are
/// set anew from the target and the body.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
}

/// Takes hop-by-hop fields off a response. True: the connection must not be
/// used again, by the wish of the peer or for safety.
pub(crate) fn clean_response(headers: &mut HeaderMap) -> bool {
    // The length was overridden and is a lie now. Somebody in between may have
    // believed it (RFC 9112, section 6.3).
    let two_ends =
        headers.contains_key(TRANSFER_ENCODING) && headers.remove(CONTENT_LENGTH).is_some();
    remove_hop_by_hop(headers) || two_ends
}

/// Whether the body is what the transfer coding holds, not the coding itself:
/// `chunked` alone is taken off by the HTTP library (RFC 9112, section 6.3).
pub(crate) fn is_decoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Frames a request by what its body knows of itself: nothing, a length, or
/// chunks (RFC 9112, section 6).
pub(crate) fn frame(request: &mut Request<impl Body>) {
    let body = request.body();
    let length = if body.is_end_stream() {
        Some(0)
    } else {
        body.size_hint().exact()
    };
    match length {
        // A server may wait for a body of these (RFC 9110, section 8.6).
        Some(0)
            if !matches!(
                *request.method(),
                Method::POST | Method::PUT | Method::PATCH
            ) => {}
        Some(length) => {
            let length = HeaderValue::from(length);
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        None => {
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(TRANSFER_ENCODING, chunked);
        }
    }
}

/// Removes the fields that concern one connection, or one proxy, only: those of
/// RFC 9110, section 7.6.1, and those that `Connection` names, except for `Host`
/// and `Content-Length`, which are not the sender's to delete. True:
/// `Connection` says `close`.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) -> bool {
    // Most messages have none, and a look at each name costs less than ten
    // lookups.
    let mut found = headers.keys().filter(|name| is_hop_by_hop(name));
    let Some(first) = found.next().cloned() else {
        return false;
    };
    let others: Vec<_> = found.cloned().collect();
    let (close, named) = options(headers);
    headers.remove(first);
    for name in others.into_iter().chain(named) {
        headers.remove(name);
    }
    close
}

/// Whether `Connection` says `close`, and which fields it names.
fn options(headers: &HeaderMap) -> (bool, Vec<HeaderName>) {
    let mut close = false;
    let mut named = Vec::new();
    let lines = headers.get_all(CONNECTION);
    for option in lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
    {
        let option = option.trim_ascii();
        if option.eq_ignore_ascii_case(b"close") {
            close = true;
        } else if !option.eq_ignore_ascii_case(b"keep-alive")
            && let Ok(name) = HeaderName::from_bytes(option)
            // Routing and framing are not the sender's to delete.
            && name != HOST
            && name != CONTENT_LENGTH
        {
            named.push(name);
        }
    }
    (close, named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn hop_by_hop_fields_go_and_all_others_stay() {
        let mut headers = map(&[
            ("connection", "x-named, keep-alive,, Close"),
            ("x-named", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("upgrade", "websocket"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authenticate", "Basic"),
            ("proxy-authorization", "Basic eA=="),
            ("proxy-authentication-info", "x"),
        ]);
        assert!(clean_response(&mut headers));
        assert_eq!(headers, map(&[("x-other", "2")]));
    }

    #[test]
    fn connection_cannot_delete_the_length_of_a_response() {
        let mut headers = map(&[("connection", "content-length"), ("content-length", "5")]);
        assert!(!clean_response(&mut headers));
        assert_eq!(headers, map(&[("content-length", "5")]));
    }

    #[test]
    fn a_length_beside_a_transfer_coding_is_not_passed_on() {
        let mut headers = map(&[("transfer-encoding", "chunked"), ("content-length", "5")]);
        assert!(clean_response(&mut headers), "the connection is not safe");
        assert!(headers.is_empty());
    }
}
