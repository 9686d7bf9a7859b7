//! Texts that are found again, whatever was done to them on the way.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The operator's: nobody gets it but the peer that it is meant for.
    Operators,
    /// Of one request or its answer, which passes where the configuration says so, and
    /// is nobody else's.
    Passing,
}

/// One secret.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub(super) kind: &'static str,
    pub(super) whose: Whose,
    /// Ways it may be written.
    forms: Vec<String>,
}

/// The text that is planted as `kind`: letters and digits, so that nothing has to be
/// escaped.
pub(super) fn text(kind: &str) -> String {
    let letters: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("m4rk{letters}k4rm")
}

impl Marker {
    pub(super) fn new(kind: &'static str, whose: Whose) -> Self {
        let forms = forms(&text(kind));
        Self { kind, whose, forms }
    }

    /// A private key (PEM). Its first line is much the same for all keys.
    pub(super) fn key(kind: &'static str, pem: &str) -> Self {
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let forms: Vec<_> = lines.skip(1).map(str::to_owned).collect();
        assert!(!forms.is_empty(), "{kind}: {pem}");
        let whose = Whose::Operators;
        Self { kind, whose, forms }
    }

    /// What stands around it in `text`, if it is there.
    pub(super) fn found_in(&self, text: &str) -> Option<String> {
        let mut forms = self.forms.iter();
        let at = forms.find_map(|form| text.find(form.as_str()))?;
        let before: String = text.get(..at)?.chars().rev().take(300).collect();
        let after: String = text.get(at..)?.chars().take(100).collect();
        Some(before.chars().rev().chain(after.chars()).collect())
    }
}

/// Plain, as hexadecimal digits, as a list of bytes, and in the middle of other text that
/// was encoded as Base64.
fn forms(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        text.to_owned(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        numbers.join(", "),
    ];
    for shift in 0..3 {
        let shifted = [&b"###"[..shift], bytes].concat();
        let encoded = BASE64_STANDARD.encode(&shifted);
        // Characters at both ends have bits of the neighbours.
        let inner = encoded.trim_end_matches('=');
        let inner = inner.get(4..inner.len() - 2);
        forms.push(inner.expect("a longer text").to_owned());
    }
    forms
}

#[test]
fn a_marker_is_found_in_every_form() {
    let (marker, text) = (Marker::new("a kind", Whose::Passing), text("a kind"));
    let user = |name: &str| BASE64_STANDARD.encode(format!("{name}:{text}:x"));
    let bytes: Vec<u8> = text.bytes().collect();
    for shown in [
        format!("x{text}y"),
        user("u"),
        user("us"),
        user("use"),
        format!("{bytes:?}"),
        format!("{bytes:02x?}").replace(", ", ""),
    ] {
        assert!(marker.found_in(&shown).is_some(), "{shown}");
    }
    assert_eq!(marker.found_in("m4rk and k4rm"), None);
}
