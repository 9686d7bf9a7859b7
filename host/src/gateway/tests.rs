mod expansion;

use std::sync::Arc;

use http::HeaderMap;
use http_body::Frame;
use http_body_util::{Empty, StreamBody};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Backend, full, gateway, service};

fn endpoint(path: &str) -> Value {
    json!({
        "endpoint": path, "output_encoding": "no-op",
        "backend": [{ "url_pattern": "/", "encoding": "no-op", "host": ["http://backend.test"] }],
    })
}

async fn get(gateway: &Arc<Gateway>, path: &str) -> Response<Body> {
    let request = Request::get(path)
        .header("host", "a")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    gateway
        .handle(
            request,
            Peer {
                ip: addr.ip(),
                addr,
                tls: false,
            },
        )
        .await
}

#[test]
fn routes_that_exclude_each_other_are_all_told_with_their_places() {
    let service = service(&json!({
        "extra_config": { "router": { "health_path": "/live" } },
        "endpoints": [endpoint("/a/{x}"), endpoint("/a/{y}/b"), endpoint("/c"), endpoint("/c"), endpoint("/live")],
    }));
    let pipeline = |endpoint| Pipeline::build(endpoint, vec![Arc::new(Backend::echo())]).unwrap();
    let endpoints = service
        .endpoints
        .iter()
        .map(|e| (e.clone(), pipeline(e)))
        .collect();
    let conflicts = Gateway::new(&service, endpoints).err().unwrap();
    let places: Vec<_> = conflicts
        .iter()
        .map(|conflict| conflict.place.as_str())
        .collect();
    assert_eq!(places.len(), 3, "{conflicts:?}");
    assert!(
        places.contains(&"endpoints[1]") && places.contains(&"endpoints[3]"),
        "{places:?}"
    );
    assert!(
        conflicts
            .iter()
            .any(|one| one.message.contains("endpoints[4]")),
        "{conflicts:?}"
    );
    assert!(conflicts.iter().all(|conflict| !conflict.help.is_empty()));
}

#[tokio::test]
async fn the_health_page_can_be_moved_and_removed() {
    let with = |router: Value| {
        let service = service(&json!({ "extra_config": { "router": router } }));
        gateway(&service, &Backend::echo())
    };
    let cases = [
        (json!({}), "/__health", 200),
        (json!({ "health_path": "/live/now" }), "/live/now", 200),
        (json!({ "health_path": "/live/now" }), "/__health", 404),
        (json!({ "disable_health": true }), "/__health", 404),
    ];
    for (router, path, status) in cases {
        assert_eq!(
            get(&with(router.clone()), path).await.status(),
            status,
            "{router} {path}"
        );
    }
}

/// A gateway over one endpoint `/x` and one backend for each path.
fn with_endpoint(extra: &Value, keys: &Value, paths: &[&str]) -> Arc<Gateway> {
    let backends: Vec<_> = paths
        .iter()
        .map(
            |path| json!({ "url_pattern": path, "method": "GET", "host": ["http://backend.test"] }),
        )
        .collect();
    let mut endpoint = json!({ "endpoint": "/x", "timeout": "5s", "backend": backends });
    for (key, value) in keys.as_object().unwrap() {
        endpoint[key] = value.clone();
    }
    let service = service(&json!({ "endpoints": [endpoint], "extra_config": extra }));
    gateway(&service, &paths_as_answers())
}

/// Answers `/ok` with data, panics for `/panic` and fails for everything else.
fn paths_as_answers() -> Backend {
    Backend::new(|request| async move {
        match request.uri().path() {
            "/ok" => Ok(Response::new(full(r#"{"a":1}"#))),
            "/panic" => panic!("on purpose"),
            other => {
                let mut response = Response::new(full("secret"));
                *response.status_mut() = other.trim_start_matches('/').parse().unwrap();
                Ok(response)
            }
        }
    })
}

async fn send(
    gateway: &Arc<Gateway>,
    method: Method,
    body: &'static str,
) -> (u16, HeaderMap, String) {
    let request = Request::builder()
        .method(method)
        .uri("/x")
        .header("host", "a")
        .body(full(body))
        .unwrap();
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    let peer = Peer {
        ip: addr.ip(),
        addr,
        tls: false,
    };
    let (head, body) = gateway.handle(request, peer).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (head.status.as_u16(), head.headers, body)
}

#[tokio::test]
async fn what_the_backends_gave_is_what_the_client_gets() {
    let open = json!({ "router": { "return_error_msg": true } });
    let status = |status, path| {
        format!("invalid status code {status} [GET {path}]: http://backend.test{path}")
    };
    #[rustfmt::skip]
    let cases = [
        (json!({}), vec!["/ok"],            200, r#"{"a":1}"#.to_owned(),  "true"),
        (json!({}), vec!["/ok", "/404"],    200, r#"{"a":1}"#.to_owned(),  "false"),
        (json!({}), vec!["/panic", "/ok"],  200, r#"{"a":1}"#.to_owned(),  "false"),
        (json!({}), vec!["/404"],           500, String::new(),            "false"),
        (open.clone(), vec!["/404"],        500, status(404, "/404"),      "false"),
        (json!({}), vec!["/404", "/503"],   500, String::new(),            "false"),
        (open, vec!["/404", "/503"],        500,
            format!("{}\n{}", status(404, "/404"), status(503, "/503")),   "false"),
    ];
    for (extra, paths, status, body, completed) in cases {
        let gateway = with_endpoint(&extra, &json!({}), &paths);
        let (got, headers, text) = send(&gateway, Method::GET, "").await;
        assert_eq!((got, text), (status, body), "{paths:?}");
        assert_eq!(headers["x-krakend-completed"], completed, "{paths:?}");
        let panics = u64::from(paths.contains(&"/panic"));
        assert_eq!(gateway.panics(), panics, "{paths:?}");
    }
}

#[tokio::test]
async fn endpoints_may_be_for_head_and_options() {
    for method in [Method::HEAD, Method::OPTIONS] {
        let keys = json!({ "method": method.as_str() });
        let gateway = with_endpoint(&json!({}), &keys, &["/ok"]);
        let (status, headers, _) = send(&gateway, method.clone(), "").await;
        assert_eq!(status, 200, "{method}");
        assert_eq!(headers["x-krakend-completed"], "true", "{method}");
        let (status, headers, _) = send(&gateway, Method::GET, "").await;
        assert_eq!(status, 405, "{method}");
        assert_eq!(headers["allow"], method.as_str());
    }
}

#[tokio::test]
async fn a_body_beyond_max_payload_is_refused() {
    let limited = json!({ "router": { "max_payload": 4 } });
    let noop = json!({ "method": "POST", "output_encoding": "no-op" });
    for (body, status) in [("1234", 200), ("12345", 413)] {
        let service = service(&json!({ "extra_config": limited }));
        let gateway = gateway(&service, &Backend::echo());
        assert_eq!(send(&gateway, Method::POST, body).await.0, status);
        let gateway = with_endpoint(&limited, &noop, &["/ok"]);
        assert_eq!(send(&gateway, Method::POST, body).await.0, status);
    }
}

/// Without an announced length it shows on the way, to the backend as a body
/// that breaks off.
#[tokio::test]
async fn a_body_that_turns_out_too_long_is_refused() {
    let limited = json!({ "extra_config": { "router": { "max_payload": 4 } } });
    let gateway = gateway(&service(&limited), &Backend::echo());
    let pieces = ["123", "45"].map(|piece| Ok::<_, BoxError>(Frame::data(Bytes::from(piece))));
    let request = Request::post("/x")
        .header("host", "a")
        .body(StreamBody::new(futures_util::stream::iter(pieces)))
        .unwrap();
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    let peer = Peer {
        ip: addr.ip(),
        addr,
        tls: false,
    };
    let response = gateway.handle(request, peer).await;
    assert_eq!(response.status(), 413);
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test]
async fn debug_and_echo_are_there_for_every_method_only_where_they_are_asked_for() {
    for (key, path) in [
        ("debug_endpoint", "/__debug/a"),
        ("echo_endpoint", "/__echo/a"),
    ] {
        for (on, status) in [(true, 200), (false, 404)] {
            let gateway = gateway(&service(&json!({ key: on })), &Backend::echo());
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
                let request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header("host", "a")
                    .body(full("body"));
                let response = gateway.handle(request.unwrap(), peer()).await;
                assert_eq!(response.status(), status, "{method} {path} {on}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_for_debug_and_echo_is_bounded() {
    let config = json!({
        "debug_endpoint": true, "echo_endpoint": true,
        "extra_config": { "router": { "max_payload": 8 } },
    });
    let gateway = gateway(&service(&config), &Backend::echo());
    for path in ["/__debug/", "/__echo/"] {
        for (body, status) in [("12345678", 200), ("123456789", 413)] {
            let request = Request::post(path).header("host", "a").body(full(body));
            let response = gateway.handle(request.unwrap(), peer()).await;
            assert_eq!(response.status(), status, "{path} {body}");
        }
    }
}

fn peer() -> Peer {
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    Peer {
        ip: addr.ip(),
        addr,
        tls: false,
    }
}

/// A body that panics as soon as anybody looks at it.
struct Mine;

impl HttpBody for Mine {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        panic!("on purpose")
    }

    fn size_hint(&self) -> http_body::SizeHint {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_panic_outside_of_the_pipeline_is_an_answer_and_counted() {
    let gateway = gateway(&service(&json!({})), &Backend::echo());
    for count in 1..3 {
        let request = Request::post("/x").header("host", "a").body(Mine).unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], 1));
        let peer = Peer {
            ip: addr.ip(),
            addr,
            tls: false,
        };
        assert_eq!(gateway.handle(request, peer).await.status(), 500);
        assert_eq!(gateway.panics(), count);
    }
    assert_eq!(get(&gateway, "/x").await.status(), 200);
}
