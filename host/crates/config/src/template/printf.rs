//! `printf`: Go's verbs, flags, widths and precisions, and what it prints for
//! an argument that does not fit its verb.

use super::{
    float,
    print::{Out, printable, quoted, quoted_character},
    value::{Failure, Heap, MAX_DEPTH, Value, fail},
};

/// Largest width and precision, Go's own.
const MAX_WIDTH: i64 = 1_000_000;

/// Formats `values` by `format`.
pub(super) fn sprintf(format: &str, values: &[Value], heap: &Heap) -> Result<String, Failure> {
    let mut printer = Printer {
        out: Out::new(heap),
        rest: format,
        values,
        next: 0,
        reordered: false,
    };
    while let Some(percent) = printer.rest.find('%') {
        let (text, rest) = printer.rest.split_at(percent);
        printer.out.push(text)?;
        printer.rest = rest.strip_prefix('%').unwrap_or(rest);
        printer.reordered = false;
        printer.directive()?;
    }
    let rest = printer.rest;
    printer.out.push(rest)?;
    printer.extra()?;
    Ok(printer.out.text)
}

/// Flags, width and precision of one directive.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are Go's flags")]
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'a> {
    out: Out<'a>,
    rest: &'a str,
    values: &'a [Value],
    next: usize,
    /// An index such as `[2]` was used in this directive.
    reordered: bool,
}

/// What an index in brackets was.
#[derive(PartialEq)]
enum Index {
    None,
    Good,
    Bad,
}

impl Printer<'_> {
    fn directive(&mut self) -> Result<(), Failure> {
        let mut spec = self.flags();
        let mut good = self.index() != Index::Bad;
        if self.skip('*') {
            match self.star() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.zero &= !spec.minus;
                    spec.width = usize::try_from(width.abs()).ok();
                }
                None => self.out.push("%!(BADWIDTH)")?,
            }
        } else {
            spec.width = self.number();
        }
        if self.skip('.') {
            good &= self.index() != Index::Bad;
            if self.skip('*') {
                match self.star().map(usize::try_from) {
                    Some(precision) => spec.precision = precision.ok(),
                    None => self.out.push("%!(BADPREC)")?,
                }
            } else {
                spec.precision = Some(self.number().unwrap_or(0));
            }
        }
        good &= self.index() != Index::Bad;
        let Some(verb) = self.rest.chars().next() else {
            return self.out.push("%!(NOVERB)");
        };
        self.rest = self.rest.get(verb.len_utf8()..).unwrap_or("");
        if verb == '%' {
            return self.out.push("%");
        }
        if !good {
            return self.out.push(&format!("%!{verb}(BADINDEX)"));
        }
        let Some(value) = self.values.get(self.next) else {
            return self.out.push(&format!("%!{verb}(MISSING)"));
        };
        self.next += 1;
        self.out.formatted(value, verb, spec, 0)
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        while let Some(flag) = self.rest.chars().next() {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                '#' => spec.sharp = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => break,
            }
            self.skip(flag);
        }
        spec.zero &= !spec.minus;
        spec
    }

    /// An argument's number in brackets, from 1.
    fn index(&mut self) -> Index {
        let Some(inner) = self.rest.strip_prefix('[') else {
            return Index::None;
        };
        self.reordered = true;
        let Some((digits, rest)) = inner.split_once(']') else {
            self.rest = inner;
            return Index::Bad;
        };
        self.rest = rest;
        match digits.parse::<usize>().ok().and_then(|n| n.checked_sub(1)) {
            Some(index) if index < self.values.len() => {
                self.next = index;
                Index::Good
            }
            _ => Index::Bad,
        }
    }

    /// A width or precision from the arguments.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(n) | Value::Int64(n) if (-MAX_WIDTH..=MAX_WIDTH).contains(n) => Some(*n),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<usize> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let number: i64 = digits.parse().ok()?;
        usize::try_from(number).ok().filter(|_| number <= MAX_WIDTH)
    }

    fn skip(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Arguments that no directive took.
    fn extra(&mut self) -> Result<(), Failure> {
        if self.reordered || self.next >= self.values.len() {
            return Ok(());
        }
        self.out.push("%!(EXTRA ")?;
        let values = self.values;
        for (index, value) in values.iter().skip(self.next).enumerate() {
            self.out.push(if index > 0 { ", " } else { "" })?;
            if value.is_nothing() {
                self.out.push("<nil>")?;
            } else {
                self.out.push(value.type_name())?;
                self.out.push("=")?;
                self.out.formatted(value, 'v', Spec::default(), 0)?;
            }
        }
        self.out.push(")")
    }
}

impl Out<'_> {
    fn formatted(
        &mut self,
        value: &Value,
        verb: char,
        spec: Spec,
        depth: u32,
    ) -> Result<(), Failure> {
        self.heap.step(1)?;
        if depth > MAX_DEPTH {
            return fail("values are nested too deep to print");
        }
        if verb == 'T' && depth == 0 {
            let name = if value.is_nothing() {
                "<nil>"
            } else {
                value.type_name()
            };
            return self.padded(name, spec);
        }
        let text = match value {
            Value::Missing | Value::Nil if verb == 'v' || depth > 0 => Some("<nil>".to_owned()),
            Value::Missing | Value::Nil => return self.push(&format!("%!{verb}(<nil>)")),
            Value::List(list) => {
                self.push("[")?;
                for (index, item) in list.items().iter().enumerate() {
                    self.push(if index > 0 { " " } else { "" })?;
                    self.formatted(item, verb, spec, depth + 1)?;
                }
                return self.push("]");
            }
            Value::Map(map) => {
                self.push("map[")?;
                for (index, (key, item)) in map.snapshot().iter().enumerate() {
                    self.push(if index > 0 { " " } else { "" })?;
                    self.formatted(&Value::Text(key.clone()), verb, spec, depth + 1)?;
                    self.push(":")?;
                    self.formatted(item, verb, spec, depth + 1)?;
                }
                return self.push("]");
            }
            Value::Bool(value) => matches!(verb, 't' | 'v').then(|| value.to_string()),
            Value::Int(value) | Value::Int64(value) => integer(*value, verb, spec),
            Value::Byte(value) => integer(i64::from(*value), verb, spec),
            Value::Float(value) => real(*value, verb, spec),
            Value::Text(text) => string(text, verb, spec),
            Value::Time(time) => {
                let text = super::functions::dates::shown(time);
                string(&text, verb, spec)
            }
        };
        let Some(text) = text else {
            self.push(&format!("%!{verb}({}=", value.type_name()))?;
            self.formatted(value, 'v', spec, depth + 1)?;
            return self.push(")");
        };
        // Numbers have their zeros already; strings get none.
        self.padded(&text, spec)
    }

    fn padded(&mut self, text: &str, spec: Spec) -> Result<(), Failure> {
        let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
        let padding = " ".repeat(missing);
        if !spec.minus {
            self.push(&padding)?;
        }
        self.push(text)?;
        if spec.minus {
            self.push(&padding)?;
        }
        Ok(())
    }
}

fn integer(value: i64, verb: char, spec: Spec) -> Option<String> {
    let size = value.unsigned_abs();
    let digits = match verb {
        'v' | 'd' => size.to_string(),
        'b' => format!("{size:b}"),
        'o' | 'O' => format!("{size:o}"),
        'x' => format!("{size:x}"),
        'X' => format!("{size:X}"),
        'c' => return Some(character(value).to_string()),
        'q' => return Some(quoted_character(character(value))),
        'U' => return Some(code_point(value, spec.sharp)),
        _ => return None,
    };
    let sign = match (value < 0, spec.plus, spec.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    if spec.precision == Some(0) && value == 0 {
        return Some(String::new());
    }
    let wanted = match (spec.precision, spec.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if spec.zero => width.saturating_sub(sign.len()),
        _ => 0,
    };
    let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
    let prefix = match verb {
        'b' if spec.sharp => "0b",
        'o' if spec.sharp && !zeros.starts_with('0') && !digits.starts_with('0') => "0",
        'O' => "0o",
        'x' if spec.sharp => "0x",
        'X' if spec.sharp => "0X",
        _ => "",
    };
    Some(format!("{sign}{prefix}{zeros}{digits}"))
}

fn character(value: i64) -> char {
    let code = u32::try_from(value).ok();
    code.and_then(char::from_u32).unwrap_or('\u{fffd}')
}

fn code_point(value: i64, with_character: bool) -> String {
    let c = character(value);
    if with_character && printable(c) {
        format!("U+{value:04X} '{c}'")
    } else {
        format!("U+{value:04X}")
    }
}

fn real(value: f64, verb: char, spec: Spec) -> Option<String> {
    let (verb, default) = match verb {
        'v' => ('g', None),
        'g' | 'G' => (verb, None),
        'e' | 'E' => (verb, Some(6)),
        'f' | 'F' => ('f', Some(6)),
        _ => return None,
    };
    let text = float::format(value, verb, spec.precision.or(default));
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if value < 0.0 || text.starts_with('-') => ("-", digits),
        Some(digits) => ("+", digits),
        None if spec.plus => ("+", text.as_str()),
        None if spec.space => (" ", text.as_str()),
        None => ("", text.as_str()),
    };
    let zeros = match spec.width {
        Some(width) if spec.zero && value.is_finite() => {
            width.saturating_sub(sign.len() + digits.len())
        }
        _ => 0,
    };
    Some(format!("{sign}{}{digits}", "0".repeat(zeros)))
}

fn string(text: &str, verb: char, spec: Spec) -> Option<String> {
    let cut: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    match verb {
        'v' if spec.sharp => Some(quoted(&cut)),
        'v' | 's' => Some(cut),
        'q' if spec.sharp && !cut.contains(['`', '\n', '\r']) => Some(format!("`{cut}`")),
        'q' => Some(quoted(&cut)),
        'x' | 'X' => Some(hexadecimal(text, verb, spec)),
        _ => None,
    }
}

fn hexadecimal(text: &str, verb: char, spec: Spec) -> String {
    let length = spec.precision.unwrap_or(text.len());
    let bytes = text.bytes().take(length).map(|byte| match verb {
        'x' => format!("{byte:02x}"),
        _ => format!("{byte:02X}"),
    });
    let prefix = match (spec.sharp && !text.is_empty(), verb) {
        (true, 'x') => "0x",
        (true, _) => "0X",
        _ => "",
    };
    if spec.space {
        let bytes: Vec<_> = bytes.map(|byte| format!("{prefix}{byte}")).collect();
        return bytes.join(" ");
    }
    format!("{prefix}{}", bytes.collect::<String>())
}
