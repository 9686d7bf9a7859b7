//! A guest at work.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant as Moment},
};

use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, Sleep, sleep_until},
};

use super::Said;
use crate::{CallError, cost::Dropped, instance::Instance, pool::Pool};

/// How a guest came to its end: by itself, or (`None`) at its deadline, in the
/// middle of something.
pub(crate) type Ended = Option<Finished>;

/// What is left of a guest that came to its end by itself.
pub(crate) struct Finished {
    pub(crate) instance: Box<Instance>,
    /// Whether it has left something that would go on in the next call.
    pub(crate) left_over: bool,
    pub(crate) outcome: Result<(), CallError>,
}

/// A guest at work. Dropping it stops the guest.
pub(crate) struct Running {
    guest: Pin<Box<dyn Future<Output = Finished> + Send>>,
    /// As long as it is there, somebody may read the body of the response.
    reading: Option<oneshot::Sender<()>>,
    expired: Pin<Box<Sleep>>,
    toll: Toll,
    started: Instant,
}

/// Counts what a guest costs, whichever way it ends.
struct Toll {
    pool: Arc<Pool>,
    /// Time in which it ran.
    busy: Duration,
    deadline: Instant,
    at_work: bool,
}

impl Drop for Toll {
    fn drop(&mut self) {
        if self.at_work {
            let why = Dropped::cut_off(self.deadline);
            self.pool.lost(self.busy, why);
        }
    }
}

impl Running {
    /// `guest` is stopped at `deadline`. It may end once nobody holds `reading`.
    pub(crate) fn new(
        guest: impl Future<Output = Finished> + Send + 'static,
        reading: oneshot::Sender<()>,
        pool: &Arc<Pool>,
        (started, deadline): (Instant, Instant),
    ) -> Self {
        Self {
            guest: Box::pin(guest),
            reading: Some(reading),
            expired: Box::pin(sleep_until(deadline)),
            toll: Toll {
                pool: Arc::clone(pool),
                busy: Duration::ZERO,
                deadline,
                at_work: true,
            },
            started,
        }
    }

    /// Lets the guest run.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        let begun = Moment::now();
        let polled = self.guest.as_mut().poll(context);
        self.toll.busy += begun.elapsed();
        if let Poll::Ready(finished) = polled {
            return Poll::Ready(Some(finished));
        }
        self.expired.as_mut().poll(context).map(|()| None)
    }

    /// Lets the guest run until it has said what it answers, or has ended
    /// without; it may have done both.
    pub(crate) async fn listen(
        &mut self,
        said: &mut oneshot::Receiver<Said>,
    ) -> (Option<Said>, Poll<Ended>) {
        poll_fn(|context| {
            let ended = self.poll(context);
            // It speaks only while it runs, so nobody has to be woken for it.
            match said.try_recv() {
                Ok(said) => Poll::Ready((Some(said), ended)),
                Err(_) => ended.map(|ended| (None, Poll::Ready(ended))),
            }
        })
        .await
    }

    /// Takes leave of a guest that has ended; its instance may be used again.
    ///
    /// # Errors
    /// Why it was stopped.
    pub(crate) fn finish(mut self, ended: Ended) -> Result<(), Stopped> {
        let pool = Arc::clone(&self.toll.pool);
        let outcome = match ended {
            Some(finished) => {
                self.toll.at_work = false;
                pool.retire(finished, self.toll.busy)
            }
            None => Err(self.too_late()),
        };
        outcome.map_err(|error| Stopped { error, pool })
    }

    /// Lets the guest do what it has still to do, though its response needs
    /// nothing of it.
    pub(crate) fn detach(mut self) {
        self.reading = None;
        // Without a runtime there is nobody to run it: it is stopped.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let ended = poll_fn(|context| self.poll(context)).await;
            if let Err(stopped) = self.finish(ended) {
                stopped.mention();
            }
        });
    }

    /// When it is stopped, by whoever lets it run. If nobody does, somebody
    /// else has to [finish](Self::finish) it then.
    pub(crate) fn deadline(&self) -> Instant {
        self.expired.deadline()
    }

    fn too_late(&self) -> CallError {
        let limit = self.deadline().saturating_duration_since(self.started);
        self.toll.pool.too_late(limit)
    }
}

/// Why a guest was stopped.
pub(crate) struct Stopped {
    error: CallError,
    pool: Arc<Pool>,
}

impl Stopped {
    /// Logs it: the client has had its response.
    pub(crate) fn mention(&self) {
        self.pool.mention(&self.error);
    }

    pub(crate) fn into_error(self) -> CallError {
        self.error
    }
}
