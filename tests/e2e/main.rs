//! The whole way on real sockets: client, gateway, plugin, forward proxy,
//! origin. Each module is one promise.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests report by panicking"
)]

mod apart;
mod backend_connections;
mod bodies;
mod chains;
mod discovery;
mod documented_example;
mod environment_proxy;
mod examples;
mod failover;
mod faults;
mod hostile;
mod json_pipeline;
mod languages;
mod leaks;
mod listener;
mod logs_and_secrets;
mod markers;
mod metrics;
mod modifiers;
mod noop_pipeline;
mod pac;
mod plugin_folder;
mod plugins;
mod pools;
mod proxies_real;
mod proxy_settings;
mod record;
mod reload;
mod server_plugins;
mod shutdown;
mod status;
mod streaming;
mod structure;
mod support;
mod wasi_http;
