//! One hop: a request along a route, and at most one repetition.

use std::{error::Error as _, future::pending, io, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, HOST, PROXY_AUTHORIZATION},
};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    body::{Body, Download, Upload, UploadState, empty},
    connect::Connector,
    error::{Error, ErrorKind},
    fields,
    phase::{Phase, Progress},
    pool::{Connection, Host, Lease, Pool},
    route::Route,
    settings::Via,
};

/// What makes hops: connections, old and new.
pub(crate) struct Sender {
    pub(crate) connector: Connector,
    pub(crate) pool: Arc<Pool>,
    pub(crate) response_header_timeout: Option<Duration>,
    pub(crate) disable_keep_alives: bool,
}

/// A request without its target: cleaned fields, which are the same on every hop.
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

impl Sender {
    /// Sends one request along `route` and returns with the head of its
    /// response. `last`: `head` is not needed again.
    pub(crate) async fn hop(
        &self,
        head: &mut Head,
        body: Body,
        route: Arc<Route>,
        deadline: Instant,
        last: bool,
    ) -> Result<Response<Body>, Error> {
        let progress = Progress::new();
        let hop = Hop {
            sender: self,
            route: &route,
            progress: &progress,
            deadline,
        };
        match timeout_at(deadline, hop.run(head, body, last)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let text = format!("no response from {route} in time ({progress})");
                Err(Error::new(ErrorKind::Timeout, text))
            }
        }
    }
}

/// A hop under way.
struct Hop<'a> {
    sender: &'a Sender,
    route: &'a Arc<Route>,
    progress: &'a Progress,
    deadline: Instant,
}

/// A failed exchange, and the request where it may be sent again.
struct Failure {
    error: Error,
    /// The request, if nothing of it was written.
    again: Option<Request<Upload>>,
    /// The connection ended without a byte of a response.
    stale: bool,
}

impl Hop<'_> {
    async fn run(&self, head: &mut Head, body: Body, last: bool) -> Result<Response<Body>, Error> {
        let pool = &self.sender.pool;
        let host = pool.host(self.route.key());
        let Some(old) = pool.take(&host).await else {
            let request = self.request(head, body, last)?;
            return self.on_new(host, request).await;
        };
        // The peer may have closed it just now, which is no fault of the request.
        let repeatable = body.is_end_stream() && head.method.is_idempotent();
        let request = self.request(head, body, last && !repeatable)?;
        match self.exchange(old, Arc::clone(&host), request).await {
            Ok(response) => Ok(response),
            Err(Failure {
                again: Some(request),
                ..
            }) => self.on_new(host, request).await,
            Err(Failure { stale: true, .. }) if repeatable => {
                let request = self.request(head, empty(), last)?;
                self.on_new(host, request).await
            }
            Err(failure) => Err(failure.error),
        }
    }

    async fn on_new(
        &self,
        host: Arc<Host>,
        request: Request<Upload>,
    ) -> Result<Response<Body>, Error> {
        let io = self
            .sender
            .connector
            .connect(self.route, self.progress)
            .await?;
        let connection = Connection::start(io).await.map_err(|error| {
            self.failed(ErrorKind::Connect, "no connection to")
                .caused_by(error)
        })?;
        let outcome = self.exchange(connection, host, request).await;
        outcome.map_err(|failure| failure.error)
    }

    /// The request as this hop's peer wants it.
    fn request(&self, head: &mut Head, body: Body, last: bool) -> Result<Request<Upload>, Error> {
        let target = self.route.target();
        let mut headers = if last {
            std::mem::take(&mut head.headers)
        } else {
            head.headers.clone()
        };
        headers.insert(HOST, target.host_field()?);
        fields::frame(&head.method, &mut headers, &body);
        if self.sender.disable_keep_alives {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut request = Request::new(Upload::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = target.origin_form();
        if let Some(proxy) = self.route.forwarder() {
            *request.uri_mut() = target.absolute_form()?;
            if let Some(credentials) = proxy.identity().authorization() {
                headers.insert(PROXY_AUTHORIZATION, credentials.clone());
            }
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        host: Arc<Host>,
        request: Request<Upload>,
    ) -> Result<Response<Body>, Failure> {
        self.progress.enter(Phase::Response);
        let upload = request.body().state();
        let silent_at = connection.received();
        let sent = connection.send(request);
        let response = tokio::select! {
            biased;
            outcome = sent => outcome,
            () = self.head_overdue(upload.as_deref()) => {
                return Err(self.failed(ErrorKind::Timeout, "no head of a response in time from").into());
            }
        };
        let response = response.map_err(|mut failure| {
            let again = failure.take_message();
            let error = self.classify(failure.into_error(), upload.as_deref());
            let stale = error.kind() == ErrorKind::Closed && connection.received() == silent_at;
            Failure {
                error,
                again,
                stale,
            }
        })?;
        let lease = Lease {
            connection,
            host,
            pool: Arc::clone(&self.sender.pool),
        };
        self.accept(response, lease, upload).map_err(Failure::from)
    }

    /// Ends when the head of the response is overdue, counted from the end of
    /// the request.
    async fn head_overdue(&self, upload: Option<&UploadState>) {
        let Some(limit) = self.sender.response_header_timeout else {
            return pending().await;
        };
        if let Some(upload) = upload {
            upload.finished().await;
        }
        sleep(limit).await;
    }

    /// Makes the peer's response one for the caller.
    fn accept(
        &self,
        response: Response<Incoming>,
        lease: Lease,
        upload: Option<Arc<UploadState>>,
    ) -> Result<Response<Body>, Error> {
        let (mut parts, incoming) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.failed(
                ErrorKind::Protocol,
                "101 without being asked for an upgrade from",
            ));
        }
        if let Some(proxy) = self.route.forwarder()
            && parts.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        {
            let text = format!(
                "proxy {} refused the request with status 407",
                proxy.label()
            );
            return Err(Error::new(ErrorKind::ProxyStatus(407), text));
        }
        let close = fields::clean_response(&mut parts.headers);
        let reusable =
            !close && !self.sender.disable_keep_alives && parts.version == Version::HTTP_11;
        parts.extensions.insert(Via(self.route.via()));
        let route = Arc::clone(self.route);
        let body = Download::body(incoming, lease, reusable, upload, route, self.deadline);
        Ok(Response::from_parts(parts, body))
    }

    /// Why there is no response.
    fn classify(&self, error: hyper::Error, upload: Option<&UploadState>) -> Error {
        if let Some(cause) = upload.and_then(UploadState::take_error) {
            let text = "the body of the request broke off";
            return Error::new(ErrorKind::RequestBody, text).caused_by(cause);
        }
        let (kind, what) = if error.is_parse() {
            (ErrorKind::Protocol, "a response that is not HTTP from")
        } else if error.is_user() || error.is_body_write_aborted() {
            (
                ErrorKind::RequestBody,
                "a body that does not fit its length, to",
            )
        } else if is_tls(&error) {
            (ErrorKind::Tls, "TLS failed with")
        } else {
            (
                ErrorKind::Closed,
                "the connection was closed before a response by",
            )
        };
        self.failed(kind, what).caused_by(error)
    }

    fn failed(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("{what} {}", self.route))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            again: None,
            stale: false,
        }
    }
}

/// Whether TLS itself failed, such as by an alert about the client's
/// certificate, which in TLS 1.3 comes after the handshake.
fn is_tls(error: &hyper::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>())
        {
            return true;
        }
        cause = error.source();
    }
    false
}
