//! Lines for people, on standard error.

use std::{fmt::Display, io::Write};

/// Writes one line. A standard error that is closed is nobody's problem.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", line.trim_end_matches('\n'));
}

/// Writes each of `lines`.
pub(super) fn say_all<T: Display>(lines: impl IntoIterator<Item = T>) {
    for line in lines {
        say(&line.to_string());
    }
}
