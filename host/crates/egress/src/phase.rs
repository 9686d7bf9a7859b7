//! Where a call is, so that a timeout can say what it waited for.

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering},
};

/// The steps of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Start,
    Connect,
    Lookup,
    Proxy,
    ProxyTls,
    Tunnel,
    Tls,
    Response,
}

impl Phase {
    const ALL: [Self; 8] = [
        Self::Start,
        Self::Connect,
        Self::Lookup,
        Self::Proxy,
        Self::ProxyTls,
        Self::Tunnel,
        Self::Tls,
        Self::Response,
    ];
}

/// The step a call is in. Atomic only because futures move between threads.
pub(crate) struct Progress(AtomicU8);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(Phase::Start as u8))
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        let phase = self.0.load(Ordering::Relaxed);
        let known = Phase::ALL.into_iter().find(|known| *known as u8 == phase);
        known.unwrap_or(Phase::Start)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.phase() {
            Phase::Start => "before the request was sent",
            Phase::Connect => "while connecting",
            Phase::Lookup => "while looking up the target",
            Phase::Proxy => "while connecting to the proxy",
            Phase::ProxyTls => "in the TLS handshake with the proxy",
            Phase::Tunnel => "while the proxy opened the tunnel",
            Phase::Tls => "in the TLS handshake with the target",
            Phase::Response => "while waiting for the response",
        })
    }
}
