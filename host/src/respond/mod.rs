//! The only place that makes responses. Everything else speaks of outcomes.

mod pages;
mod tracked;

use cuttle_egress::remove_hop_by_hop;
use cuttle_pipeline::FailureKind;
use cuttle_pipeline::config::Service;
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
    pub fn answer(&self, mut response: Response<Body>) -> Response<Body> {
        if response.status().is_informational() {
            // Interim answers and protocol switches are no answers.
            return self.failure(FailureKind::Backend);
        }
        remove_hop_by_hop(response.headers_mut());
        self.mark(&mut response);
        response
    }

    /// The pipeline has failed before there was an answer. Nothing of the
    /// failure but its kind reaches the client, in words and with
    /// `return_error_msg` only.
    #[must_use]
    pub fn failure(&self, kind: FailureKind) -> Response<Body> {
        let status = self.status(kind);
        let mut response = match self.return_error_msg {
            true => text(status, kind.to_string()),
            false => bare(status),
        };
        self.mark(&mut response);
        if kind == FailureKind::ClientBody {
            // Where the next request would begin is not known.
            close(&mut response);
        }
        response
    }

    /// A panic in the request's own code.
    #[must_use]
    pub fn panicked(&self) -> Response<Body> {
        let mut response = bare(StatusCode::INTERNAL_SERVER_ERROR);
        self.mark(&mut response);
        response
    }

    /// No route.
    #[must_use]
    pub fn not_found(&self) -> Response<Body> {
        let mut response = self.not_found.response(StatusCode::NOT_FOUND);
        self.mark(&mut response);
        response
    }

    /// The path has routes, but not for this method. `allow` names theirs.
    #[must_use]
    pub fn method_not_allowed(&self, allow: &str) -> Response<Body> {
        let mut response = self
            .method_not_allowed
            .response(StatusCode::METHOD_NOT_ALLOWED);
        set(&mut response, ALLOW, allow);
        self.mark(&mut response);
        response
    }

    /// Status of a failure: KrakenD's 500 for all that lies behind the gateway,
    /// unless `gateway_errors` asks for RFC 9110's.
    fn status(&self, kind: FailureKind) -> StatusCode {
        match kind {
            FailureKind::ClientBody | FailureKind::ClientRequest => StatusCode::BAD_REQUEST,
            FailureKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            _ if !self.gateway_errors => StatusCode::INTERNAL_SERVER_ERROR,
            FailureKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            FailureKind::NoHosts => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// Puts `X-Krakend` and `X-Krakend-Completed` in front of what is there.
    /// No-op answers and failures are never complete in KrakenD's sense.
    fn mark(&self, response: &mut Response<Body>) {
        for (name, value) in [
            (X_KRAKEND, self.version.clone()),
            (X_KRAKEND_COMPLETED, FALSE),
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
fn close(response: &mut Response<Body>) {
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
    let body = Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
