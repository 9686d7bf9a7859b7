//! Shutdown as a value: work holds a [`Guard`]; when the last is dropped, the
//! drain is over.

use tokio::sync::{mpsc, watch};

/// The side that ends the work.
pub(super) struct Drain {
    stop: watch::Sender<bool>,
    done: mpsc::Receiver<()>,
    guard: Guard,
}

/// Held by everything that has to be finished.
#[derive(Clone)]
pub(super) struct Guard {
    stop: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

impl Drain {
    pub(super) fn new() -> Self {
        let (stop, stopped) = watch::channel(false);
        let (alive, done) = mpsc::channel(1);
        Self {
            stop,
            done,
            guard: Guard {
                stop: stopped,
                _alive: alive,
            },
        }
    }

    pub(super) fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Tells all holders to come to an end and waits for them.
    pub(super) async fn finish(self) {
        let Self {
            stop,
            mut done,
            guard,
        } = self;
        drop(guard);
        stop.send_replace(true);
        // Nobody sends: this ends when the last guard is gone.
        let _: Option<()> = done.recv().await;
    }
}

impl Guard {
    /// Returns when the work is to come to an end.
    pub(super) async fn stopped(&mut self) {
        // An error means that the other side is gone, which also is an end.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}
