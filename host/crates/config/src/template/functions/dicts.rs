//! sprig: maps.

use std::{collections::BTreeMap, rc::Rc};

use super::{Call, Function, Returned, Type, function, variadic};
use crate::template::{
    print::plain,
    value::{Element, Failure, Heap, MAX_DEPTH, Map, Value, fail},
};

const ANY: Type = Type::Any;
const TEXT: Type = Type::Text;
const MAP: Type = Type::Map;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[], ANY, dict),
    function("get", &[MAP, TEXT], |call| {
        let found = call.map(0).and_then(|map| map.get(call.str(1)));
        Ok(found.unwrap_or_else(|| Value::Text("".into())))
    }),
    function("set", &[MAP, TEXT, ANY], |call| match call.map(0) {
        Some(map) => {
            map.set(call.str(1), call.value(2).clone());
            Ok(call.value(0).clone())
        }
        None => fail("assignment to entry in nil map"),
    }),
    function("unset", &[MAP, TEXT], |call| {
        if let Some(map) = call.map(0) {
            map.remove(call.str(1));
        }
        Ok(call.value(0).clone())
    }),
    function("hasKey", &[MAP, TEXT], |call| {
        let has = call.map(0).is_some_and(|map| map.has(call.str(1)));
        Ok(Value::Bool(has))
    }),
    variadic("pluck", &[TEXT], MAP, |call| {
        let maps = maps(call.from(1));
        let found = maps.filter_map(|map| map.get(call.str(0))).collect();
        call.heap.list(Element::Any, found)
    }),
    // Sorted, where sprig's order changes from run to run.
    variadic("keys", &[], MAP, |call| {
        let keys = maps(call.values).flat_map(Map::snapshot);
        call.heap.texts(keys.map(|(key, _)| key))
    }),
    function("values", &[MAP], |call| {
        let values = maps(call.values).flat_map(Map::snapshot);
        let values = values.map(|(_, value)| value).collect();
        call.heap.list(Element::Any, values)
    }),
    variadic("pick", &[MAP], TEXT, |call| chosen(call, true)),
    variadic("omit", &[MAP], TEXT, |call| chosen(call, false)),
    variadic("merge", &[MAP], MAP, |call| merge_all(call, false)),
    variadic("mustMerge", &[MAP], MAP, |call| merge_all(call, false)),
    variadic("mergeOverwrite", &[MAP], MAP, |call| merge_all(call, true)),
    variadic("mustMergeOverwrite", &[MAP], MAP, |call| {
        merge_all(call, true)
    }),
    variadic("dig", &[], ANY, dig),
    function("deepCopy", &[ANY], |call| {
        deep_copy(call.value(0), call.heap, 0)
    }),
    function("mustDeepCopy", &[ANY], |call| {
        deep_copy(call.value(0), call.heap, 0)
    }),
];

fn maps(values: &[Value]) -> impl Iterator<Item = &Map> {
    values.iter().filter_map(|value| match value {
        Value::Map(map) => Some(map),
        _ => None,
    })
}

/// Keys and values by turns; a last key without value has an empty one.
fn dict(call: &Call<'_>) -> Returned {
    let mut entries = BTreeMap::new();
    for pair in call.values.chunks(2) {
        let (Some(key), value) = (pair.first(), pair.get(1)) else {
            continue;
        };
        let key: Rc<str> = plain(key, call.heap)?.into();
        let value = value.cloned().unwrap_or_else(|| Value::Text("".into()));
        entries.insert(key, value);
    }
    call.heap.room(size_of_val(call.values))?;
    Ok(call.heap.map(Element::Any, entries))
}

/// A copy with the keys that are named, or with the others.
fn chosen(call: &Call<'_>, named: bool) -> Returned {
    let names: Vec<&str> = call.from(1).iter().filter_map(text).collect();
    let entries = call.map(0).map(Map::snapshot).unwrap_or_default();
    call.heap.step((names.len() * entries.len()) as u64)?;
    call.heap.room(entries.len() * size_of::<Value>())?;
    let entries = entries.into_iter();
    let entries = entries.filter(|(key, _)| names.contains(&&**key) == named);
    Ok(call.heap.map(Element::Any, entries.collect()))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn merge_all(call: &Call<'_>, overwrites: bool) -> Returned {
    let Some(target) = call.map(0) else {
        return fail("assignment to entry in nil map");
    };
    for source in maps(call.from(1)) {
        merge(target, source, overwrites, call.heap, 0)?;
    }
    Ok(call.value(0).clone())
}

/// Takes from `source` what `target` lacks or has empty; with `overwrites`,
/// everything. Maps in both are merged.
fn merge(
    target: &Map,
    source: &Map,
    overwrites: bool,
    heap: &Heap,
    depth: u32,
) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return fail("maps are nested too deep to merge");
    }
    if target.is(source) {
        return Ok(());
    }
    for (key, value) in source.snapshot() {
        heap.step(1)?;
        match (&target.get(&key), &value) {
            (_, Value::Missing | Value::Nil) if !overwrites => {}
            (Some(Value::Map(own)), Value::Map(value)) if own.len() > 0 => {
                merge(own, value, overwrites, heap, depth + 1)?;
            }
            (Some(own), _) if own.is_true() && !overwrites => {}
            _ => target.set(&key, value),
        }
    }
    Ok(())
}

/// Keys, a default and a map: what is there under the keys, or the default.
fn dig(call: &Call<'_>) -> Returned {
    let [keys @ .., default, map] = call.values else {
        return fail("dig needs at least three arguments");
    };
    if keys.is_empty() {
        return fail("dig needs at least three arguments");
    }
    let mut value = map.clone();
    for key in keys {
        let Value::Text(key) = key else {
            let kind = key.type_name();
            return fail(format!("dig needs strings as keys, not {kind}"));
        };
        let Value::Map(map) = &value else {
            let kind = value.type_name();
            return fail(format!("dig for {key:?} in {kind}, which is no map"));
        };
        match map.get(key) {
            Some(inner) => value = inner,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}

fn deep_copy(value: &Value, heap: &Heap, depth: u32) -> Returned {
    heap.step(1)?;
    if depth > MAX_DEPTH {
        return fail("values are nested too deep to copy");
    }
    match value {
        Value::List(list) => {
            let items = list.items().iter();
            let items = items.map(|item| deep_copy(item, heap, depth + 1));
            heap.list(list.element, items.collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let entries = map.snapshot().into_iter();
            let entries = entries.map(|(key, item)| Ok((key, deep_copy(&item, heap, depth + 1)?)));
            let entries = entries.collect::<Result<BTreeMap<_, _>, Failure>>()?;
            Ok(heap.map(map.element, entries))
        }
        other => Ok(other.clone()),
    }
}
