//! Log lines of plugins: escaped, cut, limited in number.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::bindings::cuttle::plugin::log::Level;

/// Bytes of a line that are logged; the rest is cut.
pub(crate) const MAX_LINE: usize = 4 << 10;
const WINDOW: Duration = Duration::from_secs(1);

/// The log of one place of use, shared by its instances.
pub(crate) struct Log {
    plugin: Arc<str>,
    endpoint: String,
    lines_per_second: u32,
    window: Mutex<Window>,
    /// Whether `window` counts lines that were dropped: spares the lock at the
    /// end of a call.
    dropping: AtomicBool,
    /// Lines dropped since the start.
    dropped: AtomicU64,
}

struct Window {
    since: Instant,
    lines: u32,
    dropped: u64,
}

impl Log {
    pub(crate) fn new(plugin: Arc<str>, endpoint: String, lines_per_second: u32) -> Self {
        Self {
            plugin,
            endpoint,
            lines_per_second,
            window: Mutex::new(Window {
                since: Instant::now(),
                lines: 0,
                dropped: 0,
            }),
            dropping: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        }
    }

    /// Logs one line of the plugin, unless it has had too many in this second.
    pub(crate) fn line(&self, level: Level, text: &str) {
        if self.admit() {
            self.write(level, &printable(text));
        }
    }

    /// Tells how many lines were dropped, once their second is over.
    pub(crate) fn report_dropped(&self) {
        if !self.dropping.load(Ordering::Relaxed) {
            return;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn(&mut window);
    }

    /// Lines that were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn admit(&self) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn(&mut window);
        if window.lines < self.lines_per_second {
            window.lines += 1;
            return true;
        }
        window.dropped += 1;
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.dropping.store(true, Ordering::Relaxed);
        false
    }

    /// Begins a new second if the old one is over.
    fn turn(&self, window: &mut Window) {
        if window.since.elapsed() < WINDOW {
            return;
        }
        if window.dropped > 0 {
            self.write(Level::Warn, &format!("{} lines dropped", window.dropped));
            self.dropping.store(false, Ordering::Relaxed);
        }
        *window = Window {
            since: Instant::now(),
            lines: 0,
            dropped: 0,
        };
    }

    fn write(&self, level: Level, text: &str) {
        let (plugin, endpoint) = (&*self.plugin, self.endpoint.as_str());
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, endpoint, "{text}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, endpoint, "{text}"),
            Level::Info => tracing::info!(target: "plugin", plugin, endpoint, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, endpoint, "{text}"),
            Level::Error => tracing::error!(target: "plugin", plugin, endpoint, "{text}"),
        }
    }
}

/// `text` as it can be shown to people: cut, and without characters that act
/// on a terminal or pretend to begin a new line.
pub(crate) fn printable(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_LINE);
    let (shown, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut line = String::with_capacity(shown.len());
    for character in shown.chars() {
        if acts(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    if !rest.is_empty() {
        line.push('…');
    }
    line
}

/// Control characters, other line ends, and overrides of writing direction.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_pretend_to_be_two() {
        assert_eq!(printable("a\r\nb"), "a\\r\\nb");
        assert_eq!(printable("\x1b[31mred"), "\\u{1b}[31mred");
        assert_eq!(printable("a\u{2028}b\u{202e}c"), "a\\u{2028}b\\u{202e}c");
        assert_eq!(printable("plain ä"), "plain ä");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "ä".repeat(MAX_LINE);
        assert_eq!(printable(&text), "ä".repeat(MAX_LINE / 2) + "…");
    }

    #[test]
    fn lines_above_the_limit_are_dropped_and_counted() {
        let log = Log::new("p".into(), String::new(), 2);
        assert!(log.admit());
        assert!(log.admit());
        assert!(!log.admit());
        assert_eq!(log.window.lock().unwrap().dropped, 1);

        log.window.lock().unwrap().since -= WINDOW;
        log.report_dropped();
        assert_eq!(log.window.lock().unwrap().dropped, 0);
        assert!(log.admit());
    }
}
