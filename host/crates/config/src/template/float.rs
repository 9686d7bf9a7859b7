//! Numbers as text, as Go's `strconv` writes them.

/// Decimals from which all are zeros, whatever the number. Rust formats no more
/// than 65,535 of them and panics beyond.
const DECIMALS: usize = 1_100;

/// `%e`, `%f` or `%g` (also `E` and `G`). Without precision, as many digits as
/// tell the number from every other.
pub(super) fn format(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'e' | 'E' => exponential(value, precision, verb),
        'g' | 'G' => general(value, precision, verb),
        _ => match precision {
            Some(precision) => {
                let (decimals, zeros) = split(precision);
                format!("{value:.decimals$}{zeros}")
            }
            None => format!("{value}"),
        },
    }
}

/// Decimals to ask Rust for, and the zeros that follow them.
fn split(precision: usize) -> (usize, String) {
    let decimals = precision.min(DECIMALS);
    (decimals, "0".repeat(precision.saturating_sub(decimals)))
}

/// As `encoding/json` writes it: exponents below -6 and from 21.
pub(super) fn json(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        // e-09 becomes e-9
        let text = exponential(value, None, 'e');
        return text.replace("e-0", "e-");
    }
    format!("{value}")
}

fn exponential(value: f64, precision: Option<usize>, verb: char) -> String {
    let (text, zeros) = match precision.map(split) {
        Some((decimals, zeros)) => (format!("{value:.decimals$e}"), zeros),
        None => (format!("{value:e}"), String::new()),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let letter = if verb.is_uppercase() { 'E' } else { 'e' };
    format!(
        "{digits}{zeros}{letter}{sign}{:02}",
        exponent.unsigned_abs()
    )
}

/// Large and small numbers with an exponent, others without. Without precision
/// Go decides as if it were 6 for large ones: a million is `1e+06`.
fn general(value: f64, precision: Option<usize>, verb: char) -> String {
    let significant = precision.map(|precision| precision.clamp(1, DECIMALS));
    let text = match significant {
        Some(significant) => format!("{value:.*e}", significant - 1),
        None => format!("{value:e}"),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let limit = match significant {
        Some(significant) => i32::try_from(significant).unwrap_or(i32::MAX),
        None => 6,
    };
    if exponent < -4 || exponent >= limit {
        let digits = without_zeros(digits);
        let sign = if exponent < 0 { '-' } else { '+' };
        let letter = if verb == 'G' { 'E' } else { 'e' };
        return format!("{digits}{letter}{sign}{:02}", exponent.unsigned_abs());
    }
    match significant {
        None => format!("{value}"),
        Some(significant) => {
            let significant = i32::try_from(significant).unwrap_or(i32::MAX);
            let decimals = usize::try_from(significant - 1 - exponent).unwrap_or(0);
            without_zeros(&format!("{value:.decimals$}")).to_owned()
        }
    }
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}
