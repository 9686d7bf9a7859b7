//! The listener: connections in, requests to the [`Gateway`], and an orderly
//! end.

mod census;
mod clock;
mod connection;
mod date;
mod descriptors;
mod drain;
mod frames;
mod framing;
mod gate;
mod limits;
mod listen;
mod live;
mod signals;
mod streams;
mod tls;
mod workers;

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::{Duration, Instant},
};

use cuttle_pipeline::config::Listen;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

pub(crate) use census::Census;
pub use listen::BindError;
pub use live::Live;
pub use signals::signals;
pub use tls::{TlsError, acceptor};

use crate::gateway::Gateway;
use drain::{Drain, Guard};
use workers::Workers;

/// Pause after an accept failed for want of descriptors or memory; some
/// connection may have ended by then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longest silence about it while it goes on.
const ACCEPT_FAILURES_TOLD: Duration = Duration::from_secs(10);

/// A bound listener.
pub struct Server {
    listener: TcpListener,
    /// Those of the further threads.
    further: Vec<StdListener>,
    address: SocketAddr,
    live: Live,
}

/// How a server came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All requests were finished.
    Drained,
    /// `max_shutdown_wait_time` passed; so many connections were cut.
    Cut {
        /// Connections that were still open.
        connections: usize,
    },
    /// A second signal came; so many connections were cut.
    Interrupted {
        /// Connections that were still open.
        connections: usize,
    },
}

impl Server {
    /// Listens; connections wait until [`run`](Self::run). `drain_limit` is
    /// `max_shutdown_wait_time`. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// The address is taken or not ours, or TLS cannot be set up.
    pub fn bind(
        listen: &Listen,
        gateway: Arc<Gateway>,
        drain_limit: Option<Duration>,
    ) -> Result<Self, BindError> {
        descriptors::raise();
        let live = Live::new(listen, gateway, drain_limit).map_err(BindError::Tls)?;
        let listener = listen::bind(listen)?;
        let address = listener.local_addr().map_err(|source| BindError::Listen {
            address: String::from("socket"),
            source,
        })?;
        Ok(Self {
            listener,
            further: Vec::new(),
            address,
            live,
        })
    }

    /// What it serves with, to be exchanged while it runs.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Serves with so many threads in all: the one that calls
    /// [`run`](Self::run), whose runtime should have no other, and further ones
    /// with a runtime and a listening socket each.
    ///
    /// Where the system does not spread connections over sockets of one
    /// address, the threads share a socket.
    ///
    /// # Errors
    /// There are not enough descriptors.
    pub fn on_threads(mut self, threads: usize) -> io::Result<Self> {
        self.further = listen::further(&self.listener, threads.saturating_sub(1))?;
        Ok(self)
    }

    /// Where it listens; names the port when the system chose it.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then closes the listener at once and finishes
    /// what has begun: until all is done, the drain limit has passed, or
    /// `at_once` is ready.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()>,
        at_once: impl Future<Output = ()>,
    ) -> Verdict {
        tracing::info!(target: "cuttle", address = %self.address, "listening");
        let drain = Drain::new();
        let workers = Workers::start(self.further, &self.live, &drain);
        let mut connections = JoinSet::new();
        let guard = drain.guard();
        tokio::select! {
            never = accept(&self.listener, &self.live, &guard, &mut connections) => match never {},
            () = shutdown => {}
        }
        drop(guard);
        drop(self.listener);
        tracing::info!(target: "cuttle", "shutting down");
        let limit = async {
            match self.live.drain_limit() {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        // Requests of HTTP/2 run in tasks of their own; their connection ends
        // after them.
        let end: fn(usize) -> Verdict = tokio::select! {
            () = drain.finish() => |_| Verdict::Drained,
            () = limit => |connections| Verdict::Cut { connections },
            () = at_once => |connections| Verdict::Interrupted { connections },
        };
        let here = open(&mut connections);
        connections.shutdown().await;
        end(here + workers.end().await)
    }
}

/// Connections whose task has not ended.
fn open(connections: &mut JoinSet<()>) -> usize {
    while connections.try_join_next().is_some() {}
    connections.len()
}

async fn accept(
    listener: &TcpListener,
    live: &Live,
    guard: &Guard,
    connections: &mut JoinSet<()>,
) -> std::convert::Infallible {
    let mut told: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                start(live, guard, connections, stream, peer);
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                live.census().accept_failed();
                // Now and then one is accepted: not a line for each that is not.
                if told.is_none_or(|told| told.elapsed() > ACCEPT_FAILURES_TOLD) {
                    tracing::error!(target: "cuttle", %error, "cannot accept connections");
                    told = Some(Instant::now());
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn start(
    live: &Live,
    guard: &Guard,
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    // Tasks that have ended are kept until they are asked for.
    while connections.try_join_next().is_some() {}
    // Refused by closing: an answer would cost what is to be saved.
    if let Ok(seat) = live.seat(peer.ip()) {
        let connection = connection::serve(live.clone(), stream, peer, guard.clone(), seat);
        connections.spawn(connection);
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests;
