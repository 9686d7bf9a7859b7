//! What a client did so far, for an operator.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the client was built. Read one after the other, so that sums
/// may be off by what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Requests, those after a redirect included and repetitions not.
    pub requests: u64,
    /// Connections that were made and used: one for each tunnel, however many
    /// of them share a connection to the proxy.
    pub connections: u64,
    /// Requests that were sent a second time, because a connection from the
    /// pool was closed without a byte of a response.
    pub repetitions: u64,
    /// Repetitions that did not take place, because too many did before.
    pub repetitions_refused: u64,
    /// Times a request went on to the next proxy.
    pub failovers: u64,
}

/// The counters at work.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: Count,
    pub(crate) connections: Count,
    pub(crate) repetitions: Count,
    pub(crate) repetitions_refused: Count,
    pub(crate) failovers: Count,
}

#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(crate) fn read(&self) -> Counters {
        Counters {
            requests: self.requests.value(),
            connections: self.connections.value(),
            repetitions: self.repetitions.value(),
            repetitions_refused: self.repetitions_refused.value(),
            failovers: self.failovers.value(),
        }
    }
}
