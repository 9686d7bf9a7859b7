//! Making a connection: TCP, TLS to the proxy, tunnel, TLS to the target.

mod tcp;
pub(crate) mod tls;
mod tunnel;

use std::{fmt, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use self::{tcp::Dialer, tls::Tls};
use crate::{
    error::{BuildError, Error, ErrorKind},
    phase::{Phase, Progress},
    proxy::{Proxy, ProxyScheme},
    route::Route,
    settings::Settings,
};

/// A byte stream: TCP, TLS over TCP, or TLS over TLS.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// One virtual call per read or write costs nothing beside the system call.
pub(crate) type BoxedIo = Box<dyn Io>;

/// Whom a step talks to, as errors call it.
pub(crate) enum Peer<'a> {
    Target(&'a Route),
    Proxy(&'a Proxy),
}

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(route) => route.fmt(f),
            Self::Proxy(proxy) => write!(f, "proxy {}", proxy.label()),
        }
    }
}

/// Makes connections that are ready for a request.
pub(crate) struct Connector {
    dialer: Dialer,
    tls: Tls,
}

impl Connector {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        Ok(Self {
            dialer: Dialer::new(settings),
            tls: Tls::new(&settings.tls)?,
        })
    }

    /// A connection along `route`.
    pub(crate) async fn connect(
        &self,
        route: &Route,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        let io = match route.proxy() {
            None => self.direct(route, progress).await?,
            Some(proxy) => self.through(proxy, route, progress).await?,
        };
        if !route.target().is_secure() {
            return Ok(io);
        }
        progress.enter(Phase::Tls);
        let config = Arc::clone(self.tls.to_target());
        tls::handshake(io, config, route.target().host(), &Peer::Target(route)).await
    }

    async fn direct(&self, route: &Route, progress: &Progress) -> Result<BoxedIo, Error> {
        progress.enter(Phase::Connect);
        let target = route.target();
        let peer = Peer::Target(route);
        let tcp = self
            .dialer
            .dial(target.host(), target.port(), &peer)
            .await?;
        Ok(Box::new(tcp))
    }

    async fn through(
        &self,
        proxy: &Proxy,
        route: &Route,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        let reach = self.reach(proxy, route, progress);
        let Some(limit) = proxy.connect_timeout() else {
            return reach.await;
        };
        timeout(limit, reach).await.unwrap_or_else(|_| {
            let peer = Peer::Proxy(proxy);
            let text = format!("{peer} was not ready within {limit:?} ({progress})");
            Err(Error::new(ErrorKind::ConnectTimeout, text))
        })
    }

    /// The proxy, or the target's end of a tunnel through it. The target's name
    /// is for the proxy to resolve.
    async fn reach(
        &self,
        proxy: &Proxy,
        route: &Route,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        progress.enter(Phase::Proxy);
        let (place, peer) = (proxy.identity(), Peer::Proxy(proxy));
        let tcp = self.dialer.dial(place.host(), place.port(), &peer).await?;
        let io: BoxedIo = match place.scheme() {
            ProxyScheme::Http => Box::new(tcp),
            ProxyScheme::Https => {
                progress.enter(Phase::ProxyTls);
                let config = proxy.tls().unwrap_or(self.tls.to_proxy());
                tls::handshake(tcp, Arc::clone(config), place.host(), &peer).await?
            }
        };
        if !route.is_tunnel() {
            return Ok(io);
        }
        progress.enter(Phase::Tunnel);
        tunnel::open(io, proxy, route.target()).await
    }
}
