//! Code generated from `wit/` for the world `req-resp-modifier-plugin`. Its
//! imports are those of [`crate::bindings`].
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "generated"
)]

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "req-resp-modifier-plugin",
    exports: { default: async },
    with: {
        "cuttle:plugin/types": crate::bindings::cuttle::plugin::types,
        "cuttle:plugin/outbound": crate::bindings::cuttle::plugin::outbound,
        "cuttle:plugin/forward-proxy": crate::bindings::cuttle::plugin::forward_proxy,
        "cuttle:plugin/log": crate::bindings::cuttle::plugin::log,
    },
    require_store_data_send: true,
});
