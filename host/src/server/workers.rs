//! The threads beside the first one: each has a runtime, a listening socket and
//! connections of its own, so that a request stays on one core, with what it
//! allocates and whom it wakes.

use std::{io, net::TcpListener as StdListener, thread};

use tokio::{net::TcpListener, runtime, sync::watch, task::JoinSet};

use super::{accept, drain::Drain, drain::Guard, live::Live, open};

/// Threads at work. Dropping it ends them without waiting.
pub(super) struct Workers {
    end: watch::Sender<bool>,
    threads: Vec<thread::JoinHandle<usize>>,
}

impl Workers {
    /// One thread for each of `listeners`. What cannot be started is missing
    /// and told; the others, and the first thread, serve without it.
    pub(super) fn start(listeners: Vec<StdListener>, live: &Live, drain: &Drain) -> Self {
        let (end, ended) = watch::channel(false);
        let mut threads = Vec::with_capacity(listeners.len());
        for (index, listener) in listeners.into_iter().enumerate() {
            let (live, guard, ended) = (live.clone(), drain.guard(), ended.clone());
            let started = thread::Builder::new()
                .name(format!("worker-{}", index + 2))
                .spawn(move || work(listener, live, guard, ended));
            match started {
                Ok(thread) => threads.push(thread),
                Err(error) => told(&error),
            }
        }
        Self { end, threads }
    }

    /// Cuts what is still open, waits for the threads, and says how many
    /// connections there were.
    pub(super) async fn end(self) -> usize {
        self.end.send_replace(true);
        let mut cut = 0;
        for thread in self.threads {
            let joined = tokio::task::spawn_blocking(|| thread.join().unwrap_or_default());
            cut += joined.await.unwrap_or_default();
        }
        cut
    }
}

/// The life of one thread; the number of connections that were cut.
fn work(listener: StdListener, live: Live, guard: Guard, ended: watch::Receiver<bool>) -> usize {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            told(&error);
            return 0;
        }
    };
    let cut = runtime.block_on(serve(listener, live, guard, ended));
    // A lookup of a name may hang for long.
    runtime.shutdown_background();
    cut
}

async fn serve(
    listener: StdListener,
    live: Live,
    mut guard: Guard,
    mut ended: watch::Receiver<bool>,
) -> usize {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            told(&error);
            return 0;
        }
    };
    let mut connections = JoinSet::new();
    let guards = guard.clone();
    tokio::select! {
        never = accept(&listener, &live, &guards, &mut connections) => match never {},
        () = guard.stopped() => {}
    }
    drop((listener, guard, guards));
    // The runtime drives connections to backends that requests of other threads
    // may use: it stays until all are done. An error means that nobody waits.
    let _ = ended.wait_for(|ended| *ended).await;
    let cut = open(&mut connections);
    connections.shutdown().await;
    cut
}

fn told(error: &io::Error) {
    tracing::error!(target: "cuttle", %error, "cannot start a further thread");
}
