//! Flexible configuration: files as Go templates, with the functions of sprig
//! and KrakenD's own.
//!
//! # Order of events
//!
//! 1. With a non-empty `FC_ENABLE` the configuration file is a template.
//!    [`load`] reads it, the settings and the other templates.
//! 2. It is run with the settings as data, bounded in steps, depth and output.
//! 3. The output is read as a configuration. Problems with it are reported
//!    where the template wrote the place in question.
//!
//! What a template means is that of Go's `text/template`, down to the error
//! texts, because people know those. An error stops the start; KrakenD reads
//! the unrendered file instead.
//!
//! # What this module does not do
//!
//! It writes no file but `FC_OUT`, and puts no value of settings or environment
//! into an error: each may be a secret.

mod eval;
mod files;
mod float;
mod functions;
mod json;
mod lex;
mod literal;
mod node;
mod origin;
mod out;
mod parse;
mod print;
mod printf;
mod rendering;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use files::{Flexible, load};
pub(crate) use rendering::Rendering;
