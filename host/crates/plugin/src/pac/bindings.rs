//! Code generated from `plugins/pac/wit`.
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
    path: "../../../plugins/pac/wit",
    world: "pac",
    imports: {
        "cuttle:pac/surroundings.resolve": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    require_store_data_send: true,
});
