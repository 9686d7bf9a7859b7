//! A body in a case.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The bytes of a body: a text, `{"json": …}` or `{"base64": "…"}`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text(String),
    /// Sent as compact JSON; compared as a value.
    Json(JsonContent),
    Base64(Base64Content),
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonContent {
    json: Value,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base64Content {
    base64: String,
}

impl Content {
    /// As text if it is one.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(Base64Content {
                base64: BASE64_STANDARD.encode(bytes),
            }),
        }
    }

    /// The bytes it stands for.
    pub(crate) fn bytes(&self) -> Result<Bytes, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into()),
            Self::Json(content) => Ok(content.json.to_string().into()),
            Self::Base64(content) => BASE64_STANDARD
                .decode(&content.base64)
                .map(Bytes::from)
                .map_err(|error| format!("base64: {error}")),
        }
    }

    /// What it says, and what `found` says in the same form: equal if they are
    /// the same.
    pub(crate) fn beside(&self, found: &[u8]) -> (String, String) {
        match self {
            Self::Text(text) => (text.clone(), String::from_utf8_lossy(found).into_owned()),
            Self::Json(content) => {
                let found = serde_json::from_slice::<Value>(found).map_or_else(
                    |_| String::from_utf8_lossy(found).into_owned(),
                    |found| format!("{:#}", sorted(found)),
                );
                (format!("{:#}", sorted(content.json.clone())), found)
            }
            Self::Base64(content) => (content.base64.clone(), BASE64_STANDARD.encode(found)),
        }
    }
}

/// With the members of objects in order: theirs does not matter.
fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Content {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_order_of_members_does_not_matter() {
        let (expected, found) = content(r#"{"json": {"a": 1, "b": {"c": 2, "d": 3}}}"#)
            .beside(br#"{"b":{"d":3,"c":2},"a":1}"#);
        assert_eq!(expected, found);
        let (expected, found) = content(r#"{"json": [1]}"#).beside(b"no json");
        assert_ne!(expected, found);
    }

    #[test]
    fn bytes_that_are_no_text_survive() {
        let content = Content::of(b"\xff\x00");
        assert_eq!(content.bytes().unwrap().as_ref(), b"\xff\x00");
        let (expected, found) = content.beside(b"\xff\x00");
        assert_eq!(expected, found);
        assert_eq!(Content::of(b"text"), Content::Text("text".into()));
    }
}
