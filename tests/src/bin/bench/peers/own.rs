//! Roles of this program: a bare relay, which is the least a gateway can do with
//! its library, and a forward proxy that opens tunnels.

use std::{convert::Infallible, net::SocketAddr, process::Stdio};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    Method, Request, Response, Uri,
    body::Incoming,
    header::{CONNECTION, HOST, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

type Body = BoxBody<Bytes, hyper::Error>;
type Pool = Client<HttpConnector, Incoming>;

/// This program in one of its roles. It is ended when this is dropped.
pub(crate) struct Own {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Own {
    pub(super) async fn start(role: &str, to: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(role)
            .args(to.map(|to| to.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let address = line.context("the peer ended")?.parse()?;
        Ok(Self { child, address })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

/// Runs as `role`; says where on standard output.
pub(crate) async fn serve(role: &str, to: Option<&str>) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let role = match (role, to) {
        ("proxy", _) => Role::Proxy(pool),
        ("relay", Some(to)) => Role::Relay(pool, HeaderValue::from_str(to)?),
        _ => bail!("not a role: {role}"),
    };
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(role.clone(), stream));
    }
}

async fn converse(role: Role, stream: TcpStream) {
    let service = service_fn(|request| answer(role.clone(), request));
    // The other side closes its connections as it likes.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

#[derive(Clone)]
enum Role {
    Proxy(Pool),
    Relay(Pool, HeaderValue),
}

async fn answer(role: Role, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let answered = match role {
        Role::Proxy(pool) => proxy(&pool, request).await,
        Role::Relay(pool, to) => relay(&pool, to, request).await,
    };
    Ok(answered.unwrap_or_else(|error| {
        let text = Full::from(format!("{error:#}")).map_err(|never| match never {});
        let mut response = Response::new(text.boxed());
        *response.status_mut() = hyper::StatusCode::BAD_GATEWAY;
        response
    }))
}

async fn proxy(pool: &Pool, mut request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
    if request.method() == Method::CONNECT {
        return tunnel(request).await;
    }
    request.uri().scheme().context("not in absolute-form")?;
    request.headers_mut().remove(CONNECTION);
    Ok(pool.request(request).await?.map(BodyExt::boxed))
}

async fn tunnel(request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
    let target = request.uri().authority().context("no target")?.to_string();
    let mut onward = TcpStream::connect(target).await?;
    onward.set_nodelay(true)?;
    tokio::spawn(async move {
        if let Ok(near) = hyper::upgrade::on(request).await {
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(near), &mut onward).await;
        }
    });
    let empty = Full::default().map_err(|never| match never {});
    Ok(Response::new(empty.boxed()))
}

/// The least a gateway can do.
async fn relay(
    pool: &Pool,
    to: HeaderValue,
    mut request: Request<Incoming>,
) -> anyhow::Result<Response<Body>> {
    let path = request.uri().path_and_query().context("no path")?.clone();
    let uri = Uri::builder()
        .scheme("http")
        .authority(to.as_bytes())
        .path_and_query(path)
        .build()?;
    *request.uri_mut() = uri;
    request.headers_mut().insert(HOST, to);
    request.headers_mut().remove(CONNECTION);
    Ok(pool.request(request).await?.map(BodyExt::boxed))
}
