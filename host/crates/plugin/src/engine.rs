//! The engine: compiler settings, pool of memory, clock for interruptions.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use wasmtime::{
    Cache, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{self, HasSelf, Linker},
};

use crate::{
    Component, LoadError, World,
    bindings::{HttpClientPlugin, server::cuttle::plugin::client},
    cache::{self, Seals},
    error::Cause,
    limits::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_MEMORY, MAX_TABLE_ELEMENTS, MAX_TABLES},
    pool::Pool,
    state::State,
};

/// Instances over all plugins. Each costs address space and two memory maps
/// when idle and about six when at work, of which Linux gives a process 65,530.
const DEFAULT_MAX_INSTANCES: u32 = 1_000;
/// The same for the engine of asynchronous components: with that of the other
/// one its address space must fit into a process.
const MAX_CONCURRENT_INSTANCES: u32 = 500;
/// How long a plugin may run without giving way to other work of its thread.
/// Also how late a plugin that never waits is stopped.
pub(crate) const TICK: Duration = Duration::from_millis(5);
/// Stack of a plugin's own functions.
const WASM_STACK: usize = 512 << 10;
/// Stack of one call: the plugin's and, on top of it, that of the gateway's
/// functions it calls, TLS handshakes included. Only touched pages cost memory.
const CALL_STACK: usize = 2 << 20;
/// What a slot of the pool keeps for its next user instead of giving it back
/// to the system: halves the cost of a fresh instance.
const KEEP_RESIDENT: usize = 128 << 10;

/// How an [`Engine`] is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// Where machine code is kept between starts; `None` compiles every time.
    /// Made with mode 0700 if it is not there; refused if others can write to
    /// it, or could have. What has changed there is compiled again.
    pub cache_dir: Option<PathBuf>,
    /// Instances that may exist at a time, over all plugins. Default 1,000.
    pub max_instances: Option<u32>,
    /// Compile with all cores. For components of megabytes: the memory that the
    /// other threads used for it stays with the process (measured: 3 MiB for a
    /// plugin of 100 KB, which one thread compiles in a quarter of a second).
    pub parallel_compilation: bool,
    /// For tests of plugins: fuel is counted, time stands still but for the
    /// looks at it, and random numbers are the same each time. Costs speed, and
    /// what relies on random numbers is not safe.
    pub reproducible: bool,
}

/// Compiles plugins and owns what their instances live in. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    runtime: wasmtime::Engine,
    /// For asynchronous components: there only once one of them is loaded.
    concurrent: Mutex<Option<wasmtime::Engine>>,
    settings: EngineSettings,
    linker: Linker<State>,
    /// Machine code on disk.
    cache: Option<(Cache, Seals)>,
    /// Those who hold idle instances.
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl Engine {
    /// Reserves address space and starts the clock thread, which ends with the
    /// last engine, component and plugin.
    ///
    /// # Errors
    /// [`LoadError::Engine`] and [`LoadError::CacheDirectory`].
    pub fn new(settings: &EngineSettings) -> Result<Self, LoadError> {
        let cache = settings.cache_dir.as_deref().map(cache::open).transpose()?;
        let runtime = start(&config(settings, cache.as_ref()))?;
        let linker = linker(&runtime).map_err(failed)?;

        Ok(Self(Arc::new(Shared {
            runtime,
            concurrent: Mutex::default(),
            settings: settings.clone(),
            linker,
            cache,
            pools: Mutex::default(),
        })))
    }

    /// Compiles and links the component in `bytes`, to be known as `name`.
    ///
    /// Blocks for as long as the compiler takes: about 0.1 s for a plugin in
    /// Rust, 10 s for one that brings an interpreter.
    ///
    /// # Errors
    /// Every variant of [`LoadError`] that names a plugin.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<Component, LoadError> {
        Component::load(self, name, bytes)
    }

    /// Compiles the component in `bytes` and puts its machine code into
    /// [`EngineSettings::cache_dir`], for another process to load. Nothing is
    /// linked: whether it is a plugin is not asked.
    ///
    /// # Errors
    /// [`LoadError::NotAComponent`], [`LoadError::TooLarge`],
    /// [`LoadError::Invalid`] and [`LoadError::Engine`].
    pub fn precompile(&self, bytes: &[u8]) -> Result<(), LoadError> {
        Component::precompile(self, bytes)
    }

    /// Machine code for the component in `bytes`, from disk if it is there.
    /// `runtime` is one of this engine's.
    pub(crate) fn compile(
        &self,
        runtime: &wasmtime::Engine,
        bytes: &[u8],
    ) -> wasmtime::Result<component::Component> {
        let seals = || self.0.cache.iter().map(|(_, seals)| seals);
        seals().for_each(Seals::check);
        let compiled = component::Component::from_binary(runtime, bytes);
        seals().for_each(Seals::note);
        compiled
    }

    /// What everything is compiled with that needs nothing special.
    pub(crate) fn runtime(&self) -> &wasmtime::Engine {
        &self.0.runtime
    }

    /// What components of these worlds are compiled with.
    pub(crate) fn runtime_for(&self, worlds: &[World]) -> Result<wasmtime::Engine, LoadError> {
        match worlds.contains(&World::WasiHttpService) {
            true => self.concurrent(),
            false => Ok(self.0.runtime.clone()),
        }
    }

    fn concurrent(&self) -> Result<wasmtime::Engine, LoadError> {
        let concurrent = &self.0.concurrent;
        let mut concurrent = concurrent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*concurrent {
            return Ok(runtime.clone());
        }
        let most = self.0.settings.max_instances;
        let settings = EngineSettings {
            max_instances: Some(most.map_or(MAX_CONCURRENT_INSTANCES, |most| {
                most.min(MAX_CONCURRENT_INSTANCES)
            })),
            ..self.0.settings.clone()
        };
        let mut config = config(&settings, self.0.cache.as_ref());
        config.concurrency_support(true);
        let runtime = start(&config)?;
        Ok(concurrent.insert(runtime).clone())
    }

    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    /// See [`EngineSettings::reproducible`].
    pub(crate) fn is_reproducible(&self) -> bool {
        self.0.settings.reproducible
    }

    /// From now on `pool` gives idle instances back when others need them.
    pub(crate) fn register(&self, pool: &Arc<Pool>) {
        let mut pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }

    /// Drops one idle instance of whoever has one. False if nobody has.
    pub(crate) fn reclaim(&self) -> bool {
        let pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools
            .iter()
            .filter_map(Weak::upgrade)
            .any(|pool| pool.drop_idle())
    }
}

fn start(config: &Config) -> Result<wasmtime::Engine, LoadError> {
    let runtime = wasmtime::Engine::new(config).map_err(failed)?;
    start_clock(&runtime).map_err(|source| LoadError::Engine {
        source: Box::new(source),
    })?;
    Ok(runtime)
}

fn failed(error: wasmtime::Error) -> LoadError {
    LoadError::Engine {
        source: Cause::boxed(&error),
    }
}

/// Address space is reserved for as much memory as a slot can hold, not for the
/// 4 GiB that would spare a plugin its bounds checks: a thousand slots must fit
/// into the 512 GiB that some 64-bit ARM kernels give to a process.
fn config(settings: &EngineSettings, cache: Option<&(Cache, Seals)>) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(settings.reproducible)
        // Costs 75 % of a call: the few that need it have an engine of
        // their own.
        .concurrency_support(false)
        .memory_init_cow(true)
        .parallel_compilation(settings.parallel_compilation)
        .memory_reservation(MAX_MEMORY as u64)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(CALL_STACK)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)))
        .cache(cache.map(|(cache, _)| cache.clone()));
    config
}

fn pool(settings: &EngineSettings) -> PoolingAllocationConfig {
    let instances = settings
        .max_instances
        .unwrap_or(DEFAULT_MAX_INSTANCES)
        .max(1);
    // Most components have few parts; one that has all that it may fits in, too.
    let parts = instances.saturating_mul(4);
    let (cores, tables) = (parts.max(MAX_CORE_INSTANCES), parts.max(MAX_TABLES));

    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances.max(MAX_MEMORIES))
        .total_core_instances(cores)
        .total_tables(tables)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_memory_size(MAX_MEMORY)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Everything a plugin of the contract can import. The interfaces of WASI are all there, so
/// that standard libraries link; the rights behind them are not.
pub(crate) fn linker(runtime: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(runtime);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    HttpClientPlugin::add_to_linker::<_, HasSelf<State>>(&mut linker, counted)?;
    client::add_to_linker::<_, HasSelf<State>>(&mut linker, counted)?;
    Ok(linker)
}

/// What every function of the contract goes through first.
fn counted(state: &mut State) -> &mut State {
    state.count_host_call();
    state
}

/// A thread of its own: a timer of the async runtime would stand still exactly
/// when plugins keep all of its threads busy.
fn start_clock(runtime: &wasmtime::Engine) -> std::io::Result<()> {
    let runtime = runtime.weak();
    thread::Builder::new()
        .name("plugin-clock".into())
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                match runtime.upgrade() {
                    Some(runtime) => runtime.increment_epoch(),
                    None => break,
                }
            }
        })
        .map(drop)
}
