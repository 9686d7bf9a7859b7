//! The kinds of plugins, told by what a component exports.

use wasmtime::{
    Store,
    component::{InstancePre, types},
};

use crate::{
    Engine,
    bindings::{HttpClientPlugin, HttpClientPluginPre},
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
}

impl World {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::HttpClient];

    /// Interface that a component of this world exports.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::HttpClient => "http-client",
        }
    }

    /// The namespace of the configuration that uses plugins of this world.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::HttpClient => "plugin/http-client",
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

/// The version of the contract in the name of one of its interfaces.
pub(crate) fn version(name: &str) -> Option<semver::Version> {
    let (_, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    semver::Version::parse(version).ok()
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
}

impl Linked {
    pub(crate) fn new(world: World, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match world {
            World::HttpClient => HttpClientPluginPre::new(pre).map(Self::HttpClient),
        }
    }

    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        match self {
            Self::HttpClient(pre) => pre.instantiate_async(store).await.map(Exports::HttpClient),
        }
    }
}

/// What can be called in an instance.
pub(crate) enum Exports {
    HttpClient(HttpClientPlugin),
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
        }
    }
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
