//! The client against scripted peers on loopback sockets.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "helpers of tests may fail like tests"
)]

mod answers;
mod bodies;
mod direct;
mod failover;
mod http2;
mod http2_targets;
mod limits;
mod peer;
mod pooling;
mod proxied;
mod reach;
mod redirects;
mod socks;
mod tls;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cuttle_egress::{
    Body, BoxError, Client, Error, ErrorKind, Proxy, ProxyOptions, Redirects, SendOptions,
    Settings, Way,
};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use tokio::time::Instant;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn client() -> Client {
    Client::new(Settings::default()).unwrap()
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(content: &'static str) -> Body {
    Full::new(Bytes::from(content))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body whose length is not known, in these pieces.
fn pieces(pieces: Vec<Result<&'static str, BoxError>>) -> Body {
    let frames = pieces
        .into_iter()
        .map(|piece| piece.map(|text| http_body::Frame::data(Bytes::from_static(text.as_bytes()))));
    http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

fn request(method: &str, url: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(url)
        .body(body)
        .unwrap()
}

fn within(limit: Duration) -> SendOptions {
    SendOptions {
        deadline: Instant::now() + limit,
        redirects: Redirects::None,
        gate: None,
    }
}

fn options() -> SendOptions {
    within(Duration::from_secs(20))
}

fn through(address: &str) -> Way {
    Way::Proxy(Arc::new(
        Proxy::new(address, ProxyOptions::default()).unwrap(),
    ))
}

async fn send(client: &Client, request: Request<Body>, way: &Way) -> Result<Response<Body>, Error> {
    client.send(request, way, &options()).await
}

async fn get(client: &Client, url: &str, way: &Way) -> Result<Response<Body>, Error> {
    send(client, request("GET", url, empty()), way).await
}

async fn text(response: Response<Body>) -> Result<String, BoxError> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// The kind of an error that a body gave.
fn kind_of(error: &BoxError) -> ErrorKind {
    error.downcast_ref::<Error>().unwrap().kind()
}

/// The error with all of its causes, as a log would show it.
fn shown(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error} {error:?}");
        cause = error.source();
    }
    text
}
