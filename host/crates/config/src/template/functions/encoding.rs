//! sprig: encodings, checksums, random values and versions.

use std::{collections::BTreeMap, fmt::Write, rc::Rc};

use base64::{Engine, prelude::BASE64_STANDARD};
use semver::{Version, VersionReq};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Call, Function, Returned, Type, function};
use crate::template::value::{Element, Failure, Value, fail};

const TEXT: Type = Type::Text;
const INT: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    function("b64enc", &[TEXT], |call| {
        call.heap.room(call.str(0).len() * 2)?;
        call.text(BASE64_STANDARD.encode(call.str(0)))
    }),
    function("b64dec", &[TEXT], |call| {
        decoded(call, BASE64_STANDARD.decode(call.str(0)).ok(), "base64")
    }),
    function("b32enc", &[TEXT], |call| {
        call.text(base32(call.str(0).as_bytes()))
    }),
    function("b32dec", &[TEXT], |call| {
        decoded(call, from_base32(call.str(0)), "base32")
    }),
    function("sha1sum", &[TEXT], |call| {
        call.text(hexadecimal(&Sha1::digest(call.str(0))))
    }),
    function("sha256sum", &[TEXT], |call| {
        call.text(hexadecimal(&Sha256::digest(call.str(0))))
    }),
    function("sha512sum", &[TEXT], |call| {
        call.text(hexadecimal(&Sha512::digest(call.str(0))))
    }),
    function("adler32sum", &[TEXT], |call| {
        call.text(adler32(call.str(0).as_bytes()).to_string())
    }),
    function("uuidv4", &[], |call| call.text(uuid()?)),
    function("randAlphaNum", &[INT], |call| {
        random(call, |c| c.is_ascii_alphanumeric())
    }),
    function("randAlpha", &[INT], |call| {
        random(call, |c| c.is_ascii_alphabetic())
    }),
    function("randNumeric", &[INT], |call| {
        random(call, |c| c.is_ascii_digit())
    }),
    function("randAscii", &[INT], |call| {
        random(call, |c| c == ' ' || c.is_ascii_graphic())
    }),
    function("semver", &[TEXT], semver),
    function("semverCompare", &[TEXT, TEXT], semver_compare),
];

/// sprig puts the error's text in the place of what cannot be decoded; a
/// configuration is better off without.
fn decoded(call: &Call<'_>, bytes: Option<Vec<u8>>, encoding: &str) -> Returned {
    match bytes {
        Some(bytes) => call.text(String::from_utf8_lossy(&bytes)),
        None => fail(format!("illegal {encoding} data")),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648, section 6.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for block in bytes.chunks(5) {
        let bits = block
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let bits = bits << (8 * (5 - block.len()));
        let digits = (block.len() * 8).div_ceil(5);
        for digit in 0..8 {
            let index = usize::try_from(bits >> (35 - 5 * digit) & 31).unwrap_or(0);
            let letter = BASE32.get(index).filter(|_| digit < digits);
            out.push(letter.map_or('=', |letter| char::from(*letter)));
        }
    }
    out
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let (mut bits, mut count) = (0_u64, 0);
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    for digit in digits.bytes() {
        let value = BASE32.iter().position(|letter| *letter == digit)?;
        bits = (bits << 5 | value as u64) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    text.len().is_multiple_of(8).then_some(bytes)
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    b << 16 | a
}

fn random_bytes(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|_| Failure("no random numbers".to_owned()))
}

/// RFC 9562, section 5.4.
fn uuid() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    random_bytes(&mut bytes)?;
    let bits = u128::from_be_bytes(bytes);
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(0x3 << 62) | 2 << 62;
    let digits = format!("{bits:032x}");
    let part = |start: usize, end: usize| digits.get(start..end).unwrap_or("");
    let parts = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ];
    Ok(parts.join("-"))
}

/// So many characters of those that `wanted` takes, each as likely as another.
fn random(call: &Call<'_>, wanted: fn(char) -> bool) -> Returned {
    let count = usize::try_from(call.int(0)).unwrap_or(0);
    call.heap.room(count)?;
    let mut text = String::new();
    let mut bytes = [0; 256];
    while text.len() < count {
        random_bytes(&mut bytes)?;
        let characters = bytes.iter().filter(|byte| byte.is_ascii());
        let characters = characters.map(|byte| char::from(*byte));
        text.extend(characters.filter(|c| wanted(*c)).take(count - text.len()));
    }
    call.text(text)
}

/// A version's parts, by the names they have in sprig.
fn semver(call: &Call<'_>) -> Returned {
    let version = version(call.str(0))?;
    let number = |number: u64| Value::Int64(i64::try_from(number).unwrap_or(i64::MAX));
    let parts = [
        ("Major", number(version.major)),
        ("Minor", number(version.minor)),
        ("Patch", number(version.patch)),
        ("Prerelease", Value::Text(version.pre.as_str().into())),
        ("Metadata", Value::Text(version.build.as_str().into())),
        ("Original", call.value(0).clone()),
    ];
    let parts = parts.map(|(name, part)| (Rc::from(name), part));
    Ok(call.heap.map(Element::Any, BTreeMap::from(parts)))
}

/// A version; like sprig's, `v1.2` is one, too.
fn version(text: &str) -> Result<Version, Failure> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let missing = 2_usize.saturating_sub(numbers.matches('.').count());
    let full = format!("{numbers}{}{rest}", ".0".repeat(missing));
    Version::parse(&full).map_err(|_| Failure("Invalid Semantic Version".to_owned()))
}

/// Alternatives by `||`; comparisons of one by commas or spaces.
fn semver_compare(call: &Call<'_>) -> Returned {
    let version = version(call.str(1))?;
    for alternative in call.str(0).split("||") {
        let wanted = requirement(alternative)?;
        if wanted.matches(&version) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn requirement(text: &str) -> Result<VersionReq, Failure> {
    let mut comparisons: Vec<String> = Vec::new();
    // An operator may stand apart from its version.
    let mut operator = String::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if word.chars().all(|c| "<>=^~!".contains(c)) {
            operator.push_str(word);
            continue;
        }
        let word = word.replace('v', "").replace(['x', 'X'], "*");
        // A version alone is itself here, not one that is compatible.
        let bare = operator.is_empty() && word.starts_with(|c: char| c.is_ascii_digit());
        let equals = if bare && !word.contains('*') { "=" } else { "" };
        comparisons.push(format!("{operator}{equals}{word}"));
        operator.clear();
    }
    VersionReq::parse(&comparisons.join(", "))
        .map_err(|_| Failure("improper constraint".to_owned()))
}
