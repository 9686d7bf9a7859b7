//! One instance of a plugin: made, configured, called.

mod modify;
mod standard;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cuttle_egress::{Body, remove_hop_by_hop};
use http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::time::Instant;
use wasmtime::{
    PoolConcurrencyLimitError, Store, UpdateDeadline,
    component::{Resource, ResourceTableError},
};

use crate::{
    CallError, Component,
    bindings::cuttle::plugin::types::Error,
    cost::{Usage, give_way},
    errand::beside,
    error::Cause,
    host::{RequestHandle, ResponseHandle, plugin_failure},
    log::printable,
    next::Onward,
    observer::{self, Observer, Spent},
    reproducible::FUEL,
    rights::Origin,
    state::{Call, Site, State},
    world::{Exports, Linked},
};

pub(crate) use standard::Listener;

/// Entries that the runtime's tables may have for each handle of
/// [`Limits::resources`](crate::Limits): of a stream there are its two ends and
/// what is between them, of a handle that is lent there are two.
const PARTS: usize = 4;

/// An instance, and the places it takes up.
pub(crate) struct Instance {
    store: Store<State>,
    exports: Exports,
    uses: u64,
    reproducible: bool,
    _slot: Slot,
}

/// How a call ended.
pub(crate) enum Outcome<T> {
    /// The plugin returned: the instance can be used again.
    Returned(Result<T, CallError>),
    /// The plugin was stopped in the middle of something.
    Broken(CallError),
}

/// Why there is no new instance.
pub(crate) enum MakeError {
    /// The engine has none left.
    EngineExhausted,
    /// Something else.
    Other(CallError),
}

impl Instance {
    /// Makes an instance and hands it its settings.
    pub(crate) async fn make(
        component: &Component,
        linked: &Linked,
        site: &Arc<Site>,
        settings: &str,
        slot: Slot,
    ) -> Result<Self, MakeError> {
        let mut store = store(component, site);
        let exports = match linked.instantiate(&mut store).await {
            Ok(exports) => exports,
            Err(error) if error.is::<PoolConcurrencyLimitError>() => {
                return Err(MakeError::EngineExhausted);
            }
            Err(error) => return Err(MakeError::Other(stopped(&store, &error))),
        };
        match exports.configure(&mut store, settings).await {
            Ok(Ok(())) => {}
            Ok(Err(message)) => {
                return Err(MakeError::Other(CallError::Settings {
                    plugin: component.name().to_owned(),
                    message: printable(&message),
                }));
            }
            Err(error) => return Err(MakeError::Other(stopped(&store, &error))),
        }
        store.data_mut().end_call();

        Ok(Self {
            store,
            exports,
            uses: 0,
            reproducible: component.engine().is_reproducible(),
            _slot: slot,
        })
    }

    /// Lets the plugin answer `request`. Dropping the future stops the plugin;
    /// the instance must then be dropped too.
    pub(crate) async fn handle(
        &mut self,
        request: Request<Body>,
        deadline: Instant,
        onward: Onward,
    ) -> Outcome<Response<Body>> {
        let request = match self.begin(request, deadline, onward) {
            Ok(request) => request,
            Err(error) => return Outcome::Broken(stopped(&self.store, &error)),
        };
        let errands = self.store.data().errands.clone();
        let answering = self.exports.handle(&mut self.store, request);
        let answered = beside(errands, answering).await;
        self.tell_observer();
        // A short flood may be over before anybody looks.
        let overdrawn = self.store.data().overdrawn();
        match answered.and_then(|answered| overdrawn.map_or(Ok(answered), Err)) {
            Ok(answered) => self.conclude(answered),
            Err(error) => Outcome::Broken(stopped(&self.store, &error)),
        }
    }

    /// The plugin has returned.
    fn conclude(
        &mut self,
        answered: Result<Resource<ResponseHandle>, Error>,
    ) -> Outcome<Response<Body>> {
        let state = self.store.data_mut();
        let outcome = match answered {
            Ok(response) => match state.table.delete(response) {
                Ok(response) => Outcome::Returned(finish(&state.site, response)),
                Err(error) => Outcome::Broken(stopped(&self.store, &error.into())),
            },
            Err(error) => Outcome::Returned(Err(failed(state, error))),
        };
        self.store.data_mut().end_call();
        outcome
    }

    /// A call begins to be counted.
    pub(crate) fn start_clock(&mut self) {
        self.store.data_mut().clock.begin();
    }

    /// What the call has used up, `took` after its beginning.
    pub(crate) fn usage(&mut self, took: Duration) -> Usage {
        let state = self.store.data_mut();
        let memory = state.limiter.memory();
        state.clock.end(took, memory)
    }

    /// The same where it was at work for `busy`.
    pub(crate) fn usage_at_work(&self, busy: Duration) -> Usage {
        let state = self.store.data();
        state.clock.at_work(busy, state.limiter.memory())
    }

    /// Calls it has answered.
    pub(crate) fn uses(&self) -> u64 {
        self.uses
    }

    /// What the call has used up, for whoever goes along with it.
    fn tell_observer(&self) {
        let state = self.store.data();
        let call = state.call.as_ref();
        if let Some(observer) = call.and_then(|call| call.observer.as_ref()) {
            let left = self.store.get_fuel().ok();
            observer.ended(Spent {
                fuel: left.map(|left| FUEL.saturating_sub(left)),
                memory: state.limiter.memory(),
            });
        }
    }

    fn begin(
        &mut self,
        mut request: Request<Body>,
        deadline: Instant,
        onward: Onward,
    ) -> wasmtime::Result<Resource<RequestHandle>> {
        // In front of the gateway the host is the client's to choose.
        let origin = match onward.gateway {
            None => Origin::of(request.uri()),
            Some(_) => None,
        };
        let observer = observer::detach(&mut request);
        let call = self.call(origin, deadline, (onward, observer));
        self.enter(call);
        let state = self.store.data_mut();
        Ok(state.table.push(RequestHandle::incoming(request))?)
    }

    /// `origin` is what it may reach without a grant.
    fn call(
        &self,
        origin: Option<Origin>,
        deadline: Instant,
        (onward, observer): (Onward, Option<Arc<dyn Observer>>),
    ) -> Call {
        Call {
            origin,
            deadline,
            readable: self.store.data().site.limits.body_read,
            onward,
            observer,
        }
    }

    /// A call begins.
    fn enter(&mut self, call: Call) {
        self.uses += 1;
        // The clock went on while the instance was idle.
        self.store.set_epoch_deadline(1);
        if self.reproducible {
            // Cannot fail: fuel is counted.
            let _ = self.store.set_fuel(FUEL);
        }
        self.store.data_mut().begin_call(call);
    }
}

fn store(component: &Component, site: &Arc<Site>) -> Store<State> {
    let engine = component.engine();
    let state = State::new(Arc::clone(site), engine.is_reproducible());
    let mut store = Store::new(component.runtime(), state);
    if engine.is_reproducible() {
        // Cannot fail: fuel is counted.
        let _ = store.set_fuel(FUEL);
    }
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(site.limits.hostcall_fuel);
    limit_handles(&mut store, site.limits.resources);
    // At every tick the plugin gives way, and whoever waits for it can see
    // whether its time is up. The runtime's own yield wakes itself at once, so
    // that the scheduler looks at sockets only after many ticks of it (measured
    // with four spinning calls: neighbours wait for a second); this one lets it
    // look first.
    store.set_epoch_deadline(1);
    let yielded = store.data().clock.yielded();
    store.epoch_deadline_callback(move |store| {
        if let Some(error) = store.data().overdrawn() {
            return Err(error);
        }
        let yielded = Box::pin(give_way(Arc::clone(&yielded)));
        Ok(UpdateDeadline::YieldCustom(1, yielded))
    });
    store
}

/// Limits what a plugin makes with the runtime's own functions, of which the
/// gateway sees nothing: streams, tasks, resources of its own.
fn limit_handles(store: &mut Store<State>, resources: usize) {
    let most = resources.saturating_mul(PARTS);
    store.set_max_component_handles(most);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(most);
    }
}

/// Whether a limit of [`limit_handles`], or of the gateway's own table, is why.
fn is_full(error: &wasmtime::Error) -> bool {
    // The runtime has no type for this one.
    const NO_HANDLES: &str = "store handle limit exceeded";
    matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    ) || error.root_cause().to_string().contains(NO_HANDLES)
}

/// Says why the runtime stopped the plugin.
fn stopped(store: &Store<State>, error: &wasmtime::Error) -> CallError {
    let state = store.data();
    let plugin = state.site.plugin.to_string();
    let source = Cause::boxed(error);
    let full = || is_full(error).then_some("resources");
    match state.limit_reached().or_else(full) {
        Some(limit) => CallError::Limit {
            plugin,
            limit,
            source,
        },
        None => CallError::Trap { plugin, source },
    }
}

/// The failure that `error` is: the plugin's own, or that of one behind it.
fn failed(state: &mut State, error: Error) -> CallError {
    let call = state.call.as_mut();
    let passed_on = call.and_then(|call| call.onward.passed_on(&error));
    passed_on.unwrap_or_else(|| CallError::Failed {
        plugin: state.site.plugin.to_string(),
        error: plugin_failure(error),
    })
}

/// Checks the plugin's response and takes what belongs to a connection, or to
/// another body, out of its head.
pub(crate) fn finish(site: &Site, response: ResponseHandle) -> Result<Response<Body>, CallError> {
    let status = StatusCode::from_u16(response.status)
        .ok()
        .filter(|_| (200..=599).contains(&response.status))
        .ok_or_else(|| CallError::Invalid {
            plugin: site.plugin.to_string(),
            message: format!("status {} is not in 200 to 599", response.status),
        })?;
    let ResponseHandle {
        mut parts,
        body,
        body_changed,
        ..
    } = response;
    parts.status = status;
    remove_hop_by_hop(&mut parts.headers);
    if body_changed {
        reframe(&mut parts.headers);
    }
    Ok(Response::from_parts(parts, crate::host::body_to_send(body)))
}

/// The length belongs to the body that was there before.
fn reframe(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
}

/// Counts one instance of a place of use for as long as it exists.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// `None` if there are `limit` already.
    pub(crate) fn take(live: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        live.fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| {
            (live < limit).then_some(live + 1)
        })
        .ok()?;
        Some(Self(Arc::clone(live)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
