//! One attempt at a hop: a request along a route, and at most one repetition.

use std::{error::Error as _, future::pending, io, sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING},
};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

use crate::{
    body::{Body, Download, Upload, UploadState, empty},
    connect::Connector,
    counters::Tally,
    error::{Error, ErrorKind},
    fields,
    phase::{Phase, Progress},
    pool::{Connection, Host, Lease, Pool},
    route::Route,
};

/// What makes hops: connections, old and new.
pub(crate) struct Sender {
    pub(crate) connector: Connector,
    pub(crate) pool: Arc<Pool>,
    pub(crate) tally: Tally,
    pub(crate) response_header_timeout: Option<Duration>,
    pub(crate) disable_keep_alives: bool,
}

/// A request without its target: cleaned fields, which are the same on every hop.
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

/// A hop under way.
pub(crate) struct Hop<'a> {
    pub(crate) sender: &'a Sender,
    pub(crate) route: &'a Arc<Route>,
    pub(crate) progress: &'a Progress,
    pub(crate) deadline: Instant,
}

/// Why there is no response, and the request where it may be sent again.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The request, if nothing of it was written.
    pub(crate) unsent: Option<Upload>,
    /// The connection ended without a byte of a response.
    pub(crate) hung_up: bool,
}

impl Hop<'_> {
    /// Sends the request on a connection from the pool, or on a new one.
    pub(crate) async fn run(
        &self,
        head: &mut Head,
        body: Body,
        last: bool,
    ) -> Result<Response<Body>, Failure> {
        let pool = &self.sender.pool;
        let host = pool.host(self.route.key());
        host.budget().deposit();
        let Some(old) = pool.take(&host).await else {
            return self.on_new(host, head, Upload::new(body), last).await;
        };
        // The peer may have closed it just now, which is no fault of the request.
        let repeatable = body.is_end_stream() && head.method.is_idempotent();
        let request = self.request(head, Upload::new(body), old.is_http2(), false)?;
        match self.exchange(old, Arc::clone(&host), request).await {
            Err(Failure {
                unsent: Some(unsent),
                ..
            }) => self.on_new(host, head, unsent, last).await,
            Err(failure) if failure.hung_up && repeatable && self.may_repeat(&host) => {
                let nothing = Upload::new(empty());
                self.on_new(host, head, nothing, last).await
            }
            // The proxy may have been right to close a connection after a while.
            outcome => outcome.map_err(|failure| failure.error.into()),
        }
    }

    /// Whether there is a repetition to be had; it counts as made.
    fn may_repeat(&self, host: &Host) -> bool {
        let tally = &self.sender.tally;
        let granted = host.budget().withdraw();
        if granted {
            tally.repetitions.add();
        } else {
            tally.repetitions_refused.add();
        }
        granted
    }

    async fn on_new(
        &self,
        host: Arc<Host>,
        head: &mut Head,
        upload: Upload,
        last: bool,
    ) -> Result<Response<Body>, Failure> {
        // Most requests make no connection: they need not carry the room for it.
        let connection = match Box::pin(self.connect()).await {
            Ok(connection) => connection,
            Err(error) => {
                return Err(Failure {
                    unsent: Some(upload),
                    ..Failure::from(error)
                });
            }
        };
        self.sender.pool.share(&host, &connection);
        let request = self.request(head, upload, connection.is_http2(), last)?;
        self.exchange(connection, host, request).await
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let connector = &self.sender.connector;
        let io = connector.connect(self.route, self.progress).await?;
        self.sender.tally.connections.add();
        Connection::start(io).await.map_err(|error| {
            self.failed(ErrorKind::Connect, "no connection to")
                .caused_by(error)
        })
    }

    /// The request as this hop's peer wants it.
    fn request(
        &self,
        head: &mut Head,
        upload: Upload,
        http2: bool,
        last: bool,
    ) -> Result<Request<Upload>, Error> {
        let mut request = Request::new(upload);
        *request.method_mut() = head.method.clone();
        *request.headers_mut() = if last {
            std::mem::take(&mut head.headers)
        } else {
            head.headers.clone()
        };
        if http2 {
            self.write_for_http2(&mut request)?;
        } else {
            self.write_for_http1(&mut request)?;
        }
        Ok(request)
    }

    fn write_for_http1(&self, request: &mut Request<Upload>) -> Result<(), Error> {
        let target = self.route.target();
        let headers = request.headers_mut();
        headers.insert(HOST, target.host_field()?);
        fields::frame(request);
        let headers = request.headers_mut();
        if self.sender.disable_keep_alives {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let Some(proxy) = self.route.forwarder() else {
            *request.uri_mut() = target.origin_form();
            return Ok(());
        };
        if let Some(credentials) = proxy.identity().authorization() {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        *request.uri_mut() = target.absolute_form()?;
        Ok(())
    }

    /// Never for a proxy that reads the request: it is spoken with targets only.
    fn write_for_http2(&self, request: &mut Request<Upload>) -> Result<(), Error> {
        fields::frame(request);
        // Frames have ends of their own, and `:authority` says what `Host` would.
        request.headers_mut().remove(TRANSFER_ENCODING);
        *request.uri_mut() = self.route.target().absolute_form()?;
        *request.version_mut() = Version::HTTP_2;
        Ok(())
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
            let unsent = failure.take_message().map(Request::into_body);
            let error = self.classify(failure.into_error(), upload.as_deref());
            let hung_up = error.kind() == ErrorKind::Closed && connection.received() == silent_at;
            Failure {
                error,
                unsent,
                hung_up,
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
        if !fields::is_decoded(&parts.headers) {
            let what = "a transfer coding that is not `chunked` from";
            return Err(self.failed(ErrorKind::Protocol, what));
        }
        let close = fields::clean_response(&mut parts.headers);
        let reusable =
            !close && !self.sender.disable_keep_alives && parts.version == Version::HTTP_11;
        // How the target was spoken to is no concern of the client.
        parts.version = Version::HTTP_11;
        parts.extensions.insert(self.route.via());
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
            unsent: None,
            hung_up: false,
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
