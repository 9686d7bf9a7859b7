//! Modifiers of answers that are data.
//!
//! A modifier sees data as JSON. The text is written when it is read: one that
//! only sets fields costs no encoding. Only what was replaced is decoded again.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
    response,
};
use http_body::Frame;
use http_body_util::{BodyExt, Full};

use crate::{
    Body, BoxError, Failure, FailureKind, Modifier, PassingResponse, Verdict,
    aggregate::offload::{SMALL, offload},
    data::{Document, Kind, MAX_DEPTH, decode_json},
    deadline::Deadline,
    decode::read_body,
};

use super::{Flow, Original, Stage, shown};

/// An answer made of data, on its way through modifiers.
pub(crate) struct DataAnswer {
    /// Its root is an object, or null.
    pub(crate) data: Document,
    pub(crate) complete: bool,
    pub(crate) head: Option<Box<Head>>,
}

/// What modifiers have set beside the data.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    status: StatusCode,
    headers: HeaderMap,
}

impl Stage {
    /// Shows data to those who want it; `partial` data to those who want it
    /// even so. What is set in its place may have `limit` bytes.
    pub(crate) async fn data(
        &self,
        answer: DataAnswer,
        partial: bool,
        original: Option<&Original>,
        (deadline, limit): (Deadline, usize),
    ) -> Result<Flow<DataAnswer>, Failure> {
        let mut passing = Passing {
            data: Arc::new(answer.data),
            complete: answer.complete,
            head: answer.head,
        };
        let wants = |one: &&Arc<dyn Modifier>| {
            let hooks = one.hooks();
            hooks.response && (hooks.partial || !partial)
        };
        for modifier in self.modifiers.iter().filter(wants) {
            let response = passing.show().await?;
            let original = shown(modifier, original);
            let verdict = modifier.modify_response(response, original, deadline.at);
            match verdict.await? {
                Verdict::Proceed(next) => passing.take(next, limit, modifier.name()).await?,
                Verdict::Answer(response) => return Ok(Flow::Answer(response)),
                Verdict::Refuse(refusal) => return Err(refusal.into()),
            }
        }
        Ok(Flow::Proceed(DataAnswer {
            data: Arc::unwrap_or_clone(passing.data),
            complete: passing.complete,
            head: passing.head,
        }))
    }
}

struct Passing {
    /// Shared with the body that a modifier holds.
    data: Arc<Document>,
    complete: bool,
    head: Option<Box<Head>>,
}

impl Passing {
    async fn show(&mut self) -> Result<PassingResponse, Failure> {
        let mut response = Response::new(self.body().await?);
        if let Some(head) = self.head.take() {
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers;
        }
        Ok(PassingResponse {
            response,
            complete: self.complete,
            replaced: false,
        })
    }

    /// Large data are written on another thread, whether read or not.
    async fn body(&self) -> Result<Body, Failure> {
        let (size, data) = (self.data.size(), Arc::clone(&self.data));
        if size <= SMALL {
            return Ok(Unwritten(Some(data)).boxed_unsync());
        }
        let text = offload(size, move || text(&data)).await?;
        Ok(Full::new(text)
            .map_err(|never| match never {})
            .boxed_unsync())
    }

    async fn take(&mut self, next: PassingResponse, limit: usize, by: &str) -> Result<(), Failure> {
        self.complete = next.complete;
        let (head, body) = next.response.into_parts();
        if next.replaced {
            self.data = Arc::new(replaced(body, limit, by).await?);
        }
        self.head = Head::of(head);
        Ok(())
    }
}

/// What a modifier has set in place of data.
async fn replaced(body: Body, limit: usize, by: &str) -> Result<Document, Failure> {
    let unusable = |why: BoxError| {
        let why = format!("modifier `{by}` has set data that cannot be used: {why}");
        Failure::new(FailureKind::Plugin, why)
    };
    let text = read_body(body, &HeaderMap::new(), limit).await;
    let text = text.map_err(|error| unusable(error.into()))?;
    let decoded = offload(text.len(), move || decode_json(&text, MAX_DEPTH)).await?;
    let data = decoded.map_err(|error| unusable(error.into()))?;
    match data.kind(data.root()) {
        Kind::Object | Kind::Null => Ok(data),
        _ => Err(unusable("it is no JSON object".into())),
    }
}

fn text(data: &Document) -> Bytes {
    let mut text = Vec::new();
    data.write_json(data.root(), &mut text);
    text.into()
}

/// Data that are written when somebody reads them.
struct Unwritten(Option<Arc<Document>>);

impl http_body::Body for Unwritten {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let data = self.0.take();
        Poll::Ready(data.map(|data| Ok(Frame::data(text(&data)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

impl Head {
    /// `None` if nothing is set. Fields about the body are the gateway's: it
    /// writes the body.
    fn of(parts: response::Parts) -> Option<Box<Self>> {
        let mut headers = parts.headers;
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_ENCODING);
        let set = parts.status != StatusCode::OK || !headers.is_empty();
        set.then(|| {
            Box::new(Self {
                status: parts.status,
                headers,
            })
        })
    }

    /// Sets status and fields; a field replaces one of the gateway's.
    pub(crate) fn apply(self, response: &mut Response<Body>) {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let mut current = None;
        // A name comes with the first of its values.
        for (name, value) in self.headers {
            match (name, &current) {
                (Some(name), _) => {
                    headers.insert(name.clone(), value);
                    current = Some(name);
                }
                (None, Some(name)) => {
                    headers.append(name.clone(), value);
                }
                (None, None) => {}
            }
        }
    }
}
