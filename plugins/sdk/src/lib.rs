//! What an author of plugins in Rust starts from.
//!
//! A thin layer over the bindings of the contract (`wit/` of the gateway,
//! package `cuttle:plugin@0.1.1`): the same handles and the same costs, with
//! settings by serde, errors for `?`, and the macros of [`log`].
//!
//! ```
//! use cuttle_plugin_sdk::{Error, HttpClient, Request, Response, SettingsError, log, send};
//!
//! #[derive(serde::Deserialize)]
//! struct Settings { api_key: String }
//!
//! struct Plugin(Settings);
//! cuttle_plugin_sdk::export_http_client!(Plugin);
//!
//! impl HttpClient for Plugin {
//!     type Settings = Settings;
//!     fn new(settings: Settings) -> Result<Self, SettingsError> {
//!         Ok(Self(settings))
//!     }
//!     fn handle(&self, request: Request) -> Result<Response, Error> {
//!         log::info!("{} {}", request.method(), request.uri());
//!         request.set_header("x-api-key", &self.0.api_key)?;
//!         send(request)
//!     }
//! }
//! ```
//!
//! The crate of the plugin is a library with `crate-type = ["cdylib"]`, built
//! with `--target wasm32-wasip2`.
//!
//! [`settings_schema!`] and [`description!`] put into the file what operators
//! want to know of it.
//!
//! # Tests of a plugin
//!
//! On other targets everything compiles, so that the parts of a plugin that do
//! not touch messages are tested with a plain `cargo test`. Messages, bodies
//! and transports live in the gateway: calling them elsewhere panics.

mod body;
mod error;
pub mod forward_proxy;
mod header;
mod logger;
mod message;
mod plugin;
mod section;
mod settings;

pub use body::{Body, BodyWriter};
pub use error::Error;
pub use header::HeaderValue;
pub use http::{Method, StatusCode};
pub use log;
pub use message::{Request, Response, send};
pub use plugin::HttpClient;
pub use settings::{NoSettings, SettingsError};

/// Generated from the contract. The rest of this crate is safe code.
#[doc(hidden)]
#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "http-client-plugin",
        pub_export_macro: true,
        default_bindings_module: "cuttle_plugin_sdk::bindings",
    });
}

/// What [`export_http_client!`] expands to, and nobody else calls.
#[doc(hidden)]
pub mod export {
    pub use crate::plugin::{configure, handle};
}
