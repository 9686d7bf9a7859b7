//! `concurrent_calls`: the same call several times, for the fastest answer.

use std::future::Future;

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::timeout_at;

use crate::{Failure, FailureKind, deadline::Deadline, guard::guarded};

/// Percent of the endpoint's timeout that each of the calls has, as in KrakenD:
/// the rest is for what follows.
const SHARE: u32 = 75;

/// Makes `count` calls at once and returns the first answer that is `complete`.
/// The others are cancelled by then.
///
/// Without such an answer it is the last incomplete one, or else the failure
/// that came last.
pub(crate) fn race<'a, T, F>(
    count: u32,
    deadline: Deadline,
    complete: fn(&T) -> bool,
    call: impl FnMut() -> F,
) -> BoxFuture<'a, Result<T, Failure>>
where
    T: Send + 'a,
    F: Future<Output = Result<T, Failure>> + Send + 'a,
{
    let calls = std::iter::repeat_with(call).take(count as usize);
    finish(calls.map(guarded).collect(), deadline, complete).boxed()
}

async fn finish<T, F>(
    mut running: FuturesUnordered<F>,
    deadline: Deadline,
    complete: fn(&T) -> bool,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let window = deadline.share(SHARE);
    let mut best = Err(nothing());
    let all = async {
        while let Some(outcome) = running.next().await {
            match outcome {
                Ok(answer) if complete(&answer) => {
                    best = Ok(answer);
                    return;
                }
                Ok(answer) => best = Ok(answer),
                Err(failure) if best.is_err() => best = Err(failure),
                Err(_) => {}
            }
        }
    };
    match timeout_at(window.at, all).await {
        Err(_) if best.is_err() => Err(window.failure()),
        _ => best,
    }
}

/// Never seen: there is at least one call, as `concurrent_calls` says.
fn nothing() -> Failure {
    Failure::new(FailureKind::Backend, "no call was made")
}
