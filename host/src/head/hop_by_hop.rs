//! Fields that concern one connection only (RFC 9110 section 7.6.1).

use http::{HeaderMap, HeaderName, header};

/// `Keep-Alive` and the fields of proxies that have no constant.
static CONNECTION_FIELDS: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Never removed because a `Connection` field names them: that would change
/// where a message ends or whom it is for.
static FRAMING_FIELDS: [HeaderName; 2] = [header::HOST, header::CONTENT_LENGTH];

/// Removes the fields of RFC 9110 section 7.6.1 and those that `Connection`
/// names, in requests and responses alike.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    for name in nominated(headers) {
        headers.remove(name);
    }
    for name in &CONNECTION_FIELDS {
        headers.remove(name);
    }
}

fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| !FRAMING_FIELDS.contains(name))
        .collect()
}
