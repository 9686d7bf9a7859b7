//! Bodies that are not an endpoint's.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use time::OffsetDateTime;

use super::{Body, JSON};

/// An answer that is always the same.
#[derive(Debug)]
pub(super) struct Page {
    content_type: HeaderValue,
    body: Bytes,
}

impl Page {
    /// `json` (from `error_body`) replaces the text.
    pub(super) fn new(text: &'static str, json: Option<&str>) -> Self {
        match json {
            Some(json) => Self {
                content_type: JSON,
                body: Bytes::copy_from_slice(json.as_bytes()),
            },
            // Without a charset, as KrakenD sends it.
            None => Self {
                content_type: HeaderValue::from_static("text/plain"),
                body: Bytes::from_static(text.as_bytes()),
            },
        }
    }

    pub(super) fn response(&self, status: StatusCode) -> Response<Body> {
        let body = Full::new(self.body.clone())
            .map_err(|never| match never {})
            .boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, self.content_type.clone());
        response
    }
}

/// The form in which Go prints a time, which KrakenD's health page shows:
/// `2026-11-23 05:12:28.047 +0000 UTC`.
pub(super) fn go_time(time: OffsetDateTime) -> String {
    let fraction = format!(".{:09}", time.nanosecond());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} +0000 UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        fraction.trim_end_matches('0').trim_end_matches('.'),
    )
}
