//! Harness of the end-to-end tests: starts the gateway, real and scripted
//! peers, and watches what passes between them.
//!
//! # What it holds
//!
//! * [`Gateway`]: the real binary on a free port, with its log.
//! * [`Origin`]: answers by script and records every byte that reached it.
//! * [`FaultProxy`]: a forward proxy that misbehaves by script.
//! * [`RealProxy`]: the ones people run, with their logs.
//! * [`Server`]: any other program that listens.
//! * [`Project`]: what `cuttle plugin new` writes, built.
//! * [`Exchange`]: a client that shows whether an answer was complete.
//!
//! Client, origin and fault proxy share an HTTP/1.1 reader of their own
//! ([`Wire`]): a witness that used the gateway's HTTP library would be blind to
//! its mistakes.
//!
//! # Rules
//!
//! Every listener takes a free port, every wait has an end ([`PATIENCE`]), and
//! nothing sleeps to let something else happen. A missing tool fails a test
//! with the name of its package. Everything started is ended by the value that
//! stands for it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a harness reports by panicking in its caller's test"
)]

mod binary;
mod body;
mod client;
mod fixtures;
mod gateway;
mod handmade;
mod journal;
mod log;
mod name_server;
mod origin;
mod process;
mod project;
mod proxies;
mod script;
mod server;
mod tls;
mod wire;

use std::{future::Future, time::Duration};

pub use binary::{Finished, command, gateway_binary, run};
pub use body::{Digest, Pattern};
pub use client::{Answer, Exchange, Outgoing};
pub use fixtures::{bundled_plugin, fixture, fixture_names, repository};
pub use gateway::{Configured, Gateway};
pub use handmade::{HANDMADE, handmade, importing};
pub use journal::{Journal, Recorded};
pub use log::Log;
pub use name_server::{Mood, NameServer};
pub use origin::{Origin, Reply};
pub use process::Usage;
pub use project::Project;
pub use proxies::{Credentials, Product, RealProxy, USERS_LIBRARY};
pub use rustix::process::Signal;
pub use script::{FaultProxy, Gate, Step};
pub use server::Server;
pub use tls::Authority;
pub use wire::{Framing, Head, Wire};

/// What a test returns.
pub type TestResult = anyhow::Result<()>;

/// The longest a test waits for one thing. Far above what anything takes on a
/// busy machine: it ends a test that would hang, it never decides one.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `what`, but not for ever.
///
/// # Panics
///
/// After [`PATIENCE`], naming `what`.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}
