//! `cuttle run`.

use std::{num::NonZero, path::Path, process::ExitCode, sync::Arc, thread};

use cuttle_pipeline::config::{Loaded, LogLevel, Problem};
use tokio::signal::unix::Signal;

use super::{
    EXIT_UNUSABLE, RunArgs, load,
    output::{say, say_all},
};
use crate::{
    assemble::{self, Assembly, Inputs, Kept},
    record::Recorder,
    reload::{self, Reloader, Watch},
    server::{Server, Verdict, signals},
    telemetry::{self, chain},
};

/// Reads, builds, listens, and serves until a signal.
pub(super) fn run(args: &RunArgs) -> ExitCode {
    let Some(file) = args.config.as_deref() else {
        say(
            "Please, provide the path to the configuration file with --config or see all the options with --help",
        );
        return ExitCode::SUCCESS;
    };
    let read = reader(file, args);
    match read() {
        Ok(loaded) => start(file, loaded, args, read),
        Err(problems) => {
            refuse(&problems);
            ExitCode::from(EXIT_UNUSABLE)
        }
    }
}

/// Reads `file` as the command line wants it, as often as needed.
fn reader(file: &Path, args: &RunArgs) -> reload::Read {
    let (file, port, debug) = (file.to_owned(), args.port, args.debug > 0);
    Arc::new(move || {
        let mut loaded = load(&file, port).map_err(|report| report.problems)?;
        if debug {
            loaded.service.logging.level = LogLevel::Debug;
            loaded.service.debug_endpoint = true;
        }
        Ok(loaded)
    })
}

fn refuse(problems: &[Problem]) {
    say("ERROR parsing the configuration file:");
    say_all(problems);
}

fn start(file: &Path, loaded: Loaded, args: &RunArgs, read: reload::Read) -> ExitCode {
    let filter = std::env::var(telemetry::FILTER_VARIABLE).ok();
    let format = args.log_format.map(Into::into).unwrap_or_default();
    let _logs = match telemetry::init(&loaded.service.logging, format, filter.as_deref()) {
        Ok(guard) => guard,
        Err(error) => return failed(&error.to_string()),
    };
    tracing::info!(version = crate::VERSION, config = %file.display(), "starting cuttle");
    let kept = match args.record.as_deref().map(recording).transpose() {
        Ok(kept) => kept.unwrap_or_default().compiling_apart(),
        Err(message) => return failed(&message),
    };
    let watched = args.watch.then_some(file);
    // The server adds threads with runtimes of their own, one for each core.
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(serve(loaded, watched, read, kept)),
        Err(error) => failed(&format!("cannot start the runtime: {error}")),
    }
}

/// What records into `folder`.
fn recording(folder: &Path) -> Result<Kept, String> {
    let recorder = Recorder::open(folder).map_err(|error| {
        let folder = folder.display();
        format!("cannot record into {folder}: {error}")
    })?;
    tracing::warn!(folder = %folder.display(), "the calls of plugins are recorded");
    Ok(Kept::default().recording(recorder))
}

async fn serve(
    loaded: Loaded,
    watched: Option<&Path>,
    read: reload::Read,
    mut kept: Kept,
) -> ExitCode {
    // Before the long part: a SIGHUP during the start is a reload after it.
    let hangups = match reload::hangups() {
        Ok(hangups) => hangups,
        Err(error) => return failed(&format!("cannot listen for signals: {error}")),
    };
    // Likewise a change.
    let watch = watched.map(|file| Watch::new(file, Inputs::of(&loaded.service)));
    let watch = match watch.transpose() {
        Ok(watch) => watch,
        Err(error) => return failed(&format!("cannot watch files: {error}")),
    };
    let environment = &assemble::process_environment;
    let assembly = match assemble::assemble(&loaded, environment, &mut kept).await {
        Ok(assembly) => assembly,
        Err(problems) => {
            refuse(&problems);
            return ExitCode::from(EXIT_UNUSABLE);
        }
    };
    assembly.warnings.iter().for_each(reload::log);
    let server = match bind(&loaded, assembly) {
        Ok(server) => server,
        Err(code) => return code,
    };
    let reloader = Reloader::new(read, server.live(), &loaded, kept).watching(watch);
    listen(server, reloader, hangups).await
}

fn bind(loaded: &Loaded, assembly: Assembly) -> Result<Server, ExitCode> {
    let service = &loaded.service;
    let gateway = Arc::new(assembly.gateway);
    Server::bind(&service.listen, gateway, service.max_shutdown_wait_time)
        .map_err(|error| failed(&chain(&error)))
}

async fn listen(server: Server, reloader: Reloader, hangups: Signal) -> ExitCode {
    let (first, second) = match signals() {
        Ok(signals) => signals,
        Err(error) => return failed(&format!("cannot listen for signals: {error}")),
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let server = match server.on_threads(cores) {
        Ok(server) => server,
        Err(error) => return failed(&format!("cannot listen with {cores} threads: {error}")),
    };
    let reloading = tokio::spawn(reloader.run(hangups));
    let end = async {
        first.await;
        // What is about to end need not change any more.
        reloading.abort();
    };
    ended(server.run(end, second).await)
}

/// KrakenD exits with 0 also when connections had to be cut.
fn ended(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Drained => tracing::info!("all requests are finished"),
        Verdict::Cut { connections } => tracing::error!(
            connections,
            "max_shutdown_wait_time has passed: connections were cut"
        ),
        Verdict::Interrupted { connections } => {
            tracing::warn!(connections, "second signal: connections were cut");
        }
    }
    ExitCode::SUCCESS
}

/// The gateway could read its configuration and cannot serve all the same.
fn failed(message: &str) -> ExitCode {
    tracing::error!("{message}");
    say(&format!("ERROR {message}"));
    ExitCode::FAILURE
}
