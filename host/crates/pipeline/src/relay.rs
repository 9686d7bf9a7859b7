//! `no-op` with `concurrent_calls`: the same request several times, and the first
//! answer as it is. Apart from the splice, which most no-op endpoints are.

use cuttle_config::Endpoint;
use http::Response;
use tokio::time::timeout_at;

use crate::{
    Body, Failure, Inbound, Settings, backend::BackendCall, copies::Copies, deadline::Deadline,
    race::race,
};

/// A backend that is called several times at once.
pub(crate) struct Relay {
    backend: BackendCall,
    calls: u32,
    body_copy: u64,
}

impl Relay {
    /// Whether `endpoint` needs one.
    pub(crate) fn is_needed(endpoint: &Endpoint) -> bool {
        endpoint.concurrent_calls > 1
    }

    pub(crate) fn new(endpoint: &Endpoint, settings: Settings, backend: BackendCall) -> Self {
        Self {
            backend,
            calls: endpoint.concurrent_calls,
            body_copy: settings.body_copy,
        }
    }

    pub(crate) fn backend(&self) -> &BackendCall {
        &self.backend
    }

    /// How often it is called.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// Bytes of a client's body that are kept.
    pub(crate) fn body_copy(&self) -> u64 {
        self.body_copy
    }

    /// The winner's body has what is left of the whole timeout.
    pub(crate) async fn serve(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        let response = timeout_at(deadline.at, self.fastest(inbound, deadline))
            .await
            .map_err(|_| deadline.failure())??;
        Ok(response.map(|body| deadline.guard(body)))
    }

    /// Any answer is a complete one, whatever its status.
    async fn fastest(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        let mut copies = Copies::with_body(inbound, self.body_copy).await?;
        race(
            self.calls,
            deadline,
            |_| true,
            || self.backend.call(copies.next(), deadline),
        )
        .await
    }
}
