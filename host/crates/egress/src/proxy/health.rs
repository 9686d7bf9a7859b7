//! Whether a proxy works, learned from the requests that need it.
//!
//! A failure sends the proxy into back-off: 1 s, then twice as long after every
//! further failure, up to a minute, shortened by up to a half at random so that
//! gateways that lost a proxy together do not come back together. When the
//! back-off is over, one request tries the proxy while the others still wait
//! for what becomes of it. A success ends everything.
//!
//! Nothing is sent for health's sake alone. A proxy in back-off is not
//! forbidden either: where there is no other, it is used all the same.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Back-off after the first failure: a restart of a proxy takes about as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest back-off. A proxy that is back should be noticed within a minute.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is known of one proxy, for an operator.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProxyHealth {
    /// `scheme://host:port`, without credentials.
    pub label: Arc<str>,
    /// Whether requests go to it while there are others.
    pub usable: bool,
    /// Times it could not be reached, or opened no tunnel by its own fault.
    pub failures: u64,
    /// Requests that got through it, whatever their answer was.
    pub successes: u64,
    /// Time until it is tried again, while it is not usable.
    pub retry_in: Option<Duration>,
}

/// Counts outcomes and keeps the back-off. Shared by all users of a proxy.
#[derive(Default)]
pub(crate) struct Health {
    successes: AtomicU64,
    failures: AtomicU64,
    /// Whether there is a row: a proxy that works takes no lock.
    troubled: AtomicBool,
    row: Mutex<Option<Row>>,
}

/// Failures with no success in between.
struct Row {
    length: u32,
    latest: Instant,
    due: Instant,
    /// Whether somebody has been told.
    told: bool,
}

impl Health {
    /// Whether an attempt may start now although there are other proxies. At
    /// the end of a back-off this is true for one caller only.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        if !self.troubled.load(Ordering::Acquire) {
            return true;
        }
        match self.lock().as_mut() {
            None => true,
            Some(row) if row.due <= now => {
                row.due = now + pause(row.length);
                true
            }
            Some(_) => false,
        }
    }

    /// When the back-off ends; `None`: there is none.
    pub(crate) fn due(&self) -> Option<Instant> {
        if !self.troubled.load(Ordering::Acquire) {
            return None;
        }
        self.lock().as_ref().map(|row| row.due)
    }

    /// A request got through. Whether this ends a trouble that somebody has
    /// been told of.
    pub(crate) fn succeeded(&self, started: Instant) -> bool {
        self.successes.fetch_add(1, Ordering::Relaxed);
        if !self.troubled.load(Ordering::Acquire) {
            return false;
        }
        let mut row = self.lock();
        // What started before the failure says nothing about the time after it.
        let Some(ended) = row.take_if(|row| row.latest <= started) else {
            return false;
        };
        self.troubled.store(false, Ordering::Release);
        ended.told
    }

    /// An attempt failed. Counts only; see [`back_off`](Self::back_off).
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt that began at `started` failed by the fault of the proxy.
    ///
    /// The back-off, if it is the first of a trouble to be told. `telling`:
    /// there are other proxies, so that a back-off means something.
    pub(crate) fn back_off(
        &self,
        started: Instant,
        now: Instant,
        telling: bool,
    ) -> Option<Duration> {
        let mut row = self.lock();
        let (length, told) = match row.as_ref() {
            // A hundred requests that fail together are one failure.
            Some(row) if row.latest > started => return None,
            Some(row) => (row.length.saturating_add(1), row.told),
            None => (1, false),
        };
        let pause = pause(length);
        *row = Some(Row {
            length,
            latest: now,
            due: now + pause,
            told: told || telling,
        });
        self.troubled.store(true, Ordering::Release);
        (telling && !told).then_some(pause)
    }

    /// Failures so far.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn snapshot(&self, label: &Arc<str>, now: Instant) -> ProxyHealth {
        let due = self.due();
        ProxyHealth {
            label: Arc::clone(label),
            usable: due.is_none_or(|due| due <= now),
            failures: self.failures(),
            successes: self.successes.load(Ordering::Relaxed),
            retry_in: due.and_then(|due| due.checked_duration_since(now)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Row>> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The back-off after `length` failures in a row.
fn pause(length: u32) -> Duration {
    let doublings = length.saturating_sub(1).min(16);
    let whole = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    // The seed of a hash map is random enough for this.
    let dice = RandomState::new().hash_one(()) % 1000;
    whole.mul_f64(1.0 - dice as f64 / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Arc<str> {
        "http://p:1".into()
    }

    #[test]
    fn back_offs_grow_to_a_minute_and_differ() {
        for (length, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)] {
            let longest = Duration::from_secs(longest);
            let drawn: Vec<_> = (0..50).map(|_| pause(length)).collect();
            assert!(
                drawn.iter().all(|p| *p <= longest && *p >= longest / 2),
                "{length}: {drawn:?}"
            );
            assert!(drawn.iter().any(|p| Some(p) != drawn.first()), "{length}");
        }
    }

    #[test]
    fn after_a_back_off_one_attempt_is_made_and_the_others_wait_for_it() {
        let (health, start) = (Health::default(), Instant::now());
        assert!(health.admits(start) && health.admits(start));
        health.back_off(start, start, true);
        assert!(!health.admits(start));
        let later = start + FIRST_PAUSE;
        assert!(health.snapshot(&label(), later).usable);
        assert!(health.admits(later));
        assert!(!health.admits(later), "two attempts at once");
        health.succeeded(later);
        assert!(health.admits(later) && health.admits(later));
    }

    #[test]
    fn failures_at_the_same_time_count_as_one_step() {
        let (health, start) = (Health::default(), Instant::now());
        for _ in 0..100 {
            health.failed();
            health.back_off(start, start + Duration::from_millis(1), true);
        }
        let seen = health.snapshot(&label(), start);
        assert_eq!((seen.failures, seen.usable), (100, false));
        assert!(seen.retry_in.unwrap() <= FIRST_PAUSE + Duration::from_millis(1));
    }

    #[test]
    fn an_attempt_from_before_the_failure_does_not_end_the_back_off() {
        let (health, start) = (Health::default(), Instant::now());
        let later = start + Duration::from_millis(10);
        health.back_off(start, later, true);
        health.succeeded(start);
        assert!(!health.admits(later));
        health.succeeded(later);
        assert!(health.admits(later));
    }

    #[test]
    fn a_trouble_is_told_once_and_so_is_its_end() {
        let (health, start) = (Health::default(), Instant::now());
        assert!(!health.succeeded(start), "nothing was wrong");
        for _ in 0..2 {
            assert!(health.back_off(start, start, true).is_some());
            for seconds in 0..5 {
                let now = start + Duration::from_secs(seconds);
                assert_eq!(health.back_off(now, now, true), None);
            }
            assert!(!health.succeeded(start), "from before the trouble");
            let later = start + LONGEST_PAUSE;
            assert!(health.succeeded(later));
            assert!(!health.succeeded(later));
        }
    }

    /// It has no others to be left out for.
    #[test]
    fn the_trouble_of_a_proxy_alone_is_not_told() {
        let (health, start) = (Health::default(), Instant::now());
        assert_eq!(health.back_off(start, start, false), None);
        assert!(!health.succeeded(start));
        health.back_off(start, start, false);
        assert!(health.back_off(start, start, true).is_some());
        assert_eq!(health.back_off(start, start, false), None);
        assert!(health.succeeded(start));
    }

    #[test]
    fn a_failed_attempt_after_a_back_off_doubles_it() {
        let (health, start) = (Health::default(), Instant::now());
        let mut now = start;
        for _ in 0..10 {
            health.back_off(now, now, true);
            now = health.due().unwrap();
        }
        health.back_off(now, now, true);
        assert!(health.due().unwrap() - now >= LONGEST_PAUSE / 2);
    }
}
