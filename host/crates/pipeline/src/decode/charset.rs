//! The characters of a text that may tell its charset itself.

use std::{borrow::Cow, error::Error as StdError, fmt};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use http::HeaderValue;

/// Bytes at the start of a document among which an XML declaration ends.
const DECLARATION: usize = 256;

/// Decodes `body` to text without byte order mark.
///
/// In this order a byte order mark, the XML declaration and the `charset` of
/// `content_type` tell the charset; it is UTF-8 where none of them does.
/// (KrakenD knows the declaration only. RFC 7303 would have `content_type`
/// before it, but servers set that for whole directories.)
///
/// # Errors
///
/// A charset that is not known, and UTF-8 that is none. In other charsets what
/// is no character becomes U+FFFD.
pub(super) fn decode<'a>(
    content_type: Option<&HeaderValue>,
    body: &'a [u8],
) -> Result<Cow<'a, str>, CharsetError> {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return convert(encoding, body.get(length..).unwrap_or_default());
    }
    let encoding = match declared(body) {
        // Written in ASCII, so it cannot be what it says.
        Some(label) => match known(label)? {
            encoding if encoding == UTF_16LE || encoding == UTF_16BE => UTF_8,
            encoding => encoding,
        },
        None => match content_type.and_then(parameter) {
            Some(label) => known(&label)?,
            None => UTF_8,
        },
    };
    convert(encoding, body)
}

fn convert<'a>(encoding: &'static Encoding, body: &'a [u8]) -> Result<Cow<'a, str>, CharsetError> {
    if encoding == UTF_8 {
        return match std::str::from_utf8(body) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => Err(CharsetError::Utf8 {
                offset: error.valid_up_to(),
            }),
        };
    }
    let (text, _) = encoding.decode_without_bom_handling(body);
    Ok(text)
}

fn known(label: &str) -> Result<&'static Encoding, CharsetError> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .ok_or_else(|| CharsetError::Unknown(label.chars().take(32).collect()))
}

/// `encoding` of the XML declaration.
fn declared(body: &[u8]) -> Option<&str> {
    let start = body.get(..body.len().min(DECLARATION))?;
    let end = start.windows(2).position(|two| two == b"?>")?;
    let declaration = std::str::from_utf8(start.get(..end)?).ok()?;
    let declaration = declaration.trim_start().strip_prefix("<?xml")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = value.strip_prefix(quote)?.split_once(quote)?;
    Some(label)
}

/// `charset` of a media type (RFC 9110, section 8.3.2).
fn parameter(content_type: &HeaderValue) -> Option<String> {
    let mut parameters = content_type.to_str().ok()?.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Why the characters of a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CharsetError {
    /// A charset nobody here knows.
    Unknown(String),
    /// Not the UTF-8 that it should be.
    Utf8 {
        /// Bytes in front of the first wrong one.
        offset: usize,
    },
}

impl fmt::Display for CharsetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(label) => write!(f, "charset {label:?} is not known"),
            Self::Utf8 { offset } => write!(f, "invalid UTF-8 at byte {offset}"),
        }
    }
}

impl StdError for CharsetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_is_found_where_it_is_told() {
        // The last character tells.
        let xml = |label: &str, rest: &[u8]| {
            [
                format!("<?xml version=\"1.0\" encoding='{label}'?>").as_bytes(),
                rest,
            ]
            .concat()
        };
        let utf16: Vec<u8> = "\u{feff}é"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let cases: [(Option<&str>, Vec<u8>, &str); 10] = [
            (None, "é".into(), "é"),
            (None, "\u{feff}é".into(), "é"),
            (None, utf16, "é"),
            (Some("text/xml; charset=ISO-8859-1"), b"\xe9".to_vec(), "é"),
            (Some("text/xml; Charset=\"latin1\""), b"\xe9".to_vec(), "é"),
            (
                Some("text/xml; charset=windows-1251"),
                b"\xe9".to_vec(),
                "й",
            ),
            (None, xml("ISO-8859-1", b"\xe9"), "é"),
            (None, xml("UTF-16", "é".as_bytes()), "é"),
            (
                Some("text/xml; charset=windows-1251"),
                xml("latin1", b"\xe9"),
                "é",
            ),
            (None, xml("Shift_JIS", b"\x82\xa0"), "あ"),
        ];
        for (content_type, body, expected) in cases {
            let content_type = content_type.map(HeaderValue::from_static);
            let text = decode(content_type.as_ref(), &body);
            let last = text.as_deref().map(|text| text.chars().last());
            assert_eq!(last, Ok(expected.chars().last()), "{body:?}");
        }
    }

    #[test]
    fn a_charset_that_is_not_known_is_named() {
        let content_type = HeaderValue::from_static("text/xml; charset=ebcdic");
        let expected = CharsetError::Unknown("ebcdic".to_owned());
        assert_eq!(decode(Some(&content_type), b"<a/>"), Err(expected));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_an_error() {
        assert_eq!(
            decode(None, b"<a>\xff"),
            Err(CharsetError::Utf8 { offset: 3 })
        );
    }
}
