//! What can go wrong with a plugin, one enum for each step of its life.

use std::{error::Error, fmt, path::PathBuf, time::Duration};

/// Cause of an error, of a type that is nobody's business.
type BoxError = Box<dyn Error + Send + Sync>;

/// Why there is no engine, or why a file is not a usable plugin.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The machine does not give the engine what it needs, such as address
    /// space for its pool of instances.
    Engine {
        /// What the runtime says.
        source: BoxError,
    },
    /// The directory for machine code cannot be trusted or used.
    CacheDirectory {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it, and what would be right.
        message: String,
    },
    /// The file is something else than a WebAssembly component.
    NotAComponent {
        /// Name the plugin is registered under.
        plugin: String,
        /// What the file seems to be, and what to do.
        message: &'static str,
    },
    /// The file is larger than the limit for plugins.
    TooLarge {
        /// Name the plugin is registered under.
        plugin: String,
        /// Size of the file in bytes.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// A compiler of its own did not survive it.
    Compiler {
        /// Name the plugin is registered under.
        plugin: String,
        /// What became of the compiler.
        message: String,
    },
    /// The component is damaged, or uses what this engine does not support.
    Invalid {
        /// Name the plugin is registered under.
        plugin: String,
        /// What the compiler says.
        source: BoxError,
    },
    /// The component wants something the gateway does not offer.
    UnknownImport {
        /// Name the plugin is registered under.
        plugin: String,
        /// The interface, with package and version.
        import: String,
    },
    /// The component is built for another world.
    MissingExport {
        /// Name the plugin is registered under.
        plugin: String,
        /// What it would have to export.
        expected: String,
        /// What it exports.
        found: Vec<String>,
    },
    /// A custom section of ours cannot be used.
    Section {
        /// Name the plugin is registered under.
        plugin: String,
        /// Name of the section.
        section: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// Names fit, but a function or type of an interface does not.
    Incompatible {
        /// Name the plugin is registered under.
        plugin: String,
        /// What the linker says.
        source: BoxError,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine { .. } => f.write_str("the engine for plugins cannot start"),
            Self::CacheDirectory { directory, message } => {
                write!(f, "cache directory `{}`: {message}", directory.display())
            }
            Self::NotAComponent { plugin, message } => {
                write!(f, "plugin `{plugin}` {message}")
            }
            Self::TooLarge {
                plugin,
                size,
                limit,
            } => write!(
                f,
                "plugin `{plugin}` is {size} bytes long, and the limit is {limit}"
            ),
            Self::Compiler { plugin, message } => {
                write!(f, "plugin `{plugin}` cannot be compiled: {message}")
            }
            Self::Invalid { plugin, .. } => {
                write!(f, "plugin `{plugin}` is not a valid component")
            }
            Self::UnknownImport { plugin, import } => write!(
                f,
                "plugin `{plugin}` imports `{import}`, which the gateway does not offer; it offers \
                 `cuttle:plugin` 0.1 and the basics of WASI 0.2, and `wasi:http` to those that \
                 export its handler"
            ),
            Self::MissingExport {
                plugin,
                expected,
                found,
            } => {
                write!(f, "plugin `{plugin}` does not export `{expected}`")?;
                match found.as_slice() {
                    [] => f.write_str(" or anything else"),
                    found => write!(f, ", only `{}`", found.join("`, `")),
                }?;
                f.write_str("; build it for a world of `cuttle:plugin` or of `wasi:http`")
            }
            Self::Section {
                plugin,
                section,
                message,
            } => write!(f, "section `{section}` of plugin `{plugin}` {message}"),
            Self::Incompatible { plugin, .. } => write!(
                f,
                "plugin `{plugin}` is built against other interfaces than the gateway's"
            ),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Engine { source }
            | Self::Invalid { source, .. }
            | Self::Incompatible { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// Why a plugin cannot be used at one place.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The component is a plugin of another kind.
    World {
        /// Name the plugin is registered under.
        plugin: String,
        /// What it would have to be here.
        world: crate::World,
    },
    /// The plugin refuses its settings.
    Settings {
        /// Name the plugin is registered under.
        plugin: String,
        /// In the plugin's words; by convention `key: reason`.
        message: String,
    },
    /// A limit is more than the engine can give.
    Limit {
        /// Name the plugin is registered under.
        plugin: String,
        /// Field of [`Limits`](crate::Limits).
        limit: &'static str,
        /// Largest value that can be set.
        max: usize,
    },
    /// No instance could be made or configured.
    Start {
        /// Name the plugin is registered under.
        plugin: String,
        /// Why not.
        source: Box<CallError>,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World { plugin, world } => {
                write!(f, "plugin `{plugin}` does not export `{}`", world.export())
            }
            Self::Settings { plugin, message } => {
                write!(f, "plugin `{plugin}` refuses its settings: {message}")
            }
            Self::Limit { plugin, limit, max } => {
                write!(f, "limit `{limit}` of plugin `{plugin}` is above {max}")
            }
            Self::Start { plugin, .. } => write!(f, "plugin `{plugin}` does not start"),
        }
    }
}

impl Error for BindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why a plugin call produced no response.
///
/// Every variant names the plugin: the log line that carries it is often all
/// an operator has. `Display` covers this level only; the cause is in
/// [`source`](Error::source). There is no HTTP status here.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The plugin was still running at its deadline and was stopped.
    Deadline {
        /// Name the plugin is registered under.
        plugin: String,
        /// Time it had been given.
        limit: Duration,
    },
    /// The plugin trapped. Its instance is gone; the next call gets a new one.
    Trap {
        /// Name the plugin is registered under.
        plugin: String,
        /// The trap; its `Debug` has the backtrace of the plugin.
        source: BoxError,
    },
    /// The plugin ran into one of its limits and trapped.
    Limit {
        /// Name the plugin is registered under.
        plugin: String,
        /// Field of [`Limits`](crate::Limits).
        limit: &'static str,
        /// The trap that followed.
        source: BoxError,
    },
    /// As many instances as allowed are at work.
    Exhausted {
        /// Name the plugin is registered under.
        plugin: String,
        /// Its own limit; `None` if it is that of all plugins together.
        instances: Option<usize>,
    },
    /// The plugin returned an error.
    Failed {
        /// Name the plugin is registered under.
        plugin: String,
        /// What it returned.
        error: PluginFailure,
    },
    /// The plugin returned a message that cannot be sent.
    Invalid {
        /// Name the plugin is registered under.
        plugin: String,
        /// What is wrong with it.
        message: String,
    },
    /// A further instance refused the settings that the first one accepted.
    Settings {
        /// Name the plugin is registered under.
        plugin: String,
        /// In the plugin's words.
        message: String,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { plugin, limit } => {
                write!(f, "plugin `{plugin}` did not answer within {limit:?}")
            }
            Self::Trap { plugin, .. } => write!(f, "plugin `{plugin}` trapped"),
            Self::Limit { plugin, limit, .. } => {
                write!(f, "plugin `{plugin}` reached its limit `{limit}`")
            }
            Self::Exhausted {
                plugin,
                instances: Some(limit),
            } => write!(
                f,
                "plugin `{plugin}` has all of its instances at work: \
                 `limits.{plugin}.instances` is {limit}"
            ),
            Self::Exhausted { plugin, .. } => write!(
                f,
                "plugin `{plugin}` gets no instance: all plugins together have as many at work \
                 as `max_instances` allows"
            ),
            Self::Failed { plugin, error } => write!(f, "plugin `{plugin}` failed: {error}"),
            Self::Invalid { plugin, message } => {
                write!(
                    f,
                    "plugin `{plugin}` returned something unusable: {message}"
                )
            }
            Self::Settings { plugin, message } => {
                write!(f, "plugin `{plugin}` refuses its settings: {message}")
            }
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Trap { source, .. } | Self::Limit { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// The contract's `error`, as returned by a plugin. Texts are the plugin's own,
/// cut and with control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PluginFailure {
    /// A method, URI, field, status or option that cannot be used.
    InvalidArgument(String),
    /// Not granted.
    Denied(String),
    /// A host name could not be resolved.
    Dns(String),
    /// No connection.
    Connect(String),
    /// The connection was not there in time.
    ConnectTimeout,
    /// The forward proxy refused the tunnel with this status.
    ProxyStatus(u16),
    /// TLS failed.
    Tls(String),
    /// The time of the request was used up.
    Timeout,
    /// The peer does not speak HTTP as it should.
    Protocol(String),
    /// A body broke off or was too long.
    Body(String),
    /// The client or the gateway is going away.
    Cancelled,
    /// Anything else.
    Other(String),
}

impl fmt::Display for PluginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            Self::InvalidArgument(text) => ("invalid argument", text),
            Self::Denied(text) => ("denied", text),
            Self::Dns(text) => ("name resolution", text),
            Self::Connect(text) => ("connection", text),
            Self::ConnectTimeout => return f.write_str("connection timeout"),
            Self::ProxyStatus(status) => return write!(f, "proxy answered {status}"),
            Self::Tls(text) => ("TLS", text),
            Self::Timeout => return f.write_str("timeout"),
            Self::Protocol(text) => ("protocol", text),
            Self::Body(text) => ("body", text),
            Self::Cancelled => return f.write_str("cancelled"),
            Self::Other(text) => return f.write_str(text),
        };
        write!(f, "{what}: {text}")
    }
}

/// What the runtime says about a trap or a file.
pub(crate) struct Cause {
    /// Innermost reason, in one line.
    reason: String,
    /// Whole chain, with the backtrace of the plugin.
    details: String,
}

impl Cause {
    /// Takes what is worth telling out of the runtime's error.
    pub(crate) fn boxed(error: &wasmtime::Error) -> BoxError {
        Box::new(Self {
            reason: error.root_cause().to_string(),
            details: format!("{error:?}"),
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details)
    }
}

impl Error for Cause {}
