//! Lines for people, on standard error, and results, on standard output.

use std::{fmt::Display, io::Write};

/// Writes one line. A standard error that is closed is nobody's problem.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", line.trim_end_matches('\n'));
}

/// Writes one line of a result, for people or programs, to standard output.
pub(super) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes each of `lines`.
pub(super) fn say_all<T: Display>(lines: impl IntoIterator<Item = T>) {
    for line in lines {
        say(&line.to_string());
    }
}
