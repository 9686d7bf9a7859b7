//! Runs plugins: WASI components that answer a backend's requests (`http-client`),
//! stand in front of the gateway (`http-server`), or change requests and responses
//! (`req-resp-modifier`).
//!
//! # Life of a plugin
//!
//! 1. At start [`Engine::load`] compiles and links a component once. Whatever
//!    is wrong with the file is found there.
//! 2. [`Plugin::bind`] or [`Modifier::bind`] makes the first instance for one
//!    place of use and hands it the settings, so that a bad setting stops the
//!    start.
//! 3. A call ([`Plugin::call`], [`Modifier::modify_request`]) borrows an instance that nobody else is using, or makes
//!    one. From entry on it counts as broken; only a clean return puts it back.
//!    After a trap, a deadline or a caller that went away it is dropped.
//!
//! # Lists
//!
//! [`Plugin::bind_before`] puts a plugin in front of another one, to which its
//! `next` then leads; behind the last is the backend. [`ServerPlugin`]s stand in
//! front of a [`Handler`], the gateway itself. A plugin knows nothing of those
//! behind it but what they answer.
//!
//! # What a plugin can harm
//!
//! Its own call. Time, memory, tables, handles, bytes per host call, bytes of
//! body, log lines and instances are limited by [`Limits`]; rights are those of
//! its [`Binding`] and no others.
//!
//! # Standard components
//!
//! A component that exports a handler of `wasi:http` instead of the contract's
//! is an `http-client` plugin too: the module `standard` says how.
//!
//! # PAC files
//!
//! [`Pac`] runs proxy auto-configuration files in a bundled component of its
//! own, which is no plugin: it imports a lookup of names and nothing else.
//!
//! # What this crate does not do
//!
//! It knows nothing of endpoints, of the configuration file or of the status a
//! client gets: it takes a request and gives back a response or a
//! [`CallError`]. No type of the component runtime leaves it.

mod binding;
mod bindings;
mod cache;
mod component;
mod cost;
mod engine;
mod errand;
mod error;
mod exports;
#[expect(
    unreachable_pub,
    reason = "generated code re-exports the types of handles, so they are `pub` in a private module"
)]
mod host;
mod inspect;
mod instance;
mod limits;
mod log;
mod modifier;
mod next;
mod observer;
mod pac;
mod plugin;
mod pool;
mod reproducible;
mod rights;
mod server_plugin;
mod standard;
mod state;
mod stdio;
mod world;

pub use binding::{Binding, Isolation};
pub use component::{Component, MAX_COMPONENT_BYTES};
pub use cost::{BUCKETS, Cost, Meter};
pub use engine::{Engine, EngineSettings};
pub use error::{BindError, CallError, LoadError, PluginFailure};
pub use inspect::{Facts, Meaning, Producer, meaning};
pub use limits::Limits;
pub use modifier::{
    Content, Hooks, Level, Modifier, Params, PassingRequest, PassingResponse, Place, Refusal,
    Verdict,
};
pub use next::{Answering, Handler};
pub use observer::{Exchanged, Observer, Onward, Route, Spent, observe};
pub use pac::{Addresses, Pac, PacError, PacLimits, PacRunner, Resolver, SystemResolver};
pub use plugin::Plugin;
pub use pool::Instances;
pub use server_plugin::ServerPlugin;
pub use world::{CONTRACT, World};

#[cfg(fuzzing)]
pub use host::fuzzing;
