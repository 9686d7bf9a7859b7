//! The plugin host against plugins that behave and plugins that do not.
//!
//! Every folder of `plugins/fixtures` has its test here, without a gateway
//! around it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests report by panicking"
)]

mod addresses;
mod bleed;
mod bodies;
mod chains;
mod contract;
mod harm;
mod hostile;
mod instances;
mod loading;
mod modifiers;
mod mutated;
mod other_host;
mod pac;
mod rights;
mod sdk;
mod server;
mod settings;
mod sources;
mod support;
mod wasi_http;
mod wasi_http_async;
mod wasi_http_harm;

/// A fixture without a test proves nothing.
#[test]
fn every_fixture_is_tested() {
    let tests = [
        include_str!("addresses.rs"),
        include_str!("bleed.rs"),
        include_str!("bodies.rs"),
        include_str!("chains.rs"),
        include_str!("harm.rs"),
        include_str!("hostile.rs"),
        include_str!("instances.rs"),
        include_str!("loading.rs"),
        include_str!("modifiers.rs"),
        include_str!("rights.rs"),
        include_str!("server.rs"),
        include_str!("sdk.rs"),
        include_str!("settings.rs"),
        include_str!("wasi_http.rs"),
        include_str!("wasi_http_async.rs"),
        include_str!("wasi_http_harm.rs"),
    ]
    .concat();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/fixtures");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("\"{name}\"")), "{name} has no test");
    }
}
