//! What one instance has on the gateway's side.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use cuttle_egress::{Client, ErrorKind, Redirects, SendOptions, Way};
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    Limits,
    bindings::cuttle::plugin::{forward_proxy::Options, log::Level},
    cost::Clock,
    errand::Errands,
    host::Pipe,
    limits::Limiter,
    log::Log,
    modifier::ModifierSite,
    next::{Next, Onward},
    observer::Observer,
    reproducible,
    rights::{Origin, Passage, Rights},
    standard::{self, Hooks},
    stdio::Output,
};

/// Ways one place of use keeps to share connections; a plugin that opens more
/// (with options that change, say) shares no further ones.
const KEPT_WAYS: usize = 64;

/// Field of [`Limits`] whose budget is not the runtime's.
const HOST_CALLS: &str = "host_calls";

/// What one piece of a body needs beside its bytes: places in queues, counters.
const PIECE: usize = 128;

/// Random bytes of one call: enough for any key, and no way to make the gateway
/// work for nothing.
const MAX_RANDOM: u64 = 64 << 10;

/// One place of use, as its instances see it.
pub(crate) struct Site {
    pub(crate) plugin: Arc<str>,
    pub(crate) client: Client,
    pub(crate) way: Way,
    pub(crate) redirects: Redirects,
    pub(crate) rights: Arc<Rights>,
    pub(crate) limits: Limits,
    pub(crate) log: Arc<Log>,
    /// Through forward proxies.
    pub(crate) ways: Ways,
    /// Of a modifier.
    pub(crate) modifier: Option<ModifierSite>,
    pub(crate) next: Next,
    /// The settings as a standard component gets them.
    pub(crate) config: WasiConfigVariables,
}

impl Site {
    /// A line in the log about a target that was out of reach: the plugin may
    /// keep it to itself.
    pub(crate) fn tell_denial(&self, error: &cuttle_egress::Error) {
        if matches!(error.kind(), ErrorKind::Denied | ErrorKind::AddressDenied) {
            self.warn_of_denial(&error.to_string());
        }
    }

    /// The same, of a target that was not even asked for.
    pub(crate) fn warn_of_denial(&self, why: &str) {
        self.log.line(Level::Warn, &format!("denied: {why}"));
    }
}

/// Ways that were opened, by address and options: every instance opens the same
/// ones, and connections and health are shared by those who share a [`Way`].
#[derive(Default)]
pub(crate) struct Ways(Mutex<Vec<OpenedWay>>);

struct OpenedWay {
    address: String,
    options: Option<Options>,
    way: Way,
}

impl Ways {
    /// The way for `address` and `options`, made by `open` if it is new.
    pub(crate) fn open<E>(
        &self,
        address: String,
        options: Option<Options>,
        open: impl FnOnce(&str, Option<&Options>) -> Result<Way, E>,
    ) -> Result<Way, E> {
        let mut opened = self.lock();
        let known = opened
            .iter()
            .find(|known| known.address == address && known.options == options);
        if let Some(known) = known {
            return Ok(known.way.clone());
        }
        let way = open(&address, options.as_ref())?;
        if opened.len() < KEPT_WAYS {
            opened.push(OpenedWay {
                address,
                options,
                way: way.clone(),
            });
        }
        Ok(way)
    }

    /// Those that were opened so far.
    pub(crate) fn all(&self) -> Vec<Way> {
        let opened = self.lock();
        opened.iter().map(|opened| opened.way.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OpenedWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Data of one instance's store.
pub(crate) struct State {
    /// For standard components. Before `table`: fields are dropped in this
    /// order, and what is sent from there must know that its call is over.
    pub(crate) hooks: Hooks,
    pub(crate) site: Arc<Site>,
    pub(crate) table: ResourceTable,
    pub(crate) limiter: Limiter,
    pub(crate) held: HeldMemory,
    /// The call at work; `None` while the instance is made and configured.
    pub(crate) call: Option<Call>,
    /// What it waits for.
    pub(crate) errands: Errands,
    /// Bodies the plugin began to write during this call.
    pub(crate) pipes: Vec<Arc<Pipe>>,
    /// What its calls cost.
    pub(crate) clock: Clock,
    wasi: WasiCtx,
    http: WasiHttpCtx,
}

/// The request that is being answered.
pub(crate) struct Call {
    pub(crate) origin: Option<Origin>,
    pub(crate) deadline: Instant,
    /// Bytes of bodies the plugin may still read.
    pub(crate) readable: u64,
    pub(crate) onward: Onward,
    /// Who goes along with it, if anybody.
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Call {
    /// For somebody who sends on its behalf.
    pub(crate) fn again(&self) -> Self {
        Self {
            origin: self.origin.clone(),
            deadline: self.deadline,
            readable: self.readable,
            onward: self.onward.again(),
            observer: self.observer.clone(),
        }
    }

    /// For everything that is sent during the call: its rights go with it.
    pub(crate) fn send_options(&self, site: &Site) -> SendOptions {
        SendOptions {
            deadline: self.deadline,
            redirects: site.redirects,
            gate: Some(Arc::new(Passage {
                rights: Arc::clone(&site.rights),
                // A plugin with others behind it must not go around them.
                own: self.origin.clone().filter(|_| site.next.is_backend()),
                in_front: !site.next.is_backend(),
            })),
        }
    }
}

impl State {
    pub(crate) fn new(site: Arc<Site>, reproducible: bool) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(site.limits.resources);
        let clock = Clock::default();
        Self {
            limiter: Limiter::new(&site.limits),
            held: HeldMemory::new(site.limits.memory),
            wasi: wasi(&site.log, &clock, reproducible),
            http: standard::http_context(),
            hooks: Hooks::new(&site),
            call: None,
            errands: Errands::default(),
            pipes: Vec::new(),
            clock,
            table,
            site,
        }
    }

    /// The plugin begins to wait for something that is not its own work.
    pub(crate) fn wait(&mut self) {
        self.clock.wait();
    }

    /// It goes on.
    pub(crate) fn resume(&mut self) {
        self.clock.resume();
    }

    /// Begins a call, with budgets of its own; that of calls into the gateway
    /// begins with the clock.
    pub(crate) fn begin_call(&mut self, call: Call) {
        self.call = Some(call);
        self.limiter.reached = None;
    }

    /// Counts a call into the gateway, whatever interface it is of.
    pub(crate) fn count_host_call(&mut self) {
        self.clock.host_calls.count();
    }

    /// The limit that the plugin has run into. Calls into the gateway come
    /// first: a refused growth of memory would hide that they are used up.
    pub(crate) fn limit_reached(&self) -> Option<&'static str> {
        match self.is_overdrawn() {
            true => Some(HOST_CALLS),
            false => self.limiter.reached,
        }
    }

    fn is_overdrawn(&self) -> bool {
        let limit = u64::try_from(self.site.limits.host_calls).unwrap_or(u64::MAX);
        self.clock.host_calls.made() > limit
    }

    /// Why the plugin has to be stopped at the next occasion.
    pub(crate) fn overdrawn(&self) -> Option<wasmtime::Error> {
        self.is_overdrawn()
            .then(|| wasmtime::Error::msg("too many calls into the gateway"))
    }

    /// Remembers a body that the plugin writes, to break it off with the call.
    pub(crate) fn remember_pipe(&mut self, pipe: Arc<Pipe>) {
        if self.pipes.len() >= self.site.limits.resources {
            // Those whose handles are gone have ended. The others are fewer.
            self.pipes.retain(|pipe| Arc::strong_count(pipe) > 1);
        }
        self.pipes.push(pipe);
    }

    /// Ends the call: what the plugin has not finished writing never will be.
    pub(crate) fn end_call(&mut self) {
        self.call = None;
        self.hooks.end_call();
        for pipe in self.pipes.drain(..) {
            pipe.break_off();
        }
        self.site.log.report_dropped();
    }
}

/// No files, environment, arguments, sockets or names; outputs are logged.
pub(crate) fn without_rights(log: &Arc<Log>) -> WasiCtx {
    wasi(log, &Clock::default(), false)
}

fn wasi(log: &Arc<Log>, clock: &Clock, reproducible: bool) -> WasiCtx {
    let output = |level| Output::new(Arc::clone(log), level, clock.host_calls.clone());
    let mut wasi = WasiCtx::builder();
    if reproducible {
        reproducible::apply(&mut wasi);
    }
    wasi.stdout(output(Level::Info))
        .stderr(output(Level::Warn))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM)
        .build()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.count_host_call();
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.count_host_call();
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Bytes the gateway holds for one instance: bodies made by the plugin that
/// nobody has sent yet. Without a limit they would be a way around the limit
/// of the plugin's own memory.
#[derive(Clone)]
pub(crate) struct HeldMemory {
    used: Arc<AtomicUsize>,
    limit: usize,
}

impl HeldMemory {
    fn new(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// Takes `content`, counted until its last reference is gone. `None` if it
    /// is too much.
    pub(crate) fn hold(&self, content: Vec<u8>) -> Option<Bytes> {
        let size = content.len().saturating_add(PIECE);
        let used = self.used.fetch_add(size, Ordering::Relaxed);
        let held = Held {
            content,
            size,
            used: Arc::clone(&self.used),
        };
        (used.saturating_add(size) <= self.limit).then(|| Bytes::from_owner(held))
    }
}

struct Held {
    content: Vec<u8>,
    /// As it was counted.
    size: usize,
    used: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_held_for_a_plugin_are_limited_and_given_back() {
        let held = HeldMemory::new(10 + PIECE);
        let first = held.hold(vec![0; 6]).unwrap();
        assert!(held.hold(vec![0; 6]).is_none());
        let part = first.slice(..1);
        drop(first);
        assert!(held.hold(vec![0; 6]).is_none(), "a part keeps the whole");
        drop(part);
        assert!(held.hold(vec![0; 10]).is_some());
    }

    #[test]
    fn small_pieces_count_with_what_they_need_beside_their_bytes() {
        let held = HeldMemory::new(1 << 20);
        let pieces: Vec<_> = (0..1 << 20).map_while(|_| held.hold(vec![0])).collect();
        assert!(pieces.len() < 10_000, "{}", pieces.len());
    }
}
