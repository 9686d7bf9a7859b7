//! Another configuration without a lost request.
//!
//! On SIGHUP, and on changed files with `--watch`, everything is read and built
//! anew beside the gateway at work, in a thread of its own. Only when that has
//! succeeded, the new gateway takes over (see [`Live`]); the old one finishes
//! its requests and goes with the last of them. If it has not, all problems are
//! logged and nothing changes.

mod fixed;
mod watch;

use std::{convert::Infallible, sync::Arc, thread, time::Instant};

use cuttle_pipeline::config::{Loaded, Problem, Severity};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::{
    assemble::{self, Assembly, Inputs, Kept},
    server::Live,
    telemetry::chain,
};
use fixed::Fixed;
pub(crate) use watch::Watch;

/// Reads the configuration as at the start, with the same overrides.
pub(crate) type Read = Arc<dyn Fn() -> Result<Loaded, Vec<Problem>> + Send + Sync>;

/// A configuration and what was built from it.
struct Built {
    loaded: Loaded,
    assembly: Assembly,
}

/// Exchanges the gateway of a server.
pub(crate) struct Reloader {
    read: Read,
    live: Live,
    fixed: Fixed,
    kept: Kept,
    /// Of the gateway at work.
    generation: u64,
    watch: Option<Watch>,
}

/// Takes SIGHUP from now on; before, it ends the process.
///
/// # Errors
/// The handler cannot be installed.
pub(crate) fn hangups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reads and builds. The files that the configuration names are told also when
/// one of them is what is wrong.
async fn build(read: &Read, kept: &mut Kept) -> (Option<Inputs>, Result<Built, Vec<Problem>>) {
    let loaded = match read() {
        Ok(loaded) => loaded,
        Err(problems) => return (None, Err(problems)),
    };
    let inputs = Inputs::of(&loaded.service);
    let assembled = assemble::assemble(&loaded, &assemble::process_environment, kept).await;
    let built = assembled.map(|assembly| Built { loaded, assembly });
    (Some(inputs), built)
}

/// A problem in one line, as a log line is.
pub(crate) fn log(problem: &Problem) {
    let text = problem.to_string().replace("\n  ", "; ");
    match problem.severity {
        Severity::Error => tracing::error!("{text}"),
        _ => tracing::warn!("{text}"),
    }
}

impl Reloader {
    /// For the server behind `live`, which was built from `loaded` with `kept`.
    pub(crate) fn new(read: Read, live: Live, loaded: &Loaded, kept: Kept) -> Self {
        Self {
            read,
            live,
            fixed: Fixed::of(&loaded.service),
            kept,
            generation: 1,
            watch: None,
        }
    }

    /// Looks at files, too.
    pub(crate) fn watching(mut self, watch: Option<Watch>) -> Self {
        self.watch = watch;
        self
    }

    /// Reloads for every signal and every change. Signals that come during a
    /// reload are one more reload after it.
    pub(crate) async fn run(mut self, mut hangups: Signal) -> Infallible {
        loop {
            let cause = tokio::select! {
                Some(()) = hangups.recv() => "SIGHUP",
                () = changed(&mut self.watch) => "watch",
            };
            self.reload(cause).await;
        }
    }

    async fn reload(&mut self, cause: &'static str) {
        let started = Instant::now();
        let generation = self.generation + 1;
        tracing::info!(generation, cause, "reload started");
        // Before anything is read: what changes from here on is another reload.
        if let Some(watch) = &mut self.watch {
            watch.look();
        }
        let built = self.build_aside().await;
        match built.and_then(|built| self.take_over(built, generation)) {
            Ok(()) => {
                let duration_ms = milliseconds(started);
                tracing::info!(generation, duration_ms, "reload finished");
            }
            Err(problems) => {
                problems.iter().for_each(log);
                tracing::error!(
                    generation = self.generation,
                    problems = errors(&problems),
                    duration_ms = milliseconds(started),
                    "reload failed: the gateway goes on as before"
                );
            }
        }
    }

    /// In a thread of its own: compilers and files keep no request waiting, and
    /// nothing that is built depends on the runtime that it was built in.
    async fn build_aside(&mut self) -> Result<Built, Vec<Problem>> {
        let read = Arc::clone(&self.read);
        let mut kept = std::mem::take(&mut self.kept);
        let (done, built) = oneshot::channel();
        let aside = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let built = match runtime {
                Ok(runtime) => runtime.block_on(build(&read, &mut kept)),
                Err(error) => {
                    let problem = problem(format!("cannot start a runtime: {error}"));
                    (None, Err(vec![problem]))
                }
            };
            // Nobody waits any more if the gateway is ending.
            let _ = done.send((built, kept));
        };
        let thread = thread::Builder::new().name("reload".into()).spawn(aside);
        thread.map_err(|error| vec![problem(format!("cannot start a thread: {error}"))])?;
        match built.await {
            Ok(((inputs, built), kept)) => {
                self.kept = kept;
                if let (Some(watch), Some(inputs)) = (&mut self.watch, inputs) {
                    watch.follow(inputs);
                }
                built
            }
            Err(_) => Err(vec![problem("building broke off by a panic".to_owned())]),
        }
    }

    fn take_over(&mut self, built: Built, generation: u64) -> Result<(), Vec<Problem>> {
        let Built { loaded, assembly } = built;
        let service = &loaded.service;
        let gateway = Arc::new(assembly.gateway.of_generation(generation));
        let limit = service.max_shutdown_wait_time;
        self.live
            .replace(&service.listen, gateway, limit)
            .map_err(|error| vec![problem(chain(&error))])?;
        self.generation = generation;
        assembly.warnings.iter().for_each(log);
        self.fixed.differences(&loaded).iter().for_each(log);
        Ok(())
    }
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn errors(problems: &[Problem]) -> usize {
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    errors.count()
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// One that has no place in the file.
fn problem(message: String) -> Problem {
    Problem {
        severity: Severity::Error,
        file: None,
        path: cuttle_pipeline::config::KeyPath::root(),
        line: None,
        column: None,
        rendered: None,
        message,
        help: None,
    }
}
