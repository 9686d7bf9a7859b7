//! The functions of `text/template` itself. `slice` is sprig's, which knows
//! lists only; here it takes strings as well.

use super::{Call, Function, Returned, Type, function, variadic};
use crate::template::{
    print::{NO_VALUE, printable, sprint, sprintln},
    printf::sprintf,
    value::{Failure, Value, fail},
};

const REFLECT: Type = Type::Reflect;

pub(super) const FUNCTIONS: &[Function] = &[
    // The evaluator does these two itself.
    variadic("and", &[REFLECT], REFLECT, |call| Ok(call.value(0).clone())),
    variadic("or", &[REFLECT], REFLECT, |call| Ok(call.value(0).clone())),
    function("not", &[REFLECT], |call| {
        Ok(Value::Bool(!call.value(0).is_true()))
    }),
    variadic("call", &[REFLECT], REFLECT, |call| match call.value(0) {
        Value::Missing | Value::Nil => fail("call of nil"),
        other => fail(format!("non-function of type {}", other.type_name())),
    }),
    variadic("eq", &[REFLECT], REFLECT, equal),
    function("ne", &[REFLECT, REFLECT], |call| {
        Ok(Value::Bool(!equal_to(call.value(0), call.value(1))?))
    }),
    function("lt", &[REFLECT, REFLECT], |call| {
        Ok(Value::Bool(less(call.value(0), call.value(1))?))
    }),
    function("le", &[REFLECT, REFLECT], |call| {
        Ok(Value::Bool(less_or_equal(call.value(0), call.value(1))?))
    }),
    function("gt", &[REFLECT, REFLECT], |call| {
        Ok(Value::Bool(!less_or_equal(call.value(0), call.value(1))?))
    }),
    function("ge", &[REFLECT, REFLECT], |call| {
        Ok(Value::Bool(!less(call.value(0), call.value(1))?))
    }),
    function("len", &[REFLECT], length),
    variadic("index", &[REFLECT], REFLECT, index),
    variadic("slice", &[REFLECT], REFLECT, slice),
    variadic("print", &[], Type::Any, |call| {
        call.text(sprint(call.values, call.heap)?)
    }),
    variadic("println", &[], Type::Any, |call| {
        call.text(sprintln(call.values, call.heap)?)
    }),
    variadic("printf", &[Type::Text], Type::Any, |call| {
        call.text(sprintf(call.str(0), call.from(1), call.heap)?)
    }),
    variadic("html", &[], Type::Any, |call| {
        call.text(html(&joined(call)?))
    }),
    variadic("js", &[], Type::Any, |call| call.text(js(&joined(call)?))),
    variadic("urlquery", &[], Type::Any, |call| {
        call.text(query_escaped(&joined(call)?))
    }),
];

/// What values are compared as.
#[derive(PartialEq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    Text,
}

fn basic(value: &Value) -> Option<Basic> {
    Some(match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) | Value::Int64(_) => Basic::Int,
        Value::Byte(_) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Text(_) => Basic::Text,
        _ => return None,
    })
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) | Value::Int64(value) => Some(*value),
        Value::Byte(value) => Some(i64::from(*value)),
        _ => None,
    }
}

fn equal(call: &Call<'_>) -> Returned {
    if call.values.len() < 2 {
        return fail("missing argument for comparison");
    }
    for other in call.from(1) {
        if equal_to(call.value(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal_to(a: &Value, b: &Value) -> Result<bool, Failure> {
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return Ok(a == b);
    }
    #[expect(clippy::float_cmp, reason = "as Go compares")]
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        _ if a.is_nothing() || b.is_nothing() => Ok(a.is_nothing() && b.is_nothing()),
        _ if basic(a) != basic(b) => incompatible(a, b),
        _ => {
            let (a, b) = (a.type_name(), b.type_name());
            fail(format!("non-comparable types {a} and {b}"))
        }
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, Failure> {
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return Ok(a < b);
    }
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::Text(a), Value::Text(b)) => Ok(a < b),
        _ => match (basic(a), basic(b)) {
            (Some(kind), Some(other)) if kind != other => incompatible(a, b),
            _ => fail("invalid type for comparison"),
        },
    }
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, Failure> {
    Ok(less(a, b)? || equal_to(a, b)?)
}

fn incompatible(a: &Value, b: &Value) -> Result<bool, Failure> {
    let (a, b) = (a.type_name(), b.type_name());
    fail(format!("incompatible types for comparison: {a} and {b}"))
}

fn length(call: &Call<'_>) -> Returned {
    let length = match call.value(0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        Value::Missing | Value::Nil => return fail("len of nil pointer"),
        other => return fail(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(call: &Call<'_>) -> Returned {
    let mut item = call.value(0).clone();
    if item.is_nothing() {
        return fail("index of untyped nil");
    }
    for index in call.from(1) {
        item = match &item {
            Value::Missing | Value::Nil => return fail("index of nil pointer"),
            Value::List(list) => {
                let place = position(index, list.items().len(), "index")?;
                match list.items().get(place) {
                    Some(item) => item.clone(),
                    None => return fail(format!("reflect: slice index out of range: {place}")),
                }
            }
            Value::Text(text) => {
                let place = position(index, text.len(), "index")?;
                match text.as_bytes().get(place) {
                    Some(byte) => Value::Byte(*byte),
                    None => return fail(format!("reflect: string index out of range: {place}")),
                }
            }
            Value::Map(map) => match index {
                Value::Text(key) => map.get(key).unwrap_or(Value::Nil),
                Value::Missing | Value::Nil => {
                    return fail("value is nil; should be of type string");
                }
                other => {
                    let kind = other.type_name();
                    return fail(format!("value has type {kind}; should be string"));
                }
            },
            other => return fail(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// An index up to and including `limit`.
fn position(index: &Value, limit: usize, what: &str) -> Result<usize, Failure> {
    let index = match index {
        Value::Missing | Value::Nil => return fail("cannot index slice/array with nil"),
        other => whole(other).ok_or_else(|| {
            let kind = other.type_name();
            Failure(format!("cannot {what} slice/array with type {kind}"))
        })?,
    };
    match usize::try_from(index) {
        Ok(place) if place <= limit => Ok(place),
        _ => fail(format!("index out of range: {index}")),
    }
}

fn slice(call: &Call<'_>) -> Returned {
    let length = match call.value(0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.items().len(),
        Value::Missing | Value::Nil => return fail("slice of untyped nil"),
        other => return fail(format!("can't slice item of type {}", other.type_name())),
    };
    let bound = |place: usize, default: usize| match call.from(1).get(place) {
        // sprig takes what can be a number.
        Some(value @ (Value::Float(_) | Value::Text(_))) => {
            let int = Value::Int64(super::math::to_int(value));
            position(&int, length, "index")
        }
        Some(value) => position(value, length, "index"),
        None => Ok(default),
    };
    if call.values.len() > 3 {
        let count = call.values.len() - 1;
        return fail(format!("too many slice indexes: {count}"));
    }
    let (start, end) = (bound(0, 0)?, bound(1, length)?);
    if start > end {
        return fail(format!("invalid slice index: {start} > {end}"));
    }
    match call.value(0) {
        Value::List(list) => {
            let items = list.items().get(start..end).unwrap_or(&[]);
            call.heap.list(list.element, items.to_vec())
        }
        _ => call.text(super::strings::cut(call.str(0), start, end)),
    }
}

/// The arguments as `print` writes them; nothing is `<no value>`.
fn joined(call: &Call<'_>) -> Result<String, Failure> {
    let values = call.values.iter();
    let values: Vec<_> = values
        .map(|value| match value {
            Value::Missing | Value::Nil => Value::Text(NO_VALUE.into()),
            other => other.clone(),
        })
        .collect();
    sprint(&values, call.heap)
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let code = u32::from(c);
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{code:04X}")),
            c if c < ' ' || (!c.is_ascii() && !printable(c)) => {
                out.push_str(&format!("\\u{code:04X}"));
            }
            c => out.push(c),
        }
    }
    out
}

/// Go's `url.QueryEscape`.
pub(super) fn query_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
