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
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};

use crate::{
    bindings::cuttle::plugin::log::Level,
    cost::HostCalls,
    log::{Log, MAX_LINE},
};

/// Bytes taken in one write: looking for lines in them holds a thread.
const WRITE_SIZE: usize = 64 << 10;

/// One output of one instance. Clones write to the same line.
#[derive(Clone)]
pub(crate) struct Output {
    line: Arc<Mutex<Line>>,
    calls: HostCalls,
}

struct Line {
    log: Arc<Log>,
    level: Level,
    /// Up to one byte more than is shown, so that a cut is noticed.
    begun: Vec<u8>,
}

impl Output {
    /// What is written without a call into the gateway is counted in `calls`.
    pub(crate) fn new(log: Arc<Log>, level: Level, calls: HostCalls) -> Self {
        let line = Line {
            log,
            level,
            begun: Vec::new(),
        };
        Self {
            line: Arc::new(Mutex::new(line)),
            calls,
        }
    }

    fn add(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
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
        if bytes.len() > WRITE_SIZE {
            return Err(StreamError::trap("wrote more than `check-write` allows"));
        }
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

/// For streams of WASI 0.3, which the runtime carries from the plugin to here.
impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.calls.count();
        let taken = bytes.get(..WRITE_SIZE).unwrap_or(bytes);
        self.add(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn output() -> Output {
        let log = Log::new("p".into(), String::new(), 1);
        Output::new(Arc::new(log), Level::Info, HostCalls::default())
    }

    #[test]
    fn more_than_was_allowed_is_refused() {
        let mut output = output();
        let allowed = output.check_write().unwrap();
        assert!(OutputStream::write(&mut output, vec![b'x'; allowed].into()).is_ok());
        let refused = OutputStream::write(&mut output, vec![b'x'; allowed + 1].into());
        assert!(matches!(refused, Err(StreamError::Trap(_))), "{refused:?}");
    }

    #[test]
    fn one_write_takes_a_piece_and_counts_as_a_call() {
        let mut output = output();
        let mut context = Context::from_waker(Waker::noop());
        let written = Pin::new(&mut output).poll_write(&mut context, &[b'x'; 1 << 20]);
        assert!(
            matches!(written, Poll::Ready(Ok(WRITE_SIZE))),
            "{written:?}"
        );
        assert_eq!(output.calls.made(), 1);
    }
}
