//! sprig: lists.

use super::{Call, Function, Returned, Type, function, variadic};
use crate::template::{
    print::plain,
    value::{Element, Failure, Value, fail},
};

const ANY: Type = Type::Any;
const TEXT: Type = Type::Text;
const INT: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("list", &[], ANY, |call| any(call, call.values.to_vec())),
    variadic("tuple", &[], ANY, |call| any(call, call.values.to_vec())),
    function("first", &[ANY], first),
    function("mustFirst", &[ANY], first),
    function("last", &[ANY], last),
    function("mustLast", &[ANY], last),
    function("rest", &[ANY], rest),
    function("mustRest", &[ANY], rest),
    function("initial", &[ANY], initial),
    function("mustInitial", &[ANY], initial),
    function("append", &[ANY, ANY], append),
    function("mustAppend", &[ANY, ANY], append),
    function("push", &[ANY, ANY], append),
    function("mustPush", &[ANY, ANY], append),
    function("prepend", &[ANY, ANY], prepend),
    function("mustPrepend", &[ANY, ANY], prepend),
    variadic("concat", &[], ANY, concat),
    function("reverse", &[ANY], reverse),
    function("mustReverse", &[ANY], reverse),
    function("uniq", &[ANY], uniq),
    function("mustUniq", &[ANY], uniq),
    variadic("without", &[ANY], ANY, without),
    variadic("mustWithout", &[ANY], ANY, without),
    function("has", &[ANY, ANY], has),
    function("mustHas", &[ANY, ANY], has),
    function("compact", &[ANY], compact),
    function("mustCompact", &[ANY], compact),
    function("chunk", &[INT, ANY], chunk),
    function("mustChunk", &[INT, ANY], chunk),
    function("sortAlpha", &[ANY], sort_alpha),
    function("toStrings", &[ANY], |call| {
        call.heap.texts(strings(call, 0)?)
    }),
    function("join", &[TEXT, ANY], join),
];

fn any(call: &Call<'_>, items: Vec<Value>) -> Returned {
    call.heap.list(Element::Any, items)
}

fn first(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find first")?;
    Ok(list.items().first().cloned().unwrap_or(Value::Nil))
}

fn last(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find last")?;
    Ok(list.items().last().cloned().unwrap_or(Value::Nil))
}

fn rest(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find rest")?;
    any(call, list.items().iter().skip(1).cloned().collect())
}

fn initial(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find initial")?;
    let kept = list.items().len().saturating_sub(1);
    any(call, list.items().iter().take(kept).cloned().collect())
}

fn append(call: &Call<'_>) -> Returned {
    let list = call.list(0, "push")?;
    let items = list.items().iter().chain([call.value(1)]);
    any(call, items.cloned().collect())
}

fn prepend(call: &Call<'_>) -> Returned {
    let list = call.list(0, "prepend")?;
    let items = [call.value(1)].into_iter().chain(list.items());
    any(call, items.cloned().collect())
}

fn concat(call: &Call<'_>) -> Returned {
    let mut items = Vec::new();
    for index in 0..call.values.len() {
        items.extend_from_slice(call.list(index, "concat")?.items());
        call.heap.room(items.len() * size_of::<Value>())?;
    }
    any(call, items)
}

fn reverse(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find reverse")?;
    any(call, list.items().iter().rev().cloned().collect())
}

fn uniq(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find uniq")?;
    let mut found: Vec<Value> = Vec::new();
    for item in list.items() {
        if !contains(call, &found, item)? {
            found.push(item.clone());
        }
    }
    any(call, found)
}

fn without(call: &Call<'_>) -> Returned {
    let list = call.list(0, "find without")?;
    let mut kept = Vec::new();
    for item in list.items() {
        if !contains(call, call.from(1), item)? {
            kept.push(item.clone());
        }
    }
    any(call, kept)
}

fn has(call: &Call<'_>) -> Returned {
    if call.value(1).is_nothing() {
        return Ok(Value::Bool(false));
    }
    let list = call.list(1, "find has")?;
    Ok(Value::Bool(contains(call, list.items(), call.value(0))?))
}

/// As `reflect.DeepEqual` compares: an `int` is not the same as a `float64`.
fn contains(call: &Call<'_>, items: &[Value], wanted: &Value) -> Result<bool, Failure> {
    for item in items {
        if item.equals(wanted, call.heap, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compact(call: &Call<'_>) -> Returned {
    let list = call.list(0, "compact")?;
    let items = list.items().iter().filter(|item| item.is_true());
    any(call, items.cloned().collect())
}

fn chunk(call: &Call<'_>) -> Returned {
    let list = call.list(1, "chunk")?;
    let size = usize::try_from(call.int(0)).unwrap_or(0);
    if size == 0 {
        return fail("chunk needs a size of at least 1");
    }
    let chunks = list.items().chunks(size);
    let chunks = chunks.map(|chunk| any(call, chunk.to_vec()));
    let chunks = chunks.collect::<Result<_, _>>()?;
    call.heap.list(Element::List, chunks)
}

fn sort_alpha(call: &Call<'_>) -> Returned {
    let mut strings = strings(call, 0)?;
    strings.sort_unstable();
    call.heap.texts(strings)
}

fn join(call: &Call<'_>) -> Returned {
    let separator = call.str(0);
    let strings = strings(call, 1)?;
    let length: usize = strings
        .iter()
        .map(|text| text.len() + separator.len())
        .sum();
    call.heap.room(length)?;
    call.text(strings.join(separator))
}

/// sprig's `strslice`: a list's items as strings, without those that are
/// nothing; anything else is one string.
fn strings(call: &Call<'_>, index: usize) -> Result<Vec<String>, Failure> {
    match call.value(index) {
        Value::Missing | Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let items = list.items().iter().filter(|item| !item.is_nothing());
            let mut strings = Vec::new();
            for item in items {
                let text = plain(item, call.heap)?;
                call.heap.room(text.len())?;
                strings.push(text);
            }
            Ok(strings)
        }
        other => Ok(vec![plain(other, call.heap)?]),
    }
}
