//! Names to addresses to sockets (a plain form of RFC 8305).

use std::{
    fmt,
    future::pending,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};

use super::Peer;
use crate::{
    error::{Error, ErrorKind},
    reach::Reach,
    settings::Settings,
    target::Target,
};

/// Where a connection goes.
pub(super) struct Place<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// Which of its addresses may be dialled.
    pub(super) reach: &'a Reach,
}

impl<'a> Place<'a> {
    /// The target itself.
    pub(super) fn of(target: &'a Target) -> Self {
        Self {
            host: target.host(),
            port: target.port(),
            reach: target.reach(),
        }
    }

    /// The addresses that may be dialled. The only place where names are
    /// resolved for a connection, and where [`Reach`] counts.
    async fn addresses(&self, peer: &impl fmt::Display) -> Result<Vec<SocketAddr>, Error> {
        let found = resolve(self.host, self.port)
            .await
            .map_err(|error| unresolved(peer).caused_by(error))?;
        self.reach.admitted(found).map_err(|refused| {
            let text = format!("{peer} may not be reached: {refused}");
            Error::new(ErrorKind::AddressDenied, text)
        })
    }
}

/// Opens TCP connections.
pub(super) struct Dialer {
    timeout: Option<Duration>,
    fallback_delay: Option<Duration>,
    keep_alive: Option<Duration>,
}

impl Dialer {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            timeout: settings.dialer_timeout,
            fallback_delay: settings.dialer_fallback_delay,
            keep_alive: settings.dialer_keep_alive,
        }
    }

    /// A connection to the first address of `place` that answers.
    pub(super) async fn dial(
        &self,
        place: &Place<'_>,
        peer: &Peer<'_>,
    ) -> Result<TcpStream, Error> {
        let Some(limit) = self.timeout else {
            return self.attempt(place, peer).await;
        };
        let attempt = timeout(limit, self.attempt(place, peer));
        attempt.await.unwrap_or_else(|_| {
            let text = format!("no connection to {peer} within {limit:?}");
            Err(Error::new(ErrorKind::ConnectTimeout, text))
        })
    }

    /// The addresses of `target`, for a proxy that takes no names.
    pub(super) async fn lookup(&self, target: &Target) -> Result<Vec<SocketAddr>, Error> {
        let place = Place::of(target);
        let looking = place.addresses(target);
        let found = match self.timeout {
            None => looking.await,
            Some(limit) => timeout(limit, looking).await.map_err(|_| {
                let text = format!("the name of {target} was not resolved within {limit:?}");
                Error::new(ErrorKind::ConnectTimeout, text)
            })?,
        };
        found.map(interleave)
    }

    async fn attempt(&self, place: &Place<'_>, peer: &Peer<'_>) -> Result<TcpStream, Error> {
        let addresses = place.addresses(peer).await?;
        self.race(addresses).await.map_err(|error| {
            Error::new(ErrorKind::Connect, format!("no connection to {peer}")).caused_by(error)
        })
    }

    /// Starts the next attempt when the last one failed or has had its head
    /// start. The first connection wins and the others are dropped.
    async fn race(&self, addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
        let mut waiting = interleave(addresses).into_iter();
        let mut attempts = FuturesUnordered::new();
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        loop {
            let next = waiting.next();
            let more = waiting.len() > 0;
            match next {
                Some(address) => attempts.push(self.open(address)),
                None if attempts.is_empty() => return Err(failure),
                None => {}
            }
            tokio::select! {
                Some(outcome) = attempts.next() => match outcome {
                    Ok(stream) => return Ok(stream),
                    Err(error) => failure = error,
                },
                () = self.head_start(more) => {}
            }
        }
    }

    async fn head_start(&self, more: bool) {
        match self.fallback_delay.filter(|_| more) {
            Some(delay) => sleep(delay).await,
            None => pending().await,
        }
    }

    async fn open(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if let Some(interval) = self.keep_alive {
            let probes = TcpKeepalive::new()
                .with_time(interval)
                .with_interval(interval);
            SockRef::from(&stream).set_tcp_keepalive(&probes)?;
        }
        Ok(stream)
    }
}

/// The error for a target whose name has no address.
pub(super) fn no_address(target: &Target) -> Error {
    Error::new(
        ErrorKind::Dns,
        format!("the name of {target} has no address"),
    )
}

fn unresolved(peer: &impl fmt::Display) -> Error {
    let text = format!("the name of {peer} could not be resolved");
    Error::new(ErrorKind::Dns, text)
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    Ok(lookup_host((host, port)).await?.collect())
}

/// Alternates between the families, beginning with the resolver's favourite.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else {
        return addresses;
    };
    let (a, b): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first);
    let mut mixed = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return mixed,
            (one, other) => mixed.extend(one.into_iter().chain(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialer(fallback_delay: Option<Duration>) -> Dialer {
        Dialer {
            fallback_delay,
            ..Dialer::new(&Settings::default())
        }
    }

    #[test]
    fn families_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        let mixed = interleave(addresses.iter().map(|a| a.parse().unwrap()).collect());
        let mixed: Vec<_> = mixed.iter().map(ToString::to_string).collect();
        assert_eq!(
            mixed,
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]
        );
    }

    #[tokio::test]
    async fn a_refused_address_gives_way_to_the_next() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let refused = {
            let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            gone.local_addr().unwrap()
        };
        for delay in [None, Some(Duration::from_secs(60))] {
            let stream = dialer(delay).race(vec![refused, good]).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
        }
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_an_error() {
        assert!(dialer(None).race(Vec::new()).await.is_err());
    }
}
