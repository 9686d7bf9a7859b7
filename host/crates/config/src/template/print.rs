//! Values as text: Go's `fmt.Sprint`, and what `%v` makes of each type.

use super::{
    float,
    value::{Failure, Heap, MAX_DEPTH, MAX_TEXT, Value, fail},
};

/// What a value that is not there prints as.
pub(super) const NO_VALUE: &str = "<no value>";
const NIL: &str = "<nil>";

/// A text in the making, bounded by [`MAX_TEXT`].
pub(super) struct Out<'h> {
    pub(super) text: String,
    pub(super) heap: &'h Heap,
}

impl<'h> Out<'h> {
    pub(super) fn new(heap: &'h Heap) -> Self {
        Self {
            text: String::new(),
            heap,
        }
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), Failure> {
        if self.text.len() + text.len() > MAX_TEXT {
            let limit = MAX_TEXT >> 20;
            return fail(format!("makes a text of more than {limit} MiB"));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// As `%v` prints it.
    pub(super) fn value(&mut self, value: &Value, depth: u32) -> Result<(), Failure> {
        self.heap.step(1)?;
        if depth > MAX_DEPTH {
            return fail("values are nested too deep to print");
        }
        match value {
            Value::Missing | Value::Nil => self.push(NIL),
            Value::List(list) => {
                self.push("[")?;
                for (index, item) in list.items().iter().enumerate() {
                    self.push(if index > 0 { " " } else { "" })?;
                    self.value(item, depth + 1)?;
                }
                self.push("]")
            }
            Value::Map(map) => {
                self.push("map[")?;
                for (index, (key, item)) in map.snapshot().iter().enumerate() {
                    self.push(if index > 0 { " " } else { "" })?;
                    self.push(key)?;
                    self.push(":")?;
                    self.value(item, depth + 1)?;
                }
                self.push("]")
            }
            Value::Text(text) => self.push(text),
            other => self.push(&scalar(other)),
        }
    }
}

/// `fmt.Sprint`: a space between two values that are not strings.
pub(super) fn sprint(values: &[Value], heap: &Heap) -> Result<String, Failure> {
    let mut out = Out::new(heap);
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !is_text && !after_text {
            out.push(" ")?;
        }
        out.value(value, 0)?;
        after_text = is_text;
    }
    Ok(out.text)
}

/// `fmt.Sprintln`: spaces between all values, and a newline.
pub(super) fn sprintln(values: &[Value], heap: &Heap) -> Result<String, Failure> {
    let mut out = Out::new(heap);
    for (index, value) in values.iter().enumerate() {
        out.push(if index > 0 { " " } else { "" })?;
        out.value(value, 0)?;
    }
    out.push("\n")?;
    Ok(out.text)
}

/// One value as `%v` prints it.
pub(super) fn plain(value: &Value, heap: &Heap) -> Result<String, Failure> {
    let mut out = Out::new(heap);
    out.value(value, 0)?;
    Ok(out.text)
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) | Value::Int64(value) => value.to_string(),
        Value::Byte(value) => value.to_string(),
        Value::Float(value) => float::format(*value, 'g', None),
        Value::Time(time) => super::functions::dates::shown(time),
        _ => String::new(),
    }
}

/// A Go string constant: `strconv.Quote`.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        escape(c, '"', &mut out);
    }
    out.push('"');
    out
}

/// A Go character constant: `strconv.QuoteRune`.
pub(super) fn quoted_character(c: char) -> String {
    let mut out = String::from("'");
    escape(c, '\'', &mut out);
    out.push('\'');
    out
}

fn escape(c: char, quote: char, out: &mut String) {
    let code = u32::from(c);
    match c {
        '\\' => out.push_str("\\\\"),
        _ if c == quote => {
            out.push('\\');
            out.push(c);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ if printable(c) => out.push(c),
        _ if code < 0x80 => out.push_str(&format!("\\x{code:02x}")),
        _ if code < 0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push_str(&format!("\\U{code:08x}")),
    }
}

/// Near to `strconv.IsPrint`: no control or format characters, and of the
/// spaces only the plain one.
pub(super) fn printable(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    if c.is_whitespace() || c.is_control() {
        return false;
    }
    // Behind a letter, combining marks stay as they are here, too.
    !format!("a{c}")
        .escape_debug()
        .to_string()
        .starts_with("a\\u")
}
