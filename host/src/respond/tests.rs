use bytes::Bytes;
use cuttle_pipeline::{BackendAnswer, ExecuteError};
use http::{HeaderMap, HeaderName};
use http_body_util::BodyExt;
use serde_json::json;

use super::*;
use crate::testing::{full, service};

async fn shown(response: Response<Body>) -> (u16, HeaderMap, String) {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (
        parts.status.as_u16(),
        parts.headers,
        String::from_utf8(bytes.to_vec()).unwrap(),
    )
}

fn responder(extra: serde_json::Value) -> Responder {
    Responder::new(&service(&json!({ "extra_config": extra })))
}

fn failure(kind: FailureKind) -> Failure {
    ExecuteError {
        kind,
        source: "the cause".into(),
    }
    .into()
}

fn answer(response: Response<Body>, completed: bool) -> Answer {
    Answer {
        response,
        completed,
        failures: Vec::new(),
    }
}

/// With their statuses, and those of `gateway_errors`.
#[rustfmt::skip]
const KINDS: [(FailureKind, u16, u16); 12] = [
    (FailureKind::Backend,       500, 502),
    (FailureKind::Status,        500, 502),
    (FailureKind::Decode,        500, 502),
    (FailureKind::Timeout,       500, 504),
    (FailureKind::Overloaded,    503, 503),
    (FailureKind::Plugin,        500, 502),
    (FailureKind::ClientBody,    400, 400),
    (FailureKind::BodyTooLarge,  413, 413),
    (FailureKind::ClientRequest, 400, 400),
    (FailureKind::NoHosts,       500, 503),
    (FailureKind::NoValue,       500, 502),
    (FailureKind::Panicked,      500, 500),
];

#[tokio::test]
async fn failures_have_krakends_statuses_and_no_body() {
    let responder = responder(json!({}));
    for (kind, status, _) in KINDS {
        let (got, headers, body) = shown(responder.failure(&failure(kind))).await;
        assert_eq!((got, body.as_str()), (status, ""), "{kind:?}");
        assert_eq!(headers[X_KRAKEND_COMPLETED], "false");
        assert_eq!(
            headers[X_KRAKEND],
            concat!("Version ", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(
            headers.contains_key(CONNECTION),
            matches!(kind, FailureKind::ClientBody | FailureKind::BodyTooLarge),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn gateway_errors_switches_to_the_statuses_of_gateways() {
    let responder = responder(json!({ "cuttle/http": { "gateway_errors": true } }));
    for (kind, _, status) in KINDS {
        let response = responder.failure(&failure(kind));
        assert_eq!(response.status(), status, "{kind:?}");
    }
}

#[tokio::test]
async fn return_error_msg_shows_no_cause() {
    let responder = responder(json!({ "router": { "return_error_msg": true } }));
    let (_, headers, body) = shown(responder.failure(&failure(FailureKind::Timeout))).await;
    assert_eq!(body, "context deadline exceeded");
    assert_eq!(headers[CONTENT_TYPE], "text/plain; charset=utf-8");
}

const X_OWN: HeaderName = HeaderName::from_static("x-own");

#[tokio::test]
async fn return_error_code_passes_the_status_and_the_body_with_return_error_msg_only() {
    let of = |content_type: Option<&'static str>| {
        let mut failure = failure(FailureKind::Status);
        failure.answer = Some(Box::new(BackendAnswer {
            status: StatusCode::IM_A_TEAPOT,
            headers: [(X_OWN, HeaderValue::from_static("kept"))]
                .into_iter()
                .collect(),
            content_type: content_type.map(HeaderValue::from_static),
            body: Bytes::from_static(b"{}"),
        }));
        failure
    };
    let open = responder(json!({ "router": { "return_error_msg": true } }));
    let closed = responder(json!({ "cuttle/http": { "gateway_errors": true } }));
    #[rustfmt::skip]
    let cases = [
        (&open,   Some("a/b"), "{}", Some("a/b")),
        (&open,   None,        "{}", Some("text/plain; charset=utf-8")),
        (&closed, Some("a/b"), "",   None),
    ];
    for (responder, content_type, body, sent) in cases {
        let (status, headers, got) = shown(responder.failure(&of(content_type))).await;
        assert_eq!((status, got.as_str()), (418, body));
        let found = headers.get(CONTENT_TYPE).map(|v| v.to_str().unwrap());
        assert_eq!(found, sent);
        assert_eq!(headers[X_OWN], "kept");
        assert_eq!(headers[X_KRAKEND_COMPLETED], "false");
    }
}

#[tokio::test]
async fn completeness_is_the_pipelines_word() {
    let responder = responder(json!({}));
    for (completed, said) in [(true, "true"), (false, "false")] {
        let response = responder.answer(answer(Response::new(full("{}")), completed));
        assert_eq!(response.headers()[X_KRAKEND_COMPLETED], said);
    }
}

#[tokio::test]
async fn an_answer_keeps_the_backends_own_header_behind_ours() {
    let responder = responder(json!({ "router": { "hide_version_header": true } }));
    let mut backend = Response::new(full("ok"));
    for (name, value) in [
        ("x-krakend", "theirs"),
        ("x-a", "1"),
        ("connection", "x-b"),
        ("x-b", "2"),
    ] {
        backend
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
    }
    let (status, headers, body) = shown(responder.answer(answer(backend, false))).await;
    let versions: Vec<_> = headers.get_all(X_KRAKEND).iter().collect();
    assert_eq!((status, body.as_str()), (200, "ok"));
    assert_eq!(versions, ["Version undefined", "theirs"]);
    assert_eq!(headers[X_KRAKEND_COMPLETED], "false");
    assert_eq!(headers["x-a"], "1");
    assert!(
        !headers.contains_key("x-b"),
        "a field of the backend's connection"
    );
}

#[tokio::test]
async fn misses_are_answered_as_by_krakend() {
    let plain = responder(json!({}));
    let (status, headers, body) = shown(plain.not_found()).await;
    assert_eq!((status, body.as_str()), (404, "404 page not found"));
    assert_eq!(headers[CONTENT_TYPE], "text/plain");
    assert_eq!(headers[X_KRAKEND_COMPLETED], "false");

    let (status, headers, body) = shown(plain.method_not_allowed("GET, POST")).await;
    assert_eq!((status, body.as_str()), (405, "405 method not allowed"));
    assert_eq!(headers[ALLOW], "GET, POST");

    let own = json!({ "404": { "a": 1 }, "405": { "b": 2 } });
    let own = responder(json!({ "router": { "error_body": own } }));
    let (_, headers, body) = shown(own.not_found()).await;
    assert_eq!(body, r#"{"a":1}"#);
    assert_eq!(headers[CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(shown(own.method_not_allowed("GET")).await.2, r#"{"b":2}"#);
}

#[tokio::test]
async fn what_is_not_an_endpoints_answer_carries_no_krakend_header() {
    let all = [
        health(),
        redirect(StatusCode::MOVED_PERMANENTLY, "/x"),
        options("GET"),
        bad_parameter(String::from("error: encoded url params")),
        refused(Refusal::HostMissing),
    ];
    for response in all {
        assert!(!response.headers().contains_key(X_KRAKEND), "{response:?}");
        assert!(
            !response.headers().contains_key(X_KRAKEND_COMPLETED),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn health_is_the_json_that_monitors_know() {
    let (status, headers, body) = shown(health()).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &body["status"], &body["agents"]),
        (200, &json!("ok"), &json!({}))
    );
    assert!(body["now"].as_str().unwrap().ends_with(" +0000 UTC"));
    assert_eq!(headers[CONTENT_TYPE], "application/json; charset=utf-8");
}

#[test]
fn times_look_like_gos() {
    let time = |nanos| time::OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
    assert_eq!(
        pages::go_time(time(47_000_000)),
        "1970-01-01 00:00:00.047 +0000 UTC"
    );
    assert_eq!(
        pages::go_time(time(951_782_400_000_000_000)),
        "2000-02-29 00:00:00 +0000 UTC"
    );
}
