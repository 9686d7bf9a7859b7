//! Time and chance that are the same each time, for tests of plugins.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// 2026-01-01T00:00:00Z, in seconds.
const EPOCH: u64 = 1_767_225_600;
/// Time goes on by this with each look at a clock, so that who waits for it
/// does not wait for ever.
const STEP: Duration = Duration::from_millis(1);
const SEED: u128 = 1;

/// What one call, or one `configure`, may use up before it is stopped: about a
/// second of work.
pub(crate) const FUEL: u64 = 1_000_000_000;

/// Makes clocks and random numbers reproducible.
pub(crate) fn apply(wasi: &mut WasiCtxBuilder) {
    wasi.wall_clock(Clock::default())
        .monotonic_clock(Clock::default())
        .secure_random(numbers())
        .insecure_random(numbers())
        .insecure_random_seed(SEED);
}

/// All bytes in turn: whoever draws until a number suits gets one that does.
fn numbers() -> Deterministic {
    Deterministic::new((0..=u8::MAX).collect())
}

#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    /// Since the beginning.
    fn passed(&self) -> Duration {
        let looks = self.0.fetch_add(1, Ordering::Relaxed);
        STEP.saturating_mul(u32::try_from(looks).unwrap_or(u32::MAX))
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        Duration::from_secs(EPOCH).saturating_add(self.passed())
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        nanoseconds(STEP)
    }

    fn now(&self) -> u64 {
        nanoseconds(self.passed())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_at_a_clock_is_a_step_later() {
        let clock = Clock::default();
        assert_eq!(HostMonotonicClock::now(&clock), 0);
        assert_eq!(HostMonotonicClock::now(&clock), 1_000_000);
        let wall = HostWallClock::now(&Clock::default());
        assert_eq!(wall, Duration::from_secs(EPOCH));
    }
}
