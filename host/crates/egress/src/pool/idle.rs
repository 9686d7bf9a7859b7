//! The idle connections of one key, and which of them a request gets.
//!
//! A request that uses a connection of another runtime wakes the other core
//! several times, and is woken by it. Few requests, spread over all cores, should
//! share connections all the same; many should find one where they are. So a
//! runtime borrows, and gets one more of its own when there are many loans in a
//! short time.

use std::time::Duration;

use tokio::{runtime, time::Instant};

use super::http1::Http1;

/// So many loans in [`LOAN_TIME`], each of some microseconds on both cores, are
/// a fraction of a percent of them; a short burst may borrow all it needs.
const LOAN_LIMIT: u32 = 512;
const LOAN_TIME: Duration = Duration::from_secs(2);

/// Idle connections, the newest last.
#[derive(Default)]
pub(super) struct Idles {
    pub(super) list: Vec<Idle>,
    loans: Loans,
}

pub(super) struct Idle {
    pub(super) connection: Http1,
    pub(super) since: Instant,
}

impl Idles {
    /// The newest connection that `runtime` drives, or else the newest one that is
    /// ready: another core may take its time to make it so. None, though there is
    /// one, where a further one is worth its while.
    pub(super) fn take(&mut self, runtime: runtime::Id, now: Instant) -> Option<Idle> {
        let own = |idle: &Idle| idle.connection.runtime() == runtime;
        if let Some(at) = self.list.iter().rposition(own) {
            return Some(self.list.remove(at));
        }
        if !self.list.is_empty() && self.loans.are_too_many(now) {
            return None;
        }
        let ready = self
            .list
            .iter()
            .rposition(|idle| idle.connection.is_ready());
        match ready {
            Some(at) => Some(self.list.remove(at)),
            None => self.list.pop(),
        }
    }

    /// Puts one back that was not ready in time, at the place that it had.
    pub(super) fn put_back(&mut self, idle: Idle) {
        let at = self.list.partition_point(|one| one.since <= idle.since);
        self.list.insert(at, idle);
    }
}

/// Loans within a short time.
#[derive(Default)]
struct Loans {
    since: Option<Instant>,
    count: u32,
}

impl Loans {
    /// Counts a loan. At one too many, counting begins anew.
    fn are_too_many(&mut self, now: Instant) -> bool {
        let recent = |since: &Instant| now.duration_since(*since) < LOAN_TIME;
        if self.since.as_ref().is_some_and(recent) {
            self.count += 1;
        } else {
            (self.since, self.count) = (Some(now), 1);
        }
        let too_many = self.count > LOAN_LIMIT;
        if too_many {
            self.since = None;
        }
        too_many
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{DuplexStream, duplex},
        runtime::{Builder, Runtime},
    };

    use super::*;

    /// The runtime of a core.
    struct Core {
        runtime: Runtime,
        peers: Vec<DuplexStream>,
        opened: usize,
    }

    impl Core {
        fn new() -> Self {
            Self {
                runtime: Builder::new_current_thread().build().unwrap(),
                peers: Vec::new(),
                opened: 0,
            }
        }

        fn id(&self) -> runtime::Id {
            self.runtime.handle().id()
        }

        fn open(&mut self) -> Idle {
            let (io, peer) = duplex(1);
            self.peers.push(peer);
            self.opened += 1;
            let connection = self.runtime.block_on(Http1::start(Box::new(io))).unwrap();
            Idle {
                connection,
                since: Instant::now(),
            }
        }

        /// What a request of this core does for a connection.
        fn take(&mut self, idles: &mut Idles, now: Instant) -> Idle {
            idles.take(self.id(), now).unwrap_or_else(|| self.open())
        }

        fn owns(&self, idle: &Idle) -> bool {
            idle.connection.runtime() == self.id()
        }
    }

    /// Two requests at once on the one core, then on the other, with `pause` in
    /// between; the connections that each of them opened.
    fn by_turns(pause: Duration) -> (usize, usize) {
        let (mut one, mut other, mut idles) = (Core::new(), Core::new(), Idles::default());
        let mut now = Instant::now();
        for _ in 0..10 * LOAN_LIMIT {
            for core in [&mut one, &mut other] {
                now += pause;
                let taken = [0, 1].map(|_| core.take(&mut idles, now));
                idles.list.extend(taken);
            }
        }
        let own = idles.list.iter().filter(|idle| other.owns(idle)).count();
        assert_eq!(own, other.opened);
        (one.opened, other.opened)
    }

    #[test]
    fn cores_share_connections_where_loans_are_few() {
        assert_eq!(by_turns(Duration::from_millis(10)), (2, 0));
    }

    #[test]
    fn a_core_that_borrows_much_gets_as_many_of_its_own_as_it_needs_at_once() {
        assert_eq!(by_turns(Duration::from_micros(10)), (2, 2));
    }

    #[test]
    fn the_newest_own_connection_comes_first() {
        let (mut one, mut other, mut idles) = (Core::new(), Core::new(), Idles::default());
        idles.list.extend([one.open(), one.open(), other.open()]);
        let second = idles.list[1].since;
        let taken = one.take(&mut idles, Instant::now());
        assert!(one.owns(&taken));
        assert_eq!(taken.since, second);
    }
}
