//! The peers of a measurement, each in a process of its own: an origin with and
//! without TLS, a forward proxy, and the bare relay.

use std::{convert::Infallible, net::SocketAddr, path::Path, process::Stdio, sync::Arc};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    Method, Request, Response, Uri,
    body::Incoming,
    header::{CONNECTION, HOST, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};
use tokio_rustls::TlsAcceptor;

/// Body of every answer of the origin.
pub(crate) const MARKER: &str = "{\"from\":\"the origin of the benchmark\"}";
/// Field that the forward proxy adds to answers.
pub(crate) const THROUGH: &str = "x-through-proxy";

type Body = BoxBody<Bytes, hyper::Error>;
type Pool = Client<HttpConnector, Incoming>;

/// A running peer. It is ended when this is dropped.
pub(crate) struct Peer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Peer {
    pub(crate) async fn start(role: &str, to: Option<&str>) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(role)
            .args(to)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let address = line.context("the peer ended")?.parse()?;
        Ok(Self { child, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

/// Runs as `role`; says where on standard output.
pub(crate) async fn serve(role: &str, to: Option<&str>) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let mut acceptor = None;
    let role = match (role, to) {
        ("origin", _) => Role::Origin,
        ("secure-origin", Some(folder)) => {
            acceptor = Some(tls(Path::new(folder))?);
            Role::Origin
        }
        ("proxy", _) => Role::Proxy(pool),
        ("relay", Some(to)) => Role::Relay(pool, HeaderValue::from_str(to)?),
        _ => bail!("not a role: {role}"),
    };
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (role, acceptor) = (role.clone(), acceptor.clone());
        tokio::spawn(async move {
            // The other side closes its connections as it likes.
            match acceptor {
                None => converse(role, stream).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(role, stream).await;
                    }
                }
            }
        });
    }
}

/// By the certificate in `folder`.
fn tls(folder: &Path) -> anyhow::Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(folder.join("cert.pem"))?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn converse(role: Role, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let service = service_fn(|request| answer(role.clone(), request));
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

#[derive(Clone)]
enum Role {
    Origin,
    Proxy(Pool),
    Relay(Pool, HeaderValue),
}

async fn answer(role: Role, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let answered = match role {
        Role::Origin => Ok(Response::new(
            Full::from(MARKER).map_err(|never| match never {}).boxed(),
        )),
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
    let mut response = pool.request(request).await?;
    response.headers_mut().insert(
        HeaderName::from_static(THROUGH),
        HeaderValue::from_static("1"),
    );
    Ok(response.map(BodyExt::boxed))
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
