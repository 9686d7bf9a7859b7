//! Where a call is, so that a timeout can say what it waited for.

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering},
};

/// The steps of a call.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Phase {
    Start,
    Connect,
    Proxy,
    ProxyTls,
    Tunnel,
    Tls,
    Response,
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
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.0.load(Ordering::Relaxed);
        f.write_str(match phase {
            p if p == Phase::Connect as u8 => "while connecting",
            p if p == Phase::Proxy as u8 => "while connecting to the proxy",
            p if p == Phase::ProxyTls as u8 => "in the TLS handshake with the proxy",
            p if p == Phase::Tunnel as u8 => "while the proxy opened the tunnel",
            p if p == Phase::Tls as u8 => "in the TLS handshake with the target",
            p if p == Phase::Response as u8 => "while waiting for the response",
            _ => "before the request was sent",
        })
    }
}
