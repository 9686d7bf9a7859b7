//! sprig: strings.

use std::{collections::BTreeMap, rc::Rc};

use super::{Call, Function, Returned, Type, function, variadic};
use crate::template::{
    print::{plain, quoted},
    value::{Element, Failure, Value, fail},
};

const TEXT: Type = Type::Text;
const INT: Type = Type::Int;
const ANY: Type = Type::Any;

pub(super) const FUNCTIONS: &[Function] = &[
    function("upper", &[TEXT], |call| {
        call.text(call.str(0).to_uppercase())
    }),
    function("lower", &[TEXT], |call| {
        call.text(call.str(0).to_lowercase())
    }),
    function("trim", &[TEXT], |call| call.text(call.str(0).trim())),
    function("trimAll", &[TEXT, TEXT], trim_all),
    function("trimall", &[TEXT, TEXT], trim_all),
    function("trimPrefix", &[TEXT, TEXT], |call| {
        let text = call.str(1);
        call.text(text.strip_prefix(call.str(0)).unwrap_or(text))
    }),
    function("trimSuffix", &[TEXT, TEXT], |call| {
        let text = call.str(1);
        call.text(text.strip_suffix(call.str(0)).unwrap_or(text))
    }),
    function("contains", &[TEXT, TEXT], |call| {
        Ok(Value::Bool(call.str(1).contains(call.str(0))))
    }),
    function("hasPrefix", &[TEXT, TEXT], |call| {
        Ok(Value::Bool(call.str(1).starts_with(call.str(0))))
    }),
    function("hasSuffix", &[TEXT, TEXT], |call| {
        Ok(Value::Bool(call.str(1).ends_with(call.str(0))))
    }),
    variadic("quote", &[], ANY, |call| joined(call, |text| quoted(&text))),
    variadic("squote", &[], ANY, |call| {
        joined(call, |text| format!("'{text}'"))
    }),
    variadic("cat", &[], ANY, |call| joined(call, |text| text)),
    function("replace", &[TEXT, TEXT, TEXT], replace),
    function("repeat", &[INT, TEXT], repeat),
    function("substr", &[INT, INT, TEXT], substr),
    function("trunc", &[INT, TEXT], trunc),
    function("indent", &[INT, TEXT], |call| call.text(indent(call)?)),
    function("nindent", &[INT, TEXT], |call| {
        call.text(format!("\n{}", indent(call)?))
    }),
    function("plural", &[TEXT, TEXT, INT], |call| {
        Ok(call.value(if call.int(2) == 1 { 0 } else { 1 }).clone())
    }),
    function("split", &[TEXT, TEXT], |call| {
        numbered(call, parts(call.costly(1)?, call.str(0), -1))
    }),
    function("splitn", &[TEXT, INT, TEXT], |call| {
        numbered(call, parts(call.costly(2)?, call.str(0), call.int(1)))
    }),
    function("splitList", &[TEXT, TEXT], |call| {
        call.heap.texts(parts(call.costly(1)?, call.str(0), -1))
    }),
];

/// The bytes `start..end`. Go cuts characters in two; here they stay out.
pub(super) fn cut(text: &str, start: usize, end: usize) -> &str {
    let start = (start..=text.len()).find(|place| text.is_char_boundary(*place));
    let end = (0..=end).rev().find(|place| text.is_char_boundary(*place));
    start
        .zip(end)
        .and_then(|(start, end)| text.get(start..end))
        .unwrap_or("")
}

fn trim_all(call: &Call<'_>) -> Returned {
    let set = call.str(0);
    call.text(call.str(1).trim_matches(|c| set.contains(c)))
}

/// Each value that is there, by spaces.
fn joined(call: &Call<'_>, each: fn(String) -> String) -> Returned {
    let mut out = Vec::new();
    let values = call.values.iter().filter(|value| !value.is_nothing());
    for value in values {
        let text = plain(value, call.heap)?;
        call.heap.room(text.len())?;
        out.push(each(text));
    }
    call.text(out.join(" "))
}

fn replace(call: &Call<'_>) -> Returned {
    let (old, new, text) = (call.str(0), call.str(1), call.str(2));
    if new.len() > old.len() {
        let count = text.matches(old).count();
        let longer = count.saturating_mul(new.len() - old.len());
        call.heap.room(text.len().saturating_add(longer))?;
    }
    call.text(text.replace(old, new))
}

fn repeat(call: &Call<'_>) -> Returned {
    let Ok(count) = usize::try_from(call.int(0)) else {
        return fail("strings: negative Repeat count");
    };
    let text = call.str(1);
    call.heap.room(text.len().saturating_mul(count))?;
    if text.is_empty() {
        return call.text("");
    }
    call.text(text.repeat(count))
}

/// From start to end; a negative start is 0, a negative end the whole rest.
fn substr(call: &Call<'_>) -> Returned {
    let text = call.str(2);
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (start, end) = (call.int(0), call.int(1));
    let (start, end) = match (start < 0, end < 0 || end > length) {
        (true, _) => (0, end),
        (false, true) => (start, length),
        (false, false) => (start, end),
    };
    if start > end || end > length {
        return fail(format!("slice bounds out of range [{start}:{end}]"));
    }
    let place = |place: i64| usize::try_from(place).unwrap_or(0);
    call.text(cut(text, place(start), place(end)))
}

/// So many bytes from the front; of a negative number, from the back.
fn trunc(call: &Call<'_>) -> Returned {
    let text = call.str(1);
    let count = usize::try_from(call.int(0).unsigned_abs()).unwrap_or(usize::MAX);
    if count >= text.len() {
        return call.text(text);
    }
    if call.int(0) < 0 {
        return call.text(cut(text, text.len() - count, text.len()));
    }
    call.text(cut(text, 0, count))
}

fn indent(call: &Call<'_>) -> Result<String, Failure> {
    let text = call.str(1);
    let Ok(width) = usize::try_from(call.int(0)) else {
        return fail("strings: negative Repeat count");
    };
    let lines = text.matches('\n').count() + 1;
    call.heap
        .room(lines.saturating_mul(width).saturating_add(text.len()))?;
    let padding = " ".repeat(width);
    Ok(format!(
        "{padding}{}",
        text.replace('\n', &format!("\n{padding}"))
    ))
}

/// Go's `strings.SplitN`: without separator, each character is a part.
fn parts<'a>(text: &'a str, separator: &str, limit: i64) -> Vec<&'a str> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if !separator.is_empty() {
        return text.splitn(limit, separator).collect();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if parts.len() + 1 >= limit {
            break;
        }
        let (character, behind) = rest.split_at(first.len_utf8());
        parts.push(character);
        rest = behind;
    }
    if !rest.is_empty() && limit > 0 {
        parts.push(rest);
    }
    parts
}

/// A map with the keys `_0`, `_1` and so on.
fn numbered(call: &Call<'_>, parts: Vec<&str>) -> Returned {
    let mut entries = BTreeMap::new();
    for (index, part) in parts.into_iter().enumerate() {
        let key: Rc<str> = format!("_{index}").into();
        entries.insert(key, call.text(part)?);
    }
    Ok(call.heap.map(Element::Text, entries))
}
