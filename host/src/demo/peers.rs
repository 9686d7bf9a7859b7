//! The two peers of the demonstration: small, and for nothing else.

use std::{convert::Infallible, future::Future, net::SocketAddr, time::Duration};

use bytes::Bytes;
use cuttle_egress::{Body, BuildError, Client, Redirects, SendOptions, Settings, TlsSettings, Way};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::UnboundedSender,
    time::Instant,
};

/// Limit for what the proxy sends on.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that goes directly, for the proxy and for the request shown.
pub(super) fn client() -> Result<Client, BuildError> {
    Client::new(Settings {
        max_idle_connections: None,
        max_idle_connections_per_host: 8,
        idle_connection_timeout: Some(PATIENCE),
        response_header_timeout: None,
        dialer_timeout: Some(PATIENCE),
        dialer_fallback_delay: None,
        dialer_keep_alive: None,
        disable_keep_alives: false,
        http2: false,
        tls: TlsSettings {
            tls12: true,
            tls13: true,
            ..TlsSettings::default()
        },
    })
}

/// Answers everything with a line that says what arrived.
pub(super) async fn origin() -> std::io::Result<SocketAddr> {
    listen(async |request| {
        let text = format!(
            "origin here: {} {} for {:?}\n",
            request.method(),
            request.uri(),
            request
                .headers()
                .get("x-forwarded-for")
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default(),
        );
        answer(StatusCode::OK, text)
    })
    .await
}

/// A forward proxy for `http` targets that reports each request to `log`.
pub(super) async fn proxy(
    client: Client,
    log: UnboundedSender<String>,
) -> std::io::Result<SocketAddr> {
    listen(move |request| {
        let (client, log) = (client.clone(), log.clone());
        async move { forward(&client, &log, request).await }
    })
    .await
}

async fn forward(
    client: &Client,
    log: &UnboundedSender<String>,
    request: Request<Incoming>,
) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri());
    if request.method() == Method::CONNECT || request.uri().authority().is_none() {
        return answer(
            StatusCode::NOT_IMPLEMENTED,
            "absolute-form only\n".to_owned(),
        );
    }
    let options = SendOptions {
        deadline: Instant::now() + PATIENCE,
        redirects: Redirects::None,
        gate: None,
    };
    let request = request.map(|body| Body::new(body.map_err(Into::into)));
    let response = client.send(request, &Way::Direct, &options).await;
    let response =
        response.unwrap_or_else(|error| answer(StatusCode::BAD_GATEWAY, format!("{error}\n")));
    // Nobody listens any more when the demonstration ends.
    let _ = log.send(format!("{line} -> {}", response.status()));
    response
}

fn answer(status: StatusCode, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {});
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    response
}

/// Serves on a free port until the process ends.
async fn listen<F, R>(handle: F) -> std::io::Result<SocketAddr>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, handle.clone()));
        }
    });
    Ok(address)
}

async fn serve<F, R>(stream: TcpStream, handle: F)
where
    F: Fn(Request<Incoming>) -> R + Send + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let response = handle(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    // A peer that goes away is nothing to report in a demonstration.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
