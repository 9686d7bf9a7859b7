//! The byte stream of one connection, on its way to hyper.
//!
//! Bytes pass unchanged. The gate cuts them at the ends of messages, so that
//! the verdict on a head reaches the request it is about, and notes in the
//! [`Clock`] what the connection is doing.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::{
    clock::Clock,
    frames::Frames,
    framing::{Reading, Tracker},
};
use crate::head::Framing;

/// Bytes read and thrown away at a close; a client that sends more after a
/// refusal does not listen.
const LINGER_BYTES: usize = 256 * 1024;

/// A stream that can be ended so that the peer takes it for a fault.
pub(super) trait Reset {
    /// The close that follows is a reset.
    fn reset_at_close(&self);
}

impl Reset for TcpStream {
    fn reset_at_close(&self) {
        // Without it the close is an ordinary one, which is all that is left.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl<S: Reset> Reset for TlsStream<S> {
    fn reset_at_close(&self) {
        self.get_ref().0.reset_at_close();
    }
}

/// A stream with its [`Tracker`].
pub(super) struct Gate<S: Reset> {
    stream: S,
    tracker: Tracker,
    clock: Clock,
    verdict: Verdict,
    /// Bytes behind the end of the current message.
    ahead: BytesMut,
    /// Bytes read, as far as it matters for the preface of HTTP/2.
    before: usize,
    /// Once HTTP/2 is spoken. On the heap: most connections have none.
    frames: Option<Box<Frames>>,
    /// Bytes thrown away since the close; `None` before it.
    lingered: Option<usize>,
}

/// What the gate says about the head that hyper parses next.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<AtomicU8>);

impl Verdict {
    const ALL: [Framing; 7] = [
        Framing::Clean,
        Framing::Both,
        Framing::TransferEncoding,
        Framing::ContentLength,
        Framing::TooLarge,
        Framing::LineEnd,
        Framing::Fragment,
    ];

    /// The verdict on the request that hyper has just handed out.
    pub(super) fn current(&self) -> Framing {
        let index = usize::from(self.0.load(Ordering::Relaxed));
        Self::ALL.get(index).copied().unwrap_or_default()
    }

    fn set(&self, framing: Framing) {
        let index = Self::ALL
            .iter()
            .position(|one| *one == framing)
            .unwrap_or(0);
        self.0
            .store(u8::try_from(index).unwrap_or(0), Ordering::Relaxed);
    }
}

impl<S: Reset> Gate<S> {
    pub(super) fn new(stream: S, max_head: usize, clock: Clock) -> Self {
        Self {
            stream,
            tracker: Tracker::new(max_head),
            clock,
            verdict: Verdict::default(),
            ahead: BytesMut::new(),
            before: 0,
            frames: None,
            lingered: None,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Follows what stands in `buf` behind `before` and takes back what
    /// belongs to the next message.
    fn follow(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if fresh.is_empty() {
            return;
        }
        let step = self.tracker.advance(fresh);
        if let Some(framing) = step.head {
            self.verdict.set(framing);
        }
        self.clock.read(self.tracker.reading(), step.head.is_some());
        if let Some(next) = fresh.get(step.used..).filter(|next| !next.is_empty()) {
            // In front of what may still be there: it came earlier.
            let mut ahead = BytesMut::from(next);
            ahead.unsplit(std::mem::take(&mut self.ahead));
            self.ahead = ahead;
            buf.set_filled(before + step.used);
        }
    }

    /// HTTP/2: whether the client may send what stands in `buf` behind `start`.
    fn pay(&mut self, buf: &ReadBuf<'_>, start: usize) -> io::Result<()> {
        let fresh = buf.filled().get(start..).unwrap_or_default();
        if self.tracker.reading() == Reading::Http2 {
            let before = self.before;
            let frames = self
                .frames
                .get_or_insert_with(|| Box::new(Frames::after(before)));
            if !frames.read(fresh) {
                self.clock.overdraw();
                return Err(io::Error::other("too many frames that ask for nothing"));
            }
        }
        self.before = self.before.saturating_add(fresh.len());
        Ok(())
    }

    /// Notes the end of an attempt to write the bytes of `bufs`.
    fn wrote<'b>(
        &mut self,
        written: &Poll<io::Result<usize>>,
        bufs: impl IntoIterator<Item = &'b [u8]>,
    ) {
        self.clock.write_blocked(written.is_pending());
        // Who writes before he has read anything speaks HTTP/2.
        if self.before == 0 && self.frames.is_none() {
            self.frames = Some(Box::new(Frames::after(0)));
        }
        let (Some(frames), Poll::Ready(Ok(left))) = (&mut self.frames, written) else {
            return;
        };
        let mut left = *left;
        for buf in bufs {
            let sent = buf.get(..left.min(buf.len())).unwrap_or_default();
            frames.sent(sent);
            left -= sent.len();
        }
    }
}

impl<S: AsyncRead + Reset + Unpin> Gate<S> {
    /// Reads to the end of what the peer sends, within [`LINGER_BYTES`]. The
    /// clock limits the time.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let clean = matches!(self.tracker.reading(), Reading::Nothing | Reading::Http2);
        if clean && self.ahead.is_empty() {
            return Poll::Ready(());
        }
        self.clock.linger();
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf));
            let lingered = self.lingered.unwrap_or_default() + buf.filled().len();
            self.lingered = Some(lingered);
            if read.is_err() || buf.filled().is_empty() || lingered > LINGER_BYTES {
                return Poll::Ready(());
            }
        }
    }
}

impl<S: AsyncRead + Reset + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        if this.tracker.is_broken() {
            // For hyper the body has broken off, which is the client's fault.
            return Poll::Ready(Ok(()));
        }
        if this.ahead.is_empty() {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        } else {
            let length = this.ahead.len().min(buf.remaining());
            buf.put_slice(this.ahead.get(..length).unwrap_or_default());
            this.ahead.advance(length);
        }
        this.follow(buf, before);
        Poll::Ready(this.pay(buf, before))
    }
}

impl<S: AsyncRead + AsyncWrite + Reset + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(&written, [buf]);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(&written, bufs.iter().map(|buf| &**buf));
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        match &flushed {
            Poll::Pending => self.clock.write_blocked(true),
            Poll::Ready(_) => {
                let unsent = self.frames.as_ref().map(|frames| frames.unsent());
                self.clock.flushed(unsent);
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingered.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.lingered = Some(0);
        }
        ready!(self.poll_linger(cx));
        Poll::Ready(Ok(()))
    }
}

impl<S: Reset> Drop for Gate<S> {
    /// Where the close is what ends a body, an orderly one would make a part
    /// of it look like the whole.
    fn drop(&mut self) {
        if self.clock.is_broken() {
            self.stream.reset_at_close();
        }
    }
}
