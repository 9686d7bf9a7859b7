//! sprig: numbers. Its arithmetic is done with `int64`, whatever comes in.

use super::{Call, Function, Returned, Type, function, variadic};
use crate::template::{
    literal,
    print::plain,
    value::{Element, Failure, Value, fail},
};

const ANY: Type = Type::Any;
const INT: Type = Type::Int;
const TEXT: Type = Type::Text;

pub(super) const FUNCTIONS: &[Function] = &[
    function("int", &[ANY], |call| Ok(Value::Int(to_int(call.value(0))))),
    function("int64", &[ANY], |call| {
        Ok(Value::Int64(to_int(call.value(0))))
    }),
    function("float64", &[ANY], |call| {
        Ok(Value::Float(to_float(call.value(0))))
    }),
    function("atoi", &[TEXT], |call| {
        Ok(Value::Int(decimal(call.str(0)).unwrap_or(0)))
    }),
    function("toDecimal", &[ANY], |call| {
        let digits = plain(call.value(0), call.heap)?;
        let octal = i64::from_str_radix(&digits, 8);
        Ok(Value::Int64(octal.unwrap_or(0)))
    }),
    function("add1", &[ANY], |call| {
        Ok(Value::Int64(to_int(call.value(0)).wrapping_add(1)))
    }),
    variadic("add", &[], ANY, |call| {
        let sum = call.values.iter().map(to_int);
        Ok(Value::Int64(sum.fold(0, i64::wrapping_add)))
    }),
    function("sub", &[ANY, ANY], |call| {
        let (a, b) = (to_int(call.value(0)), to_int(call.value(1)));
        Ok(Value::Int64(a.wrapping_sub(b)))
    }),
    variadic("mul", &[ANY], ANY, |call| {
        let product = call.values.iter().map(to_int);
        Ok(Value::Int64(product.fold(1, i64::wrapping_mul)))
    }),
    function("div", &[ANY, ANY], |call| divided(call, i64::wrapping_div)),
    function("mod", &[ANY, ANY], |call| divided(call, i64::wrapping_rem)),
    variadic("max", &[ANY], ANY, |call| {
        extreme(call, |a, b| if b > a { b } else { a })
    }),
    variadic("biggest", &[ANY], ANY, |call| {
        extreme(call, |a, b| if b > a { b } else { a })
    }),
    variadic("min", &[ANY], ANY, |call| {
        extreme(call, |a, b| if b < a { b } else { a })
    }),
    function("add1f", &[ANY], |call| {
        Ok(Value::Float(to_float(call.value(0)) + 1.0))
    }),
    variadic("addf", &[], ANY, |call| {
        Ok(Value::Float(call.values.iter().map(to_float).sum()))
    }),
    variadic("subf", &[ANY], ANY, |call| floats(call, |a, b| a - b)),
    variadic("mulf", &[ANY], ANY, |call| floats(call, |a, b| a * b)),
    variadic("divf", &[ANY], ANY, |call| floats(call, |a, b| a / b)),
    variadic("maxf", &[ANY], ANY, |call| floats(call, f64::max)),
    variadic("minf", &[ANY], ANY, |call| floats(call, f64::min)),
    function("ceil", &[ANY], |call| {
        Ok(Value::Float(to_float(call.value(0)).ceil()))
    }),
    function("floor", &[ANY], |call| {
        Ok(Value::Float(to_float(call.value(0)).floor()))
    }),
    variadic("round", &[ANY, INT], Type::Float, round),
    function("until", &[INT], |call| {
        let count = call.int(0);
        let step = if count < 0 { -1 } else { 1 };
        ints(call, 0, count, step)
    }),
    function("untilStep", &[INT, INT, INT], |call| {
        ints(call, call.int(0), call.int(1), call.int(2))
    }),
    variadic("seq", &[], INT, seq),
];

/// sprig's `toInt64`: fractions are cut off, what is no number is 0.
#[expect(clippy::cast_possible_truncation, reason = "as Go cuts off")]
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(value) => i64::from(*value),
        Value::Int(value) | Value::Int64(value) => *value,
        Value::Byte(value) => i64::from(*value),
        Value::Float(value) => *value as i64,
        Value::Text(text) => {
            let without_zeros = text
                .split_once('.')
                .filter(|(_, zeros)| zeros.chars().all(|c| c == '0'))
                .map_or(&**text, |(digits, _)| digits);
            literal::integer(without_zeros).unwrap_or(0)
        }
        _ => 0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
fn to_float(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Int(value) | Value::Int64(value) => *value as f64,
        Value::Byte(value) => f64::from(*value),
        Value::Float(value) => *value,
        Value::Text(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Go's `strconv.Atoi`.
pub(super) fn decimal(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn divided(call: &Call<'_>, divide: fn(i64, i64) -> i64) -> Returned {
    let (a, b) = (to_int(call.value(0)), to_int(call.value(1)));
    if b == 0 {
        return fail("runtime error: integer divide by zero");
    }
    Ok(Value::Int64(divide(a, b)))
}

fn extreme(call: &Call<'_>, choose: fn(i64, i64) -> i64) -> Returned {
    let numbers = call.values.iter().map(to_int);
    Ok(Value::Int64(numbers.reduce(choose).unwrap_or(0)))
}

fn floats(call: &Call<'_>, combine: fn(f64, f64) -> f64) -> Returned {
    let numbers = call.values.iter().map(to_float);
    Ok(Value::Float(numbers.reduce(combine).unwrap_or(0.0)))
}

/// To so many decimals. Up from a half, or from a third argument.
fn round(call: &Call<'_>) -> Returned {
    let up_from = match call.values.get(2) {
        Some(Value::Float(value)) => *value,
        _ => 0.5,
    };
    let places = i32::try_from(call.int(1)).unwrap_or(0);
    let power = 10_f64.powi(places);
    let digits = power * to_float(call.value(0));
    let rounded = if digits.fract() >= up_from {
        digits.ceil()
    } else {
        digits.floor()
    };
    Ok(Value::Float(rounded / power))
}

fn ints(call: &Call<'_>, start: i64, stop: i64, step: i64) -> Returned {
    let numbers = numbers(call, start, stop, step)?;
    let numbers = numbers.into_iter().map(Value::Int).collect();
    call.heap.list(Element::Int, numbers)
}

/// From `start` to before `stop`. Refused before it is made, if too long.
fn numbers(call: &Call<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Failure> {
    let backwards = stop < start;
    if (backwards && step >= 0) || (!backwards && step <= 0) {
        return Ok(Vec::new());
    }
    let count = stop.abs_diff(start).div_ceil(step.unsigned_abs());
    call.heap.step(count)?;
    let length = usize::try_from(count).unwrap_or(usize::MAX);
    call.heap.room(length.saturating_mul(size_of::<Value>()))?;
    let next = |number: &i64| number.checked_add(step);
    Ok(std::iter::successors(Some(start), next)
        .take(length)
        .collect())
}

/// As the command `seq`: end, start and end, or start, step and end.
fn seq(call: &Call<'_>) -> Returned {
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end) = match call.values {
        [_] => (1, direction(1, call.int(0)), call.int(0)),
        [_, _] => {
            let (start, end) = (call.int(0), call.int(1));
            (start, direction(start, end), end)
        }
        [_, _, _] => (call.int(0), call.int(1), call.int(2)),
        _ => return call.text(""),
    };
    if end < start && step > 0 {
        return call.text("");
    }
    let stop = end.saturating_add(direction(start, end));
    let numbers = numbers(call, start, stop, step)?;
    let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
    call.text(numbers.join(" "))
}
