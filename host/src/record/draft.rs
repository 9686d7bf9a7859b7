//! A case that is being written down while its call runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::SyncSender};

use cuttle_egress::Body;
use cuttle_plugin::{CallError, Exchanged, Observer, Onward, PluginFailure, Route, Spent};
use http::{Request, Response};

use super::{Place, fields, tee};
use crate::cases::{self, Answer, Case, Content, Exchange, Fields};

/// Bytes of all bodies of a case.
const MAX_BODIES: usize = 1 << 20;
/// Requests of the plugin's own in a case.
const MAX_EXCHANGES: usize = 16;

/// Whoever still adds something holds a reference; when the last one is gone,
/// the case is done and goes to be written.
pub(super) struct Draft {
    plugin: String,
    state: Mutex<State>,
    finished: SyncSender<Case>,
    _place: Place,
}

struct State {
    case: Case,
    /// Bytes of bodies so far.
    bodies: usize,
    /// The plugin has returned.
    ended: bool,
    /// Something that belongs into it is missing.
    unusable: bool,
}

impl Draft {
    pub(super) fn new(
        case: Case,
        plugin: &str,
        finished: SyncSender<Case>,
        place: Place,
    ) -> Arc<Self> {
        let state = State {
            case,
            bodies: 0,
            ended: false,
            unusable: false,
        };
        Arc::new(Self {
            plugin: plugin.to_owned(),
            state: Mutex::new(state),
            finished,
            _place: place,
        })
    }

    pub(super) fn answered(&self, status: u16, headers: Fields) {
        let mut state = self.lock();
        state.ended = true;
        state.case.expect.status = Some(status);
        state.case.expect.headers = headers;
    }

    /// A call that was stopped by the clock would not be stopped again.
    pub(super) fn failed(&self, error: &CallError) {
        let mut state = self.lock();
        state.ended = true;
        state.unusable |= matches!(
            error,
            CallError::Deadline { .. } | CallError::Exhausted { .. }
        );
        state.case.expect.error = Some(cases::call_kind(error));
    }

    /// Whether `bytes` more of a body fit in.
    pub(super) fn admits(&self, bytes: usize) -> bool {
        let mut state = self.lock();
        state.bodies = state.bodies.saturating_add(bytes);
        state.unusable |= state.bodies > MAX_BODIES;
        !state.unusable
    }

    /// Adds a body that has come to its end.
    pub(super) fn add(&self, add: impl FnOnce(&mut Case, Content), content: &[u8]) {
        add(&mut self.lock().case, Content::of(content));
    }

    /// Something broke off.
    pub(super) fn spoil(&self) {
        self.lock().unusable = true;
    }

    /// Notes a request of the plugin's own; says which one it is.
    fn sent(&self, request: &Request<Body>, route: Route<'_>) -> usize {
        let via = match route {
            Route::ForwardProxy(address) => Some(address.to_owned()),
            Route::Next => Some(cases::NEXT.to_owned()),
            _ => None,
        };
        let mut state = self.lock();
        let index = state.case.outside.len();
        if index >= MAX_EXCHANGES {
            state.unusable = true;
            return index;
        }
        state.case.outside.push(Exchange {
            via,
            method: Some(request.method().to_string()),
            uri: Some(request.uri().to_string()),
            headers: fields(request.headers()),
            ..Exchange::default()
        });
        index
    }

    fn came(&self, index: usize, answer: Answer) {
        if let Some(exchange) = self.lock().case.outside.get_mut(index) {
            exchange.answer = answer;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !state.ended || state.unusable {
            return;
        }
        let mut case = std::mem::take(&mut state.case);
        case.settings
            .insert("name".to_owned(), self.plugin.clone().into());
        // One that finds no place is lost: traffic goes first.
        let _ = self.finished.try_send(case);
    }
}

/// Goes along with the call.
pub(super) struct Companion(pub(super) Arc<Draft>);

impl Observer for Companion {
    fn exchange<'a>(
        &'a self,
        request: Request<Body>,
        route: Route<'a>,
        onward: Onward<'a>,
    ) -> Exchanged<'a> {
        let index = self.0.sent(&request, route);
        let (parts, body) = request.into_parts();
        let body = tee::given(body, &self.0, move |case, body| {
            if let Some(exchange) = case.outside.get_mut(index) {
                exchange.body = Some(body);
            }
        });
        let request = Request::from_parts(parts, body);
        Box::pin(async move {
            let answered = onward.send(request).await;
            self.answer(index, answered)
        })
    }

    fn ended(&self, _: Spent) {}
}

impl Companion {
    fn answer(
        &self,
        index: usize,
        answered: Result<Response<Body>, PluginFailure>,
    ) -> Result<Response<Body>, PluginFailure> {
        let response = answered.inspect_err(|error| {
            let error = Some(cases::kind(error));
            let answer = Answer::default();
            self.0.came(index, Answer { error, ..answer });
        })?;
        let (parts, body) = response.into_parts();
        let answer = Answer {
            status: Some(parts.status.as_u16()),
            headers: fields(&parts.headers),
            ..Answer::default()
        };
        self.0.came(index, answer);
        let body = tee::given(body, &self.0, move |case, body| {
            if let Some(exchange) = case.outside.get_mut(index) {
                exchange.answer.body = Some(body);
            }
        });
        Ok(Response::from_parts(parts, body))
    }
}
