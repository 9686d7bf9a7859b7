//! Values of fields.

use std::fmt;

/// The value of a field: bytes, which are nearly always ASCII text.
///
/// Compares with text; written out, bytes that are not UTF-8 are replaced.
///
/// ```
/// use cuttle_plugin_sdk::HeaderValue;
///
/// let value = HeaderValue::from(b"max-age=60".to_vec());
/// assert_eq!(value, "max-age=60");
/// assert_eq!(value.to_str(), Some("max-age=60"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(Vec<u8>);

impl HeaderValue {
    /// The value as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value as text; `None` if it is not UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }
}

impl From<Vec<u8>> for HeaderValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for HeaderValue {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for HeaderValue {
    fn eq(&self, text: &str) -> bool {
        self.0 == text.as_bytes()
    }
}

impl PartialEq<&str> for HeaderValue {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
