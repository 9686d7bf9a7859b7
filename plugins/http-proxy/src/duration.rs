//! Durations as the rest of the configuration writes them: `500ms`, `1m30s`.

use serde_json::{Map, Value};

use crate::settings::string;

/// Nanoseconds in each unit.
const UNITS: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// The duration under `key` in whole milliseconds, rounded up; none for zero.
pub fn milliseconds(settings: &Map<String, Value>, key: &str) -> Result<Option<u32>, String> {
    let Some(text) = string(settings, key)? else {
        return Ok(None);
    };
    let milliseconds = parse(&text).map(|nanoseconds| (nanoseconds / 1e6).ceil());
    match milliseconds {
        Some(0.0) => Ok(None),
        // In range, so nothing is cut off.
        Some(number) if number <= f64::from(u32::MAX) => Ok(Some(number as u32)),
        _ => Err(format!(
            "{key}: must be a duration such as \"2s\" or \"500ms\""
        )),
    }
}

/// Nanoseconds.
fn parse(text: &str) -> Option<f64> {
    if text == "0" {
        return Some(0.0);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (digits, after) = rest.split_at_checked(unit_at)?;
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += digits.parse::<f64>().ok()? * scale;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}
