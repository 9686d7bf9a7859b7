//! How many requests may be sent twice.
//!
//! A peer that closes connections under its users' hands would otherwise get
//! twice the load just when it can bear it least.

use std::sync::atomic::{AtomicU32, Ordering};

/// What a repetition costs, in requests: one in five may be repeated.
const PRICE: u32 = 5;
/// What can be saved up, and is there at the start: all connections that are
/// kept for a peer by default (250) may turn out stale together.
const RESERVE: u32 = 250 * PRICE;

/// A token bucket, filled by requests and emptied by repetitions.
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(RESERVE))
    }

    /// A request was sent for the first time.
    pub(crate) fn deposit(&self) {
        // A full bucket, which is the rule, is not written to.
        if self.0.load(Ordering::Relaxed) < RESERVE {
            self.update(|saved| (saved < RESERVE).then_some(saved + 1));
        }
    }

    /// Whether a request may be repeated; it is paid for then.
    pub(crate) fn withdraw(&self) -> bool {
        self.update(|saved| saved.checked_sub(PRICE))
    }

    fn update(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        self.0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_five_may_be_repeated_beyond_the_reserve() {
        let budget = Budget::new();
        let reserve = (0..1000).take_while(|_| budget.withdraw()).count();
        assert_eq!(reserve, 250);
        let repeated = (0..1000).filter(|_| {
            budget.deposit();
            budget.withdraw()
        });
        assert_eq!(repeated.count(), 200);
    }

    #[test]
    fn what_is_saved_is_limited() {
        let budget = Budget::new();
        (0..10_000).for_each(|_| budget.deposit());
        assert_eq!((0..1000).take_while(|_| budget.withdraw()).count(), 250);
    }
}
