//! One backend whose answer is read: status, decoding, manipulation.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cuttle_config::{Backend, BackendErrors, Encoding, Endpoint};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT_ENCODING, CONTENT_TYPE},
};

use super::{Performed, offload::offload, sequential::MAX_VALUE};
use crate::{
    BackendAnswer, Body, ExplainedCall, Failure, FailureKind, Inbound, PassingRequest, Settings,
    backend::BackendCall,
    copies::Copies,
    data::Document,
    deadline::Deadline,
    decode::{BodyError, Decoder, read_body},
    explain::Arrived,
    manipulate::Manipulator,
    modify::{DataAnswer, Flow, Head, Stage},
    race::race,
};

/// A backend of an endpoint whose answers are made of data.
pub(super) struct Source {
    position: usize,
    call: BackendCall,
    calls: u32,
    reading: Reading,
    errors: BackendErrors,
    /// Method and pattern, for messages.
    label: String,
    asks_gzip: bool,
    settings: Settings,
}

/// What becomes of an answer's body.
enum Reading {
    /// Nothing: a no-op backend among others gives no data.
    NoOp,
    /// It is kept for later URLs, and is no data either.
    Body,
    /// Data.
    Data(Arc<DataReading>),
}

struct DataReading {
    decoder: Decoder,
    manipulator: Manipulator,
    /// What follows a whole JSON value does not matter, and so neither does an
    /// end that is missing.
    forgiving: bool,
}

/// What a backend has given.
pub(super) struct Part {
    /// Its root is an object, or null for an answer without data.
    pub(super) data: Document,
    /// Whether that is all it should give.
    pub(super) complete: bool,
    /// Of a no-op backend, where it is needed.
    pub(super) body: Option<Bytes>,
    /// What modifiers have set.
    pub(super) head: Option<Box<Head>>,
}

/// Values of earlier answers, by the names of their placeholders.
pub(super) type Responses = [(Arc<str>, String)];

const GZIP: HeaderValue = HeaderValue::from_static("gzip");

impl Source {
    pub(super) fn new(endpoint: &Endpoint, settings: Settings, performed: Performed<'_>) -> Self {
        let Performed {
            position, backend, ..
        } = performed;
        let pattern = backend.url_pattern.text.as_str();
        let path = pattern.split_once('?').map_or(pattern, |(path, _)| path);
        Self {
            position,
            call: BackendCall::new(endpoint, performed),
            calls: endpoint.concurrent_calls,
            reading: Reading::of(backend),
            errors: backend.errors.clone(),
            label: format!("{} {path}", backend.method),
            // A plugin is given what its author can read.
            asks_gzip: settings.compression
                && backend.plugin.is_none()
                && backend.encoding != Encoding::NoOp,
            settings,
        }
    }

    /// The same, with the body of a no-op backend kept if it is `needed`.
    pub(super) fn keeping_body(mut self, needed: bool) -> Self {
        if let (true, Reading::NoOp) = (needed, &self.reading) {
            self.reading = Reading::Body;
        }
        self
    }

    /// In the endpoint's list.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Whether `concurrent_calls` has it called several times.
    pub(super) fn is_repeated(&self) -> bool {
        self.calls > 1
    }

    /// Calls the backend, as often as `concurrent_calls` says, and reads its
    /// answer. The caller keeps the deadline.
    pub(super) async fn fetch(
        &self,
        inbound: Inbound,
        responses: &Responses,
        deadline: Deadline,
    ) -> Result<Part, Failure> {
        if !self.is_repeated() {
            return self.once(inbound, responses, deadline).await;
        }
        let mut copies = Copies::with_body(inbound, self.settings.body_copy).await?;
        let complete = |part: &Part| part.complete;
        race(self.calls, deadline, complete, || {
            self.once(copies.next(), responses, deadline)
        })
        .await
    }

    async fn once(
        &self,
        inbound: Inbound,
        responses: &Responses,
        deadline: Deadline,
    ) -> Result<Part, Failure> {
        if let Some(modifiers) = self.call.modifiers() {
            // Of no weight where there are none.
            let modified = self.modified(modifiers, inbound, responses, deadline);
            return Box::pin(modified).await;
        }
        let request = self.call.request(inbound, responses).await?;
        let url = request.uri().clone();
        let response = self.exchange(request, deadline).await?;
        self.read(response, &url).await
    }

    async fn modified(
        &self,
        modifiers: &Stage,
        inbound: Inbound,
        responses: &Responses,
        deadline: Deadline,
    ) -> Result<Part, Failure> {
        let params = [inbound.params.as_slice(), responses].concat();
        let request = self.call.request(inbound, responses).await?;
        let url = request.uri().clone();
        let passing = PassingRequest { request, params };
        let (request, original) = match modifiers.request(passing, deadline).await? {
            Flow::Proceed((passing, original)) => (passing.request, original),
            Flow::Answer(response) => return self.read(response, &url).await,
        };
        let (url, original) = (request.uri().clone(), original.as_ref());
        let response = self.exchange(request, deadline).await?;
        if !matches!(self.reading, Reading::Data(_)) {
            let response = modifiers.message(response, original, deadline).await?;
            return self.read(response, &url).await;
        }
        let part = self.read(response, &url).await?;
        let limits = (deadline, self.settings.decoded_body);
        match modifiers.data(part.into(), false, original, limits).await? {
            Flow::Proceed(answer) => Ok(answer.into()),
            Flow::Answer(response) => self.read(response, &url).await,
        }
    }

    async fn exchange(
        &self,
        mut request: Request<Body>,
        deadline: Deadline,
    ) -> Result<Response<Body>, Failure> {
        self.prepare(request.headers_mut());
        self.call.execute(request, deadline).await
    }

    /// What the answer to a request to `url` gives.
    async fn read(&self, response: Response<Body>, url: &Uri) -> Result<Part, Failure> {
        match &self.reading {
            Reading::NoOp => Ok(Part::of(Document::object())),
            Reading::Body => {
                let (head, body) = response.into_parts();
                let body = read_body(body, &head.headers, MAX_VALUE).await;
                let body = body.map_err(|error| Failure::new(FailureKind::Decode, error))?;
                Ok(Part {
                    body: Some(body),
                    ..Part::of(Document::object())
                })
            }
            Reading::Data(_) if !is_success(response.status()) => self.refused(response, url).await,
            Reading::Data(reading) => {
                let (head, body) = response.into_parts();
                let body = read_body(body, &head.headers, self.settings.decoded_body).await;
                let (size, reading) = (size(&body), Arc::clone(reading));
                offload(size, move || reading.part(&head.headers, body)).await?
            }
        }
    }

    /// Adds what this backend's answers are asked for in.
    fn prepare(&self, headers: &mut HeaderMap) {
        if self.asks_gzip {
            headers.entry(ACCEPT_ENCODING).or_insert(GZIP);
        }
    }

    /// The call that [`fetch`](Self::fetch) would make.
    pub(super) fn explain(
        &self,
        inbound: Inbound,
        arrived: Arrived<'_>,
        responses: &Responses,
        limit: Duration,
    ) -> ExplainedCall {
        let prepare = |headers: &mut HeaderMap| self.prepare(headers);
        ExplainedCall {
            backend: self.position,
            shadow: false,
            times: self.calls,
            limit,
            request: self.call.explain(inbound, arrived, responses, prepare),
        }
    }

    /// A status other than 200 and 201.
    async fn refused(&self, response: Response<Body>, url: &Uri) -> Result<Part, Failure> {
        match &self.errors {
            BackendErrors::Fail => Err(self.bad_status(response.status(), url)),
            BackendErrors::ReturnCode => {
                let failure = self.bad_status(response.status(), url);
                Err(failure.with_answer(self.answer(response).await))
            }
            BackendErrors::ReturnDetails(name) => Ok(details(name, &self.answer(response).await)),
        }
    }

    /// KrakenD's message, but without queries, which often carry keys. The URL
    /// is the one asked for; credentials of a host are no part of it.
    fn bad_status(&self, status: StatusCode, url: &Uri) -> Failure {
        let (scheme, authority) = (url.scheme_str(), url.authority());
        let text = format!(
            "invalid status code {} [{}]: {}://{}{}",
            status.as_u16(),
            self.label,
            scheme.unwrap_or("http"),
            authority.map_or("", |authority| authority.as_str()),
            url.path(),
        );
        Failure::open(FailureKind::Status, text)
    }

    /// As KrakenD: an error's body that cannot be read is an empty one.
    async fn answer(&self, response: Response<Body>) -> BackendAnswer {
        let (head, body) = response.into_parts();
        let body = read_body(body, &head.headers, self.settings.decoded_body).await;
        BackendAnswer {
            status: head.status,
            headers: HeaderMap::new(),
            content_type: head.headers.get(CONTENT_TYPE).cloned(),
            body: body.unwrap_or_default(),
        }
    }
}

/// Of data, which have no body beside them.
impl From<Part> for DataAnswer {
    fn from(part: Part) -> Self {
        Self {
            data: part.data,
            complete: part.complete,
            head: part.head,
        }
    }
}

impl From<DataAnswer> for Part {
    fn from(answer: DataAnswer) -> Self {
        Self {
            complete: answer.complete,
            head: answer.head,
            ..Self::of(answer.data)
        }
    }
}

impl Reading {
    fn of(backend: &Backend) -> Self {
        match backend.encoding {
            Encoding::NoOp => Self::NoOp,
            encoding => Self::Data(Arc::new(DataReading {
                decoder: Decoder::new(backend),
                manipulator: Manipulator::compile(&backend.manipulation),
                forgiving: matches!(encoding, Encoding::Json | Encoding::SafeJson),
            })),
        }
    }
}

impl DataReading {
    fn part(&self, headers: &HeaderMap, body: Result<Bytes, BodyError>) -> Result<Part, Failure> {
        let content_type = headers.get(CONTENT_TYPE);
        let mut data = decoded(&self.decoder, content_type, body, self.forgiving)?;
        self.manipulator.apply(&mut data);
        Ok(Part::of(data))
    }
}

/// Bytes there are to decode.
fn size(body: &Result<Bytes, BodyError>) -> usize {
    match body {
        Ok(body) | Err(BodyError::Cut { received: body, .. }) => body.len(),
        Err(_) => 0,
    }
}

impl Part {
    fn of(data: Document) -> Self {
        Self {
            data,
            complete: true,
            body: None,
            head: None,
        }
    }
}

/// Nothing but these two, as in KrakenD.
fn is_success(status: StatusCode) -> bool {
    matches!(status, StatusCode::OK | StatusCode::CREATED)
}

fn decoded(
    decoder: &Decoder,
    content_type: Option<&HeaderValue>,
    body: Result<Bytes, BodyError>,
    forgiving: bool,
) -> Result<Document, Failure> {
    let error = match body {
        Ok(body) => {
            let decoded = decoder.decode(content_type, body);
            return decoded.map_err(|error| Failure::open(FailureKind::Decode, error));
        }
        Err(error) => error,
    };
    match error {
        BodyError::Cut { received, source } => {
            let usable = forgiving && !received.is_empty();
            let decoded = usable.then(|| decoder.decode(content_type, received));
            match decoded {
                Some(Ok(data)) => Ok(data),
                _ => Err(Failure::new(FailureKind::Backend, source)),
            }
        }
        other => Err(Failure::new(FailureKind::Decode, other)),
    }
}

/// `return_error_details`: no failure but data, incomplete and not manipulated.
fn details(name: &str, answer: &BackendAnswer) -> Part {
    let mut data = Document::object();
    let status = data.number(answer.status.as_str());
    let error = data.object_node();
    data.insert(error, "http_status_code", status);
    if !answer.body.is_empty() {
        let body = data.string(&lossy(&answer.body));
        data.insert(error, "http_body", body);
    }
    let content_type = answer.content_type.as_ref();
    if let Some(text) = content_type.filter(|value| !value.is_empty()) {
        let text = data.string(&lossy(text.as_bytes()));
        data.insert(error, "http_body_encoding", text);
    }
    let root = data.root();
    data.insert(root, &format!("error_{name}"), error);
    Part {
        complete: false,
        ..Part::of(data)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
