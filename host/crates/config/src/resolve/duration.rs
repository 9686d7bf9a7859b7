//! Durations as Go's `time.ParseDuration` reads them.

use crate::read::Value;

use super::{Item, Problems, section::misfit};

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
];

const HELP: &str = "write a number with a unit, such as \"200ms\", \"2s\" or \"1h30m\"";

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DurationError {
    MissingUnit,
    UnknownUnit,
    Invalid,
    OutOfRange,
}

/// Nanoseconds of `item`. A bare number is nanoseconds, as in KrakenD, which
/// is hardly ever meant and so is warned about.
pub(super) fn of(item: &Item<'_>, problems: &Problems<'_>) -> Option<i64> {
    let parsed = match &item.node.value {
        Value::Text(text) => parse(text),
        Value::Number(digits) => {
            let parsed = digits.parse().map_err(|_| DurationError::Invalid);
            if matches!(parsed, Ok(number) if number != 0) {
                let message = format!("a number without a unit is read as {digits} nanoseconds");
                problems.warning(&item.at, message, HELP);
            }
            parsed
        }
        _ => {
            misfit(problems, item, "a duration");
            return None;
        }
    };
    let said = match parsed {
        Ok(nanoseconds) => return Some(nanoseconds),
        Err(DurationError::MissingUnit) => "missing unit in duration",
        Err(DurationError::UnknownUnit) => "unknown unit in duration",
        Err(DurationError::Invalid) => "invalid duration",
        Err(DurationError::OutOfRange) => "duration is longer than 292 years",
    };
    problems.error(&item.at, said, HELP);
    None
}

/// Nanoseconds of a text such as `1h30m`, `-1.5s` or `250µs`.
pub(super) fn parse(text: &str) -> Result<i64, DurationError> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(DurationError::Invalid);
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (value, after) = term(rest)?;
        total = total.checked_add(value).ok_or(DurationError::OutOfRange)?;
        rest = after;
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map_err(|_| DurationError::OutOfRange)
}

/// The first number with its unit, and what follows it.
fn term(text: &str) -> Result<(i128, &str), DurationError> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Invalid);
    }
    let is_unit = |character: char| character != '.' && !character.is_ascii_digit();
    let end = rest.find(|c| !is_unit(c)).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if unit.is_empty() {
        return Err(DurationError::MissingUnit);
    }
    let (_, scale) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(DurationError::UnknownUnit)?;

    let whole: i128 = match whole {
        "" => 0,
        whole => whole.parse().map_err(|_| DurationError::OutOfRange)?,
    };
    let whole = whole.checked_mul(*scale).ok_or(DurationError::OutOfRange)?;
    Ok((whole.saturating_add(fraction_of(fraction, *scale)), rest))
}

/// `0.fraction` of `scale` nanoseconds, rounded down.
fn fraction_of(fraction: &str, scale: i128) -> i128 {
    let (mut value, mut scale) = (0, scale * 1_000_000);
    for digit in fraction.bytes().take(19) {
        scale /= 10;
        value += i128::from(digit.saturating_sub(b'0')) * scale;
    }
    value / 1_000_000
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}
