//! Modifiers around endpoints and backends.

mod data;
mod explained;
mod fake;
mod messages;
mod requests;
mod verdicts;

use http::Request;
use http_body_util::Full;

use super::{
    harness::{endpoint_of, show},
    recorder::{Recorder, Script, body_of},
    *,
};
use fake::*;
