//! Answers of a script, kept for a while.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use super::{Candidates, PacError};
use crate::target::Target;

/// Targets whose answer is kept. A gateway has some hundred.
const ENTRIES: usize = 1_000;
/// How long an answer holds. It may follow the time of day, or a name.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How long a failure holds: spares the machine a script in an endless loop,
/// and the operator a long wait after a fault of the name service.
const FAILED: Duration = Duration::from_secs(5);

/// What an answer may depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    secure: bool,
    /// In lower case.
    host: String,
    port: u16,
}

impl Key {
    pub(super) fn of(target: &Target) -> Self {
        Self {
            secure: target.is_secure(),
            host: target.host().to_ascii_lowercase(),
            port: target.port(),
        }
    }
}

type Outcome = Result<Candidates, Arc<PacError>>;

/// An answer, or the one who is fetching it.
type Slot = Arc<OnceCell<Decided>>;

struct Decided {
    outcome: Outcome,
    until: Instant,
}

/// Answers by target.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Key, Slot>>);

impl Cache {
    /// The outcome for `key`, from `decide` if none is kept. Of many who ask
    /// at a time, one decides; if it gives up, the next one does.
    pub(super) async fn get<F>(&self, key: Key, decide: impl FnOnce() -> F) -> Outcome
    where
        F: Future<Output = Result<Candidates, PacError>>,
    {
        let slot = self.slot(key);
        let decided = slot
            .get_or_init(|| async {
                let outcome = decide().await.map_err(Arc::new);
                let time = if outcome.is_ok() { FRESH } else { FAILED };
                Decided {
                    outcome,
                    until: Instant::now() + time,
                }
            })
            .await;
        decided.outcome.clone()
    }

    fn slot(&self, key: Key) -> Slot {
        let now = Instant::now();
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key).filter(|slot| !is_over(slot, now)) {
            return Arc::clone(slot);
        }
        if slots.len() >= ENTRIES {
            make_room(&mut slots, now);
        }
        let slot = Slot::default();
        slots.insert(key, Arc::clone(&slot));
        slot
    }
}

fn is_over(slot: &Slot, now: Instant) -> bool {
    slot.get().is_some_and(|decided| decided.until <= now)
}

/// Drops what is over, and at least the one that would be over first. Those
/// who wait for a dropped one still get it.
fn make_room(slots: &mut HashMap<Key, Slot>, now: Instant) {
    slots.retain(|_, slot| !is_over(slot, now));
    if slots.len() < ENTRIES {
        return;
    }
    let oldest = slots
        .iter()
        .min_by_key(|(_, slot)| slot.get().map(|decided| decided.until))
        .map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        slots.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Poll, Waker},
    };

    use super::*;

    /// Lets `future` go as far as it can.
    fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn key(port: u16) -> Key {
        Key {
            secure: false,
            host: "a".to_owned(),
            port,
        }
    }

    fn direct() -> Result<Candidates, PacError> {
        Ok(vec![None].into())
    }

    fn failure() -> Result<Candidates, PacError> {
        Err(PacError::Answer("nothing".to_owned()))
    }

    /// Asks for `port` and says whether `decide` was called.
    async fn asks(cache: &Cache, port: u16, outcome: fn() -> Result<Candidates, PacError>) -> bool {
        let asked = AtomicUsize::new(0);
        let _ = cache
            .get(key(port), || async {
                asked.fetch_add(1, Ordering::Relaxed);
                outcome()
            })
            .await;
        asked.into_inner() == 1
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_five_minutes_and_a_failure_five_seconds() {
        let cache = Cache::default();
        assert!(asks(&cache, 1, direct).await);
        assert!(asks(&cache, 2, failure).await);
        assert!(!asks(&cache, 1, direct).await);
        assert!(!asks(&cache, 2, direct).await, "a failure is kept, too");
        assert!(asks(&cache, 3, direct).await, "the port counts");

        tokio::time::advance(FAILED).await;
        assert!(!asks(&cache, 1, direct).await);
        assert!(asks(&cache, 2, direct).await);

        tokio::time::advance(FRESH).await;
        assert!(asks(&cache, 1, direct).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_answers_is_limited() {
        let cache = Cache::default();
        for port in 0..3 * ENTRIES {
            asks(&cache, u16::try_from(port).unwrap(), direct).await;
            assert!(cache.0.lock().unwrap().len() <= ENTRIES);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let newest = u16::try_from(3 * ENTRIES - 1).unwrap();
        assert!(!asks(&cache, newest, direct).await, "the old ones went");
    }

    #[tokio::test]
    async fn of_many_who_ask_at_a_time_one_decides() {
        let cache = Cache::default();
        let decisions = AtomicUsize::new(0);
        let ask = || {
            cache.get(key(1), || async {
                decisions.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                direct()
            })
        };
        let answers = futures_util::future::join_all([ask(), ask(), ask()]).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(decisions.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_decision_to_the_next() {
        let cache = Cache::default();
        let mut first = Box::pin(cache.get(key(1), std::future::pending));
        assert!(poll(&mut first).is_pending());
        let mut second = Box::pin(cache.get(key(1), || async { direct() }));
        assert!(poll(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_ok());
    }
}
