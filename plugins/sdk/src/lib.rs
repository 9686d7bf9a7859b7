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
//! A plugin for `plugin/req-resp-modifier` is a [`Modifier`].
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
mod modifier;
mod plugin;
mod section;
mod server;
mod settings;
mod slot;

pub use body::{Body, BodyWriter};
pub use error::Error;
pub use header::HeaderValue;
pub use http::{Method, StatusCode};
pub use log;
pub use message::{Request, Response, next, send};
pub use modifier::{
    Content, Hooks, Level, Modifier, PassingRequest, PassingResponse, Place, Refusal, Verdict,
};
pub use plugin::HttpClient;
pub use server::{HttpServer, client_address};
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

    /// The other world; what it imports is the same.
    pub mod modifier {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "req-resp-modifier-plugin",
            pub_export_macro: true,
            default_bindings_module: "cuttle_plugin_sdk::bindings::modifier",
            with: {
                "cuttle:plugin/types@0.1.1": crate::bindings::cuttle::plugin::types,
                "cuttle:plugin/outbound@0.1.1": crate::bindings::cuttle::plugin::outbound,
                "cuttle:plugin/forward-proxy@0.1.1":
                    crate::bindings::cuttle::plugin::forward_proxy,
                "cuttle:plugin/log@0.1.1": crate::bindings::cuttle::plugin::log,
            },
        });
    }
}

/// The same for plugins in front of the gateway.
#[doc(hidden)]
#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod server_bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "http-server-plugin",
        with: {
            "cuttle:plugin/types@0.1.1": crate::bindings::cuttle::plugin::types,
            "cuttle:plugin/next@0.1.1": crate::bindings::cuttle::plugin::next,
            "cuttle:plugin/outbound@0.1.1": crate::bindings::cuttle::plugin::outbound,
            "cuttle:plugin/forward-proxy@0.1.1": crate::bindings::cuttle::plugin::forward_proxy,
            "cuttle:plugin/log@0.1.1": crate::bindings::cuttle::plugin::log,
        },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "cuttle_plugin_sdk::server_bindings",
    });
}

/// What the macros `export_…!` expand to, and nobody else calls.
#[doc(hidden)]
pub mod export {
    pub use crate::{
        modifier::{configure as configure_modifier, modify_request, modify_response},
        slot::{configure, handle},
    };
}
