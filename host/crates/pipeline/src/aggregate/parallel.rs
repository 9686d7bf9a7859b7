//! All backends at once: the default.

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout_at;

use crate::{Failure, copies::Copies, deadline::Deadline, guard::guarded};

use super::{
    WINDOW,
    merge::Gathered,
    source::{Part, Source},
};

/// What has become of a backend's call.
enum Slot {
    Waiting,
    Done(Part),
    Failed,
}

/// Calls all `sources` and waits for them, up to the end of the window. Whoever
/// is late then is cancelled and counts as failed; the others' data stays.
pub(super) async fn gather(
    sources: &[Source],
    copies: &mut Copies,
    deadline: Deadline,
) -> Gathered {
    let window = deadline.share(WINDOW);
    let mut slots: Vec<Slot> = sources.iter().map(|_| Slot::Waiting).collect();
    let mut failures = Vec::new();
    let mut running: FuturesUnordered<_> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let call = guarded(source.fetch(copies.next(), &[], window));
            async move { (index, call.await) }
        })
        .collect();
    let finish = async {
        while let Some((index, outcome)) = running.next().await {
            let slot = outcome.map_or_else(
                |failure| {
                    failures.push(of_source(sources, index, failure));
                    Slot::Failed
                },
                Slot::Done,
            );
            put(&mut slots, index, slot);
        }
    };
    if timeout_at(window.at, finish).await.is_err() {
        let late = late(&slots).map(|index| of_source(sources, index, window.failure()));
        failures.extend(late);
    }
    let parts = slots.into_iter().filter_map(|slot| match slot {
        Slot::Done(part) => Some(part),
        Slot::Waiting | Slot::Failed => None,
    });
    Gathered::merged(parts, sources.len(), failures)
}

fn put(slots: &mut [Slot], index: usize, new: Slot) {
    if let Some(slot) = slots.get_mut(index) {
        *slot = new;
    }
}

/// Who has not been heard of.
fn late(slots: &[Slot]) -> impl Iterator<Item = usize> {
    let waiting = |(index, slot): (usize, &Slot)| matches!(slot, Slot::Waiting).then_some(index);
    slots.iter().enumerate().filter_map(waiting)
}

fn of_source(sources: &[Source], index: usize, failure: Failure) -> Failure {
    failure.of_backend(sources.get(index).map(Source::position))
}
