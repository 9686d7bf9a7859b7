//! Standard components: `wasi:http` handlers as `http-client` plugins.
//!
//! They know nothing of this gateway. Their outgoing requests are those of the
//! contract's `outbound` under another name: the same rights, way, pool and
//! deadline ([`Hooks`]). What they cannot do is pass a body on without reading
//! it, or open a forward proxy.
//!
//! A `middleware` of 0.3 finds the backend as its next handler.
//!
//! A component of 0.2 runs on the engine of all plugins, one of 0.3 on a second
//! one. Both may go on after the head of their response is there; then the body
//! of the response carries them along ([`Answer`]).

mod answer;
mod config;
mod failure;
mod hooks;
mod next;
mod running;
mod watched;

use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi_config::WasiConfig;
use wasmtime_wasi_http::{WasiBody, WasiHttpCtx};

pub(crate) use self::{
    answer::Answer,
    config::config,
    failure::{body_error, plugin_failure},
    hooks::{Hooks, Journey},
    running::{Ended, Finished, Running},
};
use crate::{World, engine, state::State, world::is_version_of};

/// What a guest says once: the head of its response with the body, or why there
/// is none.
pub(crate) type Said = wasmtime_wasi_http::Result<http::Response<WasiBody>>;

/// Bytes of names and values in one set of fields: as in the contract, heads
/// are memory of the gateway.
const MAX_FIELDS: usize = 64 << 10;

/// Version of `wasi:config` that is there. Before a first release versions
/// are not compatible with each other.
const CONFIG: &str = "wasi:config/store@0.2.0-rc.1";
/// What a standard component may import beside what every plugin may.
const OFFERED: [&str; 2] = ["wasi:http/outgoing-handler@0.2", "wasi:http/types@0.2"];
/// The same for one that exports the handler of 0.3.
const OFFERED_ASYNC: [&str; 3] = [
    "wasi:http/client@0.3",
    "wasi:http/handler@0.3",
    "wasi:http/types@0.3",
];
/// Those of them by which requests go out.
const TO_SEND: [&str; 3] = [
    "wasi:http/outgoing-handler@0.2",
    "wasi:http/client@0.3",
    "wasi:http/handler@0.3",
];
/// Packages of WASI 0.3, of which everything is there (and no right with it).
const PACKAGES_ASYNC: [&str; 5] = ["cli", "clocks", "filesystem", "random", "sockets"];

/// Whether a component of these worlds may import this beside what every plugin
/// may.
pub(crate) fn is_offered(import: &str, worlds: &[World]) -> bool {
    let standard = worlds.iter().any(|world| world.is_standard());
    let concurrent = worlds.contains(&World::WasiHttpService);
    let of = |series: &[&str]| series.iter().any(|series| is_version_of(import, series));
    (standard && (import == CONFIG || of(&OFFERED)))
        || (concurrent && (of(&OFFERED_ASYNC) || is_async_basic(import)))
}

/// Whether a standard component sends requests by this import.
pub(crate) fn is_to_send(import: &str) -> bool {
    TO_SEND.iter().any(|series| is_version_of(import, series))
}

fn is_async_basic(import: &str) -> bool {
    let name = import.strip_prefix("wasi:");
    let Some((package, rest)) = name.and_then(|name| name.split_once('/')) else {
        return false;
    };
    let version = rest.split_once('@').map_or("", |(_, version)| version);
    PACKAGES_ASYNC.contains(&package) && is_version_of(version, "0.3")
}

/// Links a component of at least one standard world.
pub(crate) fn link(
    component: &Component,
    worlds: &[World],
) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = engine::linker(component.engine())?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_config::add_to_linker(&mut linker, |state: &mut State| {
        state.count_host_call();
        WasiConfig::from(&state.site.config)
    })?;
    if worlds.contains(&World::WasiHttpService) {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        next::add_to_linker(&mut linker)?;
    }
    linker.instantiate_pre(component)
}

pub(crate) fn http_context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(MAX_FIELDS);
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_standard_components_import_standard_http() {
        use World::{HttpClient, WasiHttpProxy, WasiHttpService};
        let cases: [(&str, &[World]); 9] = [
            ("wasi:http/types@0.2.12", &[WasiHttpProxy, WasiHttpService]),
            (
                "wasi:http/outgoing-handler@0.2.0",
                &[WasiHttpProxy, WasiHttpService],
            ),
            (
                "wasi:config/store@0.2.0-rc.1",
                &[WasiHttpProxy, WasiHttpService],
            ),
            ("wasi:http/client@0.3.0", &[WasiHttpService]),
            ("wasi:cli/stdout@0.3.0", &[WasiHttpService]),
            ("wasi:http/handler@0.3.0", &[WasiHttpService]),
            ("wasi:http/incoming-handler@0.2.0", &[]),
            ("wasi:config/store@0.2.0-draft", &[]),
            ("wasi:keyvalue/store@0.2.0", &[]),
        ];
        for (import, offered_to) in cases {
            for world in [HttpClient, WasiHttpProxy, WasiHttpService] {
                let expected = offered_to.contains(&world);
                assert_eq!(
                    is_offered(import, &[world]),
                    expected,
                    "{import}: {world:?}"
                );
            }
        }
    }
}
