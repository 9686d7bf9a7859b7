//! The macros of `log`, into the gateway's log.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::bindings::cuttle::plugin::log as contract;

/// Makes `log::info!` and its relatives lines of the gateway's log, which
/// decides by its own level what is kept.
pub(crate) fn install() {
    // Fails if there is a logger already: then the plugin has set its own.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = match record.level() {
            Level::Error => contract::Level::Error,
            Level::Warn => contract::Level::Warn,
            Level::Info => contract::Level::Info,
            Level::Debug => contract::Level::Debug,
            Level::Trace => contract::Level::Trace,
        };
        match record.args().as_str() {
            Some(text) => contract::log(level, text),
            None => contract::log(level, &record.args().to_string()),
        }
    }

    fn flush(&self) {}
}
