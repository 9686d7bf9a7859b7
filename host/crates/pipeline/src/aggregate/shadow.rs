//! `shadow`: backends that get a copy of the traffic and are not listened to.

use std::{sync::Arc, time::Duration};

use cuttle_config::Endpoint;
use http_body_util::BodyExt;
use tokio::{sync::Semaphore, time::timeout_at};
use tracing::Instrument;

use super::Performed;
use crate::{
    ExplainedCall, Failure, Inbound, backend::BackendCall, deadline::Deadline, explain::Arrived,
};

/// Calls of one shadow backend that may be under way at a time. One that has
/// died must not pile up requests; at 256 one that answers within 50 ms keeps
/// up with 5,000 a second. What is beyond is not sent.
pub(crate) const AT_ONCE: usize = 256;

/// A backend whose answers are dropped.
pub(super) struct ShadowBackend {
    call: Arc<BackendCall>,
    place: String,
    position: usize,
    timeout: Duration,
    free: Arc<Semaphore>,
}

impl ShadowBackend {
    pub(super) fn new(endpoint: &Endpoint, performed: Performed<'_>) -> Self {
        let (position, backend) = (performed.position, performed.backend);
        let shadow = backend.shadow.unwrap_or_default();
        Self {
            call: Arc::new(BackendCall::new(endpoint, performed)),
            place: backend.place.to_string(),
            position,
            timeout: shadow.timeout.unwrap_or(endpoint.timeout),
            free: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The call that [`send`](Self::send) would make.
    pub(super) fn explain(&self, inbound: Inbound, arrived: Arrived<'_>) -> ExplainedCall {
        ExplainedCall {
            backend: self.position,
            shadow: true,
            times: 1,
            limit: self.timeout,
            request: self.call.explain(inbound, arrived, &[], |_| {}),
        }
    }

    /// Sends a request and returns at once. The call has a life of its own: it
    /// ends with its own timeout, not with the client's request. A panic in it
    /// ends it only.
    pub(super) fn send(&self, inbound: Inbound) {
        let span = tracing::debug_span!("shadow", place = %self.place);
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            span.in_scope(|| tracing::debug!("not sent: {AT_ONCE} shadow calls are under way"));
            return;
        };
        let call = Arc::clone(&self.call);
        let deadline = Deadline::after(self.timeout);
        let work = async move {
            let _permit = permit;
            let outcome = timeout_at(deadline.at, exchange(&call, inbound, deadline)).await;
            if let Err(failure) = outcome.unwrap_or_else(|_| Err(deadline.failure())) {
                let error = failure.source.to_string();
                tracing::debug!(kind = ?failure.kind, error, "shadow call failed");
            }
        };
        tokio::spawn(work.instrument(span));
    }
}

/// The answer is read to its end, so that the backend can finish it and the
/// connection be used again.
async fn exchange(call: &BackendCall, inbound: Inbound, deadline: Deadline) -> Result<(), Failure> {
    let mut body = call.call(inbound, deadline).await?.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    Ok(())
}
