//! JSON as Go's `encoding/json` writes and reads it.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    float,
    print::Out,
    value::{Element, Failure, Heap, MAX_DEPTH, Value, fail},
};

/// How JSON is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Two spaces for each level.
    pub(super) pretty: bool,
    /// `<`, `>` and `&` as escapes.
    pub(super) escapes_html: bool,
}

/// What `marshal` and `toJson` write.
pub(super) const COMPACT: Style = Style {
    pretty: false,
    escapes_html: true,
};

/// Writes `value`, keys sorted.
pub(super) fn encode(value: &Value, style: Style, heap: &Heap) -> Result<String, Failure> {
    let mut out = Out::new(heap);
    out.json(value, style, 0)?;
    Ok(out.text)
}

impl Out<'_> {
    fn json(&mut self, value: &Value, style: Style, depth: u32) -> Result<(), Failure> {
        self.heap.step(1)?;
        if depth > MAX_DEPTH {
            return fail("json: values are nested too deep");
        }
        match value {
            Value::Missing | Value::Nil => self.push("null"),
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::Int(value) | Value::Int64(value) => self.push(&value.to_string()),
            Value::Byte(value) => self.push(&value.to_string()),
            Value::Float(value) if !value.is_finite() => fail("json: unsupported value"),
            Value::Float(value) => self.push(&float::json(*value)),
            Value::Text(text) => self.json_text(text, style),
            Value::Time(time) => {
                let time = super::functions::dates::rfc3339(time);
                self.json_text(&time, style)
            }
            Value::List(list) => {
                let items = list.items();
                self.push("[")?;
                for (index, item) in items.iter().enumerate() {
                    self.separator(index, style, depth + 1)?;
                    self.json(item, style, depth + 1)?;
                }
                self.close("]", items.is_empty(), style, depth)
            }
            Value::Map(map) => {
                let entries = map.snapshot();
                self.push("{")?;
                for (index, (key, item)) in entries.iter().enumerate() {
                    self.separator(index, style, depth + 1)?;
                    self.json_text(key, style)?;
                    self.push(if style.pretty { ": " } else { ":" })?;
                    self.json(item, style, depth + 1)?;
                }
                self.close("}", entries.is_empty(), style, depth)
            }
        }
    }

    fn separator(&mut self, index: usize, style: Style, depth: u32) -> Result<(), Failure> {
        if index > 0 {
            self.push(",")?;
        }
        self.new_line(style, depth)
    }

    fn close(
        &mut self,
        bracket: &str,
        empty: bool,
        style: Style,
        depth: u32,
    ) -> Result<(), Failure> {
        if !empty {
            self.new_line(style, depth)?;
        }
        self.push(bracket)
    }

    fn new_line(&mut self, style: Style, depth: u32) -> Result<(), Failure> {
        if !style.pretty {
            return Ok(());
        }
        self.push("\n")?;
        (0..depth).try_for_each(|_| self.push("  "))
    }

    fn json_text(&mut self, text: &str, style: Style) -> Result<(), Failure> {
        let mut escaped = String::with_capacity(text.len() + 2);
        escaped.push('"');
        for c in text.chars() {
            match c {
                '"' => escaped.push_str("\\\""),
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                '\x08' => escaped.push_str("\\b"),
                '\x0c' => escaped.push_str("\\f"),
                '\u{2028}' | '\u{2029}' => escaped.push_str(&escape(c)),
                '<' | '>' | '&' if style.escapes_html => escaped.push_str(&escape(c)),
                c if c < ' ' => escaped.push_str(&escape(c)),
                c => escaped.push(c),
            }
        }
        escaped.push('"');
        self.push(&escaped)
    }
}

fn escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// Reads JSON. Numbers become `float64`, as in Go.
pub(super) fn decode(text: &str, heap: &Heap) -> Result<Value, Failure> {
    let parsed: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        // The position only: the text may hold secrets.
        let (line, column) = (error.line(), error.column());
        Failure(format!("invalid JSON at line {line}, column {column}"))
    })?;
    convert(parsed, heap)
}

fn convert(parsed: serde_json::Value, heap: &Heap) -> Result<Value, Failure> {
    use serde_json::Value as Json;
    heap.step(1)?;
    Ok(match parsed {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Float(number_value(&number.to_string())?),
        Json::String(text) => heap.text(text)?,
        Json::Array(items) => {
            let items = items.into_iter().map(|item| convert(item, heap));
            heap.list(Element::Any, items.collect::<Result<_, _>>()?)?
        }
        Json::Object(entries) => {
            let entries = entries
                .into_iter()
                .map(|(key, item)| Ok((Rc::from(key), convert(item, heap)?)));
            heap.map(
                Element::Any,
                entries.collect::<Result<BTreeMap<_, _>, _>>()?,
            )
        }
    })
}

/// The `float64` a JSON number is for Go.
pub(super) fn number_value(digits: &str) -> Result<f64, Failure> {
    let value: Option<f64> = digits.parse().ok();
    value
        .filter(|value| value.is_finite())
        .ok_or_else(|| Failure("a number is too large for a float64".to_owned()))
}
