//! The metrics page (`metrics_path` of `cuttle/http`): counters for Prometheus,
//! in its text format 0.0.4.
//!
//! Like the status page it is there only where it was asked for, and holds no
//! secrets. All counters are those of one generation.

mod page;
mod text;
mod traffic;

pub(crate) use page::page;
pub(crate) use traffic::{Open, Traffic};
