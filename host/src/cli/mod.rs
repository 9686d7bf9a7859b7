//! The command line: `run`, `check`, `explain`, `schema`, `version`, `plugin`,
//! `test-plugin`, `demo` and more.
//!
//! Commands, flags and exit codes are KrakenD's where scripts may rely on them.
//! Texts for people go to standard error, log lines to standard output.

mod check;
mod diagnose;
mod dump;
mod egress;
mod explain;
mod lint;
mod output;
mod plugin;
mod run;
mod test_plugin;
mod unserved;

use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};
use cuttle_pipeline::config;

use crate::{assemble::apart, telemetry::LogFormat};
pub(crate) use output::say;

/// What KrakenD exits with when it cannot even begin: usage, or a
/// configuration that does not parse.
const EXIT_UNUSABLE: u8 = 255;

/// HTTP gateway that runs KrakenD configurations with WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "cuttle", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Run(RunArgs),
    /// Check a configuration: the verdict of `run`, without listening.
    #[command(alias = "validate")]
    Check(CheckArgs),
    /// Explain what would become of a request: endpoint, backends, headers, proxies. Sends nothing.
    Explain(ExplainArgs),
    /// Print the JSON Schema of configurations, for editors and `check --lint`.
    Schema,
    /// Show the versions of the gateway and of what it is compatible with.
    Version,
    /// Make plugins, look at them, compare them, test them.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Load plugin files as the gateway would.
    TestPlugin(TestPluginArgs),
    /// Compare a plugin's dependencies with the gateway's: not needed for components.
    CheckPlugin(CheckPluginArgs),
    /// Compile what comes in: for the gateway itself.
    #[command(name = apart::COMMAND, hide = true)]
    CompileApart {
        /// Where the machine code goes.
        cache_dir: PathBuf,
        /// With all cores.
        #[arg(long)]
        parallel: bool,
    },
    /// Show the gateway at work: an origin, a forward proxy and the gateway in one process.
    Demo(DemoArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The configuration: JSON, or YAML or TOML by the file's extension.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log at debug level and switch the debug endpoint on.
    #[arg(short, long, action = clap::ArgAction::Count)]
    debug: u8,
    /// Port to listen on, over file and environment; 0 takes any free one.
    #[arg(short, long, value_name = "N")]
    port: Option<u16>,
    /// Reload when a file of the configuration changes, as on SIGHUP.
    #[arg(long)]
    watch: bool,
    /// Write the calls of plugins into this folder, as cases for `cuttle plugin test`, without secrets.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// How log lines are written.
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormatArg>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The configuration: JSON, or YAML or TOML by the file's extension.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what the configuration means; more than once for more detail.
    #[arg(short, long, action = clap::ArgAction::Count)]
    debug: u8,
    /// Print the routes. They are checked in any case.
    #[arg(short = 't', long)]
    test_gin_routes: bool,
    /// Print which hosts the backends can reach, through which proxy, by which rule.
    #[arg(long)]
    egress: bool,
    /// Print the problems, and what --egress tells, as JSON.
    #[arg(long)]
    json: bool,
    /// Indentation of what is printed.
    #[arg(short, long, default_value = "\t", value_name = "TEXT")]
    indent: String,
    /// Compare with the JSON Schema, too, and let warnings fail.
    #[arg(short, long, conflicts_with_all = ["lint_no_network", "lint_schema"])]
    lint: bool,
    /// The same as --lint: nothing is ever downloaded.
    #[arg(short = 'n', long, conflicts_with = "lint_schema")]
    lint_no_network: bool,
    /// The same as --lint with the JSON Schema in FILE.
    #[arg(short = 's', long, visible_alias = "schema", value_name = "FILE")]
    lint_schema: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The method, such as GET.
    #[arg(value_name = "METHOD")]
    method: String,
    /// Path and query as a client sends them, such as '/users/7?page=2'.
    #[arg(value_name = "PATH")]
    target: String,
    /// A header of the request; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The body, of which only the length matters.
    #[arg(short, long, value_name = "TEXT")]
    data: Option<String>,
    /// Address that the client connects from.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// The configuration: JSON, or YAML or TOML by the file's extension.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Print the explanation as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TestPluginArgs {
    /// Test as `plugin/http-client`, the default.
    #[arg(short, long)]
    client: bool,
    /// Test as `plugin/http-server`: not implemented yet.
    #[arg(short, long)]
    server: bool,
    /// Test as `plugin/req-resp-modifier`.
    #[arg(short, long)]
    modifier: bool,
    /// Components to load.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Flags of KrakenD's command, taken so that scripts go on working.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
struct CheckPluginArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _ignored: Vec<OsString>,
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// Send the requests, show what happened, and end.
    #[arg(long)]
    once: bool,
}

/// [`LogFormat`] as the command line spells it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormatArg {
    /// Text, coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
    /// As `telemetry/logging` says; text by default.
    Auto,
}

impl From<LogFormatArg> for LogFormat {
    fn from(format: LogFormatArg) -> Self {
        match format {
            LogFormatArg::Text => Self::Text,
            LogFormatArg::Json => Self::Json,
            LogFormatArg::Auto => Self::Auto,
        }
    }
}

/// Runs the program with the process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(Cli {
            command: Some(command),
        }) => dispatch(command),
        Ok(Cli { command: None }) => {
            say(&usage());
            ExitCode::SUCCESS
        }
        Err(error) => usage_error(&error),
    }
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Schema => schema(),
        Command::Version => version(),
        Command::Plugin(command) => plugin::plugin(&command),
        Command::TestPlugin(args) => test_plugin::test_plugin(&args),
        Command::CheckPlugin(_) => check_plugin(),
        Command::CompileApart {
            cache_dir,
            parallel,
        } => apart::child(cache_dir, parallel),
        Command::Demo(args) => crate::demo::run(args.once),
    }
}

fn usage() -> String {
    <Cli as clap::CommandFactory>::command()
        .render_help()
        .to_string()
}

fn usage_error(error: &clap::Error) -> ExitCode {
    let asked_for_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if asked_for_help {
        say(&error.to_string());
        return ExitCode::SUCCESS;
    }
    match error.get(clap::error::ContextKind::InvalidSubcommand) {
        Some(clap::error::ContextValue::String(name)) => {
            say(&format!("Error: unknown command {name:?} for \"cuttle\""));
            say("Run 'cuttle help' for usage.");
        }
        _ => say(error.to_string().trim_end()),
    }
    ExitCode::from(EXIT_UNUSABLE)
}

fn schema() -> ExitCode {
    output::print(config::SCHEMA.trim_end());
    ExitCode::SUCCESS
}

fn version() -> ExitCode {
    say(&format!("Cuttle Version: {}", crate::VERSION));
    say("KrakenD configuration: version 3");
    say(&format!(
        "Plugin contract: cuttle:plugin@{}",
        cuttle_plugin::CONTRACT
    ));
    ExitCode::SUCCESS
}

fn check_plugin() -> ExitCode {
    say("Nothing to compare: a component brings its dependencies along, so it fits every gateway.");
    say("To see whether one loads: cuttle test-plugin FILE");
    ExitCode::SUCCESS
}

/// Reads the configuration with the process's environment.
fn load(file: &Path, port: Option<u16>) -> Result<config::Loaded, config::Report> {
    config::load(file, &options(port))
}

fn options(port: Option<u16>) -> config::Options {
    config::Options {
        // A variable that is not text cannot be an override.
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        port,
    }
}
