//! The peers of a measurement, each in a process of its own, on a free port.

mod configuration;
mod own;
mod product;

use std::net::SocketAddr;

pub(crate) use own::serve;
pub(crate) use product::{Kind, NotInstalled, Product, Scene};

use own::Own;

/// Field that a forward proxy adds to answers.
pub(crate) const THROUGH: &str = "x-through-proxy";
/// What every answer of the origin begins with: the whole of a small one.
pub(crate) const MARKER: &str = "{\"from\":\"the origin of the benchmark\"}";

/// A running peer. It is ended when this is dropped.
pub(crate) enum Peer {
    Own(Own),
    Product(Product),
}

impl Peer {
    /// One of this program's own roles.
    pub(crate) async fn own(role: &str, to: Option<SocketAddr>) -> anyhow::Result<Self> {
        Own::start(role, to).await.map(Self::Own)
    }

    /// A program of others.
    pub(crate) async fn product(kind: Kind, scene: &Scene) -> anyhow::Result<Self> {
        Product::start(kind, scene).await.map(Self::Product)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Own(own) => own.address,
            Self::Product(product) => product.address,
        }
    }

    /// Where it speaks TLS, if it does.
    pub(crate) fn secure(&self) -> Option<SocketAddr> {
        match self {
            Self::Own(_) => None,
            Self::Product(product) => product.secure,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Own(own) => own.pid(),
            Self::Product(product) => product.pid(),
        }
    }
}
