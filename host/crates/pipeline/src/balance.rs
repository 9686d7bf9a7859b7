//! Which of a backend's hosts a call goes to.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Round robin over a backend's hosts.
///
/// KrakenD picks by chance on machines with several processors; round robin
/// spreads at least as evenly and can be foretold. The start is by chance, so
/// that gateways which start together do not all begin with the first host.
/// There is no health check and no second try on another host.
pub(crate) struct Balancer<H> {
    hosts: Vec<H>,
    next: AtomicUsize,
}

impl<H> Balancer<H> {
    pub(crate) fn new(hosts: Vec<H>) -> Self {
        Self::starting_at(hosts, by_chance())
    }

    fn starting_at(hosts: Vec<H>, start: usize) -> Self {
        Self {
            hosts,
            next: AtomicUsize::new(start),
        }
    }

    /// The host of the next call; `None` when there is none at all.
    pub(crate) fn pick(&self) -> Option<&H> {
        match self.hosts.as_slice() {
            [] => None,
            [only] => Some(only),
            // The order of calls in different threads means nothing, so neither
            // does the order of this counter's changes.
            several => {
                let turn = self.next.fetch_add(1, Ordering::Relaxed);
                several.get(turn % several.len())
            }
        }
    }
}

/// The hash of nothing under the random keys of the standard library's hasher.
fn by_chance() -> usize {
    let chance = RandomState::new().build_hasher().finish();
    usize::try_from(chance & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(hosts: &[&str], start: usize, calls: usize) -> Vec<String> {
        let balancer = Balancer::starting_at(hosts.to_vec(), start);
        (0..calls)
            .filter_map(|_| balancer.pick().map(ToString::to_string))
            .collect()
    }

    #[test]
    fn one_host_gets_every_call() {
        assert_eq!(picks(&["a"], 7, 3), ["a", "a", "a"]);
    }

    #[test]
    fn several_hosts_take_turns_from_the_start_on() {
        assert_eq!(picks(&["a", "b", "c"], 1, 5), ["b", "c", "a", "b", "c"]);
    }

    #[test]
    fn the_turn_survives_the_end_of_the_counter() {
        assert_eq!(picks(&["a", "b"], usize::MAX, 3), ["b", "a", "b"]);
    }

    #[test]
    fn no_host_is_nothing() {
        assert!(picks(&[], 0, 2).is_empty());
    }

    #[test]
    fn starts_differ() {
        let first = by_chance();
        assert!((0..64).any(|_| by_chance() != first));
    }
}
