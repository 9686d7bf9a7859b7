//! Backend calls: the pipeline's [`Executor`] over the client and over plugins.
//!
//! Here the errors of both become the pipeline's kinds of failure, and the
//! request's span learns where the request went.

use cuttle_egress::{Client, ErrorKind, Redirects, SendOptions, Via, Way};
use cuttle_pipeline::{Body, ExecuteError, ExecuteFuture, Executor, FailureKind};
use cuttle_plugin::{CallError, Plugin, PluginFailure};
use http::{Request, Response};
use tokio::time::Instant;
use tracing::Span;

use crate::{
    record::Recorded,
    telemetry::{fields, milliseconds},
};

/// Sends a request to the backend itself.
pub(super) struct EgressExecutor {
    pub(super) client: Client,
    pub(super) way: Way,
    pub(super) redirects: Redirects,
}

impl Executor for EgressExecutor {
    fn execute(&self, request: Request<Body>, deadline: Instant) -> ExecuteFuture<'_> {
        let options = SendOptions {
            deadline,
            redirects: self.redirects,
            gate: None,
        };
        Box::pin(async move {
            record_backend(&request);
            let sent = self.client.send(request, &self.way, &options).await;
            let response = sent.map_err(|error| ExecuteError {
                kind: egress_kind(error.kind()),
                source: error.into(),
            })?;
            record_proxy(&response);
            Ok(response)
        })
    }
}

/// Lets a plugin answer, or the first of several.
pub(super) struct PluginExecutor {
    pub(super) plugin: Plugin,
    /// All names, as in `a, b`.
    pub(super) label: String,
    /// Writes its calls down, if somebody asked for that.
    pub(super) recorded: Option<Recorded>,
}

impl PluginExecutor {
    async fn call(
        &self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        let Some(recorded) = &self.recorded else {
            return self.plugin.call(request, deadline).await;
        };
        let (request, recording) = recorded.begin(request);
        let answered = self.plugin.call(request, deadline).await;
        match recording {
            Some(recording) => recording.end(answered),
            None => answered,
        }
    }
}

impl Executor for PluginExecutor {
    fn execute(&self, request: Request<Body>, deadline: Instant) -> ExecuteFuture<'_> {
        Box::pin(async move {
            record_backend(&request);
            let span = Span::current();
            span.record(fields::PLUGIN, self.label.as_str());
            let started = Instant::now();
            let answered = self.call(request, deadline).await;
            span.record(fields::PLUGIN_MS, milliseconds(started.elapsed()));
            let response = answered.map_err(|error| ExecuteError {
                kind: plugin_kind(&error),
                source: error.into(),
            })?;
            record_proxy(&response);
            Ok(response)
        })
    }
}

fn record_backend(request: &Request<Body>) {
    let span = Span::current();
    if let (false, Some(authority)) = (span.is_disabled(), request.uri().authority()) {
        let scheme = request.uri().scheme_str().unwrap_or("http");
        span.record(
            fields::BACKEND,
            tracing::field::display(format_args!("{scheme}://{authority}")),
        );
    }
}

fn record_proxy(response: &Response<Body>) {
    let span = Span::current();
    let (false, Some(via)) = (span.is_disabled(), response.extensions().get::<Via>()) else {
        return;
    };
    span.record(fields::RULE, tracing::field::display(&via.rule));
    if let Some(proxy) = &via.proxy {
        span.record(fields::PROXY, proxy.as_ref());
    }
}

fn egress_kind(kind: ErrorKind) -> FailureKind {
    match kind {
        ErrorKind::Timeout => FailureKind::Timeout,
        ErrorKind::RequestBody => FailureKind::ClientBody,
        _ => FailureKind::Backend,
    }
}

pub(super) fn plugin_kind(error: &CallError) -> FailureKind {
    match error {
        CallError::Deadline { .. } => FailureKind::Timeout,
        CallError::Exhausted { .. } => FailureKind::Overloaded,
        CallError::Failed { error, .. } => failure_kind(error),
        _ => FailureKind::Plugin,
    }
}

/// An error that the plugin passed on is still the backend's, or time's.
fn failure_kind(error: &PluginFailure) -> FailureKind {
    match error {
        PluginFailure::Timeout => FailureKind::Timeout,
        PluginFailure::InvalidArgument(_) | PluginFailure::Denied(_) | PluginFailure::Other(_) => {
            FailureKind::Plugin
        }
        _ => FailureKind::Backend,
    }
}
