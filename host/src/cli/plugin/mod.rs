//! `cuttle plugin`: what authors of plugins need.

mod kit;
mod new;
mod template;

use std::process::ExitCode;

use clap::Subcommand;

/// The commands under `cuttle plugin`.
#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Write a project that builds, is tested and runs at once.
    New(new::NewArgs),
}

/// Runs one of them.
pub(super) fn dispatch(command: &PluginCommand) -> ExitCode {
    match command {
        PluginCommand::New(args) => new::new(args),
    }
}
