//! The instances of one place of use.

mod standard;

use std::{
    collections::VecDeque,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cuttle_egress::Way;
use tokio::{
    runtime::{self, Handle},
    time::{Instant, timeout_at},
};
use wasmtime_wasi_config::WasiConfigVariables;

use crate::{
    BindError, Binding, CallError, Component, Isolation, World,
    instance::{Instance, MakeError, Outcome, Slot},
    log::Log,
    rights::Rights,
    standard::config,
    state::{Site, Ways},
    world::Linked,
};

/// Time to make and configure the first instance. Nothing can be sent from
/// `configure`, so whatever takes longer is stuck.
const CONFIGURE_TIME: Duration = Duration::from_secs(10);
/// An instance that nobody has needed for so long is dropped at the next call.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// Something an instance does: a call of one of its exports.
pub(crate) trait Work: Send {
    /// What comes of it.
    type Answer: Send;

    /// Dropping the future stops the plugin; the instance must then be dropped
    /// too.
    fn run(
        self,
        instance: &mut Instance,
        deadline: Instant,
    ) -> impl Future<Output = Outcome<Self::Answer>> + Send;
}

/// How many instances one place of use has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instances {
    /// All of them, at work or not.
    pub live: usize,
    /// Those that wait for a call.
    pub idle: usize,
    /// The most that there may be.
    pub limit: usize,
}

/// Instances of one place of use.
pub(crate) struct Pool {
    component: Component,
    linked: Linked,
    site: Arc<Site>,
    settings: String,
    isolation: Isolation,
    /// Instances that exist, idle or not.
    live: Arc<AtomicUsize>,
    /// Used most recently last: the rest can grow old and go.
    idle: Mutex<VecDeque<Idle>>,
}

struct Idle {
    instance: Box<Instance>,
    since: Instant,
    /// Where it was used last: the caches of that core know its memory.
    runtime: runtime::Id,
}

impl Pool {
    fn new(component: &Component, linked: Linked, binding: Binding) -> Self {
        let plugin = Arc::clone(component.shared_name());
        let rights = Arc::new(Rights::new(&plugin, &binding));
        let log = Log::new(
            Arc::clone(&plugin),
            binding.endpoint,
            binding.limits.log_lines_per_second,
        );
        let site = Site {
            plugin,
            rights,
            client: binding.client,
            way: binding.way,
            redirects: binding.redirects,
            limits: binding.limits,
            log: Arc::new(log),
            ways: Ways::default(),
            config: match linked.is_standard() {
                true => config(&binding.settings),
                false => WasiConfigVariables::default(),
            },
        };
        Self {
            component: component.clone(),
            linked,
            site: Arc::new(site),
            settings: binding.settings,
            isolation: binding.isolation,
            live: Arc::default(),
            idle: Mutex::default(),
        }
    }

    /// Makes the first instance and configures it.
    pub(crate) async fn bind(
        component: &Component,
        world: World,
        binding: Binding,
    ) -> Result<Arc<Self>, BindError> {
        let plugin = component.name().to_owned();
        if let Some((limit, max)) = binding.limits.out_of_range() {
            return Err(BindError::Limit { plugin, limit, max });
        }
        let Some(linked) = component.linked(world) else {
            return Err(BindError::World { plugin, world });
        };
        let pool = Arc::new(Self::new(component, linked.clone(), binding));
        component.engine().register(&pool);
        match pool.first().await {
            Ok(instance) => pool.give_back(instance),
            Err(CallError::Settings { plugin, message }) => {
                return Err(BindError::Settings { plugin, message });
            }
            Err(source) => {
                let source = Box::new(source);
                return Err(BindError::Start { plugin, source });
            }
        }
        Ok(pool)
    }

    async fn first(&self) -> Result<Box<Instance>, CallError> {
        let longest = self.site.limits.timeout.unwrap_or(CONFIGURE_TIME);
        let limit = longest.min(CONFIGURE_TIME);
        let made = timeout_at(Instant::now() + limit, self.make()).await;
        made.unwrap_or_else(|_| Err(self.too_late(limit)))
    }

    /// Lets an instance do `work`, until `deadline` at most.
    pub(crate) async fn run<W: Work>(
        &self,
        work: W,
        deadline: Instant,
    ) -> Result<W::Answer, CallError> {
        let started = Instant::now();
        let deadline = self.bounded(deadline, started);
        timeout_at(deadline, self.on_instance(work, deadline))
            .await
            .unwrap_or_else(|_| Err(self.too_late(deadline.saturating_duration_since(started))))
    }

    /// `deadline`, or what the limit of the plugin makes of it.
    fn bounded(&self, deadline: Instant, started: Instant) -> Instant {
        match self.site.limits.timeout {
            Some(longest) => deadline.min(started + longest),
            None => deadline,
        }
    }

    async fn on_instance<W: Work>(
        &self,
        work: W,
        deadline: Instant,
    ) -> Result<W::Answer, CallError> {
        // From here on the instance belongs to this future: whatever ends the
        // future early drops the instance with it.
        let mut instance = match self.take() {
            Some(instance) => instance,
            // Rare, and too large to be carried along by every call.
            None => Box::pin(self.make()).await?,
        };
        match work.run(&mut instance, deadline).await {
            Outcome::Returned(answer) => {
                self.give_back(instance);
                answer
            }
            Outcome::Broken(error) => Err(error),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.site.plugin
    }

    pub(crate) fn instances(&self) -> Instances {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        Instances {
            live: self.live.load(Ordering::Relaxed),
            idle: idle.len(),
            limit: self.site.limits.instances,
        }
    }

    pub(crate) fn ways(&self) -> Vec<Way> {
        self.site.ways.all()
    }

    fn take(&self) -> Option<Box<Instance>> {
        let here = Handle::current().id();
        let (taken, old) = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            (pop_nearest(&mut idle, here), pop_old(&mut idle))
        };
        // Dropping one costs some microseconds: not under the lock.
        drop(old);
        taken.map(|idle| idle.instance)
    }

    async fn make(&self) -> Result<Box<Instance>, CallError> {
        match self.try_make().await {
            Err(MakeError::EngineExhausted) if self.component.engine().reclaim() => {
                self.try_make().await
            }
            made => made,
        }
        .map_err(|error| match error {
            MakeError::EngineExhausted => self.exhausted(),
            MakeError::Other(error) => error,
        })
    }

    async fn try_make(&self) -> Result<Box<Instance>, MakeError> {
        let slot = Slot::take(&self.live, self.site.limits.instances)
            .ok_or_else(|| MakeError::Other(self.exhausted()))?;
        Instance::make(
            &self.component,
            &self.linked,
            &self.site,
            &self.settings,
            slot,
        )
        .await
        .map(Box::new)
    }

    fn give_back(&self, instance: Box<Instance>) {
        let limit = self.site.limits.uses_per_instance;
        let worn_out = limit != 0 && instance.uses() >= limit;
        if self.isolation == Isolation::Request || worn_out {
            return;
        }
        let back = Idle {
            instance,
            since: Instant::now(),
            runtime: Handle::current().id(),
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push_back(back);
    }

    /// Drops one idle instance, for somebody who needs its place.
    pub(crate) fn drop_idle(&self) -> bool {
        let taken = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        taken.is_some()
    }

    pub(crate) fn too_late(&self, limit: Duration) -> CallError {
        CallError::Deadline {
            plugin: self.site.plugin.to_string(),
            limit,
        }
    }

    fn exhausted(&self) -> CallError {
        CallError::Exhausted {
            plugin: self.site.plugin.to_string(),
        }
    }
}

/// The instance that `runtime` used last, or else the one that anybody did.
fn pop_nearest(idle: &mut VecDeque<Idle>, runtime: runtime::Id) -> Option<Idle> {
    match idle.iter().rposition(|idle| idle.runtime == runtime) {
        Some(at) => idle.remove(at),
        None => idle.pop_back(),
    }
}

/// The instance that has been idle longest, if that is too long. One a call is
/// enough: a pool shrinks as fast as it is used.
fn pop_old(idle: &mut VecDeque<Idle>) -> Option<Idle> {
    let oldest = idle.front()?;
    (oldest.since.elapsed() > IDLE_TIME).then(|| idle.pop_front())?
}
