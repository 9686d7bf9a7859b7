//! sprig: defaults, JSON, types; and KrakenD's `marshal` and `include`.

use std::{fs::File, io::Read, path::Path};

use super::{Call, Function, Returned, Type, function, paths, variadic};
use crate::template::{
    json::{self, COMPACT, Style},
    print::plain,
    value::{MAX_TEXT, Value, fail},
};

const ANY: Type = Type::Any;
const TEXT: Type = Type::Text;

const PRETTY: Style = Style {
    pretty: true,
    escapes_html: true,
};
const RAW: Style = Style {
    pretty: false,
    escapes_html: false,
};

pub(super) const FUNCTIONS: &[Function] = &[
    function("marshal", &[ANY], |call| to_json(call, COMPACT)),
    function("include", &[ANY], include),
    function("toJson", &[ANY], |call| to_json(call, COMPACT)),
    function("mustToJson", &[ANY], |call| to_json(call, COMPACT)),
    function("toPrettyJson", &[ANY], |call| to_json(call, PRETTY)),
    function("mustToPrettyJson", &[ANY], |call| to_json(call, PRETTY)),
    function("toRawJson", &[ANY], |call| to_json(call, RAW)),
    function("mustToRawJson", &[ANY], |call| to_json(call, RAW)),
    // What is not JSON is nothing, as in sprig.
    function("fromJson", &[TEXT], |call| {
        Ok(json::decode(call.str(0), call.heap).unwrap_or(Value::Nil))
    }),
    function("mustFromJson", &[TEXT], |call| {
        json::decode(call.str(0), call.heap)
    }),
    variadic("default", &[ANY], ANY, |call| {
        let given = call.value(1);
        let given = if given.is_true() {
            given
        } else {
            call.value(0)
        };
        Ok(given.clone())
    }),
    function("empty", &[ANY], |call| {
        Ok(Value::Bool(!call.value(0).is_true()))
    }),
    variadic("coalesce", &[], ANY, |call| {
        let first = call.values.iter().find(|value| value.is_true());
        Ok(first.cloned().unwrap_or(Value::Nil))
    }),
    variadic("all", &[], ANY, |call| {
        Ok(Value::Bool(call.values.iter().all(Value::is_true)))
    }),
    variadic("any", &[], ANY, |call| {
        Ok(Value::Bool(call.values.iter().any(Value::is_true)))
    }),
    function("ternary", &[ANY, ANY, Type::Bool], |call| {
        Ok(call.value(if call.bool(2) { 0 } else { 1 }).clone())
    }),
    // Helm's, not sprig's, but found in many templates.
    function("required", &[TEXT, ANY], |call| match call.value(1) {
        Value::Missing | Value::Nil => fail(call.str(0)),
        Value::Text(text) if text.is_empty() => fail(call.str(0)),
        other => Ok(other.clone()),
    }),
    function("fail", &[TEXT], |call| fail(call.str(0))),
    function("env", &[TEXT], |call| {
        let variable = call.world.environment.get(call.str(0));
        call.text(variable.map_or("", String::as_str))
    }),
    function("expandenv", &[TEXT], |call| call.text(expanded(call)?)),
    function("typeOf", &[ANY], |call| call.text(type_of(call.value(0)))),
    function("typeIs", &[TEXT, ANY], |call| {
        Ok(Value::Bool(call.str(0) == type_of(call.value(1))))
    }),
    function("typeIsLike", &[TEXT, ANY], |call| {
        let wanted = call.str(0);
        let wanted = wanted.strip_prefix('*').unwrap_or(wanted);
        Ok(Value::Bool(wanted == type_of(call.value(1))))
    }),
    function("kindOf", &[ANY], |call| {
        call.text(call.value(0).kind_name())
    }),
    function("kindIs", &[TEXT, ANY], |call| {
        Ok(Value::Bool(call.str(0) == call.value(1).kind_name()))
    }),
    function("deepEqual", &[ANY, ANY], |call| {
        let equal = call.value(0).equals(call.value(1), call.heap, 0)?;
        Ok(Value::Bool(equal))
    }),
    function("toString", &[ANY], |call| {
        call.text(plain(call.value(0), call.heap)?)
    }),
    function("hello", &[], |call| call.text("Hello!")),
];

fn to_json(call: &Call<'_>, style: Style) -> Returned {
    call.text(json::encode(call.value(0), style, call.heap)?)
}

/// The text of a file of `FC_PARTIALS`, as it is. One that is not there is
/// empty, as in KrakenD; the report warns about it.
fn include(call: &Call<'_>) -> Returned {
    let Value::Text(name) = call.value(0) else {
        let kind = call.value(0).type_name();
        return fail(format!("include needs the name of a file, not {kind}"));
    };
    let folder = call.world.partials.to_string_lossy();
    let path = if folder.is_empty() {
        paths::clean(name)
    } else {
        paths::clean(&format!("{folder}/{name}"))
    };
    match partial(Path::new(&path)) {
        Some(bytes) if bytes.len() > MAX_TEXT => fail(format!("{path} is too large")),
        Some(bytes) => call.text(String::from_utf8_lossy(&bytes)),
        None => {
            let mut missing = call.world.missing_partials.borrow_mut();
            missing.insert(path);
            call.text("")
        }
    }
}

/// At most one byte more than a text may have.
fn partial(path: &Path) -> Option<Vec<u8>> {
    // A pipe or a device may never end.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MAX_TEXT as u64 + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Missing | Value::Nil => "<nil>",
        other => other.type_name(),
    }
}

/// `$name` and `${name}` replaced, as the shell does it.
fn expanded(call: &Call<'_>) -> Result<String, crate::template::value::Failure> {
    let mut rest = call.str(0);
    let mut out = String::new();
    while let Some((text, variable)) = rest.split_once('$') {
        out.push_str(text);
        let plain = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let (name, behind) = match variable.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or(("", braced)),
            None => match variable.chars().next() {
                Some(c) if c.is_ascii_digit() || "*#$@!?-".contains(c) => variable.split_at(1),
                _ => {
                    let end = variable.find(|c| !plain(c)).unwrap_or(variable.len());
                    variable.split_at(end)
                }
            },
        };
        if name.is_empty() && !variable.starts_with('{') {
            out.push('$');
        }
        let value = call.world.environment.get(name);
        out.push_str(value.map_or("", String::as_str));
        call.heap.room(out.len())?;
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}
