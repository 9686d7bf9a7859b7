//! Prometheus' text format, version 0.0.4.
//!
//! Own code, since the libraries of the field write OpenMetrics, or keep
//! counters of their own where ours are already counted.

use std::fmt::{Display, Write};

/// A page, family after family.
#[derive(Default)]
pub(super) struct Page(String);

/// What a family of metrics is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Labels: names that are ours, values that are anybody's.
pub(super) type Labels<'a> = [(&'static str, &'a str)];

impl Page {
    /// Begins a family. Its samples follow at once: a name stands there once.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = kind.name();
        // Writing to a string never fails.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One sample.
    pub(super) fn sample(&mut self, name: &str, labels: &Labels<'_>, value: impl Display) {
        self.0.push_str(name);
        let mut before = '{';
        // An empty value is the same as no label.
        for (label, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            self.0.push(before);
            self.0.push_str(label);
            self.0.push_str("=\"");
            self.0.extend(value.chars().flat_map(escaped));
            self.0.push('"');
            before = ',';
        }
        if before == ',' {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one sample without labels.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// As the format wants it inside of quotes.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let (backslash, character) = match character {
        '\n' => (Some('\\'), 'n'),
        '"' | '\\' => (Some('\\'), character),
        _ => (None, character),
    };
    backslash.into_iter().chain(Some(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_cannot_leave_their_quotes() {
        let mut page = Page::default();
        page.family("a_total", Kind::Counter, "How many.");
        page.sample("a_total", &[("x", "a\"} 1\n\\b"), ("none", "")], 3);
        page.sample("a_total", &[], 0.5);
        assert_eq!(
            page.finish(),
            "# HELP a_total How many.\n# TYPE a_total counter\n\
             a_total{x=\"a\\\"} 1\\n\\\\b\"} 3\na_total 0.5\n"
        );
    }
}
