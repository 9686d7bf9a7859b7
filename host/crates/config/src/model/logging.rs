//! `telemetry/logging` of the service.

/// `telemetry/logging`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logging {
    /// `level`: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    pub level: LogLevel,
    /// `format`.
    pub format: LogFormat,
    /// `prefix`, in front of every message of the text format.
    pub prefix: String,
}

/// `level` of `telemetry/logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `DEBUG`
    Debug,
    /// `INFO`
    Info,
    /// `WARNING`
    Warning,
    /// `ERROR`, and `CRITICAL`, which has no lines of its own.
    Error,
}

/// `format` of `telemetry/logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `default`: text.
    Text,
    /// `logstash` or `json`: one JSON object a line.
    Json,
}
