//! Why a body is no JSON.

use std::{error::Error as StdError, fmt};

use super::Kind;

/// Why a body could not be decoded.
///
/// `Display` says it in the words of Go's `encoding/json`, which clients of a
/// KrakenD with `router.return_error_msg` get to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum JsonError {
    /// There is nothing, or nothing but white space.
    Empty,
    /// The body ends within a value.
    Truncated,
    /// A byte that cannot be where it is.
    Unexpected {
        /// The byte.
        byte: u8,
        /// Where it is: `looking for beginning of value`, ….
        place: &'static str,
    },
    /// Arrays and objects are nested too deeply.
    TooDeep,
    /// More than 4 GiB.
    TooLarge,
    /// Sound JSON, but not what is wanted here.
    Shape {
        /// What it is.
        found: Kind,
        /// What is wanted: [`MAP`](Self::MAP) or [`LIST`](Self::LIST).
        wanted: &'static str,
    },
}

impl JsonError {
    /// What an object is to Go.
    pub(crate) const MAP: &'static str = "map[string]interface {}";
    /// What an array is to Go.
    pub(crate) const LIST: &'static str = "[]interface {}";
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("EOF"),
            Self::Truncated => f.write_str("unexpected EOF"),
            Self::Unexpected { byte, place } => {
                write!(f, "invalid character {} {place}", Quoted(byte))
            }
            Self::TooDeep => f.write_str("exceeded max depth"),
            Self::TooLarge => f.write_str("body too large"),
            Self::Shape { found, wanted } => write!(
                f,
                "json: cannot unmarshal {} into Go value of type {wanted}",
                name(found)
            ),
        }
    }
}

impl StdError for JsonError {}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool(_) => "bool",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
    }
}

/// A byte as Go quotes it: as the Latin-1 character it would be.
struct Quoted(u8);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\'' => f.write_str(r"'\''"),
            b'\\' => f.write_str(r"'\\'"),
            0x07 => f.write_str(r"'\a'"),
            0x08 => f.write_str(r"'\b'"),
            b'\t' => f.write_str(r"'\t'"),
            b'\n' => f.write_str(r"'\n'"),
            0x0b => f.write_str(r"'\v'"),
            0x0c => f.write_str(r"'\f'"),
            b'\r' => f.write_str(r"'\r'"),
            control @ (..0x20 | 0x7f) => write!(f, r"'\x{control:02x}'"),
            // Go takes no space but its own for printable, nor soft hyphens.
            hidden @ (0x80..=0xa0 | 0xad) => write!(f, r"'\u{hidden:04x}'"),
            printable => write!(f, "'{}'", char::from(printable)),
        }
    }
}
