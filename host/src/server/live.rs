//! What a server serves with, exchanged as a whole while it runs.
//!
//! A request is answered by the gateway that is there when it begins, a
//! connection keeps the terms it began with. So nothing under way notices an
//! exchange, and the next request of a connection that is kept alive is
//! answered by the new gateway.

use std::{net::IpAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use cuttle_pipeline::config::Listen;
use tokio_rustls::TlsAcceptor;

use super::{
    census::{Caps, Census, Full, Seat},
    clock::Limits,
    descriptors,
    tls::{TlsError, acceptor},
};
use crate::gateway::Gateway;

/// The gateway and the terms of connections. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Live(Arc<Parts>);

struct Parts {
    gateway: ArcSwap<Gateway>,
    terms: ArcSwap<Terms>,
    census: Arc<Census>,
}

/// How connections are served.
pub(super) struct Terms {
    pub(super) limits: Arc<Limits>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) h2c: bool,
    pub(super) max_head: usize,
    pub(super) handshake: Duration,
    caps: Caps,
    drain_limit: Option<Duration>,
}

impl Live {
    pub(super) fn new(
        listen: &Listen,
        gateway: Arc<Gateway>,
        drain_limit: Option<Duration>,
    ) -> Result<Self, TlsError> {
        let census = Arc::default();
        gateway.tell_of(&census);
        Ok(Self(Arc::new(Parts {
            census,
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
        gateway.tell_of(&self.0.census);
        self.0.gateway.swap(gateway).retire();
        Ok(())
    }

    /// Room for a connection from there.
    pub(super) fn seat(&self, ip: IpAddr) -> Result<Seat, Full> {
        let caps = self.0.terms.load().caps;
        self.0.census.seat(ip.to_canonical(), caps)
    }

    pub(super) fn census(&self) -> &Census {
        &self.0.census
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
            handshake: listen.tls_handshake_timeout,
            caps: Caps {
                total: listen.max_connections.min(descriptors::for_clients()),
                per_address: listen.max_connections_per_address,
            },
            drain_limit,
        })
    }
}
