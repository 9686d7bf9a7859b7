//! Scripted peers on raw sockets. They record what they get, byte for byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A listening peer; ends with the test's runtime.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
    /// Holds the listener and all connections.
    listening: tokio::task::AbortHandle,
}

/// One accepted connection.
pub(crate) struct Wire {
    pub(crate) io: Box<dyn Io>,
    /// Which connection of its peer this is, from 0.
    pub(crate) number: usize,
    buffer: Vec<u8>,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    /// Runs `script` for every connection.
    pub(crate) async fn start<F, R>(script: F) -> Self
    where
        F: Fn(Wire) -> R + Clone + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self::listen(None, script).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls<F, R>(acceptor: TlsAcceptor, script: F) -> Self
    where
        F: Fn(Wire) -> R + Clone + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self::listen(Some(acceptor), script).await
    }

    async fn listen<F, R>(tls: Option<TlsAcceptor>, script: F) -> Self
    where
        F: Fn(Wire) -> R + Clone + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (all_log, all_connections) = <(Arc<Mutex<Vec<u8>>>, Arc<AtomicUsize>)>::default();
        let (log, connections) = (Arc::clone(&all_log), Arc::clone(&all_connections));
        let listening = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (tls, script, log) = (tls.clone(), script.clone(), Arc::clone(&log));
                while open.try_join_next().is_some() {}
                open.spawn(async move {
                    let io: Box<dyn Io> = match tls {
                        None => Box::new(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    script(Wire {
                        io,
                        number,
                        buffer: Vec::new(),
                        log,
                    })
                    .await;
                });
            }
        });
        Self {
            address,
            log: all_log,
            connections: all_connections,
            listening: listening.abort_handle(),
        }
    }

    /// Closes the listener and all connections.
    pub(crate) async fn kill(&self) {
        self.listening.abort();
        while !self.listening.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Answers every request with the same bytes, on as many connections as
    /// the client likes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut wire| {
            let answer = answer.clone();
            async move { while wire.request().await.is_some() && wire.write(&answer).await {} }
        })
        .await
    }

    /// A forward proxy: opens tunnels, and sends absolute-form requests on.
    pub(crate) async fn forwarding() -> Self {
        Self::start(forward).await
    }

    /// Everything that was received, on all connections.
    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

pub(crate) async fn forward(mut wire: Wire) {
    while let Some(request) = wire.request().await {
        let mut words = request.split(' ');
        let (method, place) = (words.next().unwrap(), words.next().unwrap());
        if method == "CONNECT" {
            let mut target = TcpStream::connect(place).await.unwrap();
            wire.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await;
            let _ = tokio::io::copy_bidirectional(&mut wire.io, &mut target).await;
            return;
        }
        let authority = place
            .strip_prefix("http://")
            .unwrap()
            .split('/')
            .next()
            .unwrap();
        let mut target = TcpStream::connect(authority).await.unwrap();
        let path = place.split_once(authority).unwrap().1;
        let rest = request.split_once(place).unwrap().1;
        let request = format!("{method} {path}{rest}");
        target.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 64 * 1024];
        let length = target.read(&mut answer).await.unwrap();
        wire.write(&answer[..length]).await;
    }
}

impl Wire {
    /// The next head; `None` at the end of the connection.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let end = |bytes: &[u8]| find(bytes, b"\r\n\r\n").map(|at| at + 4);
        Some(String::from_utf8(self.until(end).await?).unwrap())
    }

    /// The next request, head and body; `None` at the end of the connection.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let text = self.head().await?;
        let lower = text.to_ascii_lowercase();
        let body = if let Some((_, rest)) = lower.split_once("content-length: ") {
            let length = rest.split("\r\n").next().unwrap().parse().unwrap();
            self.until(move |bytes| (bytes.len() >= length).then_some(length))
                .await?
        } else if lower.contains("transfer-encoding: chunked") {
            self.until(|bytes| match bytes {
                [b'0', b'\r', b'\n', ..] => Some(5),
                _ => find(bytes, b"\r\n0\r\n\r\n").map(|at| at + 7),
            })
            .await?
        } else {
            Vec::new()
        };
        Some(text + &String::from_utf8_lossy(&body))
    }

    /// The next bytes, as long as `end` says.
    async fn until(&mut self, end: impl Fn(&[u8]) -> Option<usize>) -> Option<Vec<u8>> {
        loop {
            if let Some(length) = end(&self.buffer) {
                let rest = self.buffer.split_off(length);
                return Some(std::mem::replace(&mut self.buffer, rest));
            }
            let before = self.buffer.len();
            match self.io.read_buf(&mut self.buffer).await {
                Ok(length) if length > 0 => {}
                _ => return None,
            }
            self.log
                .lock()
                .unwrap()
                .extend_from_slice(&self.buffer[before..]);
        }
    }

    /// False: the client is gone.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.io.write_all(bytes).await.is_ok() && self.io.flush().await.is_ok()
    }

    /// Sends nothing more.
    pub(crate) async fn shutdown(&mut self) {
        let _ = self.io.shutdown().await;
    }

    /// Waits for the client to close the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while matches!(self.io.read(&mut rest).await, Ok(length) if length > 0) {}
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}
