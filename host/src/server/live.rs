//! What a server serves with, exchanged as a whole while it runs.
//!
//! A request is answered by the gateway that is there when it begins, a
//! connection keeps the terms it began with. So nothing under way notices an
//! exchange, and the next request of a connection that is kept alive is
//! answered by the new gateway.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use cuttle_pipeline::config::Listen;
use tokio_rustls::TlsAcceptor;

use super::{
    clock::Limits,
    tls::{TlsError, acceptor},
};
use crate::gateway::Gateway;

/// The gateway and the terms of connections. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Live(Arc<Parts>);

struct Parts {
    gateway: ArcSwap<Gateway>,
    terms: ArcSwap<Terms>,
}

/// How connections are served.
pub(super) struct Terms {
    pub(super) limits: Arc<Limits>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) h2c: bool,
    pub(super) max_head: usize,
    drain_limit: Option<Duration>,
}

impl Live {
    pub(super) fn new(
        listen: &Listen,
        gateway: Arc<Gateway>,
        drain_limit: Option<Duration>,
    ) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Parts {
            gateway: ArcSwap::new(gateway),
            terms: ArcSwap::from_pointee(Terms::new(listen, drain_limit)?),
        })))
    }

    /// Serves with `gateway` and the terms of `listen` from now on: requests
    /// that begin, and connections that are accepted. The address is not
    /// looked at. `drain_limit` is `max_shutdown_wait_time`.
    ///
    /// # Errors
    /// TLS cannot be set up; everything is as before.
    pub fn replace(
        &self,
        listen: &Listen,
        gateway: Arc<Gateway>,
        drain_limit: Option<Duration>,
    ) -> Result<(), TlsError> {
        let terms = Terms::new(listen, drain_limit)?;
        self.0.terms.store(Arc::new(terms));
        self.0.gateway.swap(gateway).retire();
        Ok(())
    }

    /// Who answers a request that begins now.
    pub(super) fn gateway(&self) -> Arc<Gateway> {
        self.0.gateway.load_full()
    }

    /// For a connection that begins now.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.0.terms.load_full()
    }

    pub(super) fn drain_limit(&self) -> Option<Duration> {
        self.0.terms.load().drain_limit
    }
}

impl Terms {
    fn new(listen: &Listen, drain_limit: Option<Duration>) -> Result<Self, TlsError> {
        Ok(Self {
            limits: Arc::new(Limits::new(listen)),
            tls: listen.tls.as_ref().map(acceptor).transpose()?,
            h2c: listen.h2c,
            max_head: listen.max_header_bytes,
            drain_limit,
        })
    }
}
