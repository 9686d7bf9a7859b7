//! What a plugin costs: counters of one place of use.
//!
//! A call adds to them once, when it has ended, whichever way. They are atomic
//! and relaxed: nothing waits for anything, and a reader may see a call in one
//! of them and not yet in another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::{CallError, Instances, World, pool::Pool};

/// Upper ends of the buckets that durations of calls are counted in.
pub const BUCKETS: [Duration; 14] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
];

/// How a call went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Trap,
    Limit,
    Deadline,
    Cancelled,
    Exhausted,
    Failed,
    Invalid,
    Settings,
}

impl Fault {
    const NAMES: [&str; 8] = [
        "trap",
        "limit",
        "deadline",
        "cancelled",
        "exhausted",
        "failed",
        "invalid",
        "settings",
    ];

    pub(crate) fn of(error: &CallError) -> Self {
        match error {
            CallError::Trap { .. } => Self::Trap,
            CallError::Limit { .. } => Self::Limit,
            CallError::Deadline { .. } => Self::Deadline,
            CallError::Exhausted { .. } => Self::Exhausted,
            CallError::Failed { .. } => Self::Failed,
            CallError::Invalid { .. } => Self::Invalid,
            CallError::Settings { .. } => Self::Settings,
        }
    }
}

/// Why an instance was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It trapped.
    Trap,
    /// It was stopped at a deadline.
    Deadline,
    /// Nobody waited for its answer any more.
    Cancelled,
    /// `uses_per_instance`.
    Uses,
    /// `isolation: "request"`, or something left over that would go on in the
    /// next call.
    Isolation,
    /// Nobody needed it for a while.
    Idle,
    /// Somebody else needed its place.
    Reclaimed,
}

impl Dropped {
    const NAMES: [&str; 7] = [
        "trap",
        "deadline",
        "cancelled",
        "uses",
        "isolation",
        "idle",
        "reclaimed",
    ];

    /// Of a call that nobody has ended.
    pub(crate) fn cut_off(deadline: tokio::time::Instant) -> Self {
        match tokio::time::Instant::now() >= deadline {
            true => Self::Deadline,
            false => Self::Cancelled,
        }
    }
}

/// The counters at work.
#[derive(Default)]
pub(crate) struct Tally {
    calls: AtomicU64,
    faults: [AtomicU64; Fault::NAMES.len()],
    buckets: [AtomicU64; BUCKETS.len()],
    nanoseconds: AtomicU64,
    busy_nanoseconds: AtomicU64,
    host_calls: AtomicU64,
    peak_memory: AtomicUsize,
    created: AtomicU64,
    dropped: [AtomicU64; Dropped::NAMES.len()],
}

impl Tally {
    /// A call has ended. `busy` is the part of `took` in which the plugin was
    /// at work.
    pub(crate) fn called(&self, took: Duration, fault: Option<Fault>) {
        self.calls.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(nanoseconds(took), Relaxed);
        let bucket = BUCKETS.iter().position(|end| took <= *end);
        if let Some(bucket) = bucket.and_then(|at| self.buckets.get(at)) {
            bucket.fetch_add(1, Relaxed);
        }
        if let Some(fault) = fault.and_then(|fault| self.faults.get(fault as usize)) {
            fault.fetch_add(1, Relaxed);
        }
    }

    /// What an instance used up for it.
    pub(crate) fn used(&self, usage: &Usage) {
        self.busy_nanoseconds
            .fetch_add(nanoseconds(usage.busy), Relaxed);
        self.host_calls.fetch_add(usage.host_calls, Relaxed);
        // Nearly always it is no more than before, and reading is cheaper.
        if usage.memory > self.peak_memory.load(Relaxed) {
            self.peak_memory.fetch_max(usage.memory, Relaxed);
        }
    }

    pub(crate) fn created(&self) {
        self.created.fetch_add(1, Relaxed);
    }

    pub(crate) fn dropped(&self, why: Dropped) {
        if let Some(counter) = self.dropped.get(why as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read(&self, log_lines_dropped: u64) -> Cost {
        let named = |names: &[&'static str], counters: &[AtomicU64]| {
            let values = counters.iter().map(|counter| counter.load(Relaxed));
            names.iter().copied().zip(values).collect()
        };
        let mut within = 0;
        Cost {
            calls: self.calls.load(Relaxed),
            errors: named(&Fault::NAMES, &self.faults),
            within: std::array::from_fn(|at| {
                within += self
                    .buckets
                    .get(at)
                    .map_or(0, |bucket| bucket.load(Relaxed));
                within
            }),
            duration: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
            busy: Duration::from_nanos(self.busy_nanoseconds.load(Relaxed)),
            host_calls: self.host_calls.load(Relaxed),
            peak_memory: self.peak_memory.load(Relaxed),
            instances_created: self.created.load(Relaxed),
            instances_dropped: named(&Dropped::NAMES, &self.dropped),
            log_lines_dropped,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What one place of use has cost since it was made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cost {
    /// Calls that have ended, whichever way.
    pub calls: u64,
    /// Those without an answer, by kind: `trap`, `limit`, `deadline`,
    /// `cancelled` (nobody waited any more), `exhausted` (no instance free),
    /// `failed` (an error the plugin returned), `invalid` (an answer that cannot
    /// be sent), `settings`.
    pub errors: Vec<(&'static str, u64)>,
    /// Calls that took no longer than the [`BUCKETS`] entry of the same place.
    pub within: [u64; BUCKETS.len()],
    /// Time from entry to the head of the answer, over all calls.
    pub duration: Duration,
    /// Time the plugin itself was at work: `duration` without the waiting for
    /// messages, bodies, those behind it, and its turn on the core. What the
    /// gateway does for it in between, such as setting a field, counts; so does
    /// the time in which the operating system had the core do something else.
    pub busy: Duration,
    /// Calls into the gateway, those of WASI included.
    pub host_calls: u64,
    /// The most memory that one instance has had, in bytes.
    pub peak_memory: usize,
    /// Instances made.
    pub instances_created: u64,
    /// Instances dropped, by reason: `trap` (limits included), `deadline`,
    /// `cancelled`, `uses` (`uses_per_instance`), `isolation`, `idle`,
    /// `reclaimed` (another place of use had none).
    pub instances_dropped: Vec<(&'static str, u64)>,
    /// Log lines above the limit.
    pub log_lines_dropped: u64,
}

/// A place of use to look at. Cheap to clone.
#[derive(Clone)]
pub struct Meter(pub(crate) Arc<Pool>);

impl Meter {
    /// Name of the plugin.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// What it is there.
    #[must_use]
    pub fn world(&self) -> World {
        self.0.world()
    }

    /// Its instances at this moment.
    #[must_use]
    pub fn instances(&self) -> Instances {
        self.0.instances()
    }

    /// What it has cost so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.0.cost()
    }
}

/// Shows the name only.
impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Meter").field(&self.name()).finish()
    }
}

/// What one call used up.
pub(crate) struct Usage {
    pub(crate) busy: Duration,
    pub(crate) host_calls: u64,
    pub(crate) memory: usize,
}

/// Measures one call from inside.
#[derive(Default)]
pub(crate) struct Clock {
    pub(crate) host_calls: HostCalls,
    waited: Duration,
    waiting_since: Option<Instant>,
    /// Nanoseconds in which others had the core.
    yielded: Arc<AtomicU64>,
}

impl Clock {
    /// The plugin begins to wait.
    pub(crate) fn wait(&mut self) {
        self.waiting_since = Some(Instant::now());
    }

    /// It goes on.
    pub(crate) fn resume(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }

    /// For whoever lets others have their turn in between.
    pub(crate) fn yielded(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.yielded)
    }

    /// A call begins: what came before, such as `configure`, is another matter.
    pub(crate) fn begin(&mut self) {
        self.host_calls.0.store(0, Relaxed);
        self.waited = Duration::ZERO;
        self.waiting_since = None;
        self.yielded.store(0, Relaxed);
    }

    /// What it has come to, `took` after its beginning.
    pub(crate) fn end(&mut self, took: Duration, memory: usize) -> Usage {
        // It may have been stopped while it waited.
        self.resume();
        let yielded = Duration::from_nanos(self.yielded.load(Relaxed));
        let busy = took.saturating_sub(self.waited).saturating_sub(yielded);
        self.at_work(busy, memory)
    }

    /// The same where somebody else has measured how long it was at work.
    pub(crate) fn at_work(&self, busy: Duration, memory: usize) -> Usage {
        Usage {
            busy,
            host_calls: self.host_calls.made(),
            memory,
        }
    }
}

/// Calls into the gateway since the clock began. Clones count together: some
/// who have to count do not see the rest of the instance.
#[derive(Clone, Default)]
pub(crate) struct HostCalls(Arc<AtomicU64>);

impl HostCalls {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn made(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Lets others have their turn, and counts how long that took.
pub(crate) async fn give_way(yielded: Arc<AtomicU64>) {
    let since = Instant::now();
    tokio::task::yield_now().await;
    yielded.fetch_add(nanoseconds(since.elapsed()), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_and_each_reason_has_its_own_counter() {
        let tally = Tally::default();
        for fault in [Fault::Trap, Fault::Settings, Fault::Settings] {
            tally.called(Duration::ZERO, Some(fault));
        }
        tally.called(Duration::ZERO, None);
        tally.dropped(Dropped::Trap);
        tally.dropped(Dropped::Reclaimed);
        let cost = tally.read(7);
        let of = |list: &[(&str, u64)], name: &str| {
            let mut found = list.iter().filter(|(one, _)| *one == name);
            found.next().unwrap().1
        };
        assert_eq!(cost.calls, 4);
        assert_eq!(of(&cost.errors, "trap"), 1);
        assert_eq!(of(&cost.errors, "settings"), 2);
        assert_eq!(of(&cost.errors, "limit"), 0);
        assert_eq!(of(&cost.instances_dropped, "trap"), 1);
        assert_eq!(of(&cost.instances_dropped, "reclaimed"), 1);
        assert_eq!(cost.log_lines_dropped, 7);
    }

    #[test]
    fn buckets_hold_all_that_took_no_longer() {
        assert!(BUCKETS.is_sorted());
        let tally = Tally::default();
        for took in [0, 50, 51, 100, 2_000_000, 20_000_000] {
            tally.called(Duration::from_micros(took), None);
        }
        let cost = tally.read(0);
        assert_eq!(cost.within[..3], [2, 4, 4]);
        assert_eq!(cost.within[13], 5, "twenty seconds are beyond the last");
        assert_eq!(cost.duration, Duration::from_micros(22_000_201));
    }

    #[test]
    fn the_peak_of_memory_stays() {
        let tally = Tally::default();
        for memory in [3, 9, 5] {
            let usage = Usage {
                busy: Duration::from_nanos(1),
                host_calls: 2,
                memory,
            };
            tally.used(&usage);
        }
        let cost = tally.read(0);
        assert_eq!((cost.peak_memory, cost.host_calls), (9, 6));
        assert_eq!(cost.busy, Duration::from_nanos(3));
    }

    #[test]
    fn waiting_is_no_work_also_if_it_does_not_end() {
        let mut clock = Clock::default();
        clock.begin();
        clock.wait();
        let second = Duration::from_secs(1);
        assert!(clock.end(second, 0).busy < second);
        clock.begin();
        assert_eq!(clock.end(second, 0).busy, second);
    }
}
