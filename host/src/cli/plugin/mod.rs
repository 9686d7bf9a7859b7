//! `cuttle plugin`: for those who write plugins, and those who let them in.

mod diff;
mod file;
mod inspect;
mod kit;
mod new;
mod rights;
mod template;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

/// `cuttle plugin …`.
#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Write a project that builds, is tested and runs at once.
    New(new::NewArgs),
    /// Show what a plugin is, wants and takes, without running it.
    Inspect(inspect::InspectArgs),
    /// Show what a new version may do that the old one may not: exit code 1 if there is something.
    Diff(diff::DiffArgs),
    /// Run cases against a plugin, without a network.
    Test(test::TestArgs),
}

/// Runs one of them.
pub(super) fn plugin(command: &PluginCommand) -> ExitCode {
    match command {
        PluginCommand::New(args) => new::new(args),
        PluginCommand::Inspect(args) => inspect::inspect(args),
        PluginCommand::Diff(args) => diff::diff(args),
        PluginCommand::Test(args) => test::test(args),
    }
}
