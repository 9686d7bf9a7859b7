//! One connection, from accept to close.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    census::{Cut, Seat},
    clock::{Clock, OpenRequest},
    date,
    drain::Guard,
    gate::{Gate, Reset},
    limits::{MAX_HEADER_LIST, MAX_LOCAL_RESETS, MAX_PENDING_RESETS, MAX_SEND_BUFFER, MAX_STREAMS},
    live::{Live, Terms},
};
use crate::{gateway::Peer, head::Framing, respond::Body};

/// The least that hyper takes.
const MIN_BUFFER: usize = 8 * 1024;
/// What Go's server answers to plain HTTP on a TLS port.
const PLAIN_ON_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/// First byte of a TLS handshake record (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// Serves `stream` to its end. Errors are the client's or the network's and
/// have been told to the client where that was possible.
pub(super) async fn serve(
    live: Live,
    stream: TcpStream,
    addr: SocketAddr,
    guard: Guard,
    _seat: Seat,
) {
    let terms = live.terms();
    let peer = Peer {
        addr,
        ip: addr.ip().to_canonical(),
        tls: terms.tls.is_some(),
    };
    // Small answers must not wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let ended = match &terms.tls {
        None => {
            let builder = builder(&terms, terms.h2c.then_some(Version::ByPreface));
            drive(&live, &terms, builder, stream, peer, guard).await
        }
        // On the heap: what a handshake needs would weigh on those without one.
        Some(acceptor) => Box::pin(secured(&live, &terms, acceptor, stream, peer, guard)).await,
    };
    if let Err(error) = ended {
        if let Some(Expired(cut)) = error.downcast_ref() {
            live.census().cut(*cut);
        }
        tracing::debug!(client = %peer.ip, error = &*error, "connection ended early");
    }
}

async fn secured(
    live: &Live,
    terms: &Terms,
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    peer: Peer,
    guard: Guard,
) -> Result<(), crate::respond::BoxError> {
    let stream = Box::pin(handshake(acceptor, stream, terms.handshake, guard.clone())).await?;
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let builder = builder(terms, h2.then_some(Version::Http2));
    Box::pin(drive(live, terms, builder, stream, peer, guard)).await
}

/// HTTP/2 by agreement, or by what the client sends first.
enum Version {
    Http2,
    ByPreface,
}

fn builder(terms: &Terms, http2: Option<Version>) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The clock has all deadlines; hyper's would be a second opinion.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None);
    builder
        .http1()
        .title_case_headers(true)
        .max_buf_size(terms.max_head.max(MIN_BUFFER));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(
            u32::try_from(terms.max_head)
                .unwrap_or(u32::MAX)
                .min(MAX_HEADER_LIST),
        )
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS);
    match http2 {
        None => builder.http1_only(),
        Some(Version::Http2) => builder.http2_only(),
        Some(Version::ByPreface) => builder,
    }
}

async fn handshake(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    limit: Duration,
    mut guard: Guard,
) -> Result<tokio_rustls::server::TlsStream<TcpStream>, crate::respond::BoxError> {
    let handshake = async {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first != [HANDSHAKE_RECORD] {
            return Err(refuse_plain(stream).await);
        }
        acceptor.accept(stream).await
    };
    tokio::select! {
        done = timeout(limit, handshake) => match done {
            Ok(done) => Ok(done?),
            Err(_) => Err(Expired(Cut::Handshake).into()),
        },
        () = guard.stopped() => Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
    }
}

async fn refuse_plain(mut stream: TcpStream) -> io::Error {
    // Read what is there: closing with unread bytes would be a reset, and the
    // client might never see the answer.
    let _ = stream.try_read(&mut [0; 4096]);
    let _ = stream.write_all(PLAIN_ON_TLS).await;
    let _ = stream.shutdown().await;
    io::Error::other("plain HTTP on a TLS port")
}

async fn drive<S>(
    live: &Live,
    terms: &Terms,
    builder: auto::Builder<TokioExecutor>,
    stream: S,
    peer: Peer,
    mut guard: Guard,
) -> Result<(), crate::respond::BoxError>
where
    S: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
{
    let clock = Clock::new(Arc::clone(&terms.limits));
    let gate = Gate::new(stream, terms.max_head, clock.clone());
    let verdict = gate.verdict();
    let live = live.clone();
    let requests = clock.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let open = requests.open();
        // Extensions are a map on the heap: not for what is the rule.
        let framing = verdict.current();
        if framing != Framing::default() {
            request.extensions_mut().insert(framing);
        }
        let gateway = live.gateway();
        let version = request.version();
        async move {
            let mut response = gateway.handle(request, peer).await;
            date::correct(response.headers_mut());
            if version == http::Version::HTTP_2 {
                open.waits_for_client(true);
            }
            Ok::<_, Infallible>(response.map(|body| OpenBody {
                body,
                open,
                version,
            }))
        }
    });
    let connection = builder.serve_connection(TokioIo::new(gate), service);
    let timed = Timed {
        connection,
        sleep: sleep_until(clock.deadline()),
        clock,
    };
    let mut timed = std::pin::pin!(timed);
    tokio::select! {
        ended = timed.as_mut() => return ended,
        () = guard.stopped() => {}
    }
    timed.as_mut().project().connection.graceful_shutdown();
    timed.await
}

/// A limit of the listener that a connection has reached.
#[derive(Debug)]
struct Expired(Cut);

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a limit of the listener has been reached: {:?}", self.0)
    }
}

impl std::error::Error for Expired {}

pin_project! {
    /// A connection that ends when its clock has run out.
    struct Timed<C> {
        #[pin]
        connection: C,
        #[pin]
        sleep: Sleep,
        clock: Clock,
    }
}

impl<C, E> Future for Timed<C>
where
    C: Future<Output = Result<(), E>>,
    E: Into<crate::respond::BoxError>,
{
    type Output = Result<(), crate::respond::BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(ended) = this.connection.poll(cx) {
            return Poll::Ready(match this.clock.is_overdrawn() {
                true => Err(Expired(Cut::Frames).into()),
                false => ended.map_err(Into::into),
            });
        }
        loop {
            let deadline = this.clock.deadline();
            // A later deadline need not be set before the earlier has passed:
            // most never do.
            if deadline < this.sleep.deadline() || this.sleep.is_elapsed() {
                this.sleep.as_mut().reset(deadline);
            }
            if this.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let (deadline, cut) = this.clock.nearest();
            if deadline <= Instant::now() {
                return Poll::Ready(Err(Expired(cut).into()));
            }
        }
    }
}

pin_project! {
    /// A response body that keeps its request open on the clock.
    struct OpenBody {
        #[pin]
        body: Body,
        open: OpenRequest,
        version: http::Version,
    }
}

impl HttpBody for OpenBody {
    type Data = Bytes;
    type Error = crate::respond::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        // In HTTP/1.0 the close may be all that ends a body.
        if *this.version < http::Version::HTTP_11 && matches!(frame, Poll::Ready(Some(Err(_)))) {
            this.open.clock().broke_off();
        }
        // In HTTP/2 the next frame is asked for once the client's windows had
        // room for the last.
        if *this.version == http::Version::HTTP_2 {
            this.open.waits_for_client(frame.is_ready());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
