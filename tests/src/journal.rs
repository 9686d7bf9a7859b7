//! What a peer has seen so far, and waiting for it to see more.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

use crate::{Digest, Head, soon};

/// Bytes of one connection that are kept.
const KEPT: usize = 256 << 10;

/// Everything a peer has seen.
#[derive(Debug, Default, Clone)]
pub struct Journal {
    /// Requests whose body has arrived to its end, in that order.
    pub requests: Vec<Recorded>,
    /// Heads of all requests, also of those that broke off.
    pub heads: Vec<Head>,
    /// The first 256 KiB of each connection, inside of TLS.
    pub received: Vec<Vec<u8>>,
    /// Connections that have ended.
    pub closed: usize,
    /// Requests that broke off before the end of their body.
    pub broken: usize,
    /// Bytes of body written so far.
    pub sent: u64,
    /// Connections on which the other side went away while it was waited for.
    pub gone: usize,
}

/// A complete request.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its head, as it stood on the wire.
    pub head: Head,
    /// Its body.
    pub body: Digest,
    /// The connection it came over, from 0.
    pub connection: usize,
}

/// A [`Journal`] that several tasks write.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<(Mutex<Journal>, Notify)>);

/// A stream that writes down what is read from it.
#[derive(Debug)]
pub(crate) struct Tapped<S> {
    pub(crate) stream: S,
    journal: Shared,
    connection: usize,
}

impl Journal {
    /// Everything received, as text, for searching.
    #[must_use]
    pub fn text(&self) -> String {
        let all: Vec<_> = self
            .received
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes))
            .collect();
        all.join("\n")
    }
}

impl Shared {
    pub(crate) fn snapshot(&self) -> Journal {
        self.lock().clone()
    }

    pub(crate) fn write(&self, entry: impl FnOnce(&mut Journal)) {
        entry(&mut self.lock());
        self.0.1.notify_waiters();
    }

    /// Waits until `done` finds what it looks for.
    pub(crate) async fn wait<T>(&self, what: &str, done: impl Fn(&Journal) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let changed = self.0.1.notified();
                tokio::pin!(changed);
                // Before the look, so that a change right after it is not missed.
                changed.as_mut().enable();
                if let Some(found) = done(&self.lock()) {
                    return found;
                }
                changed.await;
            }
        })
        .await
    }

    /// A new connection, whose bytes are written down from here on.
    pub(crate) fn tap<S>(&self, stream: S) -> (usize, Tapped<S>) {
        let mut connection = 0;
        self.write(|journal| {
            connection = journal.received.len();
            journal.received.push(Vec::new());
        });
        let tapped = Tapped {
            stream,
            journal: self.clone(),
            connection,
        };
        (connection, tapped)
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            let connection = self.connection;
            self.journal.write(|journal| {
                let kept = &mut journal.received[connection];
                let room = KEPT.saturating_sub(kept.len());
                kept.extend_from_slice(&new[..new.len().min(room)]);
            });
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Drop for Tapped<S> {
    fn drop(&mut self) {
        self.journal.write(|journal| journal.closed += 1);
    }
}
