//! Outgoing HTTP: connection pools, forward proxies, TLS, redirects.
//!
//! # Life of a request
//!
//! 1. Fields that belong to the caller's connection are taken off, and the
//!    message is framed anew ([RFC 9112], section 6).
//! 2. The way is chosen: direct, through a proxy, or through one of several. It
//!    is chosen again for every redirect.
//!    Where a [`Gate`] stands in front of a call, it is asked first, and the
//!    addresses of a target are checked after its name was resolved.
//! 3. A connection is taken from the pool, or made: TCP, TLS to the proxy,
//!    tunnel, TLS to the target. Where there are several proxies, the next one
//!    is tried as long as nothing of the request was written. A proxy that
//!    cannot be used is an error, never a reason to go direct.
//! 4. The request is written. If a connection from the pool turns out to be
//!    stale, and the request may be repeated, it is: once, on a new one, within
//!    a budget.
//! 5. The body of the response is streamed under the same deadline. Only when it
//!    was read to its end does the connection go back to the pool.
//!
//! # What this crate does not do
//!
//! It speaks HTTP/1.1 with targets, and HTTP/2 only for tunnels through a proxy.
//! It passes no trailers and no interim responses, decodes no content, keeps no
//! cookies, and knows nothing of the gateway's configuration file or of the
//! status that a client gets for an [`Error`].
//!
//! [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112

mod body;
mod client;
mod connect;
mod counters;
mod discovery;
mod error;
mod failover;
mod fields;
mod phase;
mod pool;
mod proxy;
mod reach;
mod redirect;
mod route;
mod send;
mod settings;
mod target;

pub use self::{
    body::Body,
    client::Client,
    counters::Counters,
    discovery::{SrvHosts, SrvResolver},
    error::{BoxError, BuildError, Error, ErrorKind, ProxyAddressError},
    fields::remove_hop_by_hop,
    pool::PoolSize,
    proxy::{
        Decision, EnvironmentProxies, PacAnswer, PacEvaluator, PacProxies, Proxy, ProxyGroup,
        ProxyHealth, ProxyOptions, Rule, Sharing, Way,
    },
    reach::{Exceptions, Gate, Network, NotANetwork, Reach},
    settings::{Redirects, SendOptions, Settings, TlsSettings, Via},
};

#[cfg(fuzzing)]
pub use connect::fuzzing;
