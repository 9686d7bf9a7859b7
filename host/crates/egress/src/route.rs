//! One hop: a target and the way to it.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    pool::Key,
    proxy::{Proxy, Rule},
    settings::Via,
    target::Target,
};

/// A target and the proxy in front of it, if any.
pub(crate) struct Route {
    target: Target,
    proxy: Option<Arc<Proxy>>,
    rule: Rule,
    share: Option<Duration>,
}

impl Route {
    /// `share`: the time in which the proxy must be reached, so that some is
    /// left for another one.
    pub(crate) fn new(
        target: Target,
        proxy: Option<Arc<Proxy>>,
        rule: Rule,
        share: Option<Duration>,
    ) -> Self {
        Self {
            target,
            proxy,
            rule,
            share,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_deref()
    }

    pub(crate) fn shared_proxy(&self) -> Option<&Arc<Proxy>> {
        self.proxy.as_ref()
    }

    /// Limit for reaching the proxy, tunnel included.
    pub(crate) fn reach_limit(&self) -> Option<Duration> {
        let own = self.proxy().and_then(Proxy::connect_timeout);
        match (own, self.share) {
            (Some(own), Some(share)) => Some(own.min(share)),
            (own, share) => own.or(share),
        }
    }

    /// How a response came, for the caller.
    pub(crate) fn via(&self) -> Via {
        Via {
            proxy: self
                .proxy
                .as_ref()
                .map(|proxy| Arc::clone(proxy.shared_label())),
            rule: self.rule.clone(),
        }
    }

    /// Whether the proxy only carries bytes. With HTTP/2 it always does.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| {
            let identity = proxy.identity();
            self.target.is_secure() || identity.always_tunnel() || identity.http2()
        })
    }

    /// The proxy, where it reads the request itself.
    pub(crate) fn forwarder(&self) -> Option<&Proxy> {
        self.proxy().filter(|_| !self.is_tunnel())
    }

    /// Requests with equal keys may share connections.
    pub(crate) fn key(&self) -> Key {
        Key {
            proxy: self
                .proxy
                .as_ref()
                .map(|proxy| Arc::clone(proxy.identity())),
            secure: self.target.is_secure(),
            authority: self
                .forwarder()
                .is_none()
                .then(|| self.target.authority().clone()),
            reach: self.target.reach().clone(),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            Some(proxy) => write!(f, "{} through proxy {}", self.target, proxy.label()),
            None => self.target.fmt(f),
        }
    }
}
