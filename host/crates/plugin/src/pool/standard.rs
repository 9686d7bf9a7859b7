//! Calls of standard components.

use std::{error::Error as _, sync::Arc, task::Poll, time::Duration};

use cuttle_egress::Body;
use http::{Method, Request, Response};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{Counted, Pool};
use crate::{
    CallError,
    bindings::cuttle::plugin::log::Level,
    cost::{Dropped, Usage},
    instance::Listener,
    standard::{Answer, Ended, Finished, Journey, Running, Said, plugin_failure},
};

impl Pool {
    /// Whether the plugin is a standard component.
    pub(crate) fn is_standard(&self) -> bool {
        self.linked.is_standard()
    }

    /// Lets a standard component answer, until `deadline` at most. The instance
    /// stays with the body of the response until it has nothing more to do.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        let started = Instant::now();
        let deadline = self.bounded(deadline, started);
        let mut counted = Counted::begin(self, deadline);
        let answered = timeout_at(deadline, self.answer(request, (started, deadline))).await;
        let limit = deadline.saturating_duration_since(started);
        let answered = answered.unwrap_or_else(|_| Err(self.too_late(limit)));
        counted.ended(answered.as_ref().err());
        answered
    }

    async fn answer(
        self: &Arc<Self>,
        mut request: Request<Body>,
        time: (Instant, Instant),
    ) -> Result<Response<Body>, CallError> {
        let mut instance = match self.take() {
            Some(instance) => instance,
            None => Box::pin(self.make()).await?,
        };
        let method = request.method().clone();
        let journey = instance.begin_standard(&mut request, time.1);
        let (say, mut said) = oneshot::channel();
        let (reading, unread) = oneshot::channel();
        let guest = instance.serve(request, Listener { say, unread });
        let mut guest = Running::new(guest, reading, self, time);
        let (said, ended) = guest.listen(&mut said).await;
        self.conclude(guest, &method, &journey, (said, ended))
    }

    fn conclude(
        &self,
        guest: Running,
        method: &Method,
        journey: &Journey,
        (said, ended): (Option<Said>, Poll<Ended>),
    ) -> Result<Response<Body>, CallError> {
        match said {
            Some(Ok(response)) => {
                let answer = Answer::of(response, guest, method);
                let answer = answer.map_err(|message| self.invalid(message))?;
                Ok(ready(answer, ended, journey))
            }
            Some(Err(error)) => {
                leave(guest, ended);
                let failure = journey.failure(&error);
                Err(CallError::Failed {
                    plugin: self.site.plugin.to_string(),
                    error: failure.unwrap_or_else(|| plugin_failure(&error)),
                })
            }
            None => Err(self.silent(guest, ended)),
        }
    }

    /// Why there is no response of a guest that has ended.
    fn silent(&self, guest: Running, ended: Poll<Ended>) -> CallError {
        let finished = match ended {
            Poll::Ready(ended) => guest.finish(ended),
            Poll::Pending => Ok(()),
        };
        match finished {
            Ok(()) => self.invalid("it returned without one".to_owned()),
            Err(stopped) => stopped.into_error(),
        }
    }

    fn invalid(&self, message: String) -> CallError {
        CallError::Invalid {
            plugin: self.site.plugin.to_string(),
            message,
        }
    }

    /// Takes an instance back, which was at work for `busy`, if it may be used
    /// again.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) fn retire(&self, finished: Finished, busy: Duration) -> Result<(), CallError> {
        self.tally.used(&finished.instance.usage_at_work(busy));
        finished
            .outcome
            .inspect_err(|_| self.tally.dropped(Dropped::Trap))?;
        match finished.left_over {
            true => self.tally.dropped(Dropped::Isolation),
            false => self.give_back(finished.instance),
        }
        Ok(())
    }

    /// A guest was stopped that had been at work for `busy`: its instance is
    /// gone with it.
    pub(crate) fn lost(&self, busy: Duration, why: Dropped) {
        let (host_calls, memory) = (0, 0);
        self.tally.used(&Usage {
            busy,
            host_calls,
            memory,
        });
        self.tally.dropped(why);
    }

    /// Logs what went wrong after the response was complete.
    pub(crate) fn mention(&self, error: &CallError) {
        let text = match error.source() {
            Some(cause) => format!("after its response: {error}: {cause}"),
            None => format!("after its response: {error}"),
        };
        self.site.log.line(Level::Warn, &text);
    }
}

fn ready(answer: Response<Answer>, ended: Poll<Ended>, journey: &Journey) -> Response<Body> {
    let (mut parts, mut answer) = answer.into_parts();
    if let Poll::Ready(ended) = ended {
        answer.settle(ended);
    }
    if let Some(via) = journey.via() {
        parts.extensions.insert(via);
    }
    Response::from_parts(parts, answer.into_body())
}

/// The client gets an error already: what else goes wrong is for the log.
fn leave(guest: Running, ended: Poll<Ended>) {
    match ended {
        Poll::Ready(ended) => {
            if let Err(stopped) = guest.finish(ended) {
                stopped.mention();
            }
        }
        Poll::Pending => guest.detach(),
    }
}
