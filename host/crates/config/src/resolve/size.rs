//! Sizes, such as `64MiB`.

use crate::read::Value;

use super::{Section, section::misfit};

/// A number of bytes, or a text with a unit such as `64MiB`.
pub(super) fn bytes<T: TryFrom<u64>>(section: &mut Section<'_>, key: &'static str) -> Option<T> {
    let item = section.item(key)?;
    let bytes = match &item.node.value {
        Value::Number(digits) => digits.parse().ok(),
        Value::Text(text) => parse(text),
        _ => None,
    };
    let bytes = bytes.and_then(|bytes: u64| T::try_from(bytes).ok());
    if bytes.is_none() {
        misfit(
            section.problems(),
            &item,
            "a size in bytes, or one such as \"64MiB\"",
        );
    }
    bytes
}

fn parse(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
