//! `sequential`: one backend after the other, with values of earlier answers in
//! later URLs.

use std::sync::Arc;

use cuttle_config::{ResponseValue, UrlPart};
use tokio::time::timeout_at;

use crate::{
    Failure,
    copies::Copies,
    data::{Document, Kind, NodeId},
    deadline::Deadline,
    explain::stand_in,
    guard::guarded,
};

use super::{
    Performed, WINDOW,
    merge::Gathered,
    source::{Part, Source},
    text::go_text,
};

/// Bytes of a value above which it is none: no server takes URLs of that length,
/// and values are copied.
pub(super) const MAX_VALUE: usize = 16 * 1024;

/// What each backend's answer has to give to later URLs.
pub(super) struct Chain {
    /// By the position of the backend.
    wanted: Vec<Vec<ResponseValue>>,
}

impl Chain {
    /// `backends` in the order of their calls.
    ///
    /// Values are taken where a URL needs them. `propagated` ones are known to
    /// modifiers of backends, too, and to nobody else.
    pub(super) fn new(backends: &[Performed<'_>], propagated: &[ResponseValue]) -> Self {
        let mut wanted: Vec<Vec<ResponseValue>> = Vec::new();
        for (index, performed) in backends.iter().enumerate() {
            for part in &performed.backend.url_pattern.parts {
                let UrlPart::Response(value) = part else {
                    continue;
                };
                // Values of later backends are never there.
                let earlier = backends.iter().take(index);
                let source = earlier.zip(&mut wanted);
                let source = source.filter(|(one, _)| one.position == value.backend);
                for (_, values) in source {
                    if !values.contains(value) {
                        values.push(value.clone());
                    }
                }
            }
            wanted.push(Vec::new());
        }
        if backends.iter().any(|one| !one.modifiers.is_empty()) {
            for (performed, values) in backends.iter().zip(&mut wanted) {
                let own = propagated
                    .iter()
                    .filter(|value| value.backend == performed.position);
                let new: Vec<_> = own.filter(|value| !values.contains(value)).collect();
                values.extend(new.into_iter().cloned());
            }
        }
        Self { wanted }
    }

    /// Whether a later URL needs the body of the backend at `index` as it is.
    pub(super) fn needs_body(&self, index: usize) -> bool {
        let wanted = self.wanted.get(index);
        wanted.is_some_and(|values| values.iter().any(|value| value.path.is_empty()))
    }

    /// Stand-ins for the values that are there when the backend at `index` is
    /// called, if all goes well.
    pub(super) fn stand_ins(&self, index: usize) -> Vec<(Arc<str>, String)> {
        let earlier = self.wanted.iter().take(index).flatten();
        earlier.map(|value| stand_in(&value.name)).collect()
    }

    /// Calls `sources` in their order, all within one window.
    ///
    /// The failure of the first is the endpoint's. A later failure ends the
    /// chain, and so does an answer that is not complete; what there is by then
    /// is the answer.
    pub(super) async fn gather(
        &self,
        sources: &[Source],
        copies: &mut Copies,
        deadline: Deadline,
    ) -> Gathered {
        let window = deadline.share(WINDOW);
        let mut run = Run::default();
        let finished = timeout_at(window.at, run.all(self, sources, copies, window)).await;
        if finished.is_err() {
            run.failure = Some(window.failure());
        }
        let failure = run.failure.take();
        match (failure, run.parts.len()) {
            (Some(failure), 0) => Gathered::failed(failure),
            (Some(failure), index) => {
                let position = sources.get(index).map(Source::position);
                let failures = vec![failure.of_backend(position)];
                Gathered::merged(run.parts, sources.len(), failures)
            }
            (None, _) => Gathered::merged(run.parts, sources.len(), Vec::new()),
        }
    }
}

/// A chain on its way.
#[derive(Default)]
struct Run {
    parts: Vec<Part>,
    responses: Vec<(Arc<str>, String)>,
    failure: Option<Failure>,
}

impl Run {
    async fn all(
        &mut self,
        chain: &Chain,
        sources: &[Source],
        copies: &mut Copies,
        window: Deadline,
    ) {
        for (source, wanted) in sources.iter().zip(&chain.wanted) {
            let call = source.fetch(copies.next(), &self.responses, window);
            let part = match guarded(call).await {
                Ok(part) => part,
                Err(failure) => {
                    self.failure = Some(failure);
                    return;
                }
            };
            let values = wanted.iter().filter_map(|value| take(value, &part));
            self.responses.extend(values);
            let goes_on = part.complete;
            self.parts.push(part);
            if !goes_on {
                return;
            }
        }
    }
}

fn take(value: &ResponseValue, part: &Part) -> Option<(Arc<str>, String)> {
    let text = if value.path.is_empty() {
        String::from_utf8(part.body.as_ref()?.to_vec()).ok()?
    } else {
        go_text(&part.data, find(&part.data, &value.path)?)?
    };
    (text.len() <= MAX_VALUE).then(|| (Arc::from(value.name.as_str()), text))
}

/// Walks objects only.
fn find(data: &Document, path: &[String]) -> Option<NodeId> {
    path.iter().try_fold(data.root(), |node, key| {
        (data.kind(node) == Kind::Object)
            .then(|| data.get(node, key))
            .flatten()
    })
}
