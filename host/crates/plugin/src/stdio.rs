//! Standard output and error of a plugin: lines for the log.

use std::{
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::{
    bindings::cuttle::plugin::log::Level,
    log::{Log, MAX_LINE},
};

/// Bytes taken in one write.
const WRITE_SIZE: usize = 64 << 10;

/// One output of one instance. Clones write to the same line.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Line>>);

struct Line {
    log: Arc<Log>,
    level: Level,
    /// Up to one byte more than is shown, so that a cut is noticed.
    begun: Vec<u8>,
}

impl Output {
    pub(crate) fn new(log: Arc<Log>, level: Level) -> Self {
        Self(Arc::new(Mutex::new(Line {
            log,
            level,
            begun: Vec::new(),
        })))
    }

    fn add(&self, bytes: &[u8]) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.split_last() {
                Some((b'\n', rest)) => {
                    line.extend(rest);
                    line.end();
                }
                _ => line.extend(piece),
            }
        }
    }
}

impl Line {
    fn extend(&mut self, bytes: &[u8]) {
        let room = (MAX_LINE + 1).saturating_sub(self.begun.len());
        self.begun.extend(bytes.iter().take(room));
    }

    fn end(&mut self) {
        let line = mem::take(&mut self.begun);
        if !line.is_empty() {
            self.log.line(self.level, &String::from_utf8_lossy(&line));
        }
    }
}

impl Drop for Line {
    /// Whatever a plugin says last, it is often why it trapped.
    fn drop(&mut self) {
        self.end();
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.add(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_SIZE)
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.add(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
