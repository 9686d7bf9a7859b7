//! The deadlines of one connection.
//!
//! Everything that happens on it is noted here; the connection's task asks for
//! the next deadline after every step and cuts the connection when it has
//! passed. All deadlines are absolute: a byte now and then does not move them.
//!
//! On HTTP/2 the oldest request counts, and its end is the connection's: a
//! client whose one stream is stuck for so long has no use for the others.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cuttle_pipeline::config::Listen;
use tokio::time::Instant;

use super::{census::Cut, framing::Reading, streams::Unsent};

/// A head that takes longer is an attack or a broken client. KrakenD waits for
/// ever by default; so would every connection of a slow-header attack.
const DEFAULT_HEAD: Duration = Duration::from_secs(10);
/// A new connection may stay silent for a while, since browsers and load
/// balancers open some in advance.
const DEFAULT_SILENCE: Duration = Duration::from_secs(60);
/// Longer than the idle times of common load balancers (up to ten minutes), so
/// that it is they who close, not we under a request on its way.
const DEFAULT_IDLE: Duration = Duration::from_secs(620);
/// How long bytes are read and thrown away after a refusal, so that the client
/// sees the refusal and not a reset.
const LINGER: Duration = Duration::from_secs(2);

/// How long each part of a connection may take.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    silence: Duration,
    head: Duration,
    idle: Duration,
    request: Option<Duration>,
    response: Option<Duration>,
    stalled_write: Duration,
    flush: Duration,
}

impl Limits {
    pub(super) fn new(listen: &Listen) -> Self {
        let head = listen.read_header_timeout.or(listen.read_timeout);
        Self {
            silence: listen
                .first_byte_timeout
                .or(head)
                .unwrap_or(DEFAULT_SILENCE),
            head: head.unwrap_or(DEFAULT_HEAD),
            idle: listen
                .idle_timeout
                .or(listen.read_timeout)
                .unwrap_or(DEFAULT_IDLE),
            request: listen.read_timeout,
            response: listen.write_timeout,
            stalled_write: listen.stall_timeout,
            flush: listen.flush_timeout,
        }
    }
}

/// Notes about one connection. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    limits: Arc<Limits>,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug)]
struct Notes {
    /// Nothing has been asked yet.
    fresh: bool,
    reading: Reading,
    /// When `reading` became what it is; a body counts from its head.
    since: Instant,
    /// Requests whose response has not been sent, oldest first.
    open: VecDeque<Open>,
    next: u64,
    write_blocked: Option<Instant>,
    lingering: Option<Instant>,
    broken: bool,
    /// The client has sent more frames than it may.
    overdrawn: bool,
}

#[derive(Debug)]
struct Open {
    id: u64,
    /// The end of its head.
    since: Instant,
    /// When all of the response was with hyper, which may still have to write it.
    answered: Option<Instant>,
    /// HTTP/2: since when the client's windows have had no room for more.
    waiting: Option<Instant>,
}

impl Clock {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        let notes = Notes {
            fresh: true,
            reading: Reading::Nothing,
            since: Instant::now(),
            open: VecDeque::new(),
            next: 0,
            write_blocked: None,
            lingering: None,
            broken: false,
            overdrawn: false,
        };
        Self {
            limits,
            notes: Arc::new(Mutex::new(notes)),
        }
    }

    /// The time by which something must have happened.
    pub(super) fn deadline(&self) -> Instant {
        self.nearest().0
    }

    /// The same, and what it is the limit of.
    pub(super) fn nearest(&self) -> (Instant, Cut) {
        let notes = self.notes();
        let all = self.reading_deadline(&notes).into_iter();
        all.chain(self.writing_deadlines(&notes))
            .min_by_key(|(deadline, _)| *deadline)
            .unwrap_or_else(|| (Instant::now() + DEFAULT_IDLE, Cut::Idle))
    }

    fn reading_deadline(&self, notes: &Notes) -> Option<(Instant, Cut)> {
        let limits = &*self.limits;
        let (limit, cut) = match (notes.reading, notes.open.is_empty()) {
            (Reading::Body, _) => (limits.request?, Cut::Body),
            (_, false) => return None,
            (Reading::Nothing | Reading::Opaque | Reading::Http2, true) => {
                limits.quiet(notes.fresh)
            }
            (Reading::Head, true) => (limits.head, Cut::Head),
        };
        Some((notes.since + limit, cut))
    }

    fn writing_deadlines(&self, notes: &Notes) -> impl Iterator<Item = (Instant, Cut)> {
        let limits = &*self.limits;
        let first = notes.open.front();
        let answer = first
            .zip(limits.response)
            .map(|(open, limit)| (open.since + limit, Cut::Answer));
        let flush = notes.open.iter().filter_map(|open| open.answered).min();
        let waiting = notes.open.iter().filter_map(|open| open.waiting).min();
        // Streams have tasks of their own, which do not wake the connection's:
        // it looks by itself, so that one is found within twice its limit.
        let look = (notes.reading == Reading::Http2 && first.is_some())
            .then(|| (Instant::now() + limits.stalled_write, Cut::Stall));
        let stalled = [notes.write_blocked, waiting].into_iter().flatten().min();
        [
            answer,
            flush.map(|since| (since + limits.flush, Cut::Flush)),
            stalled.map(|since| (since + limits.stalled_write, Cut::Stall)),
            look,
            notes.lingering.map(|since| (since + LINGER, Cut::Linger)),
        ]
        .into_iter()
        .flatten()
    }

    /// Bytes have come; now `reading`. `head`: one has ended on the way.
    pub(super) fn read(&self, reading: Reading, head: bool) {
        let mut notes = self.notes();
        if notes.reading == reading && !head {
            return;
        }
        // The time of a configured head limit counts from the connection, that
        // of a body from the first byte of its head.
        let goes_on = match reading {
            Reading::Body => notes.reading == Reading::Head,
            Reading::Head => notes.fresh && self.limits.silence == self.limits.head,
            Reading::Nothing | Reading::Opaque | Reading::Http2 => false,
        };
        if !goes_on {
            notes.since = Instant::now();
        }
        notes.reading = reading;
    }

    pub(super) fn write_blocked(&self, blocked: bool) {
        let mut notes = self.notes();
        match blocked {
            true if notes.write_blocked.is_some() => {}
            true => notes.write_blocked = Some(Instant::now()),
            false => notes.write_blocked = None,
        }
    }

    pub(super) fn linger(&self) {
        self.notes().lingering.get_or_insert_with(Instant::now);
    }

    /// The client has sent more frames than it may.
    pub(super) fn overdraw(&self) {
        self.notes().overdrawn = true;
    }

    pub(super) fn is_overdrawn(&self) -> bool {
        self.notes().overdrawn
    }

    /// A body that only the close ends has broken off.
    pub(super) fn broke_off(&self) {
        self.notes().broken = true;
    }

    /// Whether the close must not look orderly.
    pub(super) fn is_broken(&self) -> bool {
        self.notes().broken
    }

    /// Everything that hyper had to write has been taken by the system, but for
    /// what is `unsent` on HTTP/2: it waits for the client's windows.
    pub(super) fn flushed(&self, unsent: Option<Unsent>) {
        let mut notes = self.notes();
        let before = notes.open.len();
        let under_way = notes.open.iter().filter(|open| open.answered.is_none());
        let under_way = under_way.count();
        let mut waiting = unsent.map_or(0, |unsent| unsent.streams.saturating_sub(under_way));
        // Which of them wait is not known: the oldest, as the others came later.
        notes.open.retain_mut(|open| match (open.answered, unsent) {
            (None, _) => true,
            (Some(answered), Some(unsent)) if waiting > 0 => {
                waiting -= 1;
                open.waiting = Some(answered.max(unsent.moved));
                true
            }
            _ => false,
        });
        // Idle, or a head that came early: its time begins only now.
        if before > 0 && notes.open.is_empty() && notes.reading != Reading::Body {
            notes.since = Instant::now();
        }
    }

    /// A request has come. It is open until the value has been dropped and
    /// its answer has been [`flushed`](Self::flushed) after that.
    pub(super) fn open(&self) -> OpenRequest {
        let mut notes = self.notes();
        let id = notes.next;
        notes.next += 1;
        notes.fresh = false;
        notes.open.push_back(Open {
            id,
            since: Instant::now(),
            answered: None,
            waiting: None,
        });
        OpenRequest {
            id,
            clock: self.clone(),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    fn quiet(&self, fresh: bool) -> (Duration, Cut) {
        match fresh {
            true => (self.silence, Cut::FirstByte),
            false => (self.idle, Cut::Idle),
        }
    }
}

/// A request whose response is not complete.
#[derive(Debug)]
pub(super) struct OpenRequest {
    id: u64,
    clock: Clock,
}

impl OpenRequest {
    /// HTTP/2: whether the next thing to happen is up to the client.
    pub(super) fn waits_for_client(&self, waits: bool) {
        let mut notes = self.clock.notes();
        if let Some(open) = notes.open.iter_mut().find(|open| open.id == self.id) {
            open.waiting = waits.then(Instant::now);
        }
    }

    /// The clock it stands on.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut notes = self.clock.notes();
        if let Some(open) = notes.open.iter_mut().find(|open| open.id == self.id) {
            open.answered = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
