//! One HTTP/2 connection to a proxy and the tunnels on it.

use std::{
    future::{pending, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::{Ping, PingPong, client};
use http::{Method, Request, Uri};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tracing::Instrument as _;

use super::{lock, stream::Tunnel};
use crate::{
    connect::BoxedIo,
    connect::connection_span,
    error::{BoxError, Error, ErrorKind},
    proxy::Proxy,
    target::Target,
};

/// Tunnels on one connection, where the proxy does not allow fewer.
const TUNNEL_LIMIT: usize = 256;
/// What the proxy may send ahead on one tunnel.
const TUNNEL_WINDOW: u32 = 512 * 1024;
/// All tunnels together: a tunnel that nobody reads never stops another one.
const LINK_WINDOW: u32 = TUNNEL_WINDOW * TUNNEL_LIMIT as u32;
/// Limit for the head of an answer, as with HTTP/1.1.
const HEAD_LIMIT: u32 = 64 * 1024;
/// A connection with tunnels is asked for a sign of life this often, and given
/// up when none comes for as long again.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Shortest time between looks at a connection.
const SHORTEST_WATCH: Duration = Duration::from_millis(20);
/// Stands for a limit that the proxy has not told yet; no proxy can tell it.
const UNTOLD: usize = usize::MAX - 1;

/// One connection. Ends when it is dropped and its tunnels are.
pub(super) struct Link {
    sender: client::SendRequest<Bytes>,
    load: Arc<Load>,
}

/// The tunnels on a connection.
struct Load {
    tunnels: AtomicUsize,
    /// What the proxy allows at most.
    limit: AtomicUsize,
    closed: AtomicBool,
    /// When the last tunnel ended.
    since: Mutex<Instant>,
}

/// Counts a tunnel until it is dropped.
pub(super) struct Ticket(Arc<Load>);

/// Room for one tunnel.
pub(in crate::connect) struct Place {
    sender: client::SendRequest<Bytes>,
    ticket: Ticket,
}

/// Starts HTTP/2 on `io` and waits for the settings of the proxy: before them
/// it is not known how many tunnels it takes. Closes after `idle` without any.
pub(super) async fn start(io: BoxedIo, idle: Option<Duration>) -> Result<Link, BoxError> {
    let (sender, mut connection) = client::Builder::new()
        .initial_window_size(TUNNEL_WINDOW)
        .initial_connection_window_size(LINK_WINDOW)
        .initial_max_send_streams(UNTOLD)
        .max_header_list_size(HEAD_LIMIT)
        .enable_push(false)
        .handshake::<_, Bytes>(io)
        .await?;
    let load = Arc::new(Load::new());
    let watched = watch_over(connection.ping_pong(), Arc::clone(&load), idle);
    let (settled, mut settings) = watch::channel(());
    let driver = {
        let load = Arc::clone(&load);
        async move {
            let (mut connection, watched) = (pin!(connection), pin!(watched));
            let driven = poll_fn(|cx| {
                let polled = connection.as_mut().poll(cx);
                let limit = connection.max_concurrent_send_streams();
                if load.limit.swap(limit, Ordering::Relaxed) == UNTOLD && limit != UNTOLD {
                    settled.send_replace(());
                }
                polled
            });
            tokio::select! {
                ended = driven => if let Err(error) = ended {
                    tracing::debug!(%error, "HTTP/2 connection to a proxy ended");
                },
                why = watched => tracing::debug!(why, "HTTP/2 connection to a proxy closed"),
            }
            load.closed.store(true, Ordering::Release);
        }
    };
    tokio::spawn(driver.instrument(connection_span()));
    match settings.changed().await {
        Ok(()) => Ok(Link { sender, load }),
        Err(_) => Err("the connection ended before the settings of the proxy came".into()),
    }
}

/// Ends when the connection is of no more use.
async fn watch_over(
    ping: Option<PingPong>,
    load: Arc<Load>,
    idle: Option<Duration>,
) -> &'static str {
    let Some(mut ping) = ping else {
        return pending().await;
    };
    let interval = idle.map_or(PING_INTERVAL, |idle| {
        (idle / 2).clamp(SHORTEST_WATCH, PING_INTERVAL)
    });
    let mut answered = Instant::now();
    loop {
        sleep(interval).await;
        if load.is_empty() {
            if idle.is_some_and(|limit| lock(&load.since).elapsed() >= limit) {
                return "idle for long";
            }
        } else if answered.elapsed() >= PING_INTERVAL {
            match timeout(PING_INTERVAL, ping.ping(Ping::opaque())).await {
                Ok(Ok(_)) => answered = Instant::now(),
                _ => return "no sign of life",
            }
        }
    }
}

impl Link {
    pub(super) fn is_closed(&self) -> bool {
        self.load.closed.load(Ordering::Acquire)
    }

    /// A place, if there is one left.
    pub(super) fn place(&self) -> Option<Place> {
        let place = self.own_place();
        let limit = self.load.limit.load(Ordering::Relaxed).min(TUNNEL_LIMIT);
        // The place itself is counted already.
        (self.load.tunnels.load(Ordering::Relaxed) <= limit).then_some(place)
    }

    /// The place of whoever made the connection, which may wait for its turn.
    pub(super) fn own_place(&self) -> Place {
        self.load.tunnels.fetch_add(1, Ordering::Relaxed);
        Place {
            sender: self.sender.clone(),
            ticket: Ticket(Arc::clone(&self.load)),
        }
    }
}

impl Load {
    fn new() -> Self {
        Self {
            tunnels: AtomicUsize::new(0),
            limit: AtomicUsize::new(UNTOLD),
            closed: AtomicBool::new(false),
            since: Mutex::new(Instant::now()),
        }
    }

    fn is_empty(&self) -> bool {
        self.tunnels.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        *lock(&self.0.since) = Instant::now();
        self.0.tunnels.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Place {
    /// Asks `proxy` for a tunnel to `target`. As with HTTP/1.1, any 2xx opens it.
    pub(in crate::connect) async fn open(
        self,
        proxy: &Proxy,
        target: &Target,
    ) -> Result<BoxedIo, Error> {
        let request = request(proxy, target)?;
        let broken = |error: h2::Error| {
            let text = format!(
                "proxy {} broke off HTTP/2 instead of opening a tunnel to {}",
                proxy.label(),
                target.authority_form()
            );
            Error::new(ErrorKind::Closed, text).caused_by(error)
        };
        let mut sender = self.sender.ready().await.map_err(|error| {
            // A connection that takes no more streams gets no more.
            self.ticket.0.closed.store(true, Ordering::Release);
            broken(error)
        })?;
        let (response, send) = sender.send_request(request, false).map_err(broken)?;
        let (head, receive) = response.await.map_err(broken)?.into_parts();
        if head.status.is_success() {
            return Ok(Box::new(Tunnel::new(send, receive, self.ticket)));
        }
        let status = head.status.as_u16();
        let text = format!(
            "proxy {} refused the tunnel to {} with status {status}",
            proxy.label(),
            target.authority_form()
        );
        Err(Error::new(ErrorKind::ProxyStatus(status), text))
    }
}

/// `:method` and `:authority`, and nothing of the client's request.
fn request(proxy: &Proxy, target: &Target) -> Result<Request<()>, Error> {
    let authority = Uri::builder().authority(target.authority_form()).build();
    let authority = authority.map_err(|error| {
        let text = "the target cannot be written as an authority";
        Error::new(ErrorKind::InvalidRequest, text).caused_by(error)
    })?;
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority;
    for (name, value) in proxy.identity().tunnel_fields() {
        request.headers_mut().append(name.clone(), value.clone());
    }
    Ok(request)
}
