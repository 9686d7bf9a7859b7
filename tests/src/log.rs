//! The lines a process writes, and waiting for one of them.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::Notify,
};

use crate::soon;

/// Everything a process has written so far.
#[derive(Clone, Default)]
pub struct Log(Arc<(Mutex<Lines>, Notify)>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// Streams that are still open.
    open: usize,
}

impl Log {
    /// Reads `stream` to its end.
    pub(crate) fn follow(&self, stream: impl AsyncRead + Unpin + Send + 'static) {
        self.lock().open += 1;
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.lock().lines.push(line);
                log.0.1.notify_waiters();
            }
            log.lock().open -= 1;
            log.0.1.notify_waiters();
        });
    }

    /// All lines.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().lines.join("\n")
    }

    /// All lines that are JSON objects.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.lock()
            .lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits for an event; `None` if the process ends before one comes.
    pub async fn find(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        self.wait(what, |lines| {
            lines
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok())
                .find(|event| wanted(event))
        })
        .await
    }

    /// Waits for a line; `None` if the process ends before one comes.
    pub async fn line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.wait(what, |lines| {
            lines.iter().find(|line| wanted(line)).cloned()
        })
        .await
    }

    /// Waits for the `count`th of such lines, the first being 1.
    pub async fn nth(
        &self,
        what: &str,
        count: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.wait(what, |lines| {
            let mut found = lines.iter().filter(|line| wanted(line));
            found.nth(count.checked_sub(1)?).cloned()
        })
        .await
    }

    /// Waits until the process has closed its output.
    pub async fn end(&self) {
        let _ = self.wait("the end of the log", |_| None::<()>).await;
    }

    async fn wait<T>(&self, what: &str, look: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        soon(what, async {
            loop {
                let changed = self.0.1.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                {
                    let lines = self.lock();
                    match look(&lines.lines) {
                        Some(found) => return Some(found),
                        None if lines.open == 0 => return None,
                        None => {}
                    }
                }
                changed.await;
            }
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
