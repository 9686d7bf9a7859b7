//! One tunnel: an HTTP/2 stream as a byte stream.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::Ticket;

/// What is copied for one frame.
const FRAME_LIMIT: usize = 16 * 1024;

/// A tunnel, which counts on its connection as long as it is there. Dropping
/// it resets the stream unless both sides have ended.
pub(super) struct Tunnel {
    send: SendStream<Bytes>,
    receive: RecvStream,
    /// Received and not yet read. Only what was read is acknowledged.
    unread: Bytes,
    _ticket: Ticket,
}

impl Tunnel {
    pub(super) fn new(send: SendStream<Bytes>, receive: RecvStream, ticket: Ticket) -> Self {
        Self {
            send,
            receive,
            unread: Bytes::new(),
            _ticket: ticket,
        }
    }
}

impl AsyncRead for Tunnel {
    /// The end is the end of the stream; a reset is an error, so that a cut
    /// tunnel never looks complete.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.receive.poll_data(cx)) {
                Some(data) => self.unread = data.map_err(broken)?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread.split_to(length));
        let released = self.receive.flow_control().release_capacity(length);
        Poll::Ready(released.map_err(broken))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.send.reserve_capacity(buf.len().min(FRAME_LIMIT));
        // The library tells of new room only, not of what is left.
        while self.send.capacity() == 0 {
            match ready!(self.send.poll_capacity(cx)) {
                Some(room) => room.map_err(broken)?,
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            };
        }
        let length = self.send.capacity().min(buf.len()).min(FRAME_LIMIT);
        let frame = buf.copy_to_bytes(length);
        self.send.send_data(frame, false).map_err(broken)?;
        Poll::Ready(Ok(length))
    }

    /// The task of the connection does it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = self.send.send_data(Bytes::new(), true);
        Poll::Ready(ended.map_err(broken))
    }
}

fn broken(error: h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
