//! The tree all formats become. Every value and every key knows its place.

use std::collections::HashMap;

/// Line and column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value of the file. Has no `Debug`: values may be secrets.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a [`Node`] holds.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A number by JSON's grammar, digits as in the file.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Object),
}

/// Keys and values, each key once.
#[derive(Clone, Default)]
pub(crate) struct Object {
    entries: Vec<Entry>,
    overridden: Vec<Overridden>,
}

/// One key of an [`Object`].
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Place of the key.
    pub(crate) place: Place,
    pub(crate) node: Node,
}

/// A key that stood there more than once.
#[derive(Clone)]
pub(crate) struct Overridden {
    pub(crate) key: String,
    /// Place whose value is not used.
    pub(crate) earlier: Place,
    /// Place whose value is.
    pub(crate) later: Place,
}

impl Value {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Whether it says nothing: null, false, zero, or empty.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(flag) => !flag,
            Self::Number(digits) => digits == "0",
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(object) => object.entries.is_empty(),
        }
    }
}

impl Node {
    /// Compact JSON. Numbers keep their digits, keys their order.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// The same as a value. Of keys that differ in case only, all are there.
    pub(crate) fn to_value(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            // Digits are checked when they are read, so there is no other case.
            Value::Number(digits) => digits
                .parse::<serde_json::Number>()
                .map_or(serde_json::Value::Null, Into::into),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_value).collect(),
            Value::Object(object) => {
                let entries = object.entries.iter();
                let pairs = entries.map(|entry| (entry.key.clone(), entry.node.to_value()));
                serde_json::Value::Object(pairs.collect())
            }
        }
    }

    fn write_json(&self, out: &mut String) {
        match &self.value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(digits) => out.push_str(digits),
            Value::Text(text) => write_text(text, out),
            Value::List(items) => {
                write_joined(out, ('[', ']'), items, |item, out| item.write_json(out));
            }
            Value::Object(object) => {
                write_joined(out, ('{', '}'), &object.entries, |entry, out| {
                    write_text(&entry.key, out);
                    out.push(':');
                    entry.node.write_json(out);
                });
            }
        }
    }
}

impl Object {
    /// Of keys that stand there twice, the last one wins.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let mut object = Self::default();
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let earlier = seen
                .get(&entry.key)
                .and_then(|index| object.entries.get_mut(*index));
            match earlier {
                Some(earlier) => {
                    object.overridden.push(Overridden {
                        key: entry.key.clone(),
                        earlier: earlier.place,
                        later: entry.place,
                    });
                    *earlier = entry;
                }
                None => {
                    seen.insert(entry.key.clone(), object.entries.len());
                    object.entries.push(entry);
                }
            }
        }
        object
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn entries_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.entries
    }

    pub(crate) fn overridden(&self) -> &[Overridden] {
        &self.overridden
    }

    /// The entry of `key`, without regard to case. Of several the last one.
    pub(crate) fn find(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .rfind(|entry| entry.key.eq_ignore_ascii_case(key))
    }
}

/// Text as a JSON string.
fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn write_joined<T>(
    out: &mut String,
    (open, close): (char, char),
    items: &[T],
    write: impl Fn(&T, &mut String),
) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}
