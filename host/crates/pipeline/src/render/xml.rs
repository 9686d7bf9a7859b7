//! Data to XML, as KrakenD does it (`mxj`).
//!
//! The element at the root is the data's only member; `<doc>` where there are
//! more, or where that member would not be exactly one element. Members become
//! elements in the order of their names, lists repeat the element, `null`, `""`
//! and empty lists and objects are `<n/>`. Members named `-x` become attributes,
//! `#text` is the text between the elements.
//!
//! # Departures from KrakenD
//!
//! The output is always well-formed; KrakenD's is not when the data does not
//! suit:
//!
//! * A character that no name may have becomes `_`, and a name that may not
//!   begin as it does gets a `_` in front: `{"2 b": 1}` is `<_2_b>1</_2_b>`.
//! * Characters that XML cannot hold become U+FFFD.
//! * `-x` with an object or a list is an element `<x>`; KrakenD answers with
//!   nothing. So are `#text` and `-` that cannot be what they stand for.
//! * A list of several objects as the only member is wrapped in `<doc>`.
//!
//! Prefixes are kept (`{"s:a": …}`); that the data declares them (`-xmlns:s`)
//! is up to whoever sends it.

use std::{borrow::Cow, collections::BTreeMap};

use crate::data::{Document, Kind, NodeId};

/// Writes `data`; `<doc/>` where there is none.
pub(super) fn write(data: Option<&Document>) -> Vec<u8> {
    let Some(document) = data else {
        return b"<doc/>".to_vec();
    };
    let (name, node) = root(document);
    let mut writer = Writer {
        document,
        out: String::new(),
        steps: vec![Step::Element(name, node)],
    };
    while let Some(step) = writer.steps.pop() {
        match step {
            Step::Element(name, node) => writer.element(name, node),
            Step::End(name) => writer.end(&name),
        }
    }
    writer.out.into_bytes()
}

fn root(document: &Document) -> (&str, NodeId) {
    let root = document.root();
    let mut members = document.children(root);
    if let (Some((Some(name), value)), None) = (members.next(), members.next())
        && !name.starts_with(['-', '#'])
        && is_one_element(document, value)
    {
        return (name, value);
    }
    ("doc", root)
}

fn is_one_element(document: &Document, value: NodeId) -> bool {
    if document.kind(value) != Kind::Array {
        return true;
    }
    let mut elements = document.children(value);
    match (elements.next(), elements.next()) {
        (None, _) => true,
        (Some((_, only)), None) => document.kind(only) == Kind::Object,
        (Some(_), Some(_)) => false,
    }
}

struct Writer<'a> {
    document: &'a Document,
    out: String,
    /// What is left to write, the next last.
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    Element(&'a str, NodeId),
    End(Cow<'a, str>),
}

impl<'a> Writer<'a> {
    fn element(&mut self, name: &'a str, node: NodeId) {
        match self.document.kind(node) {
            Kind::Array if !self.document.is_empty(node) => {
                let from = self.steps.len();
                let elements = self.document.children(node);
                self.steps
                    .extend(elements.map(|(_, element)| Step::Element(name, element)));
                self.reverse(from);
            }
            Kind::Object => self.object(element_name(name), node),
            _ => {
                let name = element_name(name);
                self.begin(&name);
                match scalar(self.document, node).unwrap_or_default() {
                    "" => self.out.push_str("/>"),
                    text => {
                        self.out.push('>');
                        escape(text, false, &mut self.out);
                        self.end(&name);
                    }
                }
            }
        }
    }

    fn object(&mut self, name: Cow<'a, str>, node: NodeId) {
        let document = self.document;
        let mut attributes = BTreeMap::new();
        let mut text = None;
        let from = self.steps.len() + 1;
        self.begin(&name);
        self.steps.push(Step::End(name));
        for (key, member) in document.children(node) {
            let key = key.unwrap_or_default();
            let value = scalar(document, member);
            match (key, key.strip_prefix('-'), value) {
                ("#text", _, Some(value)) => text = Some(value),
                (_, Some(name), Some(value)) if !name.is_empty() => {
                    attributes.insert(valid(name), value);
                }
                _ => self.steps.push(Step::Element(key, member)),
            }
        }
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(&name);
            self.out.push_str("=\"");
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
        if text.is_none() && self.steps.len() == from {
            self.steps.pop();
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        escape(text.unwrap_or_default(), false, &mut self.out);
        self.reverse(from);
    }

    /// Steps are taken from the end.
    fn reverse(&mut self, from: usize) {
        self.steps.get_mut(from..).unwrap_or_default().reverse();
    }

    fn begin(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// The text of what is neither list nor object.
fn scalar(document: &Document, node: NodeId) -> Option<&str> {
    match document.kind(node) {
        Kind::Null => Some(""),
        Kind::Bool(true) => Some("true"),
        Kind::Bool(false) => Some("false"),
        Kind::Number | Kind::String => Some(document.text(node)),
        Kind::Array | Kind::Object => None,
    }
}

/// The name of the element that `key` becomes.
fn element_name(key: &str) -> Cow<'_, str> {
    match key.strip_prefix('-') {
        Some(attribute) => valid(attribute),
        None => valid(key),
    }
}

/// `name` as an XML name, with at most one prefix.
fn valid(name: &str) -> Cow<'_, str> {
    let is_part = |part: &str| part.starts_with(is_name_start) && part.chars().all(is_name);
    let is_valid = match name.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(name),
    };
    if is_valid {
        return Cow::Borrowed(name);
    }
    let mut valid = String::with_capacity(name.len() + 1);
    // What becomes a `_` may begin a name.
    if name.is_empty() || name.starts_with(|c| is_name(c) && !is_name_start(c)) {
        valid.push('_');
    }
    valid.extend(name.chars().map(|c| if is_name(c) { c } else { '_' }));
    Cow::Owned(valid)
}

/// `NameStartChar` of XML 1.0 (fifth edition), without the colon.
fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

/// `NameChar`, without the colon.
fn is_name(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}'
            | '\u{203f}'..='\u{2040}')
}

fn escape(text: &str, in_attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A reader would make a line feed, or in attributes a space, of it.
            '\r' => out.push_str("&#13;"),
            '\n' if in_attribute => out.push_str("&#10;"),
            '\t' if in_attribute => out.push_str("&#9;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
