//! One HTTP/1.1 connection and the task that drives it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{self, Handle},
    task::AbortHandle,
    time::timeout,
};
use tracing::Instrument as _;

use crate::{
    body::Upload,
    connect::{BoxedIo, connection_span},
};

/// Where reading the head of a response stops; one read may go beyond it.
const HEAD_LIMIT: usize = 256 * 1024;

/// After the end of a response the driver needs one more turn. Beyond that the
/// peer has not yet taken the last request, and a new connection is quicker.
const READY_LIMIT: Duration = Duration::from_millis(5);

/// An HTTP/1.1 connection. Dropping it closes the socket, whatever is under way.
pub(crate) struct Http1 {
    sender: http1::SendRequest<Upload>,
    driver: AbortHandle,
    runtime: runtime::Id,
    received: Arc<AtomicU64>,
}

impl Http1 {
    /// Starts HTTP on `io`. The driving task ends with the connection.
    pub(super) async fn start(io: BoxedIo) -> hyper::Result<Self> {
        let received = Arc::new(AtomicU64::new(0));
        let io = Metered {
            io,
            received: Arc::clone(&received),
        };
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_LIMIT)
            .handshake(TokioIo::new(io))
            .await?;
        let driver = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        };
        let driver = tokio::spawn(driver.instrument(connection_span())).abort_handle();
        Ok(Self {
            sender,
            driver,
            runtime: Handle::current().id(),
            received,
        })
    }

    pub(super) fn send(
        &mut self,
        request: Request<Upload>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<>
    {
        self.sender.try_send_request(request)
    }

    /// The runtime with the driving task.
    pub(super) fn runtime(&self) -> runtime::Id {
        self.runtime
    }

    /// Bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether the last exchange is wholly done.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether the last exchange is wholly done, waiting a moment for it. False:
    /// the connection is of no more use, unless another runtime drives it, which
    /// may have had no turn.
    pub(super) async fn ready(&mut self) -> bool {
        if self.is_ready() {
            return true;
        }
        let ready = timeout(READY_LIMIT, self.sender.ready()).await;
        matches!(ready, Ok(Ok(())))
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        // The driver would end by itself, but only at its next turn, and after
        // whatever it still has to write.
        self.driver.abort();
    }
}

/// Counts received bytes: whether any came decides about a second attempt.
struct Metered {
    io: BoxedIo,
    received: Arc<AtomicU64>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.io).poll_read(cx, buf);
        let more = buf.filled().len().saturating_sub(before);
        if more > 0 {
            self.received.fetch_add(more as u64, Ordering::Relaxed);
        }
        outcome
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
