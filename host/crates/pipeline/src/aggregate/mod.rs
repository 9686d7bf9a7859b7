//! Endpoints whose answers are made of data: one backend or several, decoded,
//! manipulated, merged and written anew.
//!
//! # Order of events
//!
//! 0. The endpoint's modifiers get the request.
//! 1. Where several calls need the client's body, it is read.
//! 2. Shadow backends get their copies, and are forgotten.
//! 3. The backends are called: the only one, all at once
//!    ([`parallel`]) or one after the other ([`sequential`]).
//! 4. What they gave is merged in the order of the list ([`merge`]); if nothing
//!    failed, the endpoint's flatmap runs on it.
//!    The endpoint's modifiers get the data.
//! 5. Static data is added by its strategy.
//! 6. The data is written in the output encoding. Without any there is a
//!    failure.

mod explain;
mod merge;
pub(crate) mod offload;
mod parallel;
mod sequential;
mod shadow;
mod source;
mod static_data;
mod text;

use std::sync::Arc;

use cuttle_config::{Backend, Endpoint};
use http::{
    HeaderValue, Method, Response,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use tokio::time::timeout_at;

use crate::{
    Answer, Body, Executor, Failure, Inbound, Modifier, Settings, Unsupported,
    copies::Copies,
    data::Document,
    deadline::Deadline,
    manipulate::Flatmap,
    modify::{Around, DataAnswer, Flow, Original},
    render::{Rendered, Renderer},
};
use merge::Gathered;
use offload::offload;
use sequential::Chain;
use shadow::ShadowBackend;
use source::Source;
use static_data::StaticData;

#[cfg(test)]
pub(crate) use shadow::AT_ONCE as SHADOWS_AT_ONCE;

/// Percent of the endpoint's timeout that several backends have, as in KrakenD:
/// the rest is for merging and sending.
const WINDOW: u32 = 85;

/// The work of an endpoint that is not no-op.
pub(crate) struct Aggregate {
    around: Option<Box<Around>>,
    sources: Vec<Source>,
    chain: Option<Chain>,
    shadows: Vec<ShadowBackend>,
    /// Every call gets the client's body.
    copies_body: bool,
    settings: Settings,
    flatmap: Option<Flatmap>,
    static_data: Option<StaticData>,
    renderer: Arc<Renderer>,
    cache_control: Option<HeaderValue>,
}

/// A backend and what performs its calls.
pub(crate) struct Performed<'a> {
    /// In the endpoint's list.
    pub(crate) position: usize,
    pub(crate) backend: &'a Backend,
    pub(crate) executor: Arc<dyn Executor>,
    /// Those of the backend.
    pub(crate) modifiers: Vec<Arc<dyn Modifier>>,
    /// The filters of the endpoint have been applied.
    pub(crate) filtered: bool,
}

/// What came of a request.
enum Outcome {
    /// Data, or failures.
    Gathered(Gathered),
    /// A modifier of the endpoint has answered, after these failures.
    Answered(Response<Body>, Vec<Failure>),
}

impl Aggregate {
    /// `regular` is never empty.
    pub(crate) fn new(
        endpoint: &Endpoint,
        settings: Settings,
        around: Option<Box<Around>>,
        (regular, shadows): (Vec<Performed<'_>>, Vec<Performed<'_>>),
    ) -> Result<Self, Unsupported> {
        let several = regular.len() > 1;
        let unsafe_method = regular.iter().any(|one| !is_safe(&one.backend.method));
        let flatmap = &endpoint.proxy.flatmap;
        let propagated = &endpoint.proxy.propagated_params;
        let chain =
            (several && endpoint.proxy.sequential).then(|| Chain::new(&regular, propagated));
        let needs_body = |index| chain.as_ref().is_some_and(|chain| chain.needs_body(index));
        Ok(Self {
            around,
            copies_body: !shadows.is_empty()
                || (several && (unsafe_method || endpoint.proxy.force_sandboxed_request)),
            sources: regular
                .into_iter()
                .enumerate()
                .map(|(index, one)| {
                    Source::new(endpoint, settings, one).keeping_body(needs_body(index))
                })
                .collect(),
            chain,
            shadows: shadows
                .into_iter()
                .map(|one| ShadowBackend::new(endpoint, one))
                .collect(),
            settings,
            flatmap: (several && !flatmap.is_empty()).then(|| Flatmap::compile(flatmap)),
            static_data: static_data(endpoint)?,
            renderer: Arc::new(Renderer::new(endpoint)),
            cache_control: cache_control(endpoint),
        })
    }

    pub(crate) async fn serve(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let accept = inbound.headers.get(ACCEPT).cloned();
        let outcome = timeout_at(deadline.at, self.outcome(inbound, deadline)).await;
        let mut gathered = match outcome {
            Ok(Ok(Outcome::Gathered(gathered))) => gathered,
            Ok(Ok(Outcome::Answered(response, failures))) => {
                return Ok(Answer {
                    failures,
                    ..Answer::passing(response.map(|body| deadline.guard(body)))
                });
            }
            Ok(Err(failure)) => return Err(failure),
            Err(_) => Gathered::failed(deadline.failure()),
        };
        if let Some(data) = &self.static_data {
            data.apply(&mut gathered);
        }
        self.answer(gathered, accept, deadline).await
    }

    async fn outcome(&self, inbound: Inbound, deadline: Deadline) -> Result<Outcome, Failure> {
        match &self.around {
            // Of no weight where there are none.
            Some(around) => Box::pin(self.modified(around, inbound, deadline)).await,
            None => self.gather(inbound, deadline).await.map(Outcome::Gathered),
        }
    }

    async fn modified(
        &self,
        around: &Around,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Outcome, Failure> {
        let (inbound, original) = match around.enter(inbound, deadline).await {
            Ok(Flow::Proceed(entered)) => entered,
            Ok(Flow::Answer(response)) => return Ok(Outcome::Answered(response, Vec::new())),
            Err(failure) => return Ok(Outcome::Gathered(Gathered::failed(failure))),
        };
        let gathered = self.gather(inbound, deadline).await?;
        let limits = (deadline, self.settings.decoded_body);
        Ok(show(around, gathered, original.as_ref(), limits).await)
    }

    /// Fails if the client's body cannot be read, which no data makes up for.
    async fn gather(&self, inbound: Inbound, deadline: Deadline) -> Result<Gathered, Failure> {
        // The usual case: nothing is copied, nothing merged.
        if let ([only], []) = (self.sources.as_slice(), self.shadows.as_slice()) {
            return Ok(Gathered::single(only.fetch(inbound, &[], deadline).await));
        }
        let mut copies = match self.copies_body {
            true => Copies::with_body(inbound, self.settings.body_copy).await?,
            false => Copies::sharing(inbound),
        };
        for shadow in &self.shadows {
            shadow.send(copies.next());
        }
        let mut gathered = match (&self.chain, self.sources.as_slice()) {
            (_, [only]) => Gathered::single(only.fetch(copies.next(), &[], deadline).await),
            (Some(chain), several) => chain.gather(several, &mut copies, deadline).await,
            (None, several) => parallel::gather(several, &mut copies, deadline).await,
        };
        if let (Some(flatmap), Some(data)) = (&self.flatmap, &mut gathered.data)
            && gathered.failures.is_empty()
        {
            flatmap.apply(data);
        }
        Ok(gathered)
    }

    /// What there is, in the endpoint's encoding. The status is always 200.
    async fn answer(
        &self,
        gathered: Gathered,
        accept: Option<HeaderValue>,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let completed = gathered.is_whole();
        let Gathered {
            data,
            failures,
            head,
            ..
        } = gathered;
        let Some(data) = data else {
            return Err(only_or_joined(failures));
        };
        let rendered = match self.write(data, accept, deadline).await {
            Ok(rendered) => rendered,
            Err(failure) => return Err(failure.after(failures)),
        };
        let body = Full::new(rendered.body).map_err(|never| match never {});
        let mut response = Response::new(body.boxed_unsync());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, rendered.content_type);
        if let (true, Some(value)) = (completed, &self.cache_control) {
            headers.insert(CACHE_CONTROL, value.clone());
        }
        if let Some(head) = head {
            head.apply(&mut response);
        }
        Ok(Answer {
            response,
            completed,
            failures,
        })
    }

    /// Large data wait for their turn, but not longer than the endpoint does.
    async fn write(
        &self,
        data: Document,
        accept: Option<HeaderValue>,
        deadline: Deadline,
    ) -> Result<Rendered, Failure> {
        let (size, renderer) = (data.size(), Arc::clone(&self.renderer));
        let written = offload(size, move || renderer.render(Some(&data), accept.as_ref()));
        let written = timeout_at(deadline.at, written).await;
        written.unwrap_or_else(|_| Err(deadline.failure()))
    }
}

/// Shows what there is to the endpoint's modifiers. Where all has failed there is
/// nothing to show.
async fn show(
    around: &Around,
    gathered: Gathered,
    original: Option<&Original>,
    limits: (Deadline, usize),
) -> Outcome {
    let Some(data) = gathered.data else {
        return Outcome::Gathered(gathered);
    };
    let (failures, complete) = (gathered.failures, gathered.complete);
    let answer = DataAnswer {
        data,
        complete,
        head: gathered.head,
    };
    let stage = &around.stage;
    let flow = stage.data(answer, !failures.is_empty(), original, limits);
    match flow.await {
        Ok(Flow::Proceed(answer)) => Outcome::Gathered(Gathered {
            data: Some(answer.data),
            complete: answer.complete,
            head: answer.head,
            failures,
        }),
        Ok(Flow::Answer(response)) => Outcome::Answered(response, failures),
        Err(failure) => Outcome::Gathered(Gathered::failed(failure.after(failures))),
    }
}

/// `Cache-Control` of complete answers, from `cache_ttl`.
fn cache_control(endpoint: &Endpoint) -> Option<HeaderValue> {
    if endpoint.cache_ttl.is_zero() {
        return None;
    }
    let value = format!("public, max-age={}", endpoint.cache_ttl.as_secs());
    HeaderValue::try_from(value).ok()
}

/// The failure of a single backend keeps what it carries, such as the status of
/// `return_error_code`.
fn only_or_joined(mut failures: Vec<Failure>) -> Failure {
    match failures.pop() {
        Some(only) if failures.is_empty() => only,
        last => {
            failures.extend(last);
            Failure::joined(failures)
        }
    }
}

/// Whether a request by this method usually has no body.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn static_data(endpoint: &Endpoint) -> Result<Option<StaticData>, Unsupported> {
    let Some(config) = &endpoint.proxy.static_data else {
        return Ok(None);
    };
    StaticData::new(config).map(Some).map_err(|error| {
        Unsupported::new(
            endpoint
                .place
                .key("extra_config")
                .key("proxy")
                .key("static"),
            format!("`data` cannot be used: {error}"),
            "write a JSON object",
        )
    })
}
