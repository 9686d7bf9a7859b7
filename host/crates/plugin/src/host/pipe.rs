//! `body.pipe`: a body that a plugin writes while somebody else reads it.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use cuttle_egress::BoxError;
use http_body::Frame;
use tokio::sync::Notify;

use crate::bindings::cuttle::plugin::types::Error;

/// Bytes that nobody has read yet, as the contract says.
const CAPACITY: usize = 1 << 20;

/// What writer and reader share.
pub(crate) struct Pipe {
    state: Mutex<PipeState>,
    /// The reader has made room, or has gone.
    room: Notify,
}

struct PipeState {
    chunks: VecDeque<Bytes>,
    buffered: usize,
    writer: Writer,
    reader: Reader,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    Open,
    Finished,
    Broken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// In the plugin's hands: nobody reads while the plugin writes.
    Held,
    /// On its way out.
    Sending,
    Gone,
}

impl Pipe {
    /// Both ends of a new pipe.
    pub(super) fn open() -> (BodyWriter, PipeReader) {
        let pipe = Arc::new(Self {
            state: Mutex::new(PipeState {
                chunks: VecDeque::new(),
                buffered: 0,
                writer: Writer::Open,
                reader: Reader::Held,
                waker: None,
            }),
            room: Notify::new(),
        });
        (BodyWriter(Arc::clone(&pipe)), PipeReader(pipe))
    }

    /// The reader gets an error after what is there, unless the body is
    /// finished.
    pub(crate) fn break_off(&self) {
        self.end(Writer::Broken);
    }

    /// From now on somebody reads it.
    pub(super) fn mark_sending(&self) {
        let mut state = self.lock();
        if state.reader == Reader::Held {
            state.reader = Reader::Sending;
        }
    }

    /// Whether reading would wait for the one who reads.
    pub(super) fn is_stuck(&self) -> bool {
        let state = self.lock();
        state.chunks.is_empty() && state.writer == Writer::Open
    }

    /// Adds `content`, in pieces if it does not fit at once.
    pub(super) async fn write(&self, mut content: Bytes) -> Result<(), Error> {
        loop {
            match self.try_write(&mut content)? {
                Written::All => return Ok(()),
                Written::Part => self.room.notified().await,
            }
        }
    }

    fn try_write(&self, content: &mut Bytes) -> Result<Written, Error> {
        let mut state = self.lock();
        if state.reader == Reader::Gone {
            return Err(Error::Cancelled);
        }
        if state.writer != Writer::Open {
            return Err(Error::Body("the body has been ended already".into()));
        }
        let room = CAPACITY.saturating_sub(state.buffered);
        if content.len() > room && state.reader == Reader::Held {
            return Err(Error::Body(format!(
                "more than {CAPACITY} bytes that nobody reads: send the body first"
            )));
        }
        let piece = content.split_to(room.min(content.len()));
        if !piece.is_empty() {
            state.buffered += piece.len();
            state.chunks.push_back(piece);
            wake(&mut state);
        }
        Ok(if content.is_empty() {
            Written::All
        } else {
            Written::Part
        })
    }

    fn end(&self, end: Writer) {
        let mut state = self.lock();
        if state.writer == Writer::Open {
            state.writer = end;
            wake(&mut state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Written {
    All,
    Part,
}

fn wake(state: &mut PipeState) {
    if let Some(waker) = state.waker.take() {
        waker.wake();
    }
}

/// The contract's `body-writer`.
pub struct BodyWriter(pub(super) Arc<Pipe>);

impl BodyWriter {
    /// Marks the end of the body.
    pub(super) fn finish(&self) -> Result<(), Error> {
        if self.0.lock().reader == Reader::Gone {
            return Err(Error::Cancelled);
        }
        self.0.end(Writer::Finished);
        Ok(())
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

/// The reading end.
pub(super) struct PipeReader(pub(super) Arc<Pipe>);

impl http_body::Body for PipeReader {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut state = self.0.lock();
        if let Some(piece) = state.chunks.pop_front() {
            state.buffered -= piece.len();
            self.0.room.notify_one();
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match state.writer {
            Writer::Finished => Poll::Ready(None),
            Writer::Broken => Poll::Ready(Some(Err("the plugin broke the body off".into()))),
            Writer::Open => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reader = Reader::Gone;
        state.chunks.clear();
        self.0.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        let (writer, reader) = Pipe::open();
        writer.0.write(Bytes::from_static(b"ab")).await.unwrap();
        writer.0.write(Bytes::from_static(b"cd")).await.unwrap();
        writer.finish().unwrap();
        drop(writer);

        let read = reader.collect().await.unwrap().to_bytes();
        assert_eq!(read, "abcd");
    }

    #[tokio::test]
    async fn a_writer_that_is_dropped_breaks_the_body_off() {
        let (writer, mut reader) = Pipe::open();
        writer.0.write(Bytes::from_static(b"ab")).await.unwrap();
        drop(writer);

        let first = reader.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "ab");
        assert!(reader.frame().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_full_pipe_is_an_error_until_somebody_reads() {
        let (writer, reader) = Pipe::open();
        let full = Bytes::from(vec![0; CAPACITY]);
        writer.0.write(full.clone()).await.unwrap();
        let refused = writer.0.write(Bytes::from_static(b"x")).await;
        assert!(matches!(refused, Err(Error::Body(_))));

        writer.0.mark_sending();
        let reading = tokio::spawn(reader.collect());
        writer.0.write(full).await.unwrap();
        writer.finish().unwrap();
        let read = reading.await.unwrap().unwrap().to_bytes();
        assert_eq!(read.len(), 2 * CAPACITY);
    }

    #[tokio::test]
    async fn a_writer_learns_that_the_reader_has_gone() {
        let (writer, reader) = Pipe::open();
        writer.0.mark_sending();
        drop(reader);
        let write = writer.0.write(Bytes::from_static(b"x")).await;
        assert!(matches!(write, Err(Error::Cancelled)));
        assert!(matches!(writer.finish(), Err(Error::Cancelled)));
    }
}
