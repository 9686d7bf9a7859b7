//! The kinds of plugins, told by what a component exports.

use std::sync::Arc;

use wasmtime::{
    Store,
    component::{InstancePre, Resource},
};
use wasmtime_wasi_http::{
    p2::bindings::{Proxy, ProxyPre},
    p3::bindings::{Service, ServicePre},
};

use crate::{
    bindings::{
        HttpClientPlugin, HttpClientPluginPre,
        cuttle::plugin::types::Error,
        server::{HttpServerPlugin, HttpServerPluginPre},
    },
    host::{RequestHandle, ResponseHandle},
    modifier::{
        bindings::{
            ReqRespModifierPlugin, ReqRespModifierPluginPre,
            exports::cuttle::plugin::req_resp_modifier,
        },
        place_to,
    },
    state::State,
};

/// Version of the contract (`wit/`) this gateway offers. It takes components
/// made for this or an earlier one.
pub const CONTRACT: semver::Version = semver::Version::new(0, 1, 1);

/// Package of the contract, as names of its interfaces begin.
const PACKAGE: &str = "cuttle:plugin/";

/// A world of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum World {
    /// `http-client-plugin`: answers the requests of a backend.
    HttpClient,
    /// `http-server-plugin`: stands in front of the gateway.
    HttpServer,
    /// `req-resp-modifier-plugin`: changes requests and responses.
    ReqRespModifier,
    /// `wasi:http/proxy` 0.2: does the same, and knows nothing of this gateway.
    WasiHttpProxy,
    /// `wasi:http/service` 0.3: does the same, asynchronously.
    WasiHttpService,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::HttpClient,
        Self::HttpServer,
        Self::ReqRespModifier,
        Self::WasiHttpProxy,
        Self::WasiHttpService,
    ];

    /// Interface that a component of this world exports. Those of WASI are told
    /// with their package and the versions that are taken.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::HttpClient => "http-client",
            Self::HttpServer => "http-server",
            Self::ReqRespModifier => "req-resp-modifier",
            Self::WasiHttpProxy => "wasi:http/incoming-handler@0.2",
            Self::WasiHttpService => "wasi:http/handler@0.3",
        }
    }

    /// Whether it is a world of WASI, not of the contract.
    #[must_use]
    pub fn is_standard(self) -> bool {
        matches!(self, Self::WasiHttpProxy | Self::WasiHttpService)
    }

    /// Whether an export of this name makes a component one of this world.
    fn is_told_by(self, name: &str) -> bool {
        match self.is_standard() {
            true => is_version_of(name, self.export()),
            false => interface(name) == Some(self.export()),
        }
    }

    /// The namespace of the configuration that uses plugins of this world.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::HttpClient | Self::WasiHttpProxy | Self::WasiHttpService => "plugin/http-client",
            Self::HttpServer => "plugin/http-server",
            Self::ReqRespModifier => "plugin/req-resp-modifier",
        }
    }

    /// The worlds of a component that exports `names`.
    pub(crate) fn of(names: &[String]) -> Vec<Self> {
        let exports = |world: &Self| names.iter().any(|name| world.is_told_by(name));
        Self::ALL.into_iter().filter(exports).collect()
    }

    /// What a plugin exports, for people whose component does not.
    pub(crate) fn expected() -> String {
        Self::ALL
            .map(|world| match world.is_standard() {
                true => world.export().to_owned(),
                false => format!("{PACKAGE}{}@{CONTRACT}", world.export()),
            })
            .join(" or ")
    }
}

/// The name of an interface of the contract, in a version this gateway offers.
pub(crate) fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let version = semver::Version::parse(version).ok()?;
    let caret = semver::Comparator {
        op: semver::Op::Caret,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre,
    };
    caret.matches(&CONTRACT).then_some(interface)
}

/// The version of the contract in the name of one of its interfaces.
pub(crate) fn version(name: &str) -> Option<semver::Version> {
    let (_, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    semver::Version::parse(version).ok()
}

/// Whether `name` is a released patch of `series`, such as `a:b/c@0.2`.
pub(crate) fn is_version_of(name: &str, series: &str) -> bool {
    let patch = name
        .strip_prefix(series)
        .and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.parse::<u32>().is_ok())
}

/// A linked component: its instances can be made. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Linked {
    HttpClient(HttpClientPluginPre<State>),
    HttpServer(HttpServerPluginPre<State>),
    ReqRespModifier(ReqRespModifierPluginPre<State>),
    WasiHttpProxy(ProxyPre<State>),
    WasiHttpService(ServicePre<State>),
}

impl Linked {
    pub(crate) fn new(world: World, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match world {
            World::HttpClient => HttpClientPluginPre::new(pre).map(Self::HttpClient),
            World::HttpServer => HttpServerPluginPre::new(pre).map(Self::HttpServer),
            World::ReqRespModifier => ReqRespModifierPluginPre::new(pre).map(Self::ReqRespModifier),
            World::WasiHttpProxy => ProxyPre::new(pre).map(Self::WasiHttpProxy),
            World::WasiHttpService => ServicePre::new(pre).map(Self::WasiHttpService),
        }
    }

    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        match self {
            Self::HttpClient(pre) => pre.instantiate_async(store).await.map(Exports::HttpClient),
            Self::HttpServer(pre) => pre.instantiate_async(store).await.map(Exports::HttpServer),
            Self::ReqRespModifier(pre) => {
                let exports = pre.instantiate_async(store).await;
                exports.map(Exports::ReqRespModifier)
            }
            Self::WasiHttpProxy(pre) => {
                let exports = pre.instantiate_async(store).await?;
                Ok(Exports::WasiHttpProxy(exports))
            }
            Self::WasiHttpService(pre) => {
                let exports = pre.instantiate_async(store).await?;
                Ok(Exports::WasiHttpService(exports))
            }
        }
    }

    /// Whether it is a component of WASI, not of the contract.
    pub(crate) fn is_standard(&self) -> bool {
        matches!(self, Self::WasiHttpProxy(_) | Self::WasiHttpService(_))
    }
}

/// What can be called in an instance.
pub(crate) enum Exports {
    HttpClient(HttpClientPlugin),
    HttpServer(HttpServerPlugin),
    ReqRespModifier(ReqRespModifierPlugin),
    WasiHttpProxy(Proxy),
    WasiHttpService(Service),
}

impl Exports {
    /// Hands over the settings. The inner error is the plugin's refusal.
    pub(crate) async fn configure(
        &self,
        store: &mut Store<State>,
        settings: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        match self {
            Self::HttpClient(exports) => {
                let plugin = exports.cuttle_plugin_http_client();
                plugin.call_configure(store, settings).await
            }
            Self::HttpServer(exports) => {
                let plugin = exports.cuttle_plugin_http_server();
                plugin.call_configure(store, settings).await
            }
            Self::ReqRespModifier(exports) => {
                let site = Arc::clone(&store.data().site);
                let modifier = site.modifier.as_ref().ok_or_else(other_world)?;
                let place = place_to(modifier.place, &site.plugin);
                let plugin = exports.cuttle_plugin_req_resp_modifier();
                let hooks = plugin.call_configure(store, settings, &place).await?;
                Ok(hooks.map(|hooks| modifier.wants(hooks.into())))
            }
            // They ask for their settings, if they want any.
            Self::WasiHttpProxy(_) | Self::WasiHttpService(_) => Ok(Ok(())),
        }
    }

    /// Lets it answer a request. The inner error is the plugin's own.
    pub(crate) async fn handle(
        &self,
        store: &mut Store<State>,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        match self {
            Self::HttpClient(exports) => {
                let plugin = exports.cuttle_plugin_http_client();
                plugin.call_handle(store, request).await
            }
            Self::HttpServer(exports) => {
                let plugin = exports.cuttle_plugin_http_server();
                plugin.call_handle(store, request).await
            }
            _ => Err(other_world()),
        }
    }

    pub(crate) fn req_resp_modifier(&self) -> wasmtime::Result<&req_resp_modifier::Guest> {
        match self {
            Self::ReqRespModifier(exports) => Ok(exports.cuttle_plugin_req_resp_modifier()),
            _ => Err(other_world()),
        }
    }
}

/// A fault of the gateway: pools are made for one world.
fn other_world() -> wasmtime::Error {
    wasmtime::Error::msg("the instance is one of another world")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_handlers_of_wasi_make_a_plugin() {
        let cases: [(&str, &[World]); 7] = [
            ("cuttle:plugin/http-client@0.1.0", &[World::HttpClient]),
            ("wasi:http/incoming-handler@0.2.0", &[World::WasiHttpProxy]),
            ("wasi:http/incoming-handler@0.2.12", &[World::WasiHttpProxy]),
            ("wasi:http/handler@0.3.0", &[World::WasiHttpService]),
            ("wasi:http/handler@0.3.0-rc-2026-01-06", &[]),
            ("wasi:http/incoming-handler@0.20.0", &[]),
            ("wasi:cli/run@0.2.0", &[]),
        ];
        for (name, expected) in cases {
            assert_eq!(World::of(&[name.to_owned()]), expected, "{name}");
        }
    }

    #[test]
    fn interfaces_of_this_and_of_earlier_contracts_are_known() {
        let cases = [
            ("cuttle:plugin/http-client@0.1.0", Some("http-client")),
            ("cuttle:plugin/http-client@0.1.1", Some("http-client")),
            ("cuttle:plugin/http-client@0.1.2", None),
            ("cuttle:plugin/http-client@0.2.0", None),
            ("cuttle:plugin/http-client@1.1.0", None),
            ("cuttle:plugin/http-client@0.1", None),
            ("cuttle:plugin/http-client", None),
            ("acme:plugin/http-client@0.1.0", None),
        ];
        for (name, expected) in cases {
            assert_eq!(interface(name), expected, "{name}");
        }
    }
}
