//! The gateway's side of the contract: one file for each interface.

mod body;
mod client;
mod failure;
mod forward_proxy;
#[cfg(fuzzing)]
pub mod fuzzing;
mod log;
mod message;
mod next;
mod outbound;
mod pipe;
mod types;

pub use body::BodyHandle;
pub(crate) use body::body_to_send;
pub(crate) use failure::{body_failure, following_failure, plugin_failure, send_failure};
pub use forward_proxy::Transport;
pub(crate) use message::appended;
pub use message::{RequestHandle, ResponseHandle};
pub(crate) use outbound::dispatch;
pub use pipe::BodyWriter;
pub(crate) use pipe::Pipe;
