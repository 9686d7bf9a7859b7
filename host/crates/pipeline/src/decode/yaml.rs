//! YAML 1.2 to data: the first document, scalars by the core schema, merge keys
//! (`<<`).
//!
//! Numbers that JSON writes alike keep their text, others (`0x1F`, `+1`, `.5`)
//! get JSON's; what JSON has no number for (`.inf`) is text. Keys are text,
//! whatever they look like. Of two equal keys the later one stays.
//!
//! Built from the parser's events with a stack of its own: nesting is checked
//! before anything is nested, and what aliases multiply is counted before it
//! is copied.

use std::{borrow::Cow, collections::HashMap, error::Error as StdError, fmt};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::data::{Document, Kind, NodeId};

/// Levels that lists and mappings may be nested: what indents deeper was not
/// written for people. It also bounds the recursion of [`Builder::copy`].
const MAX_DEPTH: usize = 200;

/// What aliases may add, in bytes of memory (a value counts as
/// [`VALUE_WEIGHT`] and its text). An anchor that a hundred thousand entries
/// share fits; a "billion laughs" document does not.
const MAX_ALIASED: usize = 32 << 20;

/// Bytes that a value takes beside its text, about.
const VALUE_WEIGHT: usize = 48;

/// Decodes the first document.
pub(super) fn decode(text: &str) -> Result<Document, YamlError> {
    let mut builder = Builder {
        document: Document::object(),
        open: Vec::new(),
        anchors: HashMap::new(),
        aliased: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| YamlError::syntax(&error))?;
        match event {
            Event::Alias(anchor) => builder.alias(anchor)?,
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain
                    || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                builder.scalar(&text, is_text, anchor)?;
            }
            Event::SequenceStart(anchor, _) => builder.start(Place::list(), anchor)?,
            Event::MappingStart(anchor, _) => builder.start(Place::object(), anchor)?,
            Event::SequenceEnd | Event::MappingEnd => builder.end()?,
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    let root = builder.root.ok_or(YamlError::Empty)?;
    builder.document.set_root(root);
    Ok(builder.document)
}

struct Builder {
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<usize, (NodeId, Measure)>,
    aliased: usize,
    root: Option<NodeId>,
}

/// A list or mapping that has not ended.
struct Open {
    place: Place,
    anchor: usize,
    measure: Measure,
}

enum Place {
    List(Vec<NodeId>),
    Object {
        members: Vec<(String, NodeId)>,
        /// What stood under `<<`.
        merged: Vec<NodeId>,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
struct Key {
    text: String,
    is_merge: bool,
}

/// What a copy of a value takes, and how deep it is.
#[derive(Clone, Copy)]
struct Measure {
    weight: usize,
    height: usize,
}

impl Place {
    fn list() -> Self {
        Self::List(Vec::new())
    }

    fn object() -> Self {
        Self::Object {
            members: Vec::new(),
            merged: Vec::new(),
            key: None,
        }
    }
}

impl Builder {
    fn start(&mut self, place: Place, anchor: usize) -> Result<(), YamlError> {
        if self.wants_key() {
            return Err(YamlError::Key);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::TooDeep);
        }
        self.open.push(Open {
            place,
            anchor,
            measure: Measure {
                weight: VALUE_WEIGHT,
                height: 1,
            },
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), YamlError> {
        let Some(ended) = self.open.pop() else {
            return Ok(());
        };
        let node = match ended.place {
            Place::List(items) => {
                let list = self.document.array();
                for item in items {
                    self.document.push(list, item);
                }
                list
            }
            Place::Object {
                members, merged, ..
            } => self.object(members, &merged),
        };
        self.value(node, ended.anchor, ended.measure)
    }

    /// What stands in the mapping itself wins, then the first of several merged
    /// ones.
    fn object(&mut self, members: Vec<(String, NodeId)>, merged: &[NodeId]) -> NodeId {
        let mut sources = Vec::new();
        for node in merged {
            match self.document.kind(*node) {
                Kind::Array => sources.extend(self.document.children(*node).map(|(_, id)| id)),
                _ => sources.push(*node),
            }
        }
        let mut all: Vec<(String, NodeId)> = Vec::new();
        for source in sources.iter().rev() {
            let inherited = self.document.children(*source);
            all.extend(inherited.filter_map(|(key, child)| Some((key?.to_owned(), child))));
        }
        all.extend(members);
        let all = all.iter().map(|(key, child)| (key.as_str(), *child));
        self.document.object_of(all)
    }

    fn scalar(&mut self, text: &str, is_text: bool, anchor: usize) -> Result<(), YamlError> {
        let is_key = self.key(text, is_text);
        if is_key && anchor == 0 {
            return Ok(());
        }
        let node = if is_text {
            self.document.string(text)
        } else {
            plain(&mut self.document, text)
        };
        let measure = Measure {
            weight: VALUE_WEIGHT + text.len(),
            height: 0,
        };
        if is_key {
            self.anchors.insert(anchor, (node, measure));
            return Ok(());
        }
        self.value(node, anchor, measure)
    }

    /// Takes `text` for a key where one is due.
    fn key(&mut self, text: &str, is_text: bool) -> bool {
        let Some(Open {
            place: Place::Object {
                key: key @ None, ..
            },
            measure,
            ..
        }) = self.open.last_mut()
        else {
            return false;
        };
        measure.weight = measure.weight.saturating_add(text.len());
        *key = Some(Key {
            text: text.to_owned(),
            is_merge: !is_text && text == "<<",
        });
        true
    }

    fn alias(&mut self, anchor: usize) -> Result<(), YamlError> {
        if self.wants_key() {
            return Err(YamlError::Key);
        }
        let (node, measure) = *self.anchors.get(&anchor).ok_or(YamlError::Cycle)?;
        if self.open.len() + measure.height > MAX_DEPTH {
            return Err(YamlError::TooDeep);
        }
        self.aliased = self.aliased.saturating_add(measure.weight);
        if self.aliased > MAX_ALIASED {
            return Err(YamlError::Aliases);
        }
        let copy = self.copy(node);
        self.value(copy, 0, measure)
    }

    /// At most [`MAX_DEPTH`] calls deep.
    fn copy(&mut self, node: NodeId) -> NodeId {
        let text = self.document.text(node).to_owned();
        match self.document.kind(node) {
            Kind::Null => self.document.null(),
            Kind::Bool(value) => self.document.bool(value),
            Kind::Number => self.document.number(&text),
            Kind::String => self.document.string(&text),
            Kind::Array => {
                let items: Vec<NodeId> = self.document.children(node).map(|(_, id)| id).collect();
                let list = self.document.array();
                for item in items {
                    let item = self.copy(item);
                    self.document.push(list, item);
                }
                list
            }
            Kind::Object => {
                let members = self.document.children(node);
                let mut members: Vec<(String, NodeId)> = members
                    .filter_map(|(key, child)| Some((key?.to_owned(), child)))
                    .collect();
                for (_, child) in &mut members {
                    *child = self.copy(*child);
                }
                self.object(members, &[])
            }
        }
    }

    /// Puts a complete value where it belongs.
    fn value(&mut self, node: NodeId, anchor: usize, measure: Measure) -> Result<(), YamlError> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node, measure));
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        open.measure.weight = open.measure.weight.saturating_add(measure.weight);
        open.measure.height = open.measure.height.max(measure.height + 1);
        match &mut open.place {
            Place::List(items) => items.push(node),
            Place::Object {
                members,
                merged,
                key,
            } => match key.take() {
                None => return Err(YamlError::Key),
                Some(key) if key.is_merge => merged.push(node),
                Some(key) => members.push((key.text, node)),
            },
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        let open = self.open.last().map(|open| &open.place);
        matches!(open, Some(Place::Object { key: None, .. }))
    }
}

/// A scalar without quotes, by the core schema.
fn plain(document: &mut Document, text: &str) -> NodeId {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => document.null(),
        "true" | "True" | "TRUE" => document.bool(true),
        "false" | "False" | "FALSE" => document.bool(false),
        _ => match number(text) {
            Some(number) => document.number(&number),
            None => document.string(text),
        },
    }
}

/// `text` as a number in JSON's grammar, if it is one in YAML's.
fn number(text: &str) -> Option<Cow<'_, str>> {
    let radix = |digits: &str, radix| {
        let digits = Some(digits).filter(|digits| !digits.starts_with('+'))?;
        let number = u128::from_str_radix(digits, radix).ok()?;
        Some(Cow::Owned(number.to_string()))
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at_checked(at)?,
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = exponent.strip_prefix(['e', 'E']).unwrap_or("");
    let digits = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = [whole, fraction, digits].into_iter().all(is_digits)
        && (!whole.is_empty() || !fraction.is_empty())
        && exponent.is_empty() == digits.is_empty();
    if !is_number {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let significant = whole.trim_start_matches('0');
    let whole = if significant.is_empty() {
        "0"
    } else {
        significant
    };
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(Cow::Owned([sign, whole, dot, fraction, exponent].concat()))
}

/// Why a body is no YAML that can be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum YamlError {
    /// There is no document.
    Empty,
    /// Lists and mappings are nested too deeply.
    TooDeep,
    /// Aliases multiply what there is beyond measure.
    Aliases,
    /// An alias stands inside the value it refers to.
    Cycle,
    /// A key is a list, a mapping or an alias.
    Key,
    /// It breaks YAML's rules.
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl YamlError {
    fn syntax(error: &ScanError) -> Self {
        Self::Syntax {
            line: error.marker().line(),
            message: error.info().to_owned(),
        }
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("EOF"),
            Self::TooDeep => write!(f, "YAML values are nested more than {MAX_DEPTH} levels"),
            Self::Aliases => write!(f, "YAML aliases add more than {MAX_ALIASED} bytes"),
            Self::Cycle => f.write_str("a YAML alias stands inside the value it refers to"),
            Self::Key => f.write_str("a YAML key is not a word or string"),
            Self::Syntax { line, message } => write!(f, "yaml: line {line}: {message}"),
        }
    }
}

impl StdError for YamlError {}

#[cfg(test)]
mod tests;
