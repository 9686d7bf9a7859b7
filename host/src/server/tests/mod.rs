//! Claims about the listener, over real sockets.

mod bodies;
mod limits;
mod listening;
mod messages;
mod protocols;
mod shutdown;
mod tls;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, time::Instant};

use super::Verdict;
use crate::testing::{Backend, Running, full, within};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &str = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A backend that says when it is called and when its call is dropped, and
/// never answers.
fn hanging() -> (Backend, mpsc::UnboundedReceiver<&'static str>) {
    struct Call(mpsc::UnboundedSender<&'static str>);
    impl Drop for Call {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (events, seen) = mpsc::unbounded_channel();
    let backend = Backend::new(move |_| {
        let call = Call(events.clone());
        async move {
            let _ = call.0.send("called");
            std::future::pending().await
        }
    });
    (backend, seen)
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

async fn h2c(server: &Running) -> hyper::client::conn::http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}
