//! What is expected and what was found, side by side.

use http::HeaderMap;
use similar::TextDiff;

use crate::{
    cases::{Content, Fields, HIDDEN},
    telemetry::Escaped,
};

/// Lines around a difference.
const CONTEXT: usize = 3;
/// Lines of a difference that are shown.
const MAX_LINES: usize = 200;

/// Two texts that should be the same. Only what somebody expects gets there.
#[derive(Default)]
pub(super) struct Page {
    expected: Vec<String>,
    found: Vec<String>,
}

impl Page {
    /// One line of each.
    pub(super) fn line(&mut self, expected: impl Into<String>, found: impl Into<String>) {
        self.expected.push(expected.into());
        self.found.push(found.into());
    }

    /// A line that is expected.
    pub(super) fn expect(&mut self, line: &str) {
        self.expected.push(line.to_owned());
    }

    /// A line that was found.
    pub(super) fn find(&mut self, line: &str) {
        self.found.push(line.to_owned());
    }

    /// The fields that are expected, and those that must not be there.
    pub(super) fn fields(&mut self, expected: &Fields, absent: &[String], found: &HeaderMap) {
        for (name, values) in expected {
            let mut there = values_of(found, name);
            for (value, there) in values.as_slice().iter().zip(&mut there) {
                if value == HIDDEN {
                    HIDDEN.clone_into(there);
                }
            }
            let values = values.as_slice().iter();
            self.expected
                .extend(values.map(|value| format!("{name}: {value}")));
            self.found
                .extend(there.iter().map(|value| format!("{name}: {value}")));
        }
        for name in absent {
            let there = values_of(found, name);
            self.found
                .extend(there.iter().map(|value| format!("{name}: {value}")));
        }
    }

    /// The body, if one is expected. `None` is one that broke off.
    pub(super) fn body(&mut self, expected: Option<&Content>, found: Option<&[u8]>) {
        let Some(expected) = expected else {
            return;
        };
        let (expected, found) = match found {
            Some(found) => expected.beside(found),
            None => (expected.beside(b"").0, "(broke off)".to_owned()),
        };
        self.line("", "");
        self.expected
            .extend(expected.split('\n').map(str::to_owned));
        self.found.extend(found.split('\n').map(str::to_owned));
    }

    /// The differences, under `title`. Nothing if there are none.
    pub(super) fn diff(&self, title: &str) -> Option<String> {
        if self.expected == self.found {
            return None;
        }
        let text = |lines: &[String]| {
            let lines = lines.iter().map(|line| format!("{}\n", Escaped(line)));
            lines.collect::<String>()
        };
        let (expected, found) = (text(&self.expected), text(&self.found));
        let diff = TextDiff::from_lines(expected.as_str(), found.as_str());
        let diff = diff.unified_diff().context_radius(CONTEXT).to_string();
        let mut lines: Vec<_> = diff.lines().take(MAX_LINES).collect();
        if diff.lines().count() > MAX_LINES {
            lines.push("…");
        }
        Some(format!(
            "{title} (- expected, + found)\n{}",
            lines.join("\n")
        ))
    }
}

fn values_of(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(expected: &str, absent: &[&str]) -> Page {
        let mut found = HeaderMap::new();
        found.insert("a", "1".parse().unwrap());
        found.append("b", "x".parse().unwrap());
        found.append("b", "y".parse().unwrap());
        let absent: Vec<_> = absent.iter().map(ToString::to_string).collect();
        let mut page = Page::default();
        page.fields(&serde_json::from_str(expected).unwrap(), &absent, &found);
        page
    }

    #[test]
    fn only_what_is_expected_is_compared() {
        for expected in [
            "{}",
            r#"{"a": "1"}"#,
            r#"{"A": "***"}"#,
            r#"{"b": ["x", "***"]}"#,
        ] {
            assert_eq!(page(expected, &["c"]).diff(""), None, "{expected}");
        }
        for expected in [r#"{"a": "2"}"#, r#"{"c": "***"}"#, r#"{"b": "x"}"#] {
            assert!(page(expected, &[]).diff("").is_some(), "{expected}");
        }
        let diff = page("{}", &["a"]).diff("response").unwrap();
        assert!(diff.contains("+a: 1"), "{diff}");
    }
}
