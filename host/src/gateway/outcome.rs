//! What comes of an endpoint's work: its answer, or a failure, which becomes a
//! line for the operator and an answer that tells clients what they may know.

use std::{panic::AssertUnwindSafe, sync::atomic::Ordering};

use cuttle_pipeline::{Failure, FailureKind, Inbound};
use futures_util::FutureExt;
use http::Response;

use super::{EndpointRoute, Gateway};
use crate::{head::body::BodyState, respond::Body, telemetry::chain};

impl Gateway {
    pub(super) async fn run(
        &self,
        endpoint: &EndpointRoute,
        inbound: Inbound,
        body: &BodyState,
    ) -> Response<Body> {
        // Here already: a panic must not unwind through a plugin in front.
        match AssertUnwindSafe(endpoint.pipeline.serve(inbound))
            .catch_unwind()
            .await
        {
            Ok(Ok(answer)) => {
                for failure in &answer.failures {
                    self.tell(failure, failure.kind, "backend failed");
                }
                self.responder.answer(answer)
            }
            Ok(Err(failure)) => self.fail(&failure, body),
            Err(_) => self.panicked(),
        }
    }

    pub(super) fn panicked(&self) -> Response<Body> {
        self.panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(target: "cuttle", "a request has made the gateway panic");
        self.responder.panicked()
    }

    /// A plugin in front has not answered. It is no backend, so that
    /// `gateway_errors` does not concern it.
    pub(crate) fn failed_in_front(
        &self,
        error: &(dyn std::error::Error + 'static),
        overloaded: bool,
        body: &BodyState,
    ) -> Response<Body> {
        let kind = match (body.is_broken(), body.is_too_large()) {
            (true, _) => FailureKind::ClientBody,
            (_, true) => FailureKind::BodyTooLarge,
            _ if overloaded => FailureKind::Overloaded,
            _ => FailureKind::Panicked,
        };
        let error = chain(error);
        match is_clients(kind) {
            true => tracing::info!(target: "cuttle", ?kind, error, "request refused"),
            false => {
                tracing::error!(target: "cuttle", kind = "ServerPlugin", error, "request failed");
            }
        }
        self.responder.kind(kind)
    }

    fn fail(&self, failure: &Failure, body: &BodyState) -> Response<Body> {
        // Whatever went wrong after it, a bad body is the client's fault.
        let of_client = match (body.is_broken(), body.is_too_large()) {
            (true, _) => Some(FailureKind::ClientBody),
            (_, true) => Some(FailureKind::BodyTooLarge),
            _ => None,
        };
        for part in failure.parts() {
            self.tell(part, of_client.unwrap_or(part.kind), "request failed");
        }
        match of_client {
            Some(kind) => self.responder.kind(kind),
            None => self.responder.failure(failure),
        }
    }

    /// One line about a failure, for the operator.
    fn tell(&self, failure: &Failure, kind: FailureKind, what: &'static str) {
        if kind == FailureKind::Panicked {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        let error = chain(&*failure.source);
        // The position in the list; the span's `backend` is the last one's URL.
        let position = failure.backend;
        match is_clients(kind) {
            true => tracing::info!(target: "cuttle", ?kind, position, error, "request refused"),
            false => tracing::error!(target: "cuttle", ?kind, position, error, "{what}"),
        }
    }
}

/// Whether there is nothing for the operator to do: the client, or a modifier's
/// refusal of its request, is the cause.
fn is_clients(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::ClientBody
            | FailureKind::ClientRequest
            | FailureKind::BodyTooLarge
            | FailureKind::Refused
    )
}
