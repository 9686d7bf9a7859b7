//! Data to YAML.
//!
//! Numbers come out in quotes (`a: "1"`), as in KrakenD, which keeps them as
//! text: clients have learnt to expect that.
//!
//! A word stands without quotes only where no version of YAML takes it for
//! something else than text. Other text is in double quotes, with the escapes
//! of JSON where it has to be.

use std::fmt::Write as _;

use crate::data::{Document, Kind, NodeId};

/// Levels that are indented. What is nested deeper is written in one line, as
/// in JSON: indenting ten thousand levels would make a hundred megabytes of
/// twenty kilobytes.
const MAX_INDENT: usize = 32;

/// Bytes from which on a key is marked with `?`: YAML reads no more than 1024
/// characters in search of the colon behind a key that is not.
const LONG_KEY: usize = 512;

/// Writes `data`; `{}` where there is none.
pub(super) fn write(data: Option<&Document>) -> Vec<u8> {
    let Some(document) = data.filter(|document| !document.is_empty(document.root())) else {
        return b"{}\n".to_vec();
    };
    let mut writer = Writer {
        document,
        out: String::new(),
        steps: Vec::new(),
    };
    writer.children(document.root(), 0, false);
    while let Some(step) = writer.steps.pop() {
        match step {
            Step::Child(child) => writer.child(&child),
            Step::Flow(node) => writer.flow(node),
            Step::FlowKey(key) => writer.flow_key(key),
            Step::Mark(mark) => writer.out.push_str(mark),
        }
    }
    writer.out.into_bytes()
}

struct Writer<'a> {
    document: &'a Document,
    out: String,
    /// What is left to write, the next last.
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    /// In lines of its own.
    Child(Child<'a>),
    /// Within a line.
    Flow(NodeId),
    FlowKey(&'a str),
    Mark(&'static str),
}

struct Child<'a> {
    /// In an object.
    key: Option<&'a str>,
    value: NodeId,
    level: usize,
    /// The line has begun.
    inline: bool,
}

impl<'a> Writer<'a> {
    fn children(&mut self, node: NodeId, level: usize, inline: bool) {
        let from = self.steps.len();
        let children = self.document.children(node).enumerate();
        self.steps.extend(children.map(|(index, (key, value))| {
            Step::Child(Child {
                key,
                value,
                level,
                inline: inline && index == 0,
            })
        }));
        self.reverse(from);
    }

    fn child(&mut self, child: &Child<'a>) {
        if !child.inline {
            self.indent(child.level);
        }
        match child.key {
            None => self.out.push('-'),
            Some(key) if key.len() < LONG_KEY => {
                self.text(key);
                self.out.push(':');
            }
            Some(key) => {
                self.out.push_str("? ");
                self.quoted(key);
                self.out.push('\n');
                self.indent(child.level);
                self.out.push(':');
            }
        }
        let level = child.level + 1;
        if self.document.is_empty(child.value) {
            self.out.push(' ');
            self.leaf(child.value);
            self.out.push('\n');
        } else if level >= MAX_INDENT {
            self.out.push(' ');
            self.steps.push(Step::Mark("\n"));
            self.steps.push(Step::Flow(child.value));
        } else if child.key.is_none() {
            self.out.push(' ');
            self.children(child.value, level, true);
        } else {
            self.out.push('\n');
            self.children(child.value, level, false);
        }
    }

    fn flow(&mut self, node: NodeId) {
        match self.document.kind(node) {
            // Without quotes, commas and brackets would end it.
            Kind::String => return self.quoted(self.document.text(node)),
            _ if self.document.is_empty(node) => return self.leaf(node),
            _ => {}
        }
        let (open, close) = match self.document.kind(node) {
            Kind::Object => ("{", "}"),
            _ => ("[", "]"),
        };
        self.out.push_str(open);
        self.steps.push(Step::Mark(close));
        let from = self.steps.len();
        for (index, (key, value)) in self.document.children(node).enumerate() {
            if index > 0 {
                self.steps.push(Step::Mark(", "));
            }
            self.steps.extend(key.map(Step::FlowKey));
            self.steps.push(Step::Flow(value));
        }
        self.reverse(from);
    }

    fn flow_key(&mut self, key: &str) {
        if key.len() >= LONG_KEY {
            self.out.push_str("? ");
        }
        self.quoted(key);
        self.out.push_str(": ");
    }

    /// What has no children.
    fn leaf(&mut self, node: NodeId) {
        match self.document.kind(node) {
            Kind::Null => self.out.push_str("null"),
            Kind::Bool(true) => self.out.push_str("true"),
            Kind::Bool(false) => self.out.push_str("false"),
            Kind::Number => self.quoted(self.document.text(node)),
            Kind::String => self.text(self.document.text(node)),
            Kind::Array => self.out.push_str("[]"),
            Kind::Object => self.out.push_str("{}"),
        }
    }

    fn text(&mut self, text: &str) {
        if is_plain(text) {
            self.out.push_str(text);
        } else {
            self.quoted(text);
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if is_printable(c) => self.out.push(c),
                // Writing to a string cannot fail.
                c => drop(write!(self.out, "\\u{:04X}", u32::from(c))),
            }
        }
        self.out.push('"');
    }

    fn indent(&mut self, level: usize) {
        for _ in 0..level {
            self.out.push_str("  ");
        }
    }

    /// Steps are taken from the end.
    fn reverse(&mut self, from: usize) {
        self.steps.get_mut(from..).unwrap_or_default().reverse();
    }
}

/// Whether `text` is text without quotes too, in every version of YAML.
fn is_plain(text: &str) -> bool {
    /// By YAML 1.1 or 1.2, in any case: no text.
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_within = |c: char| c.is_alphanumeric() || " _-./+@$%()=;?!'~".contains(c);
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '/')
        && text.chars().all(|c| is_within(c) || c == ':')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// What YAML allows as it is between quotes, and no reader changes.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests;
