//! Outgoing requests of standard components.

use std::{
    mem::discriminant,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    task::{Context, Poll},
};

use bytes::Bytes;
use cuttle_egress::{Body, BoxError, Via};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::failure::{body_error, send_error};
use crate::{
    PluginFailure, host,
    observer::Route,
    state::{Call, Site},
};

/// Requests of one call that may wait for their response at a time. A plugin of
/// the contract waits for one after the other.
const MAX_WAITING: usize = 32;
/// Largest piece of a body that a guest writes at once. The gateway holds two of
/// them for each body, so that all bodies that the handles of an instance allow
/// are about as much as its memory.
const PIECE: usize = 64 << 10;

type Sent = Result<(Response<WasiBody>, BoxFuture<Result<(), Error>>), Error>;
type BoxFuture<T> = Box<dyn Future<Output = T> + Send>;

/// What one instance sends with.
pub(crate) struct Hooks {
    site: Arc<Site>,
    /// `None` while there is no call.
    at_work: Option<AtWork>,
}

struct AtWork {
    journey: Arc<Journey>,
    /// Nobody else has one: when it is gone, the guest writes no more.
    guest: Arc<()>,
}

/// One call on its way: what it may do, and what became of its requests.
pub(crate) struct Journey {
    call: Call,
    waiting: Arc<Semaphore>,
    via: OnceLock<Via>,
    /// The last failure of each code that the guest was told.
    failures: Mutex<Vec<(Error, PluginFailure)>>,
}

impl Hooks {
    pub(crate) fn new(site: &Arc<Site>) -> Self {
        Self {
            site: Arc::clone(site),
            at_work: None,
        }
    }

    /// From now on the guest may send.
    pub(crate) fn begin_call(&mut self, call: Call) -> Arc<Journey> {
        let journey = Arc::new(Journey {
            call,
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            via: OnceLock::new(),
            failures: Mutex::default(),
        });
        self.at_work = Some(AtWork {
            journey: Arc::clone(&journey),
            guest: Arc::default(),
        });
        journey
    }

    pub(crate) fn end_call(&mut self) {
        self.at_work = None;
    }

    /// The request with what it needs to leave, or why it may not.
    fn prepare(&self, request: Request<WasiBody>) -> Result<Departure, Error> {
        let at_work = self.at_work.as_ref().ok_or(Error::HttpRequestDenied)?;
        // It would end up in logs, and is no part of an `http` URI (RFC 9110,
        // section 4.2.4).
        let authority = request.uri().authority();
        if authority.is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(Error::HttpRequestUriInvalid);
        }
        let journey = Arc::clone(&at_work.journey);
        let permit = Arc::clone(&journey.waiting).try_acquire_owned();
        let guest = Arc::downgrade(&at_work.guest);
        Ok(Departure {
            site: Arc::clone(&self.site),
            journey,
            request: request.map(|inner| Upload { inner, guest }.boxed_unsync()),
            _permit: permit.map_err(|_| Error::ConnectionLimitReached)?,
        })
    }
}

impl Journey {
    /// The way of its first response.
    pub(crate) fn via(&self) -> Option<Via> {
        self.via.get().cloned()
    }

    /// The failure behind `returned`, if that is what the guest was told of a
    /// request. Otherwise it is the guest's own.
    pub(crate) fn failure(&self, returned: &Error) -> Option<PluginFailure> {
        let failures = self.lock();
        let mut of_code = failures
            .iter()
            .filter(|(told, _)| same_code(told, returned));
        of_code.next().map(|(_, failure)| failure.clone())
    }

    /// Says what the guest is told. The code says little: the text is kept for
    /// the error of the call.
    fn tell(&self, failure: PluginFailure) -> Error {
        let error = send_error(&failure);
        let mut failures = self.lock();
        failures.retain(|(told, _)| !same_code(told, &error));
        failures.push((send_error(&failure), failure));
        error
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Error, PluginFailure)>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WasiHttpHooks for Hooks {
    /// The client says where a request goes.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: BoxFuture<Result<(), Error>>,
    ) -> BoxFuture<Sent> {
        let departure = self.prepare(request);
        Box::new(async move { departure?.send(options.unwrap_or_default()).await })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }
}

/// A request that is ready to leave.
struct Departure {
    site: Arc<Site>,
    journey: Arc<Journey>,
    request: Request<Body>,
    _permit: OwnedSemaphorePermit,
}

impl Departure {
    /// Sends it. Of the options the times for the connection and the first byte
    /// count, as one; the deadline of the call is above them.
    async fn send(self, options: RequestOptions) -> Sent {
        let Self {
            site,
            journey,
            request,
            _permit,
        } = self;
        let sending = host::dispatch(&site, &journey.call, request, (&site.way, Route::Outbound));
        let sent = match options.first_byte_timeout {
            Some(first_byte) => {
                let limit = first_byte.saturating_add(options.connect_timeout.unwrap_or_default());
                let sent = timeout(limit, sending).await;
                sent.map_err(|_| Error::ConnectionReadTimeout)?
            }
            None => sending.await,
        };
        let response = sent.map_err(|error| journey.tell(host::plugin_failure(error)))?;
        if let Some(via) = response.extensions().get::<Via>() {
            // The first one counts.
            let _ = journey.via.set(via.clone());
        }
        let response = response.map(|body| body.map_err(body_error).boxed_unsync());
        Ok((response, Box::new(async { Ok(()) })))
    }
}

fn same_code(one: &Error, other: &Error) -> bool {
    discriminant(one) == discriminant(other)
}

/// A body that a guest writes while it is sent. One whose guest is gone would
/// look finished.
struct Upload {
    inner: WasiBody,
    guest: Weak<()>,
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(None) if this.guest.strong_count() == 0 => {
                Poll::Ready(Some(Err("the plugin ended in the middle of it".into())))
            }
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
