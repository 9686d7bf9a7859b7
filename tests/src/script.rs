//! Peers that follow a script, byte by byte.

use std::{io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use tokio_rustls::TlsAcceptor;

use crate::{
    Authority, Journal, Pattern, Wire,
    journal::{Shared, Tapped},
};

/// One thing a scripted peer does on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Waits for the head of a request.
    Head,
    /// Writes these bytes.
    Send(Bytes),
    /// Writes a long body.
    Pattern(Pattern),
    /// The same, in chunks, with the last one.
    Chunks(Pattern),
    /// Writes until the peer stops reading for good.
    Flood,
    /// Writes the bytes one by one with a pause before each.
    Drip(Bytes, Duration),
    /// Goes on once the test has opened the gate.
    Wait(Gate),
    /// Says and reads nothing until the peer goes away.
    Silence,
    /// Connects to the target of the last head and passes bytes both ways.
    Tunnel,
    /// Ends the connection with an RST.
    Reset,
    /// Ends the connection.
    Close,
}

/// Holds a [`Step::Wait`] until the test opens it.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

/// A forward proxy that does the same thing, right or wrong, on every
/// connection.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    journal: Shared,
    server: JoinHandle<()>,
}

/// What stands between the socket and a script.
#[derive(Clone)]
enum Front {
    Nothing,
    Tls(TlsAcceptor),
    Tunnel(TlsAcceptor),
}

/// The answer that opens a tunnel.
const OPENED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// What is left of a connection after a script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It can carry another request.
    Open,
    /// It is to be closed.
    Close,
    /// It is to be dropped as it is: a proper end would come before the RST.
    Drop,
}

impl Step {
    /// Writes this text.
    #[must_use]
    pub fn send(text: &str) -> Self {
        Self::Send(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl Gate {
    /// Closed.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everyone through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn pass(&self) {
        let mut opened = self.0.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        let _ = opened.wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultProxy {
    /// A proxy that runs `script` on each connection and then closes it.
    pub async fn start(script: Vec<Step>) -> Self {
        Self::behind(Front::Nothing, script).await
    }

    /// The same with TLS to the proxy itself, with a certificate for
    /// `127.0.0.1`.
    pub async fn start_tls(authority: &Authority, script: Vec<Step>) -> Self {
        let acceptor = TlsAcceptor::from(authority.server(&["127.0.0.1"]));
        Self::behind(Front::Tls(acceptor), script).await
    }

    /// The same, for those only who show a certificate of `authority`.
    pub async fn start_mutual_tls(authority: &Authority, script: Vec<Step>) -> Self {
        let acceptor = TlsAcceptor::from(authority.mutual_server(&["127.0.0.1"]));
        Self::behind(Front::Tls(acceptor), script).await
    }

    /// A proxy that opens every tunnel, and runs `script` at its other end
    /// inside of TLS, with a certificate for `127.0.0.1`.
    pub async fn tunnelling(authority: &Authority, script: Vec<Step>) -> Self {
        Self::tunnelling_as(authority, "127.0.0.1", script).await
    }

    /// The same with a certificate for somebody else.
    pub async fn tunnelling_as(authority: &Authority, name: &str, script: Vec<Step>) -> Self {
        let acceptor = TlsAcceptor::from(authority.server(&[name]));
        Self::behind(Front::Tunnel(acceptor), script).await
    }

    /// A proxy that opens every tunnel and passes bytes both ways.
    pub async fn working() -> Self {
        Self::start(vec![Step::Head, Step::send(OPENED), Step::Tunnel]).await
    }

    async fn behind(front: Front, script: Vec<Step>) -> Self {
        let (listener, address) = listen().await;
        let journal = Shared::default();
        let seen = journal.clone();
        let server = serve(listener, move |stream| {
            let (front, script, seen) = (front.clone(), script.clone(), seen.clone());
            async move {
                // A peer that goes away in the middle is part of the game.
                let _ = pass(stream, front, &script, &seen).await;
            }
        });
        Self {
            address,
            journal,
            server,
        }
    }

    /// An address where nobody listens, and nobody will: the port stays taken
    /// until this process ends.
    pub async fn refused() -> String {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a free port");
        let address = socket.local_addr().expect("a bound socket has an address");
        std::mem::forget(socket);
        format!("http://{address}")
    }

    /// Address for `proxy_address`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Address with user information.
    #[must_use]
    pub fn url_with(&self, userinfo: &str) -> String {
        format!("http://{userinfo}@{}", self.address)
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// What it has seen.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.journal.snapshot()
    }

    /// Waits until it has seen something.
    pub async fn wait<T>(&self, what: &str, done: impl Fn(&Journal) -> Option<T>) -> T {
        self.journal.wait(what, done).await
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(
    stream: TcpStream,
    front: Front,
    script: &[Step],
    journal: &Shared,
) -> io::Result<After> {
    let acceptor = match front {
        Front::Nothing => return run(stream, script, journal).await,
        Front::Tls(acceptor) => return run(acceptor.accept(stream).await?, script, journal).await,
        Front::Tunnel(acceptor) => acceptor,
    };
    let mut wire = Wire::new(stream);
    let connect = wire.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let opens = connect.method() == "CONNECT";
    journal.write(|journal| journal.heads.push(connect));
    if !opens {
        return Ok(After::Close);
    }
    wire.send(OPENED.as_bytes()).await?;
    run(acceptor.accept(wire.into_inner()).await?, script, journal).await
}

async fn run<S>(stream: S, script: &[Step], journal: &Shared) -> io::Result<After>
where
    S: AsyncRead + AsyncWrite + Resettable + Unpin,
{
    let (_, tapped) = journal.tap(stream);
    play(&mut Wire::new(tapped), script, journal).await
}

/// A free port of the loopback interface.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    (listener, address)
}

/// Handles each connection in a task of its own, all of which end with the
/// returned one.
pub(crate) fn serve<F>(
    listener: TcpListener,
    handle: impl Fn(TcpStream) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            connections.spawn(handle(stream));
            while connections.try_join_next().is_some() {}
        }
    })
}

/// A stream that can be ended with an RST.
pub(crate) trait Resettable {
    fn reset_on_close(&self);
}

impl Resettable for TcpStream {
    fn reset_on_close(&self) {
        let _ = self.set_zero_linger();
    }
}

impl<S> Resettable for tokio_rustls::server::TlsStream<S>
where
    S: Resettable,
{
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

/// Runs a script on one connection.
pub(crate) async fn play<S>(
    wire: &mut Wire<Tapped<S>>,
    script: &[Step],
    journal: &Shared,
) -> io::Result<After>
where
    S: AsyncRead + AsyncWrite + Resettable + Unpin,
{
    let mut last = None;
    for step in script {
        match step {
            Step::Head => {
                let head = wire.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
                journal.write(|journal| journal.heads.push(head.clone()));
                last = Some(head);
            }
            Step::Send(bytes) => wire.send(bytes).await?,
            Step::Pattern(pattern) => {
                for piece in pattern.clone() {
                    wire.send(&piece).await?;
                    journal.write(|journal| journal.sent += piece.len() as u64);
                }
            }
            Step::Chunks(pattern) => {
                for piece in pattern.clone() {
                    wire.send_chunk(&piece).await?;
                    journal.write(|journal| journal.sent += piece.len() as u64);
                }
                wire.send_chunk(b"").await?;
            }
            Step::Flood => flood(wire, journal).await,
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    tokio::time::sleep(*pause).await;
                    wire.send(&[*byte]).await?;
                }
            }
            Step::Wait(gate) => gate.pass().await,
            Step::Silence => {
                wire.until_gone().await;
                journal.write(|journal| journal.gone += 1);
            }
            Step::Tunnel => {
                let target = last
                    .as_ref()
                    .map(|head| head.target().to_owned())
                    .unwrap_or_default();
                let mut onward = TcpStream::connect(&target).await?;
                tokio::io::copy_bidirectional(wire.get_mut(), &mut onward).await?;
            }
            Step::Reset => {
                wire.get_ref().stream.reset_on_close();
                return Ok(After::Drop);
            }
            Step::Close => return Ok(After::Close),
        }
    }
    Ok(After::Open)
}

/// Ends when the peer does, which the journal then says.
async fn flood<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<Tapped<S>>, journal: &Shared) {
    for piece in Pattern::new(u64::MAX) {
        if wire.send(&piece).await.is_err() {
            break;
        }
        journal.write(|journal| journal.sent += piece.len() as u64);
    }
    journal.write(|journal| journal.gone += 1);
}
