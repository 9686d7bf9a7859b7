//! Following redirects by the rules of Go's `net/http`.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE,
        LOCATION, REFERER, WWW_AUTHENTICATE,
    },
};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    body::{Body, empty},
    error::{BoxError, Error, ErrorKind},
    send::Head,
    target::unbracketed,
};

/// Requests in a row, the first included.
pub(crate) const REQUEST_LIMIT: usize = 10;
/// A body that is longer is sent once and not again.
const BODY_LIMIT: usize = 1024 * 1024;
/// What is read of a redirect's own body to keep its connection.
const DRAIN_LIMIT: u64 = 2 * 1024;

const COOKIE2: HeaderName = HeaderName::from_static("cookie2");
/// Not for another domain.
const CREDENTIALS: [HeaderName; 4] = [AUTHORIZATION, COOKIE, COOKIE2, WWW_AUTHENTICATE];
/// Say something about a body that is not sent again (RFC 9110, section 15.4).
const ABOUT_BODY: [HeaderName; 4] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_TYPE,
];

/// A request's body between hops.
pub(crate) enum Repeatable {
    /// There is none.
    Empty,
    /// Can be sent as often as needed.
    Whole(Bytes),
    /// Was sent once.
    Gone,
}

impl Repeatable {
    /// The body for the first hop and what is left for later ones. Reads up to
    /// [`BODY_LIMIT`] ahead if `buffer` asks for it.
    pub(crate) async fn prepare(
        body: Body,
        buffer: bool,
        deadline: Instant,
    ) -> Result<(Body, Self), Error> {
        if body.is_end_stream() {
            return Ok((body, Self::Empty));
        }
        if !buffer || body.size_hint().lower() > BODY_LIMIT as u64 {
            return Ok((body, Self::Gone));
        }
        timeout_at(deadline, read_ahead(body))
            .await
            .unwrap_or_else(|_| {
                let text = "the body of the request did not arrive in time";
                Err(Error::new(ErrorKind::Timeout, text))
            })
    }

    /// The body once more; `None` if it is gone.
    fn again(&self) -> Option<Body> {
        match self {
            Self::Empty => Some(empty()),
            Self::Whole(bytes) => Some(whole(bytes.clone())),
            Self::Gone => None,
        }
    }
}

/// What a redirect asks for.
pub(crate) struct Next {
    pub(crate) uri: Uri,
    pub(crate) body: Body,
}

/// State of a chain of redirects.
pub(crate) struct Chain {
    /// Host of the first request, in lower case; none before the first redirect.
    first_host: Option<String>,
    /// Once another domain was visited, credentials do not come back.
    foreign: bool,
    /// The first request brought a `Referer`, which stays.
    own_referer: bool,
}

impl Chain {
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        Self {
            own_referer: headers.contains_key(REFERER),
            first_host: None,
            foreign: false,
        }
    }

    /// Where `response` to a request for `from` leads, if it is a redirect that
    /// can be followed. Turns `head` and `body` into the next request's.
    pub(crate) fn next<B>(
        &mut self,
        response: &Response<B>,
        from: &Uri,
        head: &mut Head,
        body: &mut Repeatable,
    ) -> Option<Next> {
        let keeps_method = match response.status() {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => false,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            _ => return None,
        };
        let uri = destination(from, response.headers().get(LOCATION)?)?;
        let next_body = if keeps_method { body.again()? } else { empty() };
        if !keeps_method {
            *body = Repeatable::Empty;
            drop_body(head);
        }
        self.drop_credentials(from, &uri, &mut head.headers);
        self.set_referer(from, &uri, &mut head.headers);
        Some(Next {
            uri,
            body: next_body,
        })
    }

    fn drop_credentials(&mut self, from: &Uri, to: &Uri, headers: &mut HeaderMap) {
        let first = self.first_host.get_or_insert_with(|| host_of(from));
        self.foreign |= !is_same_or_below(&host_of(to), first);
        if self.foreign {
            for name in CREDENTIALS {
                headers.remove(name);
            }
        }
    }

    /// The page before, but not from `https` to `http`.
    fn set_referer(&self, from: &Uri, to: &Uri, headers: &mut HeaderMap) {
        if from.scheme_str() == Some("https") && to.scheme_str() == Some("http") {
            headers.remove(REFERER);
        } else if !self.own_referer
            && let Some(value) = referer(from)
        {
            headers.insert(REFERER, value);
        }
    }
}

fn host_of(uri: &Uri) -> String {
    uri.host().unwrap_or_default().to_ascii_lowercase()
}

/// Reads a little of a redirect's body, so that its connection can be used again.
pub(crate) async fn drain(body: Body, deadline: Instant) {
    if body.size_hint().lower() > DRAIN_LIMIT {
        return;
    }
    let mut body = http_body_util::Limited::new(body, DRAIN_LIMIT as usize);
    let end = async { while let Some(Ok(_)) = body.frame().await {} };
    // A redirect that drips is not worth waiting for; dropping it closes.
    let _ = timeout_at(deadline, end).await;
}

fn destination(from: &Uri, location: &HeaderValue) -> Option<Uri> {
    let location = std::str::from_utf8(location.as_bytes()).ok()?;
    let mut url = Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    url.as_str().parse().ok()
}

fn drop_body(head: &mut Head) {
    if head.method != Method::HEAD {
        head.method = Method::GET;
    }
    for name in ABOUT_BODY {
        head.headers.remove(name);
    }
}

fn is_same_or_below(host: &str, parent: &str) -> bool {
    // The dots of addresses mean something else.
    let is_address = unbracketed(host).parse::<std::net::IpAddr>().is_ok();
    let below = || {
        host.strip_suffix(parent)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    host == parent || (!is_address && below())
}

/// `uri` as a `Referer`: without userinfo.
fn referer(uri: &Uri) -> Option<HeaderValue> {
    let mut url = Url::parse(&uri.to_string()).ok()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    HeaderValue::from_str(url.as_str()).ok()
}

async fn read_ahead(mut body: Body) -> Result<(Body, Repeatable), Error> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::new(ErrorKind::RequestBody, "the body of the request broke off").caused_by(error)
        })?;
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
        if read.len() > BODY_LIMIT {
            return Ok((continued(read.freeze(), body), Repeatable::Gone));
        }
    }
    let bytes = read.freeze();
    Ok((whole(bytes.clone()), Repeatable::Whole(bytes)))
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// What was read ahead, and the rest behind it.
fn continued(start: Bytes, rest: Body) -> Body {
    let start = stream::once(async { Ok::<_, BoxError>(http_body::Frame::data(start)) });
    let rest = http_body_util::BodyStream::new(rest);
    StreamBody::new(start.chain(rest)).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved_like_links() {
        let from: Uri = "http://a.test:81/x/y?z".parse().unwrap();
        for (location, expected) in [
            ("/b", Some("http://a.test:81/b")),
            ("b?c", Some("http://a.test:81/x/b?c")),
            ("//other/", Some("http://other/")),
            ("https://b.test/#frag", Some("https://b.test/")),
            ("", Some("http://a.test:81/x/y?z")),
            ("ftp://b.test/", None),
            ("javascript:alert(1)", None),
            ("http://", None),
        ] {
            let value = HeaderValue::from_static(location);
            let uri = destination(&from, &value).map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn credentials_stay_within_the_first_domain() {
        for (host, stays) in [
            ("a.test", true),
            ("b.a.test", true),
            ("ba.test", false),
            ("test", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(is_same_or_below(host, "a.test"), stays, "{host}");
        }
        assert!(!is_same_or_below("1.127.0.0.1", "2.0.0.1"));
    }

    #[test]
    fn credentials_do_not_come_back() {
        let mut chain = Chain::new(&HeaderMap::new());
        let mut headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("x"))]);
        let [first, other] = ["http://a.test/", "http://b.test/"].map(|uri| uri.parse().unwrap());
        chain.drop_credentials(&first, &other, &mut headers);
        assert!(headers.is_empty());
        headers.insert(COOKIE, HeaderValue::from_static("x"));
        chain.drop_credentials(&other, &first, &mut headers);
        assert!(headers.is_empty() && chain.foreign);
    }

    #[test]
    fn a_referer_has_no_userinfo_and_does_not_leave_https() {
        for (from, to, expected) in [
            (
                "http://u:p@a.test/x",
                "http://b.test/",
                Some("http://a.test/x"),
            ),
            (
                "https://a.test/x",
                "https://b.test/",
                Some("https://a.test/x"),
            ),
            ("https://a.test/x", "http://b.test/", None),
        ] {
            let mut headers = HeaderMap::new();
            let from_uri = from.parse().unwrap();
            let chain = Chain::new(&headers);
            chain.set_referer(&from_uri, &to.parse().unwrap(), &mut headers);
            let referer = headers.get(REFERER).map(|value| value.to_str().unwrap());
            assert_eq!(referer, expected, "{from} -> {to}");
        }
    }
}
