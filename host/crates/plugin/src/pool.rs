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
use std::time::Instant as Moment;
use tokio::{
    runtime::{self, Handle},
    time::{Instant, timeout_at},
};
use wasmtime_wasi_config::WasiConfigVariables;

use crate::{
    BindError, Binding, CallError, Component, Cost, Isolation, World,
    cost::{Dropped, Fault, Tally},
    instance::{Instance, MakeError, Outcome, Slot},
    log::Log,
    modifier::{Hooks, ModifierSite, Place},
    next::Next,
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
    world: World,
    linked: Linked,
    site: Arc<Site>,
    settings: String,
    isolation: Isolation,
    /// Instances that exist, idle or not.
    live: Arc<AtomicUsize>,
    /// Used most recently last: the rest can grow old and go.
    idle: Mutex<VecDeque<Idle>>,
    tally: Tally,
}

struct Idle {
    instance: Box<Instance>,
    since: Instant,
    /// Where it was used last: the caches of that core know its memory.
    runtime: runtime::Id,
}

impl Pool {
    fn new(
        component: &Component,
        (world, linked): (World, Linked),
        binding: Binding,
        (next, place): (Next, Option<Place>),
    ) -> Self {
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
            next,
            modifier: place.map(ModifierSite::new),
        };
        Self {
            component: component.clone(),
            world,
            linked,
            site: Arc::new(site),
            settings: binding.settings,
            isolation: binding.isolation,
            live: Arc::default(),
            idle: Mutex::default(),
            tally: Tally::default(),
        }
    }

    /// Makes the first instance and configures it.
    pub(crate) async fn bind(
        component: &Component,
        world: World,
        binding: Binding,
    ) -> Result<Arc<Self>, BindError> {
        Self::bind_as(component, world, binding, (Next::Backend, None)).await
    }

    /// The same with something other than the backend to come next.
    pub(crate) async fn bind_before(
        component: &Component,
        world: World,
        binding: Binding,
        next: Next,
    ) -> Result<Arc<Self>, BindError> {
        Self::bind_as(component, world, binding, (next, None)).await
    }

    /// The same for a modifier, which has a `place`.
    pub(crate) async fn bind_at(
        component: &Component,
        world: World,
        binding: Binding,
        place: Place,
    ) -> Result<Arc<Self>, BindError> {
        Self::bind_as(component, world, binding, (Next::Backend, Some(place))).await
    }

    async fn bind_as(
        component: &Component,
        world: World,
        binding: Binding,
        role: (Next, Option<Place>),
    ) -> Result<Arc<Self>, BindError> {
        let plugin = component.name().to_owned();
        if let Some((limit, max)) = binding.limits.out_of_range() {
            return Err(BindError::Limit { plugin, limit, max });
        }
        let Some(linked) = component.linked(world) else {
            return Err(BindError::World { plugin, world });
        };
        let linked = (world, linked.clone());
        let pool = Arc::new(Self::new(component, linked, binding, role));
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
        let mut call = AtWork::begin(self, deadline);
        let instance = call.instance().await?;
        match work.run(instance, deadline).await {
            Outcome::Returned(answer) => {
                call.returned(answer.as_ref().err());
                answer
            }
            Outcome::Broken(error) => Err(call.failed(error)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.site.plugin
    }

    pub(crate) fn world(&self) -> World {
        self.world
    }

    pub(crate) fn cost(&self) -> Cost {
        self.tally.read(self.site.log.dropped())
    }

    /// Of a modifier: what it has asked for.
    pub(crate) fn hooks(&self) -> Hooks {
        let modifier = self.site.modifier.as_ref();
        modifier.map_or_else(Hooks::default, ModifierSite::hooks)
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
        if let Some(old) = old {
            drop(old);
            self.tally.dropped(Dropped::Idle);
        }
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
            MakeError::EngineExhausted => self.exhausted(None),
            MakeError::Other(error) => error,
        })
    }

    async fn try_make(&self) -> Result<Box<Instance>, MakeError> {
        let limit = self.site.limits.instances;
        let slot = Slot::take(&self.live, limit)
            .ok_or_else(|| MakeError::Other(self.exhausted(Some(limit))))?;
        Instance::make(
            &self.component,
            &self.linked,
            &self.site,
            &self.settings,
            slot,
        )
        .await
        .map(|instance| {
            self.tally.created();
            Box::new(instance)
        })
    }

    fn give_back(&self, instance: Box<Instance>) {
        let limit = self.site.limits.uses_per_instance;
        let worn_out = limit != 0 && instance.uses() >= limit;
        if self.isolation == Isolation::Request {
            return self.tally.dropped(Dropped::Isolation);
        }
        if worn_out {
            return self.tally.dropped(Dropped::Uses);
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
        if taken.is_some() {
            self.tally.dropped(Dropped::Reclaimed);
        }
        taken.is_some()
    }

    pub(crate) fn too_late(&self, limit: Duration) -> CallError {
        CallError::Deadline {
            plugin: self.site.plugin.to_string(),
            limit,
        }
    }

    fn exhausted(&self, instances: Option<usize>) -> CallError {
        CallError::Exhausted {
            plugin: self.site.plugin.to_string(),
            instances,
        }
    }
}

/// Counts one call, whichever way it ends.
struct Counted<'p> {
    pool: &'p Pool,
    deadline: Instant,
    started: Moment,
    /// How it ended; `None` as long as it has not.
    end: Option<Option<Fault>>,
}

impl<'p> Counted<'p> {
    fn begin(pool: &'p Pool, deadline: Instant) -> Self {
        Self {
            pool,
            deadline,
            started: Moment::now(),
            end: None,
        }
    }

    fn ended(&mut self, error: Option<&CallError>) {
        self.end = Some(error.map(Fault::of));
    }

    /// Why an instance that is still there is dropped.
    fn dropped(&self) -> Dropped {
        match self.end {
            Some(_) => Dropped::Trap,
            None => Dropped::cut_off(self.deadline),
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        // Nobody has ended it.
        let cut_off = || match self.dropped() {
            Dropped::Deadline => Fault::Deadline,
            _ => Fault::Cancelled,
        };
        let fault = self.end.unwrap_or_else(|| Some(cut_off()));
        self.pool.tally.called(self.started.elapsed(), fault);
    }
}

/// One call, from its beginning to whatever ends it.
struct AtWork<'p> {
    /// When the instance was there.
    entered: Moment,
    /// Broken until the plugin has returned.
    instance: Option<Box<Instance>>,
    counted: Counted<'p>,
}

impl<'p> AtWork<'p> {
    fn begin(pool: &'p Pool, deadline: Instant) -> Self {
        let counted = Counted::begin(pool, deadline);
        Self {
            entered: counted.started,
            instance: None,
            counted,
        }
    }

    fn pool(&self) -> &'p Pool {
        self.counted.pool
    }

    /// An instance to work with.
    async fn instance(&mut self) -> Result<&mut Instance, CallError> {
        let mut instance = match self.pool().take() {
            Some(instance) => instance,
            None => {
                // Rare, and too large to be carried along by every call.
                let made = Box::pin(self.pool().make()).await;
                let made = made.map_err(|error| self.failed(error))?;
                self.entered = Moment::now();
                made
            }
        };
        instance.start_clock();
        Ok(self.instance.insert(instance))
    }

    /// The instance is whole.
    fn returned(&mut self, error: Option<&CallError>) {
        self.counted.ended(error);
        self.count_usage();
        if let Some(instance) = self.instance.take() {
            self.pool().give_back(instance);
        }
    }

    fn failed(&mut self, error: CallError) -> CallError {
        self.counted.ended(Some(&error));
        error
    }

    fn count_usage(&mut self) {
        let took = self.entered.elapsed();
        if let Some(instance) = &mut self.instance {
            let usage = instance.usage(took);
            self.pool().tally.used(&usage);
        }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let why = self.counted.dropped();
        self.count_usage();
        if self.instance.take().is_some() {
            self.pool().tally.dropped(why);
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
