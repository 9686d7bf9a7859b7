//! Plugins: where they are used, where they come from, what they may do.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use crate::KeyPath;

/// `plugin/http-client` of a backend.
#[derive(Clone)]
#[non_exhaustive]
pub struct PluginUse {
    /// Place of the object: `….extra_config["plugin/http-client"]`.
    pub place: KeyPath,
    /// `name`.
    pub name: String,
    /// The whole object as JSON text. May hold secrets.
    pub settings: String,
}

/// Hides the settings.
impl fmt::Debug for PluginUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginUse")
            .field("place", &self.place)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// `plugin`: a folder of components.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PluginFolder {
    /// Place of the object.
    pub place: KeyPath,
    /// `folder`.
    pub folder: PathBuf,
    /// `pattern`: part of the names of files to load, with `.so` read as `.wasm`.
    pub pattern: String,
}

/// `cuttle/plugins`: rights and limits.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PluginPolicy {
    /// `grants`, by name of the plugin.
    pub grants: BTreeMap<String, Grants>,
    /// `limits`, by name of the plugin.
    pub limits: BTreeMap<String, PluginLimits>,
    /// `isolation`, by name of the plugin; `*` is every other one.
    pub isolation: BTreeMap<String, Isolation>,
    /// `cache_dir`: where compiled plugins are kept; `None` compiles at each start.
    pub cache_dir: Option<PathBuf>,
    /// `max_instances`: how many may exist at a time, over all plugins; `None` is
    /// the plugin host's default.
    pub max_instances: Option<u32>,
}

/// What a plugin may do beyond the default.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grants {
    /// `outbound`: more authorities (`host` or `host:port`) it may send to.
    pub outbound: Vec<String>,
    /// `addresses`: addresses and networks that are not public, and that names in
    /// `outbound` may resolve to all the same.
    pub addresses: Vec<String>,
    /// `proxies`: more proxy addresses it may open. May hold credentials, so
    /// `Debug` hides them.
    pub proxies: Vec<String>,
}

/// Hides the proxies.
impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants")
            .field("outbound", &self.outbound)
            .field("addresses", &self.addresses)
            .field("proxies", &format_args!("{} hidden", self.proxies.len()))
            .finish()
    }
}

/// What a plugin may use up; `None` is the plugin host's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginLimits {
    /// `memory`: bytes of linear memory of one instance.
    pub memory: Option<usize>,
    /// `table_elements`: entries of its tables.
    pub table_elements: Option<usize>,
    /// `hostcall_fuel`: bytes that one call into the host may carry.
    pub hostcall_fuel: Option<usize>,
    /// `resources`: handles one instance may hold.
    pub resources: Option<usize>,
    /// `body_read`: bytes of body one call may take into its memory.
    pub body_read: Option<u64>,
    /// `host_calls`: calls into the gateway that one call may make.
    pub host_calls: Option<usize>,
    /// `log_lines_per_second`.
    pub log_lines_per_second: Option<u32>,
    /// `instances`: how many of one place of use may exist at a time.
    pub instances: Option<usize>,
    /// `uses_per_instance`: calls until an instance is replaced; 0 is no limit.
    pub uses_per_instance: Option<u64>,
    /// `timeout`: for one call, if shorter than what the endpoint has left.
    pub timeout: Option<Duration>,
}

/// Whether instances are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// `"instance"`: a pool; an instance serves one request after the other.
    #[default]
    Instance,
    /// `"request"`: a fresh instance for each request.
    Request,
}
