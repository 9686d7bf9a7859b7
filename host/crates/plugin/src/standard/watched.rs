//! The deadline of a guest whose client does not read.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use cuttle_egress::BoxError;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

use super::Answer;
use crate::engine::TICK;

/// An answer whose guest is stopped at its deadline, whether or not somebody
/// asks for more by then: a server does not for a client that does not read.
pub(crate) struct Watched {
    shared: Arc<Mutex<Shared>>,
    /// `None` without a runtime.
    watchdog: Option<AbortHandle>,
}

struct Shared {
    answer: Answer,
    /// Who waits for more. What would wake it goes with the guest.
    reader: Option<Waker>,
}

impl Watched {
    pub(crate) fn new(answer: Answer, deadline: Instant) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            answer,
            reader: None,
        }));
        let watchdog = watch(Arc::downgrade(&shared), deadline);
        let watchdog = Handle::try_current().map(|runtime| runtime.spawn(watchdog).abort_handle());
        Self {
            shared,
            watchdog: watchdog.ok(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch(shared: Weak<Mutex<Shared>>, deadline: Instant) {
    sleep_until(deadline).await;
    while let Some(shared) = shared.upgrade() {
        if stop(&shared) {
            return;
        }
        drop(shared);
        // The guest is at work: its reader is as likely to stop it.
        sleep(TICK).await;
    }
}

/// Stops the guest, unless it is at work at this moment.
fn stop(shared: &Mutex<Shared>) -> bool {
    let mut shared = match shared.try_lock() {
        Ok(shared) => shared,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    shared.answer.settle(None);
    if let Some(reader) = shared.reader.take() {
        reader.wake();
    }
    true
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut shared = self.lock();
        let polled = Pin::new(&mut shared.answer).poll_frame(context);
        shared.reader = polled.is_pending().then(|| context.waker().clone());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.lock().answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().answer.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
    }
}
