//! Idle connections, kept for the next request.
//!
//! A connection comes back only after its response was read to the end and the
//! request was sent to the end; the newest one is used first, so that the others
//! can time out. Anything left over on a connection ends it: the driver refuses
//! bytes that nobody asked for, and a connection is used again only when the
//! driver says that it is ready.
//!
//! The task that closes old connections starts with the first one and ends with
//! the pool.

mod budget;
mod connection;
mod http1;
mod http2;
mod idle;
mod key;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use foldhash::quality::RandomState;
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, sleep},
};

use self::{
    budget::Budget,
    http2::Shared,
    idle::{Idle, Idles},
};
pub(crate) use self::{connection::Connection, key::Key};
use crate::settings::Settings;

/// How often the pool is swept where nothing asks for more.
const LONGEST_SWEEP_INTERVAL: Duration = Duration::from_secs(30);
const SHORTEST_SWEEP_INTERVAL: Duration = Duration::from_millis(20);

/// The idle connections of one client.
pub(crate) struct Pool {
    limits: Limits,
    hosts: RwLock<HashMap<Key, Arc<Host>, RandomState>>,
    /// Idle connections over all hosts.
    count: AtomicUsize,
    sweeper: OnceLock<AbortHandle>,
}

struct Limits {
    total: usize,
    per_host: usize,
    age: Option<Duration>,
}

/// Connections of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolSize {
    /// HTTP/1 connections without a request.
    pub idle: usize,
    /// HTTP/2 connections.
    pub shared: usize,
}

/// The idle connections of one key, the newest last.
pub(crate) struct Host {
    idle: Mutex<Idles>,
    /// HTTP/2 connections, in use or not.
    shared: Mutex<Vec<Arc<Shared>>>,
    budget: Budget,
}

impl Pool {
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        let per_host = if settings.disable_keep_alives {
            0
        } else {
            settings.max_idle_connections_per_host
        };
        Arc::new(Self {
            limits: Limits {
                total: settings.max_idle_connections.unwrap_or(usize::MAX),
                per_host,
                age: settings.idle_connection_timeout,
            },
            hosts: RwLock::default(),
            count: AtomicUsize::new(0),
            sweeper: OnceLock::new(),
        })
    }

    /// The place for connections with `key`.
    pub(crate) fn host(&self, key: Key) -> Arc<Host> {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = known.get(&key) {
            return Arc::clone(host);
        }
        drop(known);
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(key).or_insert_with(|| Arc::new(Host::new())))
    }

    /// A place on a shared connection of `host`, or else its newest connection
    /// that can be used: one that this runtime drives, or else another's.
    pub(crate) async fn take(&self, host: &Host) -> Option<Connection> {
        if let Some(place) = host.shared().iter().find_map(Shared::free_place) {
            return Some(Connection::Http2(place));
        }
        let here = Handle::current().id();
        loop {
            let mut idle = host.lock().take(here, Instant::now())?;
            self.count.fetch_sub(1, Ordering::Relaxed);
            let connection = &mut idle.connection;
            let young = self.limits.age.is_none_or(|age| idle.since.elapsed() < age);
            if !young || connection.is_closed() {
                continue;
            }
            if connection.ready().await {
                return Some(Connection::Http1(idle.connection));
            }
            if connection.runtime() != here && !connection.is_closed() {
                let mut idles = host.lock();
                if idles.list.len() < self.limits.per_host {
                    idles.put_back(idle);
                    self.count.fetch_add(1, Ordering::Relaxed);
                }
                return None;
            }
        }
    }

    /// Keeps a connection for later, if there is room.
    pub(crate) fn put(self: &Arc<Self>, host: &Host, connection: Connection) {
        let Connection::Http1(connection) = connection else {
            return;
        };
        if connection.is_closed() || self.limits.per_host == 0 || self.limits.total == 0 {
            return;
        }
        self.sweeper.get_or_init(|| self.start_sweeper());
        if self.count.load(Ordering::Relaxed) >= self.limits.total {
            self.close_oldest();
        }
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        let mut idles = host.lock();
        if idles.list.len() >= self.limits.per_host {
            self.retain(&mut idles.list, |idle| !idle.connection.is_closed());
        }
        if idles.list.len() < self.limits.per_host {
            idles.list.push(idle);
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets others use a new connection, if it is one to share, and there is
    /// none with room already.
    pub(crate) fn share(self: &Arc<Self>, host: &Host, connection: &Connection) {
        let Connection::Http2(place) = connection else {
            return;
        };
        self.sweeper.get_or_init(|| self.start_sweeper());
        let mut shared = host.shared();
        if !shared
            .iter()
            .any(|known| Shared::free_place(known).is_some())
        {
            shared.push(Arc::clone(place.shared()));
        }
    }

    /// What there is at this moment.
    pub(crate) fn size(&self) -> PoolSize {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        PoolSize {
            idle: self.count.load(Ordering::Relaxed),
            shared: hosts.values().map(|host| host.shared().len()).sum(),
        }
    }

    /// Makes room under the limit over all hosts.
    fn close_oldest(&self) {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let oldest = hosts
            .values()
            .filter_map(|host| host.lock().list.first().map(|idle| (idle.since, host)))
            .min_by_key(|(since, _)| *since);
        if let Some((_, host)) = oldest {
            let mut idles = host.lock();
            if !idles.list.is_empty() {
                idles.list.remove(0);
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Forgets connections that are too old or closed, and hosts without any.
    fn sweep(&self) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, host| {
            let mut idles = host.lock();
            self.retain(&mut idles.list, |idle| {
                let young = self.limits.age.is_none_or(|age| idle.since.elapsed() < age);
                young && !idle.connection.is_closed()
            });
            let mut shared = host.shared();
            shared.retain(|shared| self.limits.age.is_none_or(|age| !shared.is_idle_for(age)));
            // A request under way holds its host and brings a connection back.
            !idles.list.is_empty() || !shared.is_empty() || Arc::strong_count(host) > 1
        });
    }

    fn retain(&self, list: &mut Vec<Idle>, keep: impl FnMut(&Idle) -> bool) {
        let before = list.len();
        list.retain(keep);
        self.count.fetch_sub(before - list.len(), Ordering::Relaxed);
    }

    fn start_sweeper(self: &Arc<Self>) -> AbortHandle {
        let interval = self.limits.age.map_or(LONGEST_SWEEP_INTERVAL, |age| {
            (age / 2).clamp(SHORTEST_SWEEP_INTERVAL, LONGEST_SWEEP_INTERVAL)
        });
        tokio::spawn(sweep_while_alive(Arc::downgrade(self), interval)).abort_handle()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(sweeper) = self.sweeper.get() {
            sweeper.abort();
        }
    }
}

impl Host {
    fn new() -> Self {
        Self {
            idle: Mutex::default(),
            shared: Mutex::default(),
            budget: Budget::new(),
        }
    }

    /// How many requests may be repeated.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The shared connections that are open.
    fn shared(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|shared| !shared.is_closed());
        shared
    }

    fn lock(&self) -> MutexGuard<'_, Idles> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep_while_alive(pool: Weak<Pool>, interval: Duration) {
    loop {
        sleep(interval).await;
        match pool.upgrade() {
            Some(pool) => pool.sweep(),
            None => return,
        }
    }
}

/// A connection in use and the place where it came from.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    pub(crate) host: Arc<Host>,
    pub(crate) pool: Arc<Pool>,
}

impl Lease {
    /// Gives the connection back. Only after both messages have ended.
    pub(crate) fn give_back(self) {
        self.pool.put(&self.host, self.connection);
    }
}
