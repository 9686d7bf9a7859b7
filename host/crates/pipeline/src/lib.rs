//! One endpoint's work: filters, fan-out, decoding, manipulation, merging,
//! encodings.
//!
//! # Life of a request
//!
//! 1. At start-up [`Pipeline::build`] compiles an endpoint: which headers and
//!    query strings pass, the text around the placeholders of `url_pattern`,
//!    the hosts to balance over, how answers are read, changed and written.
//!    What this version cannot serve is found here.
//! 2. [`Pipeline::serve`] takes a request whose head the gateway has cleaned
//!    and routed, and starts the clock of the endpoint's timeout.
//! 3. For each backend the query string is filtered, the URL built, a host
//!    picked, the headers filtered, and the rest is the backend's
//!    [`Executor`]'s.
//!
//! From there on there are two kinds of endpoints:
//!
//! * `no-op`: the answer of the only backend goes back as it is. Its body stays
//!   under the timeout: one that is not complete by then ends in an error,
//!   never as if it were complete. No byte of either body is read here.
//! * All others answer with data. An answer's status is checked, its body read
//!   within a limit, decoded and manipulated; the parts of several backends are
//!   merged in the order of the list; what came of it is written in the output
//!   encoding. Backends are called at once or one after the other, several
//!   times (`concurrent_calls`) or without listening (`shadow`).
//!
//! [`Modifier`]s stand around an endpoint, outside of merging and inside of
//! `static`, and around a backend, between its filters and its executor. Where
//! there are none, nothing of what they need is done.
//!
//! A plugin's answer takes the same path as any other: the pipeline does not
//! know which of its executors are plugins.
//!
//! # Failures
//!
//! A backend that fails, is late, panics or traps costs its own part: the
//! others' data is the [`Answer`], which says that it is not complete and
//! carries the [`Failure`]s for the log. Where nothing is left, `serve` returns
//! a failure.
//!
//! # What this crate does not do
//!
//! It opens no connection and knows no plugin (an [`Executor`] does), it cleans
//! no hop-by-hop fields out of answers, and it knows no status of its own: the
//! gateway makes a response out of a [`Failure`].
//!
//! # Departures from KrakenD
//!
//! Values of path parameters and of earlier answers (`{resp0_x}`) are
//! percent-encoded when they are put into a URL, so none can add a segment, a
//! query string or a host; KrakenD inserts them as they are. A placeholder
//! without a value fails its backend, where KrakenD sends the text
//! `{{.Resp0_x}}`. Fields about the connection (`Host`, `Content-Length`,
//! `Connection`, `Proxy-Authorization`, …) stay behind even where
//! `input_headers` lists them. Of two backends with the same field the later
//! one in the list wins, in KrakenD the slower one.

mod aggregate;
mod backend;
mod balance;
mod copies;
mod data;
mod deadline;
mod decode;
mod executor;
mod explain;
mod failure;
mod guard;
mod headers;
mod ip_text;
mod manipulate;
mod modifier;
mod modify;
mod pipeline;
mod query;
mod race;
mod relay;
mod render;
mod settings;
mod url;

use std::error::Error as StdError;

use bytes::Bytes;

pub use cuttle_config as config;
pub use executor::{ExecuteError, ExecuteFuture, Executor, HostFuture, HostSource};
pub use explain::{
    BodyUse, CallOrder, ExplainedCall, ExplainedField, ExplainedRequest, Explanation, HeaderReason,
    QueryReason,
};
pub use failure::{BackendAnswer, Failure, FailureKind, TimedOut};
pub use ip_text::ip_text;
pub use modifier::{
    Hooks, Modifier, Modifiers, ModifyFuture, PassingRequest, PassingResponse, Refusal, Verdict,
};
pub use pipeline::{Answer, Inbound, Pipeline, Unsupported};
pub use settings::{BODY_COPY, Settings};
pub use url::REST;

/// Any error, for the log.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Body of requests and responses: a stream.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

#[cfg(test)]
mod tests;
