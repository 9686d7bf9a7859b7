//! `cuttle run`.

use std::{num::NonZero, path::Path, process::ExitCode, sync::Arc, thread};

use cuttle_pipeline::config::{Loaded, LogLevel, Problem};

use super::{
    EXIT_UNUSABLE, RunArgs, load,
    output::{say, say_all},
};
use crate::{
    assemble::{self, Assembly},
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
    match load(file, args.port) {
        Ok(loaded) => start(file, loaded, args),
        Err(report) => {
            refuse(&report.problems);
            ExitCode::from(EXIT_UNUSABLE)
        }
    }
}

fn refuse(problems: &[Problem]) {
    say("ERROR parsing the configuration file:");
    say_all(problems);
}

fn start(file: &Path, mut loaded: Loaded, args: &RunArgs) -> ExitCode {
    if args.debug > 0 {
        loaded.service.logging.level = LogLevel::Debug;
        loaded.service.debug_endpoint = true;
    }
    let filter = std::env::var(telemetry::FILTER_VARIABLE).ok();
    let format = args.log_format.map(Into::into).unwrap_or_default();
    let _logs = match telemetry::init(&loaded.service.logging, format, filter.as_deref()) {
        Ok(guard) => guard,
        Err(error) => return failed(&error.to_string()),
    };
    tracing::info!(version = crate::VERSION, config = %file.display(), "starting cuttle");
    // The server adds threads with runtimes of their own, one for each core.
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(serve(loaded)),
        Err(error) => failed(&format!("cannot start the runtime: {error}")),
    }
}

async fn serve(loaded: Loaded) -> ExitCode {
    let assembly = match assemble::assemble(&loaded, &assemble::process_environment).await {
        Ok(assembly) => assembly,
        Err(problems) => {
            refuse(&problems);
            return ExitCode::from(EXIT_UNUSABLE);
        }
    };
    for warning in &assembly.warnings {
        // A log line is one line.
        tracing::warn!("{}", warning.to_string().replace("\n  ", "; "));
    }
    listen(&loaded, assembly).await
}

async fn listen(loaded: &Loaded, assembly: Assembly) -> ExitCode {
    let service = &loaded.service;
    let gateway = Arc::new(assembly.gateway);
    let server = match Server::bind(&service.listen, gateway, service.max_shutdown_wait_time) {
        Ok(server) => server,
        Err(error) => return failed(&chain(&error)),
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let server = match server.on_threads(cores) {
        Ok(server) => server,
        Err(error) => return failed(&format!("cannot listen with {cores} threads: {error}")),
    };
    match signals() {
        Ok((first, second)) => ended(server.run(first, second).await),
        Err(error) => failed(&format!("cannot listen for signals: {error}")),
    }
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
