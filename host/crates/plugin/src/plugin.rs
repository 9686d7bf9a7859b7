//! A plugin at one place of use: the pool of its instances.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cuttle_egress::{Body, Way};
use http::{Request, Response};
use tokio::{
    runtime::{self, Handle},
    time::{Instant, timeout_at},
};

use crate::{
    BindError, Binding, CallError, Component, Isolation,
    instance::{Instance, MakeError, Outcome, Slot},
    log::Log,
    rights::Rights,
    state::{Site, Ways},
};

/// Time to make and configure the first instance. Nothing can be sent from
/// `configure`, so whatever takes longer is stuck.
const CONFIGURE_TIME: Duration = Duration::from_secs(10);
/// An instance that nobody has needed for so long is dropped at the next call.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// A configured plugin: the instances of one place of use. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Pool>);

impl Plugin {
    /// Makes the first instance and configures it.
    ///
    /// # Errors
    /// [`BindError::Settings`] is the plugin's own refusal, everything else
    /// the gateway's.
    pub async fn bind(component: &Component, binding: Binding) -> Result<Self, BindError> {
        let plugin = component.name().to_owned();
        if let Some((limit, max)) = binding.limits.out_of_range() {
            return Err(BindError::Limit { plugin, limit, max });
        }
        let pool = Arc::new(Pool::new(component, binding));
        component.engine().register(&pool);

        let limit = pool
            .site
            .limits
            .timeout
            .unwrap_or(CONFIGURE_TIME)
            .min(CONFIGURE_TIME);
        let first = timeout_at(Instant::now() + limit, pool.make())
            .await
            .unwrap_or_else(|_| {
                Err(CallError::Deadline {
                    plugin: plugin.clone(),
                    limit,
                })
            });
        match first {
            Ok(instance) => pool.give_back(instance),
            Err(CallError::Settings { plugin, message }) => {
                return Err(BindError::Settings { plugin, message });
            }
            Err(source) => {
                return Err(BindError::Start {
                    plugin,
                    source: Box::new(source),
                });
            }
        }
        Ok(Self(pool))
    }

    /// Lets the plugin answer `request`, whose URI is absolute.
    ///
    /// The body of the response streams on after this has returned. Dropping
    /// the future stops the plugin.
    ///
    /// # Errors
    /// See [`CallError`]; at the deadline it is [`CallError::Deadline`].
    pub async fn call(
        &self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        let started = Instant::now();
        let deadline = match self.0.site.limits.timeout {
            Some(longest) => deadline.min(started + longest),
            None => deadline,
        };
        timeout_at(deadline, self.0.call(request, deadline))
            .await
            .unwrap_or_else(|_| {
                Err(CallError::Deadline {
                    plugin: self.0.site.plugin.to_string(),
                    limit: deadline.saturating_duration_since(started),
                })
            })
    }

    /// Name the plugin is registered under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.site.plugin
    }

    /// Its instances at this moment.
    #[must_use]
    pub fn instances(&self) -> Instances {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        Instances {
            live: self.0.live.load(Ordering::Relaxed),
            idle: idle.len(),
            limit: self.0.site.limits.instances,
        }
    }

    /// The ways through forward proxies that it has opened so far, which is all
    /// of them for a plugin that opens its ways in `configure`.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        self.0.site.ways.all()
    }
}

/// Shows no settings: they may be secrets.
impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Plugin").field(&self.name()).finish()
    }
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
    fn new(component: &Component, binding: Binding) -> Self {
        let plugin = Arc::clone(component.shared_name());
        let log = Log::new(
            Arc::clone(&plugin),
            binding.endpoint,
            binding.limits.log_lines_per_second,
        );
        let site = Site {
            plugin,
            client: binding.client,
            way: binding.way,
            redirects: binding.redirects,
            rights: Rights::new(binding.hosts, binding.proxies, &binding.settings),
            limits: binding.limits,
            log: Arc::new(log),
            ways: Ways::default(),
        };
        Self {
            component: component.clone(),
            site: Arc::new(site),
            settings: binding.settings,
            isolation: binding.isolation,
            live: Arc::default(),
            idle: Mutex::default(),
        }
    }

    async fn call(
        &self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        // From here on the instance belongs to this future: whatever ends the
        // future early drops the instance with it.
        let mut instance = match self.take() {
            Some(instance) => instance,
            // Rare, and too large to be carried along by every call.
            None => Box::pin(self.make()).await?,
        };
        match instance.handle(request, deadline).await {
            Outcome::Returned(answer) => {
                self.give_back(instance);
                answer
            }
            Outcome::Broken(error) => Err(error),
        }
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
        Instance::make(&self.component, &self.site, &self.settings, slot)
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
