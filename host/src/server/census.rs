//! Who is connected: caps for the listener and for each address, and counts of
//! what became of connections.
//!
//! Counts are those of the process: connections outlive a generation.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Connections at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    /// Of all clients.
    pub(super) total: usize,
    /// Of one address, or of one IPv6 network of 64 bits.
    pub(super) per_address: usize,
}

/// Which cap a connection was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Listener,
    Address,
}

/// Why a connection was ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Handshake,
    FirstByte,
    Head,
    Body,
    Idle,
    Answer,
    Stall,
    Flush,
    Linger,
    Frames,
}

const FULL: [&str; 2] = ["listener", "address"];
const CUTS: [&str; 10] = [
    "tls_handshake",
    "first_byte",
    "head",
    "body",
    "idle",
    "answer",
    "stall",
    "flush",
    "linger",
    "frames",
];

/// All connections of a listener.
#[derive(Debug, Default)]
pub(crate) struct Census {
    present: Mutex<Present>,
    accepted: AtomicU64,
    accept_failures: AtomicU64,
    refused: [AtomicU64; FULL.len()],
    cut: [AtomicU64; CUTS.len()],
}

#[derive(Debug, Default)]
struct Present {
    total: usize,
    addresses: HashMap<IpAddr, usize>,
}

/// A connection that is there. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Seat {
    census: Arc<Census>,
    address: IpAddr,
}

impl Census {
    /// Room for a connection from `ip`, canonical; counted either way.
    pub(super) fn seat(self: &Arc<Self>, ip: IpAddr, caps: Caps) -> Result<Seat, Full> {
        let address = network(ip);
        let taken = self.present().take(address, caps);
        match taken {
            Ok(()) => self.accepted.fetch_add(1, Relaxed),
            Err(full) => bump(&self.refused, full as usize),
        };
        taken.map(|()| Seat {
            census: Arc::clone(self),
            address,
        })
    }

    /// A connection was ended by us.
    pub(super) fn cut(&self, why: Cut) {
        bump(&self.cut, why as usize);
    }

    /// The system has no descriptor or no memory for a connection.
    pub(super) fn accept_failed(&self) {
        self.accept_failures.fetch_add(1, Relaxed);
    }

    /// Connections at this moment.
    pub(crate) fn open(&self) -> usize {
        self.present().total
    }

    /// Connections that were served or still are.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Times the system had no descriptor or no memory for a connection.
    pub(crate) fn accept_failures(&self) -> u64 {
        self.accept_failures.load(Relaxed)
    }

    /// Connections closed at once, by the cap that was reached.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        named(FULL, &self.refused)
    }

    /// Connections ended by us, by the limit that was reached.
    pub(crate) fn cuts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        named(CUTS, &self.cut)
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    fn take(&mut self, address: IpAddr, caps: Caps) -> Result<(), Full> {
        if self.total >= caps.total {
            return Err(Full::Listener);
        }
        let of_address = self.addresses.get(&address).copied().unwrap_or_default();
        if of_address >= caps.per_address {
            return Err(Full::Address);
        }
        self.addresses.insert(address, of_address + 1);
        self.total += 1;
        Ok(())
    }

    fn leave(&mut self, address: IpAddr) {
        self.total = self.total.saturating_sub(1);
        if let Entry::Occupied(mut count) = self.addresses.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.census.present().leave(self.address);
    }
}

/// Whom a connection counts for: a host has 64 bits of IPv6 to itself.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

fn bump(counters: &[AtomicU64], at: usize) -> u64 {
    counters.get(at).map_or(0, |one| one.fetch_add(1, Relaxed))
}

fn named<const N: usize>(
    names: [&'static str; N],
    counters: &[AtomicU64; N],
) -> impl Iterator<Item = (&'static str, u64)> {
    let values = counters.iter().map(|one| one.load(Relaxed));
    names.into_iter().zip(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn caps_hold_for_all_and_for_each_and_seats_come_back() {
        let census = Arc::new(Census::default());
        let caps = Caps {
            total: 3,
            per_address: 2,
        };
        let seats = [(); 2].map(|()| census.seat(ip("10.0.0.1"), caps).unwrap());
        assert_eq!(
            census.seat(ip("10.0.0.1"), caps).unwrap_err(),
            Full::Address
        );
        let other = census.seat(ip("10.0.0.2"), caps).unwrap();
        assert_eq!(
            census.seat(ip("10.0.0.3"), caps).unwrap_err(),
            Full::Listener
        );
        assert_eq!((census.open(), census.accepted()), (3, 3));
        assert!(census.refused().eq([("listener", 1), ("address", 1)]));
        drop(seats);
        assert_eq!(census.open(), 1);
        drop(other);
        assert!(census.present().addresses.is_empty(), "nobody is kept");
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let census = Arc::new(Census::default());
        let caps = Caps {
            total: 9,
            per_address: 1,
        };
        let _one = census.seat(ip("2001:db8::1"), caps).unwrap();
        assert!(census.seat(ip("2001:db8::ffff:2"), caps).is_err());
        assert!(census.seat(ip("2001:db8:0:1::1"), caps).is_ok());
    }

    #[test]
    fn each_cut_is_counted_under_its_name() {
        let census = Census::default();
        census.cut(Cut::Frames);
        census.cut(Cut::Handshake);
        let counted: Vec<_> = census.cuts().filter(|(_, count)| *count == 1).collect();
        assert_eq!(counted, [("tls_handshake", 1), ("frames", 1)]);
    }
}
