//! One hop: a target and the way to it.

use std::{fmt, sync::Arc};

use crate::{pool::Key, proxy::Proxy, target::Target};

/// A target and the proxy in front of it, if any.
pub(crate) struct Route {
    target: Target,
    proxy: Option<Arc<Proxy>>,
}

impl Route {
    pub(crate) fn new(target: Target, proxy: Option<Arc<Proxy>>) -> Self {
        Self { target, proxy }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_deref()
    }

    /// The proxy's label.
    pub(crate) fn via(&self) -> Option<Arc<str>> {
        self.proxy
            .as_ref()
            .map(|proxy| Arc::clone(proxy.shared_label()))
    }

    /// Whether the proxy only carries bytes.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.proxy
            .as_ref()
            .is_some_and(|proxy| self.target.is_secure() || proxy.identity().always_tunnel())
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
