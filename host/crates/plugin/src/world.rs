//! The kinds of plugins, told by what a component exports.

use std::sync::Arc;

use wasmtime::{
    Store,
    component::{InstancePre, Resource, types},
};

use crate::{
    Engine,
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
}

impl World {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HttpClient, Self::HttpServer, Self::ReqRespModifier];

    /// Interface that a component of this world exports.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::HttpClient => "http-client",
            Self::HttpServer => "http-server",
            Self::ReqRespModifier => "req-resp-modifier",
        }
    }

    /// The worlds of a component that exports `names`.
    pub(crate) fn of(names: &[String]) -> Vec<Self> {
        let exports = |world: &Self| {
            let mut interfaces = names.iter().filter_map(|name| interface(name));
            interfaces.any(|interface| interface == world.export())
        };
        Self::ALL.into_iter().filter(exports).collect()
    }

    /// What a plugin exports, for people whose component does not.
    pub(crate) fn expected() -> String {
        Self::ALL
            .map(|world| format!("{PACKAGE}{}@{CONTRACT}", world.export()))
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

/// Names of what a component exports.
pub(crate) fn exports(engine: &Engine, ty: &types::Component) -> Vec<String> {
    let exports = ty.exports(engine.runtime());
    exports.map(|(name, _)| name.to_owned()).collect()
}

/// A linked component: its instances can be made. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Linked {
    HttpClient(HttpClientPluginPre<State>),
    HttpServer(HttpServerPluginPre<State>),
    ReqRespModifier(ReqRespModifierPluginPre<State>),
}

impl Linked {
    pub(crate) fn new(world: World, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match world {
            World::HttpClient => HttpClientPluginPre::new(pre).map(Self::HttpClient),
            World::HttpServer => HttpServerPluginPre::new(pre).map(Self::HttpServer),
            World::ReqRespModifier => ReqRespModifierPluginPre::new(pre).map(Self::ReqRespModifier),
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
        }
    }
}

/// What can be called in an instance.
pub(crate) enum Exports {
    HttpClient(HttpClientPlugin),
    HttpServer(HttpServerPlugin),
    ReqRespModifier(ReqRespModifierPlugin),
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
            Self::ReqRespModifier(_) => Err(other_world()),
        }
    }

    pub(crate) fn req_resp_modifier(&self) -> wasmtime::Result<&req_resp_modifier::Guest> {
        match self {
            Self::ReqRespModifier(exports) => Ok(exports.cuttle_plugin_req_resp_modifier()),
            Self::HttpClient(_) | Self::HttpServer(_) => Err(other_world()),
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
