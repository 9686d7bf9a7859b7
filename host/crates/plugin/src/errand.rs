//! What a plugin waits for, run beside it.
//!
//! A plugin has a stack of its own, whose pages stay with it as long as it
//! waits. The client that sends its request needs a deep one; so it does not
//! run there, but where the plugin itself is run from, on the stack of the
//! thread, which all calls share. A plugin of the contract waits for one thing
//! at a time.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use cuttle_egress::Body;
use http::Response;

use crate::CallError;

/// What comes of an errand.
pub(crate) type Done = Result<Response<Body>, Mishap>;

/// Why there is no response.
pub(crate) enum Mishap {
    /// By the gateway's client.
    Sending(cuttle_egress::Error),
    /// By the plugin that follows.
    Following(CallError),
}

/// The work on it.
pub(crate) type Errand = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The errand of one instance.
#[derive(Clone, Default)]
pub(crate) struct Errands(Arc<Mutex<Stage>>);

#[derive(Default)]
enum Stage {
    /// There is none.
    #[default]
    None,
    /// Nobody has looked at it.
    New(Errand),
    UnderWay(Errand),
    Done(Done),
}

impl Errands {
    /// Has `errand` run by whoever runs the plugin ([`beside`]), and waits for
    /// what comes of it. One that nobody waits for any more is dropped with the
    /// instance, or for the next.
    pub(crate) async fn run(&self, errand: Errand) -> Done {
        *self.stage() = Stage::New(errand);
        // Whoever runs the errand runs the plugin right after it: there is
        // nobody to be woken.
        poll_fn(|_| {
            let mut stage = self.stage();
            match std::mem::take(&mut *stage) {
                Stage::Done(done) => Poll::Ready(done),
                other => {
                    *stage = other;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Goes on with it. Not while it is locked: what it does is its own affair.
    fn advance(&self, context: &mut Context<'_>) {
        let Some(mut errand) = self.take() else {
            return;
        };
        let next = match errand.as_mut().poll(context) {
            Poll::Ready(done) => Stage::Done(done),
            Poll::Pending => Stage::UnderWay(errand),
        };
        *self.stage() = next;
    }

    fn take(&self) -> Option<Errand> {
        let mut stage = self.stage();
        match std::mem::take(&mut *stage) {
            Stage::New(errand) | Stage::UnderWay(errand) => Some(errand),
            other => {
                *stage = other;
                None
            }
        }
    }

    fn is_new(&self) -> bool {
        matches!(*self.stage(), Stage::New(_))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `plugin`, and its errands beside it.
pub(crate) async fn beside<P: Future>(errands: Errands, plugin: P) -> P::Output {
    let mut plugin = pin!(plugin);
    poll_fn(|context| {
        loop {
            errands.advance(context);
            let polled = plugin.as_mut().poll(context);
            if polled.is_ready() || !errands.is_new() {
                return polled;
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::{BodyExt, Empty};
    use tokio::time::{sleep, timeout};

    use super::*;

    fn response() -> Done {
        let body = Empty::new().map_err(|never| match never {});
        Ok(Response::new(body.boxed_unsync()))
    }

    #[tokio::test(start_paused = true)]
    async fn errands_run_one_after_the_other_while_the_plugin_waits() {
        let errands = Errands::default();
        let plugin = async {
            for _ in 0..3 {
                let slow = Box::pin(async {
                    sleep(Duration::from_secs(1)).await;
                    response()
                });
                assert!(errands.run(slow).await.is_ok());
                let quick = Box::pin(async { response() });
                assert!(errands.run(quick).await.is_ok());
            }
            "done"
        };
        let ended = timeout(Duration::from_secs(10), beside(errands.clone(), plugin));
        assert_eq!(ended.await, Ok("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_errand_that_nobody_waits_for_is_in_nobodys_way() {
        let errands = Errands::default();
        let plugin = async {
            let never = Box::pin(std::future::pending());
            let given_up = timeout(Duration::from_secs(1), errands.run(never)).await;
            assert!(given_up.is_err());
            errands.run(Box::pin(async { response() })).await.is_ok()
        };
        assert!(beside(errands.clone(), plugin).await);
    }
}
