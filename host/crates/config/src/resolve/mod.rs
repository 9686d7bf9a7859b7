//! From the tree to the model: validation, defaults, what is known and what is
//! not.

mod backend;
mod duration;
mod endpoint;
mod hosts;
mod logging;
mod namespaces;
mod not_yet;
mod pattern;
mod plugins;
mod problems;
mod proxy;
mod router;
mod section;
mod service;
mod tls;

#[cfg(test)]
mod tests;

pub(crate) use namespaces::shorten_namespaces;
pub(crate) use problems::Problems;
pub(crate) use service::service;

use problems::{At, nearest};
use section::{Item, Section};
