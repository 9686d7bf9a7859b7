//! Constants of the template language: numbers, characters and strings, as Go
//! writes them.

use super::node::Number;

/// The number or character constant `written`.
pub(super) fn number(written: &str) -> Result<Number, String> {
    let bad = || format!("bad number syntax: {written:?}");
    if let Some(character) = written.strip_prefix('\'') {
        let character = character
            .strip_suffix('\'')
            .and_then(|inner| unescape(inner, '\''));
        let mut characters = character
            .as_deref()
            .ok_or_else(|| format!("malformed character constant: {written}"))?
            .chars();
        return match (characters.next(), characters.next()) {
            (Some(c), None) => Ok(Number {
                text: written.to_owned(),
                int: Some(i64::from(u32::from(c))),
                float: Some(f64::from(u32::from(c))),
                looks_float: false,
            }),
            _ => Err(format!("malformed character constant: {written}")),
        };
    }
    let int = integer(written);
    let float = match int {
        #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
        Some(int) => Some(int as f64),
        None => float(written),
    };
    if int.is_none() && float.is_none() {
        return Err(bad());
    }
    let hexadecimal = written.contains(['x', 'X']);
    Ok(Number {
        text: written.to_owned(),
        int: int.or_else(|| float.and_then(whole)),
        float,
        looks_float: !hexadecimal && written.contains(['.', 'e', 'E']),
    })
}

/// An integer with Go's prefixes: `0x`, `0o`, `0b`, and `0` for octal.
pub(super) fn integer(written: &str) -> Option<i64> {
    let (negative, digits) = match written.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, written.strip_prefix('+').unwrap_or(written)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?)
    } else {
        (10, lower.as_str())
    };
    let digits = without_underscores(digits)?;
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from_str_radix(&digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

fn float(written: &str) -> Option<f64> {
    let digits = without_underscores(written)?;
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !digits.chars().all(plain) || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Underscores may stand between digits.
fn without_underscores(digits: &str) -> Option<String> {
    let misplaced = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    (!misplaced).then(|| digits.replace('_', ""))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(value: f64) -> Option<i64> {
    let fits = value.trunc() == value && value.abs() < 9.2e18;
    fits.then_some(value as i64)
}

/// What a string in double quotes or backquotes stands for.
pub(super) fn text(written: &str) -> Option<String> {
    if let Some(raw) = written.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.replace('\r', ""));
    }
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    unescape(inner, '"')
}

/// Bytes that are not UTF-8 become U+FFFD: nothing else can be done with them
/// in a configuration.
fn unescape(inner: &str, quote: char) -> Option<String> {
    let mut bytes = Vec::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            let mut buffer = [0; 4];
            bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        let simple = match characters.next()? {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' => b'\\',
            c @ ('"' | '\'') if c == quote => u8::try_from(c).ok()?,
            'x' => u8::try_from(code(&mut characters, 2, 16, 0)?).ok()?,
            digit @ '0'..='7' => {
                u8::try_from(code(&mut characters, 2, 8, digit.to_digit(8)?)?).ok()?
            }
            kind @ ('u' | 'U') => {
                let count = if kind == 'u' { 4 } else { 8 };
                let c = char::from_u32(code(&mut characters, count, 16, 0)?)?;
                let mut buffer = [0; 4];
                bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                continue;
            }
            _ => return None,
        };
        bytes.push(simple);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The next `count` digits, behind those that made `value`.
fn code(
    characters: &mut std::str::Chars<'_>,
    count: usize,
    radix: u32,
    mut value: u32,
) -> Option<u32> {
    for _ in 0..count {
        let digit = characters.next()?.to_digit(radix)?;
        value = value.checked_mul(radix)?.checked_add(digit)?;
    }
    Some(value)
}
