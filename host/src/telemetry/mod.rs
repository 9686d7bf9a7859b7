//! Logs: what is written, in which form, and by whom.
//!
//! Lines go to standard output through a thread of their own and a bounded
//! queue that drops lines when nobody reads: no request ever waits for a log.

mod access;
mod escape;
pub mod fields;
mod format;
mod json;
mod queue;

use std::{
    error::Error as StdError,
    fmt,
    io::{self, IsTerminal},
};

use cuttle_pipeline::config::{LogLevel, Logging};
use tracing_subscriber::{
    Layer, Registry,
    filter::{ParseError, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

pub(crate) use access::milliseconds;
pub use access::{AccessLog, Exchange, Outcome};
pub use escape::Escaped;
use queue::Queue;

/// Environment variable with a filter in the manner of `RUST_LOG`, instead of
/// the configured level.
pub const FILTER_VARIABLE: &str = "CUTTLE_LOG";

/// Crates whose own lines below a warning are of no use to operators.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,rustls=warn,tokio_rustls=warn,mio=warn,\
                     wasmtime=warn,wasmtime_wasi_http=error,cranelift=warn,regalloc2=warn,want=warn,tower=warn";

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people; with colours on a terminal.
    Text,
    /// One JSON object a line.
    Json,
    /// As configured.
    #[default]
    Auto,
}

/// Stands for the log of this process. Dropping it waits, for a second at
/// most, until what has been logged is written.
#[must_use = "dropping it is for the end of the process"]
pub struct LogGuard(Queue);

impl LogGuard {
    /// Lines that nobody took in time, since the start.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.0.dropped()
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Why there is no log.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// [`FILTER_VARIABLE`] cannot be read.
    Filter(ParseError),
    /// Something else in this process has set up a log.
    Taken,
    /// The log's thread cannot be started.
    Thread(io::Error),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(error) => write!(f, "{FILTER_VARIABLE}: {error}"),
            Self::Thread(_) => f.write_str("cannot start the log's thread"),
            Self::Taken => f.write_str("logging has been set up already"),
        }
    }
}

impl StdError for LogError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Thread(error) => Some(error),
            // The text of a filter's error is part of ours.
            Self::Filter(_) | Self::Taken => None,
        }
    }
}

/// Starts the log of this process. `filter` is the value of
/// [`FILTER_VARIABLE`].
///
/// # Errors
/// A filter that makes no sense, or a second call.
pub fn init(
    logging: &Logging,
    format: LogFormat,
    filter: Option<&str>,
) -> Result<LogGuard, LogError> {
    let filter = targets(logging.level, filter)?;
    let queue = queue::start(io::stdout()).map_err(LogError::Thread)?;
    let lines = if is_json(logging, format) {
        format::json(queue.clone())
    } else {
        let ansi = io::stdout().is_terminal();
        format::text(queue.clone(), logging.prefix.clone(), ansi)
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()
        .map_err(|_| LogError::Taken)?;
    Ok(LogGuard(queue))
}

type BoxLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn is_json(logging: &Logging, format: LogFormat) -> bool {
    match format {
        LogFormat::Text => false,
        LogFormat::Json => true,
        LogFormat::Auto => logging.format == cuttle_pipeline::config::LogFormat::Json,
    }
}

/// The access log has a switch of its own: the level does not silence it, as
/// in KrakenD.
///
/// Targets and levels only: a filter that also looks into spans takes a lock
/// whenever a request's span is entered or left.
fn targets(level: LogLevel, filter: Option<&str>) -> Result<Targets, LogError> {
    let level = match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warn",
        LogLevel::Error => "error",
    };
    let configured = format!("{level},access=info");
    let chosen = filter
        .filter(|filter| !filter.trim().is_empty())
        .unwrap_or(&configured);
    // Later directives win, so whoever names one of these crates gets its lines.
    format!("{QUIET},{chosen}")
        .parse()
        .map_err(LogError::Filter)
}

/// An error with all its causes, for the operator.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Errors of other crates often repeat their cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    Escaped(&text).to_string()
}

#[cfg(test)]
mod tests;
