//! One endpoint's work: filters, URL building, the backend call.
//!
//! # Life of a request
//!
//! 1. At start-up [`Pipeline::build`] compiles an endpoint: which headers and
//!    query strings pass, the text around the placeholders of `url_pattern`,
//!    the hosts to balance over. What this version cannot serve is found here.
//! 2. [`Pipeline::serve`] takes a request whose head the gateway has cleaned
//!    and routed, starts the clock of the endpoint's timeout, filters the query
//!    string, builds the URL, picks a host, filters the headers and hands the
//!    rest to the backend's [`Executor`].
//! 3. The answer goes back as it is. Its body stays under the timeout: one that
//!    is not complete by then ends in an error, never as if it were complete.
//!
//! Bodies are handles in both directions; no byte of them is read here.
//!
//! # What this crate does not do
//!
//! It opens no connection and knows no plugin (an [`Executor`] does), it cleans
//! no hop-by-hop fields out of answers, and it knows no status of its own: the
//! gateway makes a response out of a [`Failure`].
//!
//! # Departures from KrakenD
//!
//! Values of path parameters are percent-encoded when they are put into a URL,
//! so none can add a segment, a query string or a host; KrakenD inserts them as
//! they are. Fields about the connection (`Host`, `Content-Length`,
//! `Connection`, `Proxy-Authorization`, …) stay behind even where
//! `input_headers` lists them.

mod backend;
mod balance;
mod deadline;
mod executor;
mod failure;
mod headers;
mod ip_text;
mod pipeline;
mod query;
mod url;

use std::error::Error as StdError;

use bytes::Bytes;

pub use cuttle_config as config;
pub use executor::{ExecuteError, ExecuteFuture, Executor};
pub use failure::{Failure, FailureKind, TimedOut};
pub use ip_text::ip_text;
pub use pipeline::{Inbound, Pipeline, Unsupported};

/// Any error, for the log.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Body of requests and responses: streamed, never buffered.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

#[cfg(test)]
mod tests;
