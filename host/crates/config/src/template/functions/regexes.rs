//! sprig: regular expressions. Linear in time, as Go's are.

use regex::Regex;

use super::{Call, Function, Returned, Type, function};
use crate::template::value::{Element, Failure, Value};

const TEXT: Type = Type::Text;
const INT: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    function("regexMatch", &[TEXT, TEXT], matches),
    function("mustRegexMatch", &[TEXT, TEXT], matches),
    function("regexFind", &[TEXT, TEXT], find),
    function("mustRegexFind", &[TEXT, TEXT], find),
    function("regexFindAll", &[TEXT, TEXT, INT], find_all),
    function("mustRegexFindAll", &[TEXT, TEXT, INT], find_all),
    function("regexReplaceAll", &[TEXT, TEXT, TEXT], |call| {
        replace(call, true)
    }),
    function("mustRegexReplaceAll", &[TEXT, TEXT, TEXT], |call| {
        replace(call, true)
    }),
    function("regexReplaceAllLiteral", &[TEXT, TEXT, TEXT], |call| {
        replace(call, false)
    }),
    function("mustRegexReplaceAllLiteral", &[TEXT, TEXT, TEXT], |call| {
        replace(call, false)
    }),
    function("regexSplit", &[TEXT, TEXT, INT], split),
    function("mustRegexSplit", &[TEXT, TEXT, INT], split),
    function("regexQuoteMeta", &[TEXT], |call| {
        call.text(quoted(call.str(0)))
    }),
];

fn compiled(call: &Call<'_>) -> Result<Regex, Failure> {
    // Compiling costs more than most steps.
    call.heap.step(100)?;
    call.heap.step(call.str(1).len() as u64 / 16)?;
    Regex::new(call.str(0)).map_err(|error| {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => "it is too large",
            _ => "its syntax is wrong",
        };
        Failure(format!("error parsing regexp: {reason}"))
    })
}

fn matches(call: &Call<'_>) -> Returned {
    Ok(Value::Bool(compiled(call)?.is_match(call.str(1))))
}

fn find(call: &Call<'_>) -> Returned {
    let expression = compiled(call)?;
    let found = expression.find(call.str(1));
    call.text(found.map_or("", |found| found.as_str()))
}

/// At most so many; -1 for all.
fn find_all(call: &Call<'_>) -> Returned {
    let limit = usize::try_from(call.int(2)).unwrap_or(usize::MAX);
    let expression = compiled(call)?;
    let found = expression.find_iter(call.str(1)).take(limit);
    let found = found.map(|found| call.text(found.as_str()));
    call.heap
        .list(Element::Text, found.collect::<Result<_, _>>()?)
}

/// With `$1` and `${name}` for what groups matched, if `expands`.
fn replace(call: &Call<'_>, expands: bool) -> Returned {
    let (text, replacement) = (call.str(1), call.str(2));
    let expression = compiled(call)?;
    let mut out = String::new();
    let mut copied = 0;
    for found in expression.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(copied..whole.start()).unwrap_or(""));
        if expands {
            found.expand(replacement, &mut out);
        } else {
            out.push_str(replacement);
        }
        copied = whole.end();
        call.heap.step(1)?;
        if out.len() > crate::template::value::MAX_TEXT {
            call.heap.room(out.len())?;
        }
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    call.text(out)
}

/// The parts between matches, at most so many; -1 for all.
fn split(call: &Call<'_>) -> Returned {
    let expression = compiled(call)?;
    let text = call.str(1);
    let parts = match usize::try_from(call.int(2)) {
        Ok(limit) => expression.splitn(text, limit).collect::<Vec<_>>(),
        Err(_) => expression.split(text).collect(),
    };
    call.heap.texts(parts)
}

/// What stands for itself in an expression.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
