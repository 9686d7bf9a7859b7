//! The only place that makes responses. Everything else speaks of outcomes.

mod pages;
mod tracked;

use std::fmt::Display;

use bytes::Bytes;
use cuttle_egress::remove_hop_by_hop;
use cuttle_pipeline::config::Service;
use cuttle_pipeline::{Answer, Failure, FailureKind};
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ALLOW, CONNECTION, CONTENT_TYPE, LOCATION},
};
use http_body_util::{BodyExt, Empty, Full};

pub use cuttle_pipeline::{Body, BoxError};
pub use tracked::TrackedBody;

use crate::head::Refusal;
use pages::Page;

/// KrakenD's header with the version.
pub const X_KRAKEND: HeaderName = HeaderName::from_static("x-krakend");
/// KrakenD's header that says whether all backends have answered.
pub const X_KRAKEND_COMPLETED: HeaderName = HeaderName::from_static("x-krakend-completed");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const FALSE: HeaderValue = HeaderValue::from_static("false");

/// Makes responses by the rules of one configuration.
#[derive(Debug)]
pub struct Responder {
    version: HeaderValue,
    return_error_msg: bool,
    gateway_errors: bool,
    not_found: Page,
    method_not_allowed: Page,
}

impl Responder {
    /// The rules of `service`: `router` and `cuttle/http`.
    #[must_use]
    pub fn new(service: &Service) -> Self {
        let router = &service.router;
        Self {
            version: version(router.hide_version_header),
            return_error_msg: router.return_error_msg,
            gateway_errors: service.http.gateway_errors,
            not_found: Page::new("404 page not found", router.error_body_404.as_deref()),
            method_not_allowed: Page::new(
                "405 method not allowed",
                router.error_body_405.as_deref(),
            ),
        }
    }

    /// What a pipeline has answered, with KrakenD's headers in front.
    ///
    /// A backend's own `X-Krakend` stays as a second value, as with KrakenD.
    #[must_use]
    pub fn answer(&self, answer: Answer) -> Response<Body> {
        let mut response = answer.response;
        if response.status().is_informational() {
            // Interim answers and protocol switches are no answers.
            return self.kind(FailureKind::Backend);
        }
        remove_hop_by_hop(response.headers_mut());
        self.mark(&mut response, answer.completed);
        response
    }

    /// The pipeline has failed before there was an answer. Of the failure the
    /// client gets what its `Display` says, with `return_error_msg` only; of
    /// the answer behind it (`return_error_code`, or a modifier's) the status and
    /// a modifier's fields, and the body on the same condition.
    #[must_use]
    pub fn failure(&self, failure: &Failure) -> Response<Body> {
        let Some(answer) = &failure.answer else {
            return self.refusal(failure.kind, failure);
        };
        let mut response = bare(answer.status);
        response.headers_mut().clone_from(&answer.headers);
        if self.return_error_msg {
            *response.body_mut() = full(answer.body.clone());
            let content_type = answer.content_type.clone().unwrap_or(TEXT);
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        self.mark(&mut response, false);
        response
    }

    /// A failure of which the client learns the kind only, and that with
    /// `return_error_msg`.
    #[must_use]
    pub fn kind(&self, kind: FailureKind) -> Response<Body> {
        self.refusal(kind, &kind)
    }

    fn refusal(&self, kind: FailureKind, message: &dyn Display) -> Response<Body> {
        let status = self.status(kind);
        let mut response = match self.return_error_msg {
            true => text(status, message.to_string()),
            false => bare(status),
        };
        self.mark(&mut response, false);
        if matches!(kind, FailureKind::ClientBody | FailureKind::BodyTooLarge) {
            // Where the next request would begin is not known, or too far.
            close(&mut response);
        }
        response
    }

    /// A panic in the request's own code.
    #[must_use]
    pub fn panicked(&self) -> Response<Body> {
        let mut response = bare(StatusCode::INTERNAL_SERVER_ERROR);
        self.mark(&mut response, false);
        response
    }

    /// No route.
    #[must_use]
    pub fn not_found(&self) -> Response<Body> {
        let mut response = self.not_found.response(StatusCode::NOT_FOUND);
        self.mark(&mut response, false);
        response
    }

    /// The path has routes, but not for this method. `allow` names theirs.
    #[must_use]
    pub fn method_not_allowed(&self, allow: &str) -> Response<Body> {
        let mut response = self
            .method_not_allowed
            .response(StatusCode::METHOD_NOT_ALLOWED);
        set(&mut response, ALLOW, allow);
        self.mark(&mut response, false);
        response
    }

    /// Status of a failure: KrakenD's 500 for all that lies behind the gateway,
    /// unless `gateway_errors` asks for RFC 9110's.
    fn status(&self, kind: FailureKind) -> StatusCode {
        match kind {
            FailureKind::ClientBody | FailureKind::ClientRequest => StatusCode::BAD_REQUEST,
            FailureKind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FailureKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            _ if !self.gateway_errors => StatusCode::INTERNAL_SERVER_ERROR,
            FailureKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            FailureKind::NoHosts => StatusCode::SERVICE_UNAVAILABLE,
            // Not the backend's fault.
            FailureKind::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// Puts `X-Krakend` and `X-Krakend-Completed` in front of what is there.
    fn mark(&self, response: &mut Response<Body>, completed: bool) {
        let completed = if completed { TRUE } else { FALSE };
        for (name, value) in [
            (X_KRAKEND, self.version.clone()),
            (X_KRAKEND_COMPLETED, completed),
        ] {
            let headers = response.headers_mut();
            if !headers.contains_key(&name) {
                headers.insert(name, value);
                continue;
            }
            let others: Vec<_> = headers.get_all(&name).iter().cloned().collect();
            headers.insert(&name, value);
            for other in others {
                headers.append(&name, other);
            }
        }
    }
}

/// `GET /__health`. No agents exist; `now` is in the form of Go's clock.
#[must_use]
pub fn health() -> Response<Body> {
    let now = pages::go_time(time::OffsetDateTime::now_utc());
    let body = serde_json::json!({ "agents": {}, "now": now, "status": "ok" });
    with_body(StatusCode::OK, JSON, body.to_string())
}

/// The status page.
#[must_use]
pub fn status(page: &serde_json::Value) -> Response<Body> {
    with_body(StatusCode::OK, JSON, format!("{page:#}\n"))
}

/// The metrics page.
#[must_use]
pub fn metrics(page: String) -> Response<Body> {
    with_body(StatusCode::OK, METRICS, page)
}

/// 200 with a JSON text.
#[must_use]
pub fn json(text: String) -> Response<Body> {
    with_body(StatusCode::OK, JSON, text)
}

/// The head of the request is unusable. The connection ends.
#[must_use]
pub fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = text(refusal.status(), format!("{}: {refusal}", refusal.status()));
    close(&mut response);
    response
}

/// To the right spelling of the path.
#[must_use]
pub fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = bare(status);
    set(&mut response, LOCATION, location);
    response
}

/// `auto_options`: what may be done with the path.
#[must_use]
pub fn options(allow: &str) -> Response<Body> {
    let mut response = bare(StatusCode::OK);
    set(&mut response, ALLOW, allow);
    response
}

/// `OPTIONS *`: the server is there.
#[must_use]
pub fn alive() -> Response<Body> {
    bare(StatusCode::OK)
}

/// A parameter of the path that may not be passed on.
#[must_use]
pub fn bad_parameter(message: String) -> Response<Body> {
    text(StatusCode::BAD_REQUEST, message)
}

/// Tells the client, and hyper, that the connection ends. Means nothing in
/// HTTP/2, where hyper leaves it out.
pub(crate) fn close(response: &mut Response<Body>) {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
}

fn version(hidden: bool) -> HeaderValue {
    match hidden {
        true => HeaderValue::from_static("Version undefined"),
        false => HeaderValue::from_static(concat!("Version ", env!("CARGO_PKG_VERSION"))),
    }
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    // A value with control characters would be a fault of the router's: such a
    // path does not come through the parser. The field is then left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    with_body(status, TEXT, text.into())
}

fn with_body(status: StatusCode, content_type: HeaderValue, body: String) -> Response<Body> {
    let mut response = Response::new(full(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn full(body: Bytes) -> Body {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body without bytes.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
