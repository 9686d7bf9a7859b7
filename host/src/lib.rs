//! The gateway: listener, router, responses, logs.
//!
//! A request comes in by [`server`], its head is cleaned by [`head`], the
//! [`router`] finds its endpoint, a pipeline answers it, [`respond`] makes the
//! response, [`telemetry`] writes about it. [`gateway`] holds these together.
//! [`assemble`] builds all of it from a configuration, [`cli`] starts it.

pub mod assemble;
mod cases;
pub mod cli;
mod demo;
pub mod gateway;
pub mod head;
mod metrics;
pub mod record;
mod reload;
pub mod respond;
pub mod router;
mod schema;
mod secrets;
pub mod server;
mod server_plugins;
mod status;
pub mod telemetry;

/// Version of the gateway.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod testing;
