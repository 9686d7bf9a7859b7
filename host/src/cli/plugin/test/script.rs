//! The outside world of a case: a script instead of a network.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cuttle_egress::Body;
use cuttle_plugin::{Exchanged, Observer, Onward, PluginFailure, Route, Spent};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Empty, Full};
use tokio::task::JoinHandle;

use crate::cases::{self, Answer, Content, Exchange, Fields, NEXT, OUTBOUND};

/// Answers what the case has an answer for, and remembers everything.
pub(super) struct Script {
    exchanges: Vec<Exchange>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: Vec<Running>,
    spent: Option<Spent>,
}

/// A request whose body may still be on its way.
struct Running {
    call: Call,
    body: JoinHandle<Option<Bytes>>,
}

/// A request that the plugin has sent.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) via: String,
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
    /// `None`: it broke off.
    pub(super) body: Option<Bytes>,
    /// Place in the case, if it is expected.
    pub(super) exchange: Option<usize>,
}

impl Script {
    pub(super) fn new(exchanges: &[Exchange]) -> Self {
        Self {
            exchanges: exchanges.to_vec(),
            seen: Mutex::default(),
        }
    }

    /// Everything that was sent, and what the call has used up.
    pub(super) async fn finish(&self) -> (Vec<Call>, Option<Spent>) {
        let seen = std::mem::take(&mut *self.lock());
        let mut calls = Vec::with_capacity(seen.calls.len());
        for Running { mut call, body } in seen.calls {
            call.body = body.await.ok().flatten();
            calls.push(call);
        }
        (calls, seen.spent)
    }

    /// The first exchange that fits and has not been used, and its answer.
    fn next(&self, call: &mut Call, seen: &Seen) -> Result<Response<Body>, PluginFailure> {
        let used = |index| {
            let mut calls = seen.calls.iter();
            calls.any(|running| running.call.exchange == Some(index))
        };
        let mut exchanges = self.exchanges.iter().enumerate();
        let found = exchanges.find(|(index, one)| !used(*index) && fits(one, call));
        let Some((index, exchange)) = found else {
            let why = format!("the case has no answer for {}", call.line());
            return Err(PluginFailure::Other(why));
        };
        call.exchange = Some(index);
        answer(&exchange.answer)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Script {
    fn exchange<'a>(
        &'a self,
        request: Request<Body>,
        route: Route<'a>,
        _: Onward<'a>,
    ) -> Exchanged<'a> {
        let (parts, body) = request.into_parts();
        let mut call = Call {
            via: via(route),
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            headers: parts.headers,
            ..Call::default()
        };
        let mut seen = self.lock();
        let answer = self.next(&mut call, &seen);
        // Beside the plugin: it may go on writing the body when it has the answer.
        let body = tokio::spawn(collect(body));
        seen.calls.push(Running { call, body });
        Box::pin(async move { answer })
    }

    fn ended(&self, spent: Spent) {
        self.lock().spent = Some(spent);
    }
}

impl Call {
    /// As the case would write it.
    pub(super) fn line(&self) -> String {
        format!("{} {} via {}", self.method, self.uri, self.via)
    }
}

fn via(route: Route<'_>) -> String {
    match route {
        Route::ForwardProxy(address) => address.to_owned(),
        Route::Next => NEXT.to_owned(),
        _ => OUTBOUND.to_owned(),
    }
}

fn fits(exchange: &Exchange, call: &Call) -> bool {
    let method = exchange.method.as_ref();
    let uri = exchange.uri.as_ref();
    exchange.via() == call.via
        && method.is_none_or(|method| *method == call.method)
        && uri.is_none_or(|uri| normal(uri) == call.uri)
}

/// `http://a` is `http://a/`.
fn normal(uri: &str) -> String {
    uri.parse::<Uri>()
        .map_or_else(|_| uri.to_owned(), |uri| uri.to_string())
}

fn answer(answer: &Answer) -> Result<Response<Body>, PluginFailure> {
    if let Some(error) = &answer.error {
        return Err(cases::failure(error).unwrap_or_else(PluginFailure::Other));
    }
    response(answer).map_err(|why| PluginFailure::Other(format!("answer of the case: {why}")))
}

fn response(answer: &Answer) -> Result<Response<Body>, String> {
    let mut response = Response::new(body(answer.body.as_ref())?);
    *response.status_mut() = answer
        .status
        .unwrap_or(200)
        .try_into()
        .map_err(|_| "that is no status".to_owned())?;
    *response.headers_mut() = headers(&answer.headers)?;
    Ok(response)
}

/// A body with this content.
pub(super) fn body(content: Option<&Content>) -> Result<Body, String> {
    Ok(match content {
        None => Empty::new().map_err(|never| match never {}).boxed_unsync(),
        Some(content) => Full::new(content.bytes()?)
            .map_err(|never| match never {})
            .boxed_unsync(),
    })
}

/// The fields of a message.
pub(super) fn headers(fields: &Fields) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in fields {
        let wrong = || format!("field `{name}` cannot be sent");
        for value in values.as_slice() {
            let name = name.parse::<HeaderName>().map_err(|_| wrong())?;
            let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            headers.append(name, value);
        }
    }
    Ok(headers)
}

/// All of `body`; nothing if it breaks off.
pub(super) async fn collect(body: Body) -> Option<Bytes> {
    Some(body.collect().await.ok()?.to_bytes())
}
