//! What of a request is a secret, and how the rest is shown. Names are judged as
//! those of a configuration's keys are.

use cuttle_pipeline::config::is_secret;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::record;

/// What stands for a secret.
pub(crate) const HIDDEN: &str = "***";

/// Beginnings of values that are credentials (RFC 9110 section 11.4).
const SCHEMES: [&str; 3] = ["basic ", "bearer ", "digest "];

/// A field's value as it may be shown.
pub(crate) fn field(name: &HeaderName, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    let lower = text.to_ascii_lowercase();
    let credentials = SCHEMES.iter().any(|scheme| lower.starts_with(scheme));
    match value.is_sensitive() || credentials || is_secret(name.as_str()) {
        true => HIDDEN.to_owned(),
        false => text.into_owned(),
    }
}

/// A URL, or a path with a query, as it may be shown: without the values of
/// secrets in the query.
pub(crate) fn url(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// A text as it may be shown: without the values of what has the name of a secret in
/// JSON, a form or a query, and without user information of URLs.
pub(crate) fn text(text: &str) -> String {
    record::redacted(text)
}

fn pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if is_secret(&percent_decode_str(name).decode_utf8_lossy()) => {
            format!("{name}={HIDDEN}")
        }
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_by_their_names() {
        for (written, shown) in [
            ("/a", "/a"),
            ("/a?b=1&c", "/a?b=1&c"),
            ("/a?b=1&api_key=x&c=2", "/a?b=1&api_key=***&c=2"),
            ("/a?%74oken=x", "/a?%74oken=***"),
            (
                "/a?Signature=x=y&sig=z&design=1",
                "/a?Signature=***&sig=***&design=1",
            ),
        ] {
            assert_eq!(url(written), shown);
        }
    }

    #[test]
    fn fields_with_credentials_are_hidden() {
        for (name, value, hidden) in [
            ("authorization", "Bearer hunter2", true),
            ("cookie", "sid=hunter2", true),
            ("x-api-key", "hunter2", true),
            ("x-auth-token", "hunter2", true),
            ("x-upstream", "bEARER hunter2", true),
            ("accept", "text/html", false),
        ] {
            let (name, value) = (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
            assert_eq!(field(&name, &value) == HIDDEN, hidden, "{name}");
        }
        let mut marked = HeaderValue::from_static("hunter2");
        marked.set_sensitive(true);
        assert_eq!(field(&HeaderName::from_static("x"), &marked), HIDDEN);
    }
}
