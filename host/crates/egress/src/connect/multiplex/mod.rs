//! Tunnels as streams of HTTP/2 connections to a proxy (RFC 9113, section 8.5).
//!
//! Connections are shared by all tunnels through one proxy with the same
//! credentials and options, whatever their targets. A new one is made when the
//! others carry as many tunnels as the proxy allows; whoever comes while it is
//! being made waits for it. It is closed after the idle time of the pool
//! without a tunnel, and with the client.

mod link;
mod stream;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub(super) use self::link::Place;
use self::link::{Link, start};
use super::BoxedIo;
use crate::{
    error::{Error, ErrorKind},
    proxy::{Identity, Proxy},
};

/// The HTTP/2 connections of one client.
pub(super) struct Multiplexer {
    idle: Option<Duration>,
    proxies: Mutex<HashMap<Arc<Identity>, Arc<Links>>>,
}

/// The connections to one proxy.
#[derive(Default)]
pub(super) struct Links {
    open: Mutex<Vec<Link>>,
    /// Held while a connection is made.
    dialling: tokio::sync::Mutex<()>,
    /// The proxy chose HTTP/1.1, so nobody needs to wait for a connection to
    /// share.
    http1: AtomicBool,
}

impl Multiplexer {
    /// Connections without a tunnel are closed after `idle`; `None`: never.
    pub(super) fn new(idle: Option<Duration>) -> Self {
        Self {
            idle,
            proxies: Mutex::default(),
        }
    }

    pub(super) fn links(&self, identity: &Arc<Identity>) -> Arc<Links> {
        let mut proxies = lock(&self.proxies);
        if let Some(links) = proxies.get(identity) {
            return Arc::clone(links);
        }
        // A good time to forget proxies that are not in use.
        proxies.retain(|_, links| Arc::strong_count(links) > 1 || links.is_used());
        let links = Arc::<Links>::default();
        proxies.insert(Arc::clone(identity), Arc::clone(&links));
        links
    }

    /// Speaks HTTP/2 on `io` from now on. Returns with a place on it; the
    /// others are for whoever asks `links`.
    pub(super) async fn start(
        &self,
        io: BoxedIo,
        links: &Links,
        proxy: &Proxy,
    ) -> Result<Place, Error> {
        let link = start(io, self.idle).await.map_err(|error| {
            let text = format!("proxy {} does not speak HTTP/2", proxy.label());
            Error::new(ErrorKind::Protocol, text).caused_by(error)
        })?;
        let place = link.own_place();
        lock(&links.open).push(link);
        Ok(place)
    }
}

impl Links {
    /// A place on a connection that has one.
    pub(super) fn place(&self) -> Option<Place> {
        let mut open = lock(&self.open);
        open.retain(|link| !link.is_closed());
        open.iter().find_map(Link::place)
    }

    /// The right to make a connection; `None`: everybody may.
    pub(super) async fn dialling(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.http1.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.dialling.lock().await)
    }

    /// What the proxy chose.
    pub(super) fn chose_http1(&self, http1: bool) {
        self.http1.store(http1, Ordering::Relaxed);
    }

    fn is_used(&self) -> bool {
        lock(&self.open).iter().any(|link| !link.is_closed())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
