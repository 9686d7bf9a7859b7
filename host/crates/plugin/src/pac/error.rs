//! What can go wrong with a PAC file.

use std::{error::Error, fmt, time::Duration};

/// Why a PAC file gave no answer.
///
/// Every variant names the file. `Display` covers this level only; the cause
/// is in [`source`](Error::source).
#[derive(Debug)]
#[non_exhaustive]
pub enum PacError {
    /// The script cannot be read, threw an error or returned no text.
    Script {
        /// Name of the file.
        file: String,
        /// The engine's words, in one line.
        message: String,
    },
    /// The script was still at work when its time was up, and was stopped.
    Deadline {
        /// Name of the file.
        file: String,
        /// Time it had been given.
        limit: Duration,
    },
    /// The script ran into another of its limits and was stopped.
    Limit {
        /// Name of the file.
        file: String,
        /// Field of [`PacLimits`](crate::PacLimits), or a limit of the engine.
        limit: &'static str,
        /// The trap that followed.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The script's engine trapped, or could not be started.
    Trap {
        /// Name of the file.
        file: String,
        /// The trap.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl fmt::Display for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script { file, message } => write!(f, "PAC file `{file}`: {message}"),
            Self::Deadline { file, limit } => {
                write!(f, "PAC file `{file}` did not answer within {limit:?}")
            }
            Self::Limit { file, limit, .. } => {
                write!(f, "PAC file `{file}` reached its limit `{limit}`")
            }
            Self::Trap { file, .. } => write!(f, "PAC file `{file}` could not be run"),
        }
    }
}

impl Error for PacError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Limit { source, .. } | Self::Trap { source, .. } => Some(source.as_ref()),
            Self::Script { .. } | Self::Deadline { .. } => None,
        }
    }
}
