//! HTTP/2 connections to targets, shared by the requests of one key.
//!
//! A connection is closed after the pool's idle time without a request, and
//! with the pool. Of several that were made at the same time, the first is
//! kept, and the others end with their request.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::{
    body::Upload,
    connect::{BoxedIo, connection_span},
};

/// Requests at a time on one connection; more get another one. Targets that
/// allow fewer let the others wait their turn.
const STREAM_LIMIT: usize = 100;
/// What the target may send ahead of its reader.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// All together: a body that nobody reads never stops another one.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAM_LIMIT as u32;
/// Limit for the head of a response, as with HTTP/1.1.
const HEAD_LIMIT: u32 = 256 * 1024;
/// A connection with requests is asked for a sign of life this often, and
/// given up when none comes for as long again.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// A place for one request.
pub(crate) struct Http2 {
    shared: Arc<Shared>,
    sender: http2::SendRequest<Upload>,
}

/// The connection as all of its users see it. It ends with the last of them.
pub(super) struct Shared {
    sender: http2::SendRequest<Upload>,
    requests: AtomicUsize,
    /// When the last request ended.
    since: Mutex<Instant>,
}

impl Http2 {
    /// Starts HTTP/2 on `io`.
    pub(super) async fn start(io: BoxedIo) -> hyper::Result<Self> {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_LIMIT)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL)
            .handshake(TokioIo::new(io))
            .await?;
        let driver = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP/2 connection ended");
            }
        };
        tokio::spawn(driver.instrument(connection_span()));
        Ok(Shared::place(&Arc::new(Shared {
            sender,
            requests: AtomicUsize::new(0),
            since: Mutex::new(Instant::now()),
        })))
    }

    pub(super) fn send(
        &mut self,
        request: Request<Upload>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<>
    {
        self.sender.try_send_request(request)
    }

    /// The connection, for others.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        let shared = &self.shared;
        *shared.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        shared.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// A place on `this`, whatever its load.
    fn place(this: &Arc<Self>) -> Http2 {
        this.requests.fetch_add(1, Ordering::Relaxed);
        Http2 {
            sender: this.sender.clone(),
            shared: Arc::clone(this),
        }
    }

    /// A place on `this`, if one is free.
    pub(super) fn free_place(this: &Arc<Self>) -> Option<Http2> {
        let place = Self::place(this);
        // The place itself is counted already.
        let taken = this.requests.load(Ordering::Relaxed);
        (taken <= STREAM_LIMIT).then_some(place)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) fn is_idle_for(&self, limit: Duration) -> bool {
        let since = self.since.lock();
        self.requests.load(Ordering::Relaxed) == 0
            && since.unwrap_or_else(PoisonError::into_inner).elapsed() >= limit
    }
}
