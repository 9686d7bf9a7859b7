//! Log lines on their way to standard output.
//!
//! Requests hand their lines over and go on; a thread writes them. When it
//! cannot keep up, or nobody reads, lines are dropped and counted. (The
//! writer of `tracing-appender` does the same, but at the end it prints to the
//! very output that is blocked, and the process never ends.)

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written: some megabytes at most, and enough for the
/// pauses of a slow terminal or collector.
const WAITING_LINES: usize = 8192;
/// Bytes that are written at a time when lines come quickly.
const BATCH: usize = 64 * 1024;
/// How long the end of the process waits for the last lines.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a full queue is looked at during that time.
const RETRY: Duration = Duration::from_millis(5);

enum Message {
    Line(Vec<u8>),
    /// Write what came before, then say so.
    End(Sender<()>),
}

/// The side of those who log.
#[derive(Clone)]
pub(super) struct Queue {
    lines: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

/// Starts the thread that writes to `output`. It ends when all clones of the
/// queue are gone.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Queue> {
    let (lines, waiting) = mpsc::sync_channel(WAITING_LINES);
    thread::Builder::new()
        .name(String::from("log"))
        .spawn(move || write(&waiting, output))?;
    Ok(Queue {
        lines,
        dropped: Arc::default(),
    })
}

impl Queue {
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits for the lines so far, but not for an output that is stuck.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + FAREWELL;
        let (done, finished) = mpsc::channel();
        let mut message = Message::End(done);
        while let Err(TrySendError::Full(back)) = self.lines.try_send(message) {
            if Instant::now() >= deadline {
                return;
            }
            message = back;
            thread::sleep(RETRY);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        // Written or not: there is nobody left to tell.
        let _ = finished.recv_timeout(left);
    }
}

impl Write for Queue {
    /// Takes a whole line; never waits.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Queue {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Writes until nobody can send any more. An output that fails (closed pipe,
/// full disk) may work again later, and there is no other place to tell it.
fn write(waiting: &Receiver<Message>, mut output: impl Write) {
    let mut batch = Vec::new();
    while let Ok(first) = waiting.recv() {
        let mut next = Some(first);
        let mut end = None;
        while let Some(message) = next.take() {
            match message {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::End(done) => end = Some(done),
            }
            if batch.len() < BATCH && end.is_none() {
                next = waiting.try_recv().ok();
            }
        }
        let _ = output.write_all(&batch).and_then(|()| output.flush());
        batch.clear();
        if let Some(done) = end {
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// An output that nobody reads until the lock is free.
    struct Stuck(Arc<Mutex<Vec<u8>>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_end_waits_for_the_last_line() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut queue = start(Stuck(Arc::clone(&written))).unwrap();
        for number in 0..1000 {
            queue.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        queue.finish();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1000);
        assert!(text.ends_with("\n999\n"));
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn a_stuck_output_holds_up_neither_those_who_log_nor_the_end() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let stuck = written.lock().unwrap();
        let mut queue = start(Stuck(Arc::clone(&written))).unwrap();
        let start = Instant::now();
        for _ in 0..3 * WAITING_LINES {
            queue.write_all(b"line\n").unwrap();
        }
        assert!(queue.dropped() > 0);
        queue.finish();
        assert!(start.elapsed() < FAREWELL * 5, "{:?}", start.elapsed());
        drop(stuck);
    }
}
