//! `no-op` with more to it than the splice, which most no-op endpoints are:
//! `concurrent_calls`, where the same request is sent several times and the first
//! answer passes as it is, and modifiers of the endpoint.

use cuttle_config::Endpoint;
use http::Response;
use tokio::time::timeout_at;

use crate::{
    Body, BodyUse, Failure, Inbound, Settings,
    backend::BackendCall,
    copies::Copies,
    deadline::Deadline,
    modify::{Around, Flow},
    race::race,
};

/// A backend that is called several times at once, or has something around it.
pub(crate) struct Relay {
    around: Option<Box<Around>>,
    backend: BackendCall,
    calls: u32,
    body_copy: u64,
}

impl Relay {
    /// Whether `endpoint` needs one.
    pub(crate) fn is_needed(endpoint: &Endpoint, around: Option<&Around>) -> bool {
        endpoint.concurrent_calls > 1 || around.is_some()
    }

    pub(crate) fn new(
        endpoint: &Endpoint,
        settings: Settings,
        around: Option<Box<Around>>,
        backend: BackendCall,
    ) -> Self {
        Self {
            around,
            backend,
            calls: endpoint.concurrent_calls,
            body_copy: settings.body_copy,
        }
    }

    pub(crate) fn around(&self) -> Option<&Around> {
        self.around.as_deref()
    }

    pub(crate) fn backend(&self) -> &BackendCall {
        &self.backend
    }

    /// How often it is called.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// What becomes of a client's body.
    pub(crate) fn body_use(&self) -> BodyUse {
        match self.is_repeated() {
            true => BodyUse::Copied(self.body_copy),
            false => BodyUse::Streamed,
        }
    }

    fn is_repeated(&self) -> bool {
        self.calls > 1
    }

    /// The winner's body has what is left of the whole timeout.
    pub(crate) async fn serve(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        let response = timeout_at(deadline.at, self.answer(inbound, deadline))
            .await
            .map_err(|_| deadline.failure())??;
        Ok(response.map(|body| deadline.guard(body)))
    }

    async fn answer(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        let Some(around) = &self.around else {
            return self.fastest(inbound, deadline).await;
        };
        let (inbound, original) = match around.enter(inbound, deadline).await? {
            Flow::Proceed(entered) => entered,
            Flow::Answer(response) => return Ok(response),
        };
        let response = self.fastest(inbound, deadline).await?;
        let original = original.as_ref();
        around.stage.message(response, original, deadline).await
    }

    /// Any answer is a complete one, whatever its status.
    async fn fastest(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        if !self.is_repeated() {
            return self.backend.call(inbound, deadline).await;
        }
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
