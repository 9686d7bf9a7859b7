//! Several proxies for the same targets.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Proxy, health::ProxyHealth};
use crate::{error::ProxyAddressError, target::Target};

/// Who is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// The first that works: the others are for its bad times.
    #[default]
    Order,
    /// Each in its turn.
    Spread,
}

/// Proxies that stand in for each other.
///
/// A request goes to the next proxy only while nothing of it was written:
/// connection refused or timed out, TLS with the proxy failed, tunnel refused
/// with 5xx. A 403 or 407 is an answer and stands. There is no way around the
/// proxies: when all fail, the request does.
///
/// A proxy that failed is left out for a while (1 s, doubling up to a minute,
/// less up to a half at random), by everybody who uses it. If all are left
/// out, the one whose time is up first is tried all the same.
pub struct ProxyGroup {
    proxies: Vec<Arc<Proxy>>,
    sharing: Sharing,
    turn: AtomicUsize,
}

impl ProxyGroup {
    /// Makes no socket. A proxy is not asked for targets in its own `no_proxy`
    /// list; those that are in the lists of all `proxies` are reached directly.
    ///
    /// # Errors
    ///
    /// There is no proxy in `proxies`.
    pub fn new(proxies: Vec<Arc<Proxy>>, sharing: Sharing) -> Result<Self, ProxyAddressError> {
        if proxies.is_empty() {
            return Err(ProxyAddressError::new(
                "is an empty list; name at least one proxy, or `direct`",
            ));
        }
        Ok(Self {
            proxies,
            sharing,
            turn: AtomicUsize::new(0),
        })
    }

    /// What is known of each proxy, in the order they were given.
    #[must_use]
    pub fn health(&self) -> Vec<ProxyHealth> {
        self.proxies.iter().map(|proxy| proxy.known()).collect()
    }

    /// The proxies for `target` in the order of trying: all but those whose
    /// list names it. Moves the turn.
    pub(super) fn in_turn(&self, target: &Target) -> Vec<Option<Arc<Proxy>>> {
        let first = match self.sharing {
            Sharing::Order => 0,
            Sharing::Spread => self.turn.fetch_add(1, Ordering::Relaxed) % self.proxies.len(),
        };
        let (late, early) = self.proxies.split_at_checked(first).unwrap_or_default();
        early
            .iter()
            .chain(late)
            .filter(|proxy| proxy.exception(target).is_none())
            .cloned()
            .map(Some)
            .collect()
    }

    /// The entry by which `target` is reached directly.
    pub(super) fn exception(&self, target: &Target) -> Option<&Arc<str>> {
        let mut entries = self.proxies.iter().map(|proxy| proxy.exception(target));
        let first = entries.next()??;
        entries.all(|entry| entry.is_some()).then_some(first)
    }
}

impl fmt::Debug for ProxyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyGroup")
            .field("proxies", &self.proxies)
            .field("sharing", &self.sharing)
            .finish()
    }
}
