//! One hop by several ways: who is tried next, and who is to blame.
//!
//! The next candidate is tried only while nothing of the request was written
//! and the body is still whole. Who is to blame for a failure decides what
//! happens to a proxy's health:
//!
//! * It could not be reached, or its TLS failed: the proxy is.
//! * It opened no tunnel (5xx, silence, garbage): the proxy or the target. If
//!   the next proxy reaches the target, it was the proxy; if none does, the
//!   target is down, and no proxy must suffer for it.
//! * It refused (403, 407, rules or credentials of SOCKS): nobody. The proxy works and has spoken; asking
//!   another one would be a way around its rules.
//!
//! Whoever is on call reads in the log when a proxy of a list goes into back-off
//! and when it comes back: one line for each change, not for each request.

use std::{error::Error as _, sync::Arc, time::Duration};

use http::Response;
use tokio::time::{Instant, timeout_at};

use crate::{
    body::Body,
    error::{Error, ErrorKind},
    phase::{Phase, Progress},
    proxy::{Choice, Proxy, Rule},
    route::Route,
    send::{Failure, Head, Hop, Sender},
    target::Target,
};

/// Less time than this is no fair trial: a request that comes late fails by
/// itself.
const FAIR_TRIAL: Duration = Duration::from_millis(100);

/// A request on its way to one target.
pub(crate) struct Sending<'a> {
    pub(crate) head: &'a mut Head,
    pub(crate) target: Target,
    pub(crate) deadline: Instant,
    /// `head` is not needed again.
    pub(crate) last: bool,
}

impl Sender {
    /// Sends one request by the first candidate that can be reached, and
    /// returns with the head of its response.
    pub(crate) async fn hop(
        &self,
        sending: Sending<'_>,
        mut body: Body,
        choice: Choice,
    ) -> Result<Response<Body>, Error> {
        self.tally.requests.add();
        let Sending {
            head,
            target,
            deadline,
            last,
        } = sending;
        let mut waiting = Waiting::new(choice.candidates);
        let mut suspects = Vec::new();
        let mut candidate = waiting.next().ok_or_else(nowhere)?;
        loop {
            let attempt = Attempt::new(candidate, &target, &choice.rule, &waiting, deadline);
            let last = last && waiting.is_empty();
            let failure = match attempt.run(self, head, body, deadline, last).await {
                Ok(response) => {
                    attempt.works(&mut suspects);
                    return Ok(response);
                }
                Err(failure) => failure,
            };
            let verdict = attempt.verdict(&failure);
            attempt.judge(verdict, &failure.error, &mut suspects);
            let again = failure.unsent.filter(|_| verdict.is_bad());
            let next = again.and_then(|unsent| Some((unsent, waiting.next()?)));
            let Some((unsent, other)) = next else {
                return Err(failure.error);
            };
            tracing::debug!(error = %failure.error, "trying the next proxy");
            self.tally.failovers.add();
            (body, candidate) = (unsent.into_body(), other);
        }
    }
}

fn nowhere() -> Error {
    Error::new(ErrorKind::Denied, "there is no way to the target")
}

/// The candidates that were not tried yet.
struct Waiting {
    candidates: Vec<Option<Arc<Proxy>>>,
    /// There was more than one at first.
    several: bool,
    /// A proxy in back-off was tried for want of others: once is enough.
    desperate: bool,
}

impl Waiting {
    fn new(candidates: Vec<Option<Arc<Proxy>>>) -> Self {
        Self {
            several: candidates.len() > 1,
            candidates,
            desperate: false,
        }
    }

    /// The next one that is not in back-off, or else the one that is due first.
    fn next(&mut self) -> Option<Option<Arc<Proxy>>> {
        let now = Instant::now();
        let admitted = |candidate: &Option<Arc<Proxy>>| {
            let proxy = candidate.as_ref();
            proxy.is_none_or(|proxy| proxy.health().admits(now))
        };
        let at = match self.candidates.iter().position(admitted) {
            Some(at) => at,
            None if self.desperate => return None,
            None => {
                self.desperate = true;
                self.due_first()?
            }
        };
        Some(self.candidates.remove(at))
    }

    fn due_first(&self) -> Option<usize> {
        let due = |candidate: &Option<Arc<Proxy>>| candidate.as_ref()?.health().due();
        let positions = self.candidates.iter().enumerate();
        positions
            .min_by_key(|(_, candidate)| due(candidate))
            .map(|(at, _)| at)
    }

    fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// How many are likely to be tried after this one.
    fn rivals(&self) -> usize {
        let now = Instant::now();
        let usable = |candidate: &&Option<Arc<Proxy>>| {
            let due = candidate.as_ref().and_then(|proxy| proxy.health().due());
            due.is_none_or(|due| due <= now)
        };
        let usable = self.candidates.iter().filter(usable).count();
        usable.max(usize::from(!self.desperate && !self.is_empty()))
    }
}

/// Who is to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The proxy did its part.
    Works,
    /// Nothing was learned about the proxy.
    Open,
    /// The proxy or the target.
    Suspect,
    /// The proxy.
    Broken,
}

impl Verdict {
    /// Whether another proxy may do better.
    fn is_bad(self) -> bool {
        matches!(self, Self::Suspect | Self::Broken)
    }
}

/// Who is to blame that there is no tunnel.
fn about_tunnel(kind: ErrorKind) -> Verdict {
    match kind {
        ErrorKind::ProxyStatus(status) if status < 500 => Verdict::Works,
        // SOCKS: not allowed by the rules; identification wanted.
        ErrorKind::SocksReply(2 | 92 | 93) | ErrorKind::ProxyAuthentication => Verdict::Works,
        ErrorKind::InvalidRequest
        | ErrorKind::Denied
        | ErrorKind::AddressDenied
        | ErrorKind::Dns => Verdict::Open,
        _ => Verdict::Suspect,
    }
}

/// One candidate's turn.
struct Attempt {
    route: Arc<Route>,
    progress: Progress,
    started: Instant,
    /// The proxy is one of several.
    listed: bool,
}

/// A proxy that failed, for now by its own fault or by the target's.
struct Suspect {
    proxy: Arc<Proxy>,
    started: Instant,
    reason: String,
}

impl Attempt {
    fn new(
        candidate: Option<Arc<Proxy>>,
        target: &Target,
        rule: &Rule,
        waiting: &Waiting,
        deadline: Instant,
    ) -> Self {
        let started = Instant::now();
        let share = candidate.as_ref().and_then(|_| {
            let parts = u32::try_from(waiting.rivals()).ok()?.checked_add(1)?;
            // The last one may use all the time there is.
            (parts > 1).then(|| deadline.saturating_duration_since(started) / parts)
        });
        let route = Route::new(target.clone(), candidate, rule.clone(), share);
        tracing::debug!(%route, %rule, "sending");
        Self {
            route: Arc::new(route),
            progress: Progress::new(),
            started,
            listed: waiting.several,
        }
    }

    async fn run(
        &self,
        sender: &Sender,
        head: &mut Head,
        body: Body,
        deadline: Instant,
        last: bool,
    ) -> Result<Response<Body>, Failure> {
        let (route, progress) = (&self.route, &self.progress);
        let hop = Hop {
            sender,
            route,
            progress,
            deadline,
        };
        let outcome = timeout_at(deadline, hop.run(head, body, last)).await;
        outcome.unwrap_or_else(|_| {
            let text = format!("no response from {route} in time ({progress})");
            Err(Error::new(ErrorKind::Timeout, text).into())
        })
    }

    fn verdict(&self, failure: &Failure) -> Verdict {
        let kind = failure.error.kind();
        if matches!(kind, ErrorKind::Timeout | ErrorKind::ConnectTimeout) && !self.was_fair() {
            return Verdict::Open;
        }
        match self.progress.phase() {
            Phase::Proxy | Phase::ProxyTls => Verdict::Broken,
            Phase::Tunnel => about_tunnel(kind),
            // The target's end was reached.
            Phase::Tls => Verdict::Works,
            // A proxy has an answer to everything, unless something is wrong
            // with it.
            Phase::Response if failure.hung_up && self.route.forwarder().is_some() => {
                Verdict::Broken
            }
            Phase::Response => match kind {
                ErrorKind::ProxyStatus(_) => Verdict::Works,
                _ => Verdict::Open,
            },
            Phase::Start | Phase::Connect | Phase::Lookup => Verdict::Open,
        }
    }

    /// Whether the proxy had time enough, or all that it was given.
    fn was_fair(&self) -> bool {
        let given = self.route.proxy().and_then(Proxy::connect_timeout);
        let enough = given.map_or(FAIR_TRIAL, |given| given.min(FAIR_TRIAL));
        self.started.elapsed() >= enough
    }

    /// Tells the proxy's health what came of a failure. `suspects` wait for
    /// what the next one says.
    fn judge(&self, verdict: Verdict, error: &Error, suspects: &mut Vec<Suspect>) {
        if verdict == Verdict::Works {
            return self.works(suspects);
        }
        let Some(proxy) = self.route.shared_proxy().filter(|_| verdict.is_bad()) else {
            return;
        };
        proxy.health().failed();
        let suspect = Suspect {
            proxy: Arc::clone(proxy),
            started: self.started,
            reason: reason(error),
        };
        match verdict {
            Verdict::Suspect => suspects.push(suspect),
            _ => suspect.back_off(Instant::now(), self.listed),
        }
    }

    /// The proxy did its part, so it was not the target that stopped `suspects`.
    fn works(&self, suspects: &mut Vec<Suspect>) {
        let Some(proxy) = self.route.shared_proxy() else {
            return;
        };
        if proxy.health().succeeded(self.started) {
            let proxy = proxy.label();
            tracing::info!(target: "cuttle", proxy, "proxy works again and is used as before");
        }
        let now = Instant::now();
        for suspect in suspects.drain(..) {
            suspect.back_off(now, self.listed);
        }
    }
}

impl Suspect {
    /// Says so if it is news.
    fn back_off(&self, now: Instant, listed: bool) {
        let health = self.proxy.health();
        let Some(pause) = health.back_off(self.started, now, listed) else {
            return;
        };
        tracing::warn!(
            target: "cuttle",
            proxy = self.proxy.label(),
            failures = health.failures(),
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            reason = self.reason,
            "proxy failed and is left out for a while"
        );
    }
}

/// An error with its causes.
fn reason(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
