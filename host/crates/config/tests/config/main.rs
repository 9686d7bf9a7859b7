//! What configurations are taken for: as values, and as problems.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that fails is meant to panic"
)]

mod answers;
mod cases;
mod environment;
mod plugins;
mod robustness;
mod secrets;
mod templates;
mod values;

use std::path::Path;

use cuttle_config::{Loaded, Options, Report, parse};

/// The configuration `text`, as JSON, without an environment.
fn json(text: &str) -> Result<Loaded, Report> {
    parse(text, Path::new("krakend.json"), &Options::default())
}
