//! The listening socket.

use std::{
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener},
};

use cuttle_pipeline::config::Listen;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;

use super::tls::TlsError;

/// Connections that wait to be accepted; the kernel caps it at `somaxconn`.
const BACKLOG: i32 = 4096;

/// Why the gateway cannot listen.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The address cannot be had.
    Listen {
        /// `ip:port`, or `:port` for every interface.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The keys or certificates cannot be used.
    Tls(TlsError),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, source } => {
                write!(f, "listen tcp {address}: {}", Reason(source.kind()))
            }
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl StdError for BindError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Listen { source, .. } => Some(source),
            Self::Tls(error) => error.source(),
        }
    }
}

/// What went wrong, in the words of KrakenD, and the way out.
struct Reason(io::ErrorKind);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            io::ErrorKind::AddrInUse => {
                "bind: address already in use; stop the program that uses it, or choose another `port`"
            }
            io::ErrorKind::AddrNotAvailable => {
                "bind: cannot assign requested address; `listen_ip` must be an address of this machine"
            }
            io::ErrorKind::PermissionDenied => {
                "bind: permission denied; ports below 1024 need a privilege, choose another `port`"
            }
            _ => "cannot listen there",
        })
    }
}

/// Opens the socket. Must run inside a tokio runtime.
pub(super) fn bind(listen: &Listen) -> Result<TcpListener, BindError> {
    let bound = match listen.ip {
        Some(ip) => open(SocketAddr::new(ip, listen.port)),
        None => open_everywhere(listen.port),
    };
    bound.map_err(|source| BindError::Listen {
        address: address(listen),
        source,
    })
}

/// One socket for both families; machines without IPv6 get IPv4 only.
fn open_everywhere(port: u16) -> io::Result<TcpListener> {
    match open(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            open(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
        }
        done => done,
    }
}

/// `count` more sockets that listen where `first` does.
///
/// `first` was bound without sharing, so that a program which has the address
/// already is noticed, also one of the same user that would share it.
pub(super) fn further(first: &TcpListener, count: usize) -> io::Result<Vec<StdListener>> {
    let shared = SockRef::from(first).set_reuse_port(true).is_ok();
    let one = || match beside(&SockRef::from(first)) {
        Ok(socket) if shared => Ok(StdListener::from(socket)),
        _ => same(first),
    };
    (0..count).map(|_| one()).collect()
}

/// The same socket once more: connections go to whoever asks first.
pub(super) fn same(first: &TcpListener) -> io::Result<StdListener> {
    SockRef::from(first).try_clone().map(StdListener::from)
}

fn beside(first: &Socket) -> io::Result<Socket> {
    let address = first.local_addr()?;
    let socket = Socket::new(address.domain(), Type::STREAM, Some(Protocol::TCP))?;
    if address.domain() == Domain::IPV6 {
        socket.set_only_v6(first.only_v6()?)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    // A restart must not wait for connections of the former process to expire.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn address(listen: &Listen) -> String {
    match listen.ip {
        Some(ip) => SocketAddr::new(ip, listen.port).to_string(),
        None => format!(":{}", listen.port),
    }
}
