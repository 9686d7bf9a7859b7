//! `telemetry/logging`.

use crate::{LogFormat, LogLevel, Logging};

use super::{Section, not_yet};

pub(super) fn resolve(mut section: Section<'_>) -> Logging {
    let mut logging = Logging::default();
    if let Some(level) = level(&mut section) {
        logging.level = level;
    }
    if let Some(format) = format(&mut section) {
        logging.format = format;
    }
    if let Some(prefix) = section.text("prefix") {
        logging.prefix = prefix;
    }
    section.accept(&["stdout"]);
    section.not_yet(not_yet::LOGGING);
    section.finish();
    logging
}

fn level(section: &mut Section<'_>) -> Option<LogLevel> {
    let written = section.text("level")?;
    match written.to_uppercase().as_str() {
        "DEBUG" => Some(LogLevel::Debug),
        "INFO" => Some(LogLevel::Info),
        "WARNING" | "WARN" => Some(LogLevel::Warning),
        "ERROR" | "CRITICAL" => Some(LogLevel::Error),
        _ => {
            let at = section.at().key("level");
            let message = format!("unknown level {written:?}");
            let help = "write DEBUG, INFO, WARNING, ERROR or CRITICAL";
            section.problems().error(&at, message, help);
            None
        }
    }
}

fn format(section: &mut Section<'_>) -> Option<LogFormat> {
    let written = section.text("format")?;
    match written.as_str() {
        "" | "default" => Some(LogFormat::Text),
        "logstash" | "json" => Some(LogFormat::Json),
        _ => {
            let at = section.at().key("format");
            let message = format!("format {written:?} is not implemented: lines are plain text");
            let help = "write \"default\" or \"json\"";
            section.problems().warning(&at, message, help);
            None
        }
    }
}
