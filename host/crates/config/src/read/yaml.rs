//! YAML 1.2, one document, scalars by the core schema, merge keys (`<<`).
//!
//! Built from the parser's events with a stack of its own: nesting is checked
//! before anything is nested, and what aliases multiply is counted before it
//! is copied.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::{Entry, MAX_DEPTH, Node, Object, Place, SyntaxError, Tree, Value, too_deep};

/// Values that aliases may add to a file. Ten thousand backends sharing an
/// anchor of a hundred values fit; a "billion laughs" file does not.
const MAX_ALIASED: usize = 1 << 20;

pub(super) fn parse(text: &str) -> Result<Tree, SyntaxError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        let at = place(&span.start);
        match event {
            Event::DocumentStart(_) if builder.root.is_some() => {
                builder.more_documents = Some(at);
                break;
            }
            Event::Alias(anchor) => builder.alias(anchor, at)?,
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain
                    || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let scalar = Scalar::new(&text, is_text);
                builder.scalar(scalar, anchor, at)?;
            }
            Event::SequenceStart(anchor, _) => {
                builder.open(Open::List(Vec::new()), anchor, at)?;
            }
            Event::MappingStart(anchor, _) => {
                builder.open(Open::Object(Vec::new(), None), anchor, at)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            _ => {}
        }
    }
    builder.finish()
}

#[derive(Default)]
struct Builder {
    stack: Vec<Level>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    root: Option<Node>,
    more_documents: Option<Place>,
}

/// A list or object that is not closed yet.
struct Level {
    open: Open,
    anchor: usize,
    place: Place,
    measure: Measure,
}

enum Open {
    List(Vec<Node>),
    /// Entries, and the key that waits for its value.
    Object(Vec<Entry>, Option<(String, Place)>),
}

/// A value that aliases may refer to.
struct Anchored {
    node: Node,
    measure: Measure,
}

/// Number of values in a tree and how deep it is nested.
#[derive(Clone, Copy, Default)]
struct Measure {
    size: usize,
    height: usize,
}

/// A scalar as written and as understood.
struct Scalar {
    text: String,
    value: Value,
}

impl Builder {
    fn open(&mut self, open: Open, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        if let Some(Level {
            open: Open::Object(_, None),
            ..
        }) = self.stack.last()
        {
            return Err(odd_key(place));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(place));
        }
        let measure = Measure { size: 1, height: 1 };
        self.stack.push(Level {
            open,
            anchor,
            place,
            measure,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(level) = self.stack.pop() else {
            return Ok(());
        };
        let value = match level.open {
            Open::List(items) => Value::List(items),
            Open::Object(entries, _) => Value::Object(Object::new(merged(entries))),
        };
        let node = Node {
            place: level.place,
            value,
        };
        self.value(node, level.anchor, level.measure)
    }

    fn scalar(&mut self, scalar: Scalar, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        let node = Node {
            place,
            value: scalar.value,
        };
        let measure = Measure { size: 1, height: 0 };
        if let Some(Level {
            open: Open::Object(_, key @ None),
            ..
        }) = self.stack.last_mut()
        {
            *key = Some((scalar.text, place));
            return Ok(());
        }
        self.value(node, anchor, measure)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        let anchored = self.anchors.get(&anchor).ok_or_else(|| SyntaxError {
            place,
            message: "an alias stands inside the value it refers to".to_owned(),
            help: "refer to an anchor that is complete before the alias".to_owned(),
        })?;
        let measure = anchored.measure;
        if let Some(Level {
            open: Open::Object(_, None),
            ..
        }) = self.stack.last()
        {
            return Err(odd_key(place));
        }
        if self.stack.len() + measure.height > MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.aliased = self.aliased.saturating_add(measure.size);
        if self.aliased > MAX_ALIASED {
            return Err(too_many(place));
        }
        let node = anchored.node.clone();
        self.value(node, 0, measure)
    }

    /// Puts a complete value where it belongs.
    fn value(&mut self, node: Node, anchor: usize, measure: Measure) -> Result<(), SyntaxError> {
        if anchor != 0 {
            self.aliased = self.aliased.saturating_add(measure.size);
            if self.aliased > MAX_ALIASED {
                return Err(too_many(node.place));
            }
            let anchored = Anchored {
                node: node.clone(),
                measure,
            };
            self.anchors.insert(anchor, anchored);
        }
        let Some(level) = self.stack.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        level.measure.size = level.measure.size.saturating_add(measure.size);
        level.measure.height = level.measure.height.max(measure.height + 1);
        match &mut level.open {
            Open::List(items) => items.push(node),
            Open::Object(entries, key) => {
                let (key, place) = key.take().ok_or_else(|| odd_key(node.place))?;
                entries.push(Entry { key, place, node });
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree, SyntaxError> {
        let root = self.root.ok_or_else(|| SyntaxError {
            place: Place { line: 1, column: 1 },
            message: "the file is empty".to_owned(),
            help: "the smallest configuration is `version: 3`".to_owned(),
        })?;
        let warnings = self.more_documents.map(|place| SyntaxError {
            place,
            message: "only the first YAML document of the file is used".to_owned(),
            help: "remove the others".to_owned(),
        });
        Ok(Tree {
            root,
            warnings: warnings.into_iter().collect(),
        })
    }
}

/// Applies merge keys: what stands in the mapping itself wins, then the first
/// of several merged ones.
fn merged(mut entries: Vec<Entry>) -> Vec<Entry> {
    let Some(index) = entries.iter().position(|entry| entry.key == "<<") else {
        return entries;
    };
    let sources = match entries.remove(index).node.value {
        Value::List(items) => items,
        value => {
            let place = Place { line: 1, column: 1 };
            vec![Node { place, value }]
        }
    };
    for source in sources {
        if let Value::Object(object) = source.value {
            for entry in object.entries() {
                if !entries.iter().any(|own| own.key == entry.key) {
                    entries.push(entry.clone());
                }
            }
        }
    }
    entries
}

impl Scalar {
    fn new(text: &str, is_text: bool) -> Self {
        let value = if is_text {
            Value::Text(text.to_owned())
        } else {
            plain(text)
        };
        Self {
            text: text.to_owned(),
            value,
        }
    }
}

/// A scalar without quotes, by the core schema of YAML 1.2.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::Text(text.to_owned()), Value::Number),
    }
}

/// `text` as a number in JSON's grammar, if it is one in YAML's.
fn number(text: &str) -> Option<String> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16).map(|number| number.to_string());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8).map(|number| number.to_string());
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.unwrap_or("");
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let mut number = match whole.trim_start_matches('0') {
        "" => format!("{sign}0"),
        whole => format!("{sign}{whole}"),
    };
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || !is_digits(unsigned) {
            return None;
        }
        number.push('e');
        number.push_str(exponent);
    }
    Some(number)
}

fn syntax(error: &ScanError) -> SyntaxError {
    SyntaxError {
        place: place(error.marker()),
        message: format!("is not YAML: {}", error.info()),
        help: "check indentation, quotes and colons here and on the line before".to_owned(),
    }
}

fn odd_key(place: Place) -> SyntaxError {
    SyntaxError {
        place,
        message: "a key is not a plain word or string".to_owned(),
        help: "write keys as text; what contains `{{ … }}` needs quotes".to_owned(),
    }
}

fn too_many(place: Place) -> SyntaxError {
    SyntaxError {
        place,
        message: format!("aliases add more than {MAX_ALIASED} values"),
        help: "write the values out, or use fewer aliases of aliases".to_owned(),
    }
}

fn place(marker: &Marker) -> Place {
    Place {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}
