//! Making a connection: TCP, TLS to the proxy, tunnel (`CONNECT` or SOCKS), TLS
//! to the target.

#[cfg(fuzzing)]
pub mod fuzzing;
mod multiplex;
mod socks;
mod tcp;
pub(crate) mod tls;
mod tunnel;

use std::{fmt, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use self::{
    multiplex::{Links, Multiplexer, Place},
    tcp::Dialer,
    tls::Tls,
};
use crate::{
    error::{BuildError, Error, ErrorKind},
    phase::{Phase, Progress},
    proxy::{Identity, Proxy, ProxyScheme},
    reach::Reach,
    route::Route,
    settings::Settings,
    target::Target,
};

/// A byte stream: TCP, TLS over TCP, or TLS over TLS.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// One virtual call per read or write costs nothing beside the system call.
pub(crate) type BoxedIo = Box<dyn Io>;

/// Addresses of a target that a SOCKS proxy is asked for, one connection each.
const SOCKS_ADDRESSES: usize = 4;

/// Span of the task that drives a connection. It is not the request's, which
/// the connection outlives.
pub(crate) fn connection_span() -> tracing::Span {
    tracing::debug_span!(parent: None, "connection")
}

/// The proxy itself: an operator's word, whatever its name resolves to.
fn proxy_place(proxy: &Identity) -> tcp::Place<'_> {
    tcp::Place {
        host: proxy.host(),
        port: proxy.port(),
        reach: &Reach::Any,
    }
}

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

/// A proxy, by the protocol that it chose.
enum Reached {
    Http1(BoxedIo),
    Http2(Place),
}

/// A connection to a target.
pub(crate) struct Ready {
    pub(crate) io: BoxedIo,
    /// What was agreed on: HTTP/2 or HTTP/1.1.
    pub(crate) http2: bool,
}

/// Makes connections that are ready for a request.
pub(crate) struct Connector {
    dialer: Dialer,
    tls: Tls,
    multiplexer: Multiplexer,
}

impl Connector {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        // A shared connection is one that is kept alive.
        let http2 = settings.http2 && !settings.disable_keep_alives;
        Ok(Self {
            dialer: Dialer::new(settings),
            tls: Tls::new(&settings.tls, http2)?,
            multiplexer: Multiplexer::new(settings.idle_connection_timeout),
        })
    }

    /// A connection along `route`.
    pub(crate) async fn connect(&self, route: &Route, progress: &Progress) -> Result<Ready, Error> {
        let io = match route.proxy() {
            None => self.direct(route, progress).await?,
            Some(proxy) => self.through(proxy, route, progress).await?,
        };
        if !route.target().is_secure() {
            return Ok(Ready { io, http2: false });
        }
        progress.enter(Phase::Tls);
        let config = Arc::clone(self.tls.to_target());
        let peer = Peer::Target(route);
        let stream = tls::negotiate(io, config, route.target().host(), &peer).await?;
        Ok(Ready {
            http2: tls::is_http2(&stream),
            io: Box::new(stream),
        })
    }

    async fn direct(&self, route: &Route, progress: &Progress) -> Result<BoxedIo, Error> {
        progress.enter(Phase::Connect);
        let target = route.target();
        let peer = Peer::Target(route);
        let place = tcp::Place::of(target);
        let tcp = self.dialer.dial(&place, &peer).await?;
        Ok(Box::new(tcp))
    }

    async fn through(
        &self,
        proxy: &Proxy,
        route: &Route,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        let reach = self.reach(proxy, route, progress);
        let Some(limit) = route.reach_limit() else {
            return reach.await;
        };
        timeout(limit, reach).await.unwrap_or_else(|_| {
            let peer = Peer::Proxy(proxy);
            let text = format!("{peer} was not ready within {limit:?} ({progress})");
            Err(Error::new(ErrorKind::ConnectTimeout, text))
        })
    }

    /// The proxy, or the target's end of a tunnel through it. The target's name
    /// is for the proxy to resolve, except for one that only takes addresses.
    async fn reach(
        &self,
        proxy: &Proxy,
        route: &Route,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        let target = route.target();
        match proxy.identity().scheme() {
            ProxyScheme::Socks5 => return self.socks_by_address(proxy, target, progress).await,
            ProxyScheme::Socks5h | ProxyScheme::Socks4a => {
                let place = socks::Place::new(target.host(), target.port());
                return self.socks(proxy, &place, target, progress).await;
            }
            ProxyScheme::Http | ProxyScheme::Https => {}
        }
        if proxy.identity().http2() {
            return self.multiplexed(proxy, target, progress).await;
        }
        let io = self.to_proxy(proxy, progress).await?;
        if !route.is_tunnel() {
            return Ok(io);
        }
        progress.enter(Phase::Tunnel);
        tunnel::open(io, proxy, target).await
    }

    /// A connection to the proxy itself.
    async fn to_proxy(&self, proxy: &Proxy, progress: &Progress) -> Result<BoxedIo, Error> {
        progress.enter(Phase::Proxy);
        let (place, peer) = (proxy.identity(), Peer::Proxy(proxy));
        let tcp = self.dialer.dial(&proxy_place(place), &peer).await?;
        if place.scheme() != ProxyScheme::Https {
            return Ok(Box::new(tcp));
        }
        progress.enter(Phase::ProxyTls);
        let config = self.tls.to_proxy(proxy);
        tls::handshake(tcp, config, place.host(), &peer).await
    }

    /// A tunnel beside others on an HTTP/2 connection to the proxy.
    async fn multiplexed(
        &self,
        proxy: &Proxy,
        target: &Target,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        let links = self.multiplexer.links(proxy.identity());
        if let Some(place) = links.place() {
            progress.enter(Phase::Tunnel);
            match place.open(proxy, target).await {
                // The proxy may have closed the connection just now; nothing
                // of the request went into it.
                Err(error) if error.kind() == ErrorKind::Closed => {}
                outcome => return outcome,
            }
        }
        let reached = self.link(proxy, &links, progress).await?;
        progress.enter(Phase::Tunnel);
        match reached {
            Reached::Http2(place) => place.open(proxy, target).await,
            Reached::Http1(io) => tunnel::open(io, proxy, target).await,
        }
    }

    /// A new connection, or one that somebody else just made.
    async fn link(
        &self,
        proxy: &Proxy,
        links: &Links,
        progress: &Progress,
    ) -> Result<Reached, Error> {
        progress.enter(Phase::Proxy);
        let _turn = links.dialling().await;
        if let Some(place) = links.place() {
            return Ok(Reached::Http2(place));
        }
        let (place, peer) = (proxy.identity(), Peer::Proxy(proxy));
        let tcp = self.dialer.dial(&proxy_place(place), &peer).await?;
        let io: BoxedIo = if place.scheme() == ProxyScheme::Https {
            progress.enter(Phase::ProxyTls);
            let config = tls::offering_http2(&self.tls.to_proxy(proxy));
            let stream = tls::negotiate(tcp, config, place.host(), &peer).await?;
            let http1 = !tls::is_http2(&stream);
            links.chose_http1(http1);
            if http1 {
                return Ok(Reached::Http1(Box::new(stream)));
            }
            Box::new(stream)
        } else {
            Box::new(tcp)
        };
        let place = self.multiplexer.start(io, links, proxy).await?;
        Ok(Reached::Http2(place))
    }

    async fn socks(
        &self,
        proxy: &Proxy,
        place: &socks::Place<'_>,
        target: &Target,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        let io = self.to_proxy(proxy, progress).await?;
        progress.enter(Phase::Tunnel);
        socks::open(io, proxy, place, &target.authority_form()).await
    }

    /// Looks the target up and lets the proxy try one address after the other.
    async fn socks_by_address(
        &self,
        proxy: &Proxy,
        target: &Target,
        progress: &Progress,
    ) -> Result<BoxedIo, Error> {
        progress.enter(Phase::Lookup);
        let addresses = self.dialer.lookup(target).await?;
        let waiting = addresses.into_iter().take(SOCKS_ADDRESSES);
        let mut failure = None;
        for address in waiting {
            let place = socks::Place::at(address.ip(), target.port());
            match self.socks(proxy, &place, target, progress).await {
                Err(error) if socks::is_about_address(&error) => failure = Some(error),
                outcome => return outcome,
            }
        }
        Err(failure.unwrap_or_else(|| tcp::no_address(target)))
    }
}
