//! One instance of the runner with one file in it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::time::timeout;
use wasmtime::{Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::{
    PacError, PacRunner, Site,
    bindings::{Pac, cuttle::pac::surroundings::Host},
    names,
};
use crate::{
    Limits, bindings::cuttle::plugin::log::Level, engine::TICK, error::Cause, limits::Limiter,
    state::without_rights,
};

/// Bytes one call into the gateway, or one answer, may carry.
const HOSTCALL_FUEL: usize = 1 << 20;
/// Handles the component's own library may hold.
const RESOURCES: usize = 64;
/// Bytes of a name (RFC 1035, section 2.3.4, with room for a last dot).
const MAX_NAME: usize = 254;

/// An instance in which the file was run.
pub(super) struct Instance {
    store: Store<State>,
    exports: Pac,
    uses: u32,
}

/// What the script says: a text, or what is wrong in its own eyes.
type Answer = Result<String, String>;

impl Instance {
    /// Makes an instance and runs `source` in it; the inner error is the
    /// file's own.
    pub(super) async fn make(
        runner: &PacRunner,
        site: &Arc<Site>,
        source: &str,
    ) -> Result<Result<Self, String>, PacError> {
        let mut store = store(runner, site);
        let made = runner.pre.instantiate_async(&mut store).await;
        let exports = made.map_err(|error| stopped(&store, &error))?;
        let loaded = exports
            .cuttle_pac_script()
            .call_load(&mut store, source)
            .await
            .map_err(|error| stopped(&store, &error))?;
        Ok(loaded.map(|()| Self {
            store,
            exports,
            uses: 0,
        }))
    }

    /// Asks the script. After an error, and when the future is dropped, the
    /// instance must be dropped, too.
    pub(super) async fn find_proxy(&mut self, url: &str, host: &str) -> Result<Answer, PacError> {
        self.uses += 1;
        self.store.data_mut().begin();
        // The clock went on while the instance was idle.
        self.store.set_epoch_deadline(1);
        let answer = self
            .exports
            .cuttle_pac_script()
            .call_find_proxy(&mut self.store, url, host)
            .await;
        self.store.data().site.log.report_dropped();
        answer.map_err(|error| stopped(&self.store, &error))
    }

    /// Evaluations so far.
    pub(super) fn uses(&self) -> u32 {
        self.uses
    }
}

fn store(runner: &PacRunner, site: &Arc<Site>) -> Store<State> {
    let mut store = Store::new(runner.engine.runtime(), State::new(Arc::clone(site)));
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_FUEL);
    store.set_epoch_deadline(1);
    // At every tick the script gives way to other work of its thread. Ticks
    // count while it runs, and not while it waits for a name.
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()));
    store
}

/// Says why the runtime stopped the script.
fn stopped(store: &Store<State>, error: &wasmtime::Error) -> PacError {
    let state = store.data();
    let file = state.site.name.clone();
    if state.ticks == 0 {
        return PacError::Deadline {
            file,
            limit: state.site.limits.running,
        };
    }
    let source = Cause::boxed(error);
    match state.reached.or(state.limiter.reached) {
        Some(limit) => PacError::Limit {
            file,
            limit,
            source,
        },
        None => PacError::Trap { file, source },
    }
}

/// Data of one instance's store.
pub(super) struct State {
    site: Arc<Site>,
    table: ResourceTable,
    wasi: WasiCtx,
    limiter: Limiter,
    /// Ticks the script may still run.
    ticks: u32,
    /// Names looked up by this evaluation.
    known: Vec<(String, Vec<IpAddr>)>,
    /// A limit, other than those of the limiter, that ended the evaluation.
    reached: Option<&'static str>,
}

impl State {
    fn new(site: Arc<Site>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        let limits = Limits {
            memory: site.limits.memory,
            ..Limits::default()
        };
        Self {
            wasi: without_rights(&site.log),
            limiter: Limiter::new(&limits),
            ticks: ticks(site.limits.running),
            known: Vec::new(),
            reached: None,
            table,
            site,
        }
    }

    /// A new evaluation begins.
    fn begin(&mut self) {
        self.ticks = ticks(self.site.limits.running);
        self.known.clear();
        // One that the script has survived.
        self.limiter.reached = None;
    }

    fn tick(&mut self) -> UpdateDeadline {
        self.ticks = self.ticks.saturating_sub(1);
        match self.ticks {
            0 => UpdateDeadline::Interrupt,
            _ => UpdateDeadline::Yield(1),
        }
    }

    async fn look_up(&mut self, host: String) -> wasmtime::Result<Vec<IpAddr>> {
        if let Some((_, known)) = self.known.iter().find(|(name, _)| *name == host) {
            return Ok(known.clone());
        }
        let limits = &self.site.limits;
        if self.known.len() >= limits.lookups {
            self.reached = Some("lookups");
            return Err(wasmtime::Error::msg("too many names looked up"));
        }
        let lookup = timeout(limits.lookup, self.site.resolver.resolve(&host));
        let found = lookup.await.unwrap_or_else(|_| {
            let host = crate::log::printable(&host);
            tracing::debug!(host, limit = ?limits.lookup, "PAC script: no answer about a name in time");
            Vec::new()
        });
        self.known.push((host, found.clone()));
        Ok(found)
    }
}

/// At least one full tick beside the one that has begun.
fn ticks(time: Duration) -> u32 {
    let ticks = time.as_millis() / TICK.as_millis().max(1);
    u32::try_from(ticks).unwrap_or(u32::MAX).saturating_add(2)
}

impl Host for State {
    async fn resolve(&mut self, host: String) -> wasmtime::Result<Vec<String>> {
        if host.len() > MAX_NAME {
            return Ok(Vec::new());
        }
        let found = self.look_up(host).await?;
        Ok(found.iter().map(IpAddr::to_string).collect())
    }

    fn my_ip_addresses(&mut self) -> wasmtime::Result<Vec<String>> {
        let own = names::own_addresses();
        Ok(own.iter().map(IpAddr::to_string).collect())
    }

    fn alert(&mut self, text: String) -> wasmtime::Result<()> {
        self.site.log.line(Level::Debug, &text);
        Ok(())
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
