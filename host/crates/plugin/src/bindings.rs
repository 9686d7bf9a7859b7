//! Code generated from `wit/`. Private: our own types cross its border.
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

// `trappable` everywhere: a handle the gateway does not know, or one too many,
// ends the call instead of being an error the plugin might go on after.
wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "http-client-plugin",
    imports: {
        "cuttle:plugin/types.[method]body.read": async | trappable,
        "cuttle:plugin/types.[method]body.read-all": async | trappable,
        "cuttle:plugin/types.[method]body-writer.write": async | trappable,
        "cuttle:plugin/next.send": async | trappable,
        "cuttle:plugin/outbound.send": async | trappable,
        "cuttle:plugin/forward-proxy.[method]transport.send": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "cuttle:plugin/types.body": crate::host::BodyHandle,
        "cuttle:plugin/types.body-writer": crate::host::BodyWriter,
        "cuttle:plugin/types.request": crate::host::RequestHandle,
        "cuttle:plugin/types.response": crate::host::ResponseHandle,
        "cuttle:plugin/forward-proxy.transport": crate::host::Transport,
    },
    additional_derives: [Clone, PartialEq],
    require_store_data_send: true,
});

/// `http-server-plugin`: what it shares with the world above is the same.
pub(crate) mod server {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "http-server-plugin",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "cuttle:plugin/types": super::cuttle::plugin::types,
            "cuttle:plugin/next": super::cuttle::plugin::next,
            "cuttle:plugin/outbound": super::cuttle::plugin::outbound,
            "cuttle:plugin/forward-proxy": super::cuttle::plugin::forward_proxy,
            "cuttle:plugin/log": super::cuttle::plugin::log,
        },
        require_store_data_send: true,
    });
}
