//! One span and one line for each request.

use std::{collections::HashSet, error::Error as StdError, net::IpAddr, time::Duration};

use cuttle_pipeline::{config::RouterOptions, ip_text};
use http::{StatusCode, request::Parts};
use tokio::time::Instant;
use tracing::{Span, field::Empty};

use super::{chain, escape::Escaped, fields};
use crate::metrics::Open;

/// nginx's status for a client that left before there was an answer; it is
/// never sent.
const CLIENT_CLOSED: u16 = 499;

/// Which requests get a line.
#[derive(Debug)]
pub struct AccessLog {
    enabled: bool,
    skipped: HashSet<String>,
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole body was handed to the connection.
    Complete,
    /// The body broke off; the client's connection was broken as well.
    Aborted,
    /// The client left first.
    ClientGone,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Aborted => "aborted",
            Self::ClientGone => "client gone",
        }
    }
}

/// One request on its way. Writes its line when it ends, at the latest when it
/// is dropped.
#[derive(Debug)]
pub struct Exchange {
    span: Span,
    started: Instant,
    logged: bool,
    ended: bool,
    status: Option<StatusCode>,
    bytes: u64,
    /// Where it is counted, if anybody counts.
    open: Option<Open>,
}

impl AccessLog {
    /// `disable_access_log` and `logger_skip_paths`.
    #[must_use]
    pub fn new(options: &RouterOptions) -> Self {
        Self {
            enabled: !options.disable_access_log,
            skipped: options.logger_skip_paths.iter().cloned().collect(),
        }
    }

    /// Opens the span of a request.
    #[must_use]
    pub fn begin(&self, parts: &Parts, client: IpAddr) -> Exchange {
        let path = parts.uri.path();
        // The fields are those of `fields`; the macro wants them literally.
        let span = tracing::info_span!(
            target: "access",
            "request",
            method = %parts.method,
            path = %Escaped(path),
            client = %ip_text(client),
            endpoint = Empty,
            backend = Empty,
            plugin = Empty,
            plugin_ms = Empty,
            proxy = Empty,
            rule = Empty,
            status = Empty,
            duration_ms = Empty,
        );
        Exchange {
            span,
            started: Instant::now(),
            logged: self.enabled && !self.skipped.contains(path),
            ended: false,
            status: None,
            bytes: 0,
            open: None,
        }
    }
}

impl Exchange {
    /// The request's span.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Bytes of the response's body so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts bytes of the response's body.
    pub fn add_bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// Counts it as open until it ends.
    #[must_use]
    pub(crate) fn counted(mut self, open: Option<Open>) -> Self {
        self.open = open;
        self
    }

    /// The response has a head.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// This request gets no line.
    pub fn silence(&mut self) {
        self.logged = false;
    }

    /// The response's body broke off.
    pub fn broke_off(&mut self, error: &(dyn StdError + 'static)) {
        if !self.ended {
            let error = chain(error);
            tracing::error!(target: "cuttle", parent: &self.span, error, "response broke off");
        }
        self.finish(Outcome::Aborted);
    }

    /// The response has ended. Only the first call counts.
    pub fn finish(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let status = self.status.map_or(CLIENT_CLOSED, |status| status.as_u16());
        if let Some(open) = self.open.take() {
            open.end(status);
        }
        if !self.logged {
            return;
        }
        self.span.record(fields::STATUS, status);
        self.span
            .record(fields::DURATION_MS, milliseconds(self.started.elapsed()));
        let (bytes, outcome) = (self.bytes, outcome.as_str());
        tracing::info!(target: "access", parent: &self.span, bytes, outcome, "request");
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(Outcome::ClientGone);
    }
}

/// With microseconds as decimals.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
