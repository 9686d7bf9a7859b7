//! Work on large documents, kept away from the threads that serve everybody.
//!
//! A megabyte takes milliseconds, and while a thread decodes one, no other
//! request of that thread goes on and no timeout fires.

use std::{num::NonZero, panic::resume_unwind, sync::LazyLock, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{Failure, FailureKind};

/// Bytes up to which work is done where it comes up: about a fifth of a
/// millisecond, four times what the way to another thread and back costs.
pub(crate) const SMALL: usize = 64 * 1024;

/// As many at a time as there are cores: more would not be done sooner, and
/// each holds a document in memory. Those who wait do so under their timeout.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

/// What `work` on `bytes` bytes makes. Work that has begun is finished even if
/// nobody waits for it any more; its size is bounded by that of documents.
///
/// A panic of `work` is one of the caller.
pub(crate) async fn offload<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= SMALL {
        return Ok(work());
    }
    let turn = TURNS.acquire().await.map_err(ended)?;
    let done = spawn_blocking(move || {
        let made = work();
        drop(turn);
        made
    });
    done.await.or_else(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(error) => Err(ended(error)),
    })
}

/// The gateway is about to end.
fn ended(error: impl Into<crate::BoxError>) -> Failure {
    Failure::new(FailureKind::Overloaded, error)
}

/// All turns, until it is dropped.
#[cfg(test)]
pub(crate) async fn all_turns() -> tokio::sync::SemaphorePermit<'static> {
    let all = available_parallelism().map_or(1, NonZero::get);
    let all = u32::try_from(all).unwrap();
    TURNS.acquire_many(all).await.unwrap()
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use tokio::time::{Instant, sleep, timeout_at};

    use super::*;

    #[tokio::test]
    async fn small_work_stays_and_large_work_goes_to_another_thread() {
        let here = thread::current().id();
        for (bytes, stays) in [(0, true), (SMALL, true), (SMALL + 1, false)] {
            let there = offload(bytes, || thread::current().id()).await.unwrap();
            assert_eq!(there == here, stays, "{bytes}");
        }
    }

    #[tokio::test]
    async fn a_timeout_fires_while_large_work_goes_on() {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let work = offload(usize::MAX, move || stopped.recv().is_err());
        let soon = Instant::now() + Duration::from_millis(20);
        assert!(timeout_at(soon, work).await.is_err());
        drop(stop);
        // Its turn comes back.
        let turns = available_parallelism().map_or(1, NonZero::get);
        while TURNS.available_permits() < turns {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    #[should_panic(expected = "large and broken")]
    async fn a_panic_of_large_work_is_one_of_the_caller() {
        let _ = offload(usize::MAX, || panic!("large and broken")).await;
    }
}
