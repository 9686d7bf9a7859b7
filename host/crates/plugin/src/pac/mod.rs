//! Runs proxy auto-configuration (PAC) files.
//!
//! # Life of a file
//!
//! 1. [`PacRunner::new`] compiles the bundled component, a JavaScript engine,
//!    once for all files.
//! 2. [`Pac::load`] makes the first instance and runs the file in it, so that
//!    a file that cannot be used stops the start.
//! 3. [`Pac::find_proxy`] asks the script. One evaluation runs at a time, in
//!    the instance of the last one; after a trap, a limit or a caller that went
//!    away that instance is dropped, and the next call runs the file anew.
//!
//! # What a script can do
//!
//! Compute, within [`PacLimits`], and look up names. There are no files, no
//! sockets and no environment behind its component. It never sees credentials,
//! nor path and query of an `https` URL.

mod bindings;
mod error;
mod instance;
mod names;

use std::{sync::Arc, time::Duration};

use cuttle_egress::{PacAnswer, PacEvaluator};
use http::Uri;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use wasmtime::component::{Component, HasSelf, Linker};

use self::{
    bindings::PacPre,
    instance::{Instance, State},
};
pub use self::{
    error::PacError,
    names::{Addresses, Resolver, SystemResolver},
};
use crate::{Engine, LoadError, error::Cause, limits::MAX_MEMORY, log::Log};

/// Name of the component in messages.
const COMPONENT: &str = "pac";
/// What the component may import. The parts of WASI are those of Rust's
/// standard library; none of them reaches out.
const IMPORTS: [&str; 5] = [
    "cuttle:pac/surroundings@",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:io/",
    "wasi:random/",
];
/// Evaluations until an instance is replaced: bounds what a script piles up.
const USES_PER_INSTANCE: u32 = 10_000;
/// Lines each second that `alert` may log.
const LOG_LINES_PER_SECOND: u32 = 100;

/// What one script may use up.
#[derive(Debug, Clone)]
pub struct PacLimits {
    /// Bytes of memory, the engine's own (about 3 MiB) included. Default
    /// 64 MiB, at most 256 MiB.
    pub memory: usize,
    /// Time the script itself may run, for one evaluation and for the file at
    /// start. Default 1 s; a script takes far less than a millisecond.
    pub running: Duration,
    /// Time for one lookup of a name; after it the name has no address.
    /// Default 2 s.
    pub lookup: Duration,
    /// Names one evaluation may look up. Default 16.
    pub lookups: usize,
    /// Time for one evaluation, lookups included. Default 5 s.
    pub evaluation: Duration,
}

impl Default for PacLimits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            running: Duration::from_secs(1),
            lookup: Duration::from_secs(2),
            lookups: 16,
            evaluation: Duration::from_secs(5),
        }
    }
}

/// The compiled runner. Cheap to clone.
#[derive(Clone)]
pub struct PacRunner {
    engine: Engine,
    pre: PacPre<State>,
}

impl PacRunner {
    /// Compiles `component`, the bundled `pac.wasm`. Blocks for as long as the
    /// compiler takes, which is some seconds where `engine` keeps no machine
    /// code.
    ///
    /// # Errors
    /// The component is not the one that belongs to this host.
    pub fn new(engine: &Engine, component: &[u8]) -> Result<Self, LoadError> {
        let runtime = engine.runtime();
        let component = engine
            .compile(runtime, component)
            .map_err(|error| LoadError::Invalid {
                plugin: COMPONENT.to_owned(),
                source: Cause::boxed(&error),
            })?;
        check_imports(runtime, &component)?;
        let pre = linker(runtime)
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(PacPre::new)
            .map_err(|error| LoadError::Incompatible {
                plugin: COMPONENT.to_owned(),
                source: Cause::boxed(&error),
            })?;
        Ok(Self {
            engine: engine.clone(),
            pre,
        })
    }
}

/// A runner that wants files or sockets is none of ours, even if it would get
/// no rights.
fn check_imports(runtime: &wasmtime::Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let unknown = ty
        .imports(runtime)
        .map(|(import, _)| import)
        .find(|import| !IMPORTS.iter().any(|known| import.starts_with(known)));
    match unknown {
        Some(import) => Err(LoadError::UnknownImport {
            plugin: COMPONENT.to_owned(),
            import: import.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Of WASI, what the standard library links to. There are no rights behind it.
fn linker(runtime: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(runtime);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::Pac::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// One PAC file, ready to be asked. Cheap to clone.
#[derive(Clone)]
pub struct Pac(Arc<File>);

/// What instances are made of, and the instance.
struct File {
    runner: PacRunner,
    site: Arc<Site>,
    source: String,
    /// None while nobody has made one, or after one that broke.
    instance: Mutex<Option<Instance>>,
}

/// A file, as its instances see it.
struct Site {
    /// Name of the file.
    name: String,
    limits: PacLimits,
    resolver: Arc<dyn Resolver>,
    log: Arc<Log>,
}

impl Pac {
    /// Runs `source`, the text of the file called `name`, for the first time.
    ///
    /// # Errors
    /// [`PacError::Script`] if the file is not JavaScript, fails when it is
    /// run or has no `FindProxyForURL`; other variants if it runs into a limit.
    pub async fn load(
        runner: &PacRunner,
        name: &str,
        source: String,
        limits: PacLimits,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, PacError> {
        let file = File {
            runner: runner.clone(),
            site: Arc::new(Site::new(name, limits, resolver)),
            source,
            instance: Mutex::default(),
        };
        let first = file.within_limit(file.make()).await?;
        *file.instance.lock().await = Some(first);
        Ok(Self(Arc::new(file)))
    }

    /// What the script answers for `url`, which is absolute, on `host`.
    ///
    /// Waits for evaluations that began before. Dropping the future stops the
    /// script.
    ///
    /// # Errors
    /// See [`PacError`].
    pub async fn find_proxy(&self, url: &str, host: &str) -> Result<String, PacError> {
        let url = visible(url).ok_or_else(|| {
            self.0
                .script("was asked for something else than an absolute URL")
        })?;
        let mut kept = self.0.instance.lock().await;
        // From here on the instance belongs to this future: whatever ends the
        // future early drops it.
        let taken = kept.take();
        let (instance, answer) = self
            .0
            .within_limit(async {
                let mut instance = match taken {
                    Some(instance) => instance,
                    None => self.0.make().await?,
                };
                let answer = instance.find_proxy(&url, host).await?;
                Ok((instance, answer))
            })
            .await?;
        *kept = Some(instance).filter(|instance| instance.uses() < USES_PER_INSTANCE);
        answer.map_err(|message| self.0.script(&message))
    }

    /// Name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.site.name
    }
}

impl PacEvaluator for Pac {
    fn find_proxy<'a>(&'a self, url: &'a str, host: &'a str) -> PacAnswer<'a> {
        Box::pin(async move { Ok(Pac::find_proxy(self, url, host).await?) })
    }
}

impl std::fmt::Debug for Pac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pac").field(&self.name()).finish()
    }
}

impl File {
    async fn make(&self) -> Result<Instance, PacError> {
        Instance::make(&self.runner, &self.site, &self.source)
            .await?
            .map_err(|message| self.script(&message))
    }

    async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, PacError>>,
    ) -> Result<T, PacError> {
        let started = Instant::now();
        let outcome = timeout(self.site.limits.evaluation, work).await;
        tracing::trace!(file = self.site.name, time = ?started.elapsed(), "ran PAC script");
        outcome.unwrap_or_else(|_| {
            Err(PacError::Deadline {
                file: self.site.name.clone(),
                limit: self.site.limits.evaluation,
            })
        })
    }

    fn script(&self, message: &str) -> PacError {
        PacError::Script {
            file: self.site.name.clone(),
            message: crate::log::printable(message),
        }
    }
}

impl Site {
    fn new(name: &str, mut limits: PacLimits, resolver: Arc<dyn Resolver>) -> Self {
        limits.memory = limits.memory.min(MAX_MEMORY);
        Self {
            name: name.to_owned(),
            limits,
            resolver,
            log: Arc::new(Log::new(
                COMPONENT.into(),
                name.to_owned(),
                LOG_LINES_PER_SECOND,
            )),
        }
    }
}

/// `url` as a script may see it: without userinfo and fragment, and unless it
/// is plain `http`, which others can read anyway, without path and query.
fn visible(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let scheme = url.scheme_str()?;
    let authority = url.authority()?.as_str();
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    let path = match url.path_and_query() {
        Some(path) if scheme == "http" => path.as_str(),
        _ => "/",
    };
    Some(format!("{scheme}://{place}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_sees_no_secrets_of_a_url() {
        for (url, expected) in [
            ("http://a/x?y=1#z", Some("http://a/x?y=1")),
            ("http://u:p@a:81/x", Some("http://a:81/x")),
            ("http://a", Some("http://a/")),
            ("https://a/x?y=1", Some("https://a/")),
            ("https://u:p@a:8443/x", Some("https://a:8443/")),
            ("https://[::1]:8443/x", Some("https://[::1]:8443/")),
            ("/x", None),
            ("not a url", None),
        ] {
            assert_eq!(visible(url).as_deref(), expected, "{url}");
        }
    }
}
