//! Hosts that are found by DNS: SRV records ([RFC 2782]).
//!
//! The name is looked up when its first request comes, and again in the
//! background when a request finds the answer older than its time. What was
//! found stays in use until something else is found: a name server that does
//! not answer takes no backend away.
//!
//! [RFC 2782]: https://www.rfc-editor.org/rfc/rfc2782

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolverConfig, ResolverOpts},
    lookup::Lookup,
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, rdata::SRV},
    system_conf::read_system_conf,
};
use http::uri::Authority;
use tokio::{sync::watch, time::Instant};

use crate::error::BoxError;

/// How long a name that was never found is not asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// Entries among which the weights of a name are divided.
const SHARES: u64 = 100;

/// Asks name servers. Cheap to clone.
#[derive(Clone)]
pub struct SrvResolver {
    /// All of them, as the library likes.
    all: TokioResolver,
    /// Each alone, in the order given, if there are several.
    each: Arc<[TokioResolver]>,
}

impl SrvResolver {
    /// The name servers and search domains of `/etc/resolv.conf`. Makes no
    /// socket.
    ///
    /// # Errors
    ///
    /// The file cannot be used.
    pub fn from_system() -> Result<Self, BoxError> {
        let (config, options) = read_system_conf()?;
        Self::of(config, options)
    }

    /// These name servers, without search domains.
    ///
    /// # Errors
    ///
    /// None that depends on `servers`.
    pub fn asking(servers: &[SocketAddr]) -> Result<Self, BoxError> {
        let servers = servers.iter().copied().map(name_server).collect();
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        Self::of(config, ResolverOpts::default())
    }

    fn of(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, BoxError> {
        // How long an answer is good is said by the configuration.
        options.positive_max_ttl = Some(Duration::ZERO);
        options.negative_max_ttl = Some(Duration::ZERO);
        let (domain, search, servers) = config.into_parts();
        let resolver = |servers: &[NameServerConfig]| {
            let config =
                ResolverConfig::from_parts(domain.clone(), search.clone(), servers.to_vec());
            let runtime = TokioRuntimeProvider::default();
            let builder = TokioResolver::builder_with_config(config, runtime);
            builder.with_options(options.clone()).build()
        };
        let alone = servers.chunks(1).filter(|_| servers.len() > 1);
        Ok(Self {
            each: alone.map(resolver).collect::<Result<_, _>>()?,
            all: resolver(&servers)?,
        })
    }

    async fn lookup(&self, name: &str) -> Result<Arc<[Authority]>, BoxError> {
        let found = match self.all.srv_lookup(name).await {
            Err(error) if is_servers_own(&error) => self.one_by_one(name).await.ok_or(error)?,
            found => found?,
        };
        let records = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(srv),
                _ => None,
            });
        let hosts = hosts(records);
        match hosts.is_empty() {
            true => Err("the answer names no usable host".into()),
            false => Ok(hosts.into()),
        }
    }

    /// The first answer that is one.
    async fn one_by_one(&self, name: &str) -> Option<Lookup> {
        for resolver in &*self.each {
            if let Ok(found) = resolver.srv_lookup(name).await {
                return Some(found);
            }
        }
        None
    }
}

/// Whether a server says that it cannot answer (SERVFAIL, REFUSED and the like). The
/// library takes that for the answer of all; another one may know, and resolvers of
/// operating systems ask it.
fn is_servers_own(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::ResponseCode(_)))
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(address.ip());
    // As for those of the system: that one knows no such name is no answer while
    // another may know it.
    config.trust_negative_responses = false;
    for connection in &mut config.connections {
        connection.port = address.port();
    }
    config
}

/// The hosts of one name. Cheap to clone.
#[derive(Clone)]
pub struct SrvHosts(Arc<Inner>);

struct Inner {
    resolver: SrvResolver,
    name: String,
    ttl: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hosts: Arc<[Authority]>,
    /// From when on to ask again.
    stale: Option<Instant>,
    /// Closed when the last lookup has ended, whichever way.
    lookup: Option<watch::Receiver<()>>,
    /// Calls so far, for whose turn it is.
    calls: usize,
}

impl SrvHosts {
    /// The hosts of `name`, asked for again every `ttl`. Sends nothing yet.
    #[must_use]
    pub fn new(resolver: SrvResolver, name: String, ttl: Duration) -> Self {
        Self(Arc::new(Inner {
            resolver,
            name,
            ttl,
            state: Mutex::default(),
        }))
    }

    /// The host whose turn it is, in proportion to the weights. Waits for an
    /// answer only as long as there has been none. `None` if nothing was found;
    /// the log says why.
    pub async fn next(&self) -> Option<Authority> {
        if let Some(mut lookup) = self.0.awaited() {
            // Nothing is ever sent.
            let _ = lookup.changed().await;
        }
        self.0.state().turn()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that somebody looks the name up if it is time to. Returns the
    /// lookup if there is nothing to use until its end.
    fn awaited(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        let mut state = self.state();
        if !state.is_stale() {
            return None;
        }
        let under_way = state.lookup.take().filter(|one| one.has_changed().is_ok());
        let lookup = under_way.unwrap_or_else(|| self.look_up());
        state.lookup = Some(lookup.clone());
        state.hosts.is_empty().then_some(lookup)
    }

    /// On its own, so that a client that goes away does not end it.
    fn look_up(self: &Arc<Self>) -> watch::Receiver<()> {
        let (under_way, lookup) = watch::channel(());
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            inner.refresh().await;
            drop(under_way);
        });
        lookup
    }

    async fn refresh(&self) {
        let found = self.resolver.lookup(&self.name).await;
        let mut state = self.state();
        match found {
            Ok(hosts) => state.hosts = hosts,
            Err(error) => tracing::warn!(
                target: "cuttle",
                name = self.name,
                error = %error,
                kept = state.hosts.len(),
                "service discovery failed"
            ),
        }
        let pause = if state.hosts.is_empty() {
            PAUSE
        } else {
            self.ttl
        };
        state.stale = Some(Instant::now() + pause);
    }
}

impl State {
    fn is_stale(&self) -> bool {
        self.stale.is_none_or(|stale| stale <= Instant::now())
    }

    fn turn(&mut self) -> Option<Authority> {
        self.calls = self.calls.wrapping_add(1);
        let turn = self.calls.checked_rem(self.hosts.len())?;
        self.hosts.get(turn).cloned()
    }
}

impl fmt::Debug for SrvHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SrvHosts").field(&self.0.name).finish()
    }
}

/// The hosts of the lowest priority, each as often as its weight says.
///
/// As in KrakenD a weight of 0 is never chosen beside greater ones. A name whose
/// weights are all 0 has hosts all the same, where KrakenD has none.
fn hosts<'r>(records: impl Iterator<Item = &'r SRV> + Clone) -> Vec<Authority> {
    let usable = records.filter_map(|srv| Some((srv.priority, srv.weight, authority(srv)?)));
    let Some(best) = usable.clone().map(|(priority, ..)| priority).min() else {
        return Vec::new();
    };
    let best = usable.filter(|(priority, ..)| *priority == best);
    let mut group: Vec<_> = best
        .map(|(_, weight, host)| (u64::from(weight), host))
        .collect();
    // The order of an answer changes from one to the next.
    group.sort_by(|(_, a), (_, b)| a.as_str().cmp(b.as_str()));
    let sum: u64 = group.iter().map(|(weight, _)| weight).sum();
    let shares: Vec<_> = group
        .into_iter()
        .map(|(weight, host)| (share(weight, sum), host))
        .collect();
    let divisor = shares
        .iter()
        .fold(0, |divisor, (share, _)| gcd(divisor, *share))
        .max(1);
    let most = shares
        .iter()
        .map(|(share, _)| share / divisor)
        .max()
        .unwrap_or(0);
    // In rounds, so that calls in a row go to different hosts.
    let round = |round| {
        let left = shares
            .iter()
            .filter(move |(share, _)| share / divisor > round);
        left.map(|(_, host)| host.clone())
    };
    (0..most).flat_map(round).collect()
}

/// Of [`SHARES`]; one at least for a weight at all.
fn share(weight: u64, sum: u64) -> u64 {
    match (weight, sum) {
        (_, 0) => 1,
        (0, _) => 0,
        _ if sum <= SHARES => weight,
        _ => (weight * SHARES / sum).max(1),
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    match a.checked_rem(b) {
        Some(rest) => gcd(b, rest),
        None => a,
    }
}

/// `None` where there is no service (the target `.`), or no host of that name.
fn authority(srv: &SRV) -> Option<Authority> {
    let target = srv.target.to_ascii();
    let host = target.trim_end_matches('.');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || !host.bytes().all(fits) {
        return None;
    }
    format!("{host}:{}", srv.port).parse().ok()
}

#[cfg(test)]
mod tests;
