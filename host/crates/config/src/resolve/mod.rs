//! From the tree to the model: validation, defaults, what is known and what is
//! not.

mod backend;
mod composition;
mod discovery;
mod duration;
mod encoding;
mod endpoint;
mod hosts;
mod logging;
mod manipulation;
mod modifiers;
mod namespaces;
mod not_yet;
mod pattern;
mod plugins;
mod problems;
mod proxy;
mod responses;
mod router;
#[cfg(test)]
mod schema;
mod section;
mod service;
mod size;
mod summary;
mod tls;

#[cfg(test)]
mod tests;

pub(crate) use namespaces::shorten_namespaces;
pub(crate) use problems::Problems;
pub(crate) use service::service;
pub(crate) use summary::unserved;
pub use summary::{Unserved, UnservedNamespace};

use problems::{At, nearest};
use section::{Item, Section};
