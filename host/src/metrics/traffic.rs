//! Requests of clients, counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Classes of statuses, and what is sent instead of one to a client that left.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counters of one gateway.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    begun: AtomicU64,
    ended: [AtomicU64; CLASSES.len()],
}

impl Traffic {
    /// A request begins.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.begun.fetch_add(1, Relaxed);
        Open(Arc::clone(self))
    }

    /// Requests whose answer has ended, by class of status.
    pub(crate) fn ended(&self) -> [(&'static str, u64); CLASSES.len()] {
        std::array::from_fn(|at| {
            let class = CLASSES.get(at).copied().unwrap_or_default();
            let ended = self.ended.get(at).map_or(0, |ended| ended.load(Relaxed));
            (class, ended)
        })
    }

    /// Requests whose answer has not.
    pub(crate) fn in_flight(&self) -> u64 {
        // Read first: what begins in between would make it less than none.
        let ended: u64 = self.ended().iter().map(|(_, ended)| ended).sum();
        self.begun.load(Relaxed).saturating_sub(ended)
    }
}

/// A request that has begun.
#[derive(Debug)]
pub(crate) struct Open(Arc<Traffic>);

impl Open {
    /// Its answer has ended, or its client has left.
    pub(crate) fn end(self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(ended) = self.0.ended.get(class) {
            ended.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_open_until_they_end() {
        let traffic = Arc::new(Traffic::default());
        let (first, second) = (traffic.open(), traffic.open());
        assert_eq!(traffic.in_flight(), 2);
        first.end(204);
        second.end(499);
        assert_eq!(traffic.in_flight(), 0);
        let ended = traffic.ended().map(|(_, ended)| ended);
        assert_eq!(ended, [0, 1, 0, 1, 0]);
    }
}
