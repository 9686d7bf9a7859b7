//! Laws of decoding and encoding, on documents made up by chance.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Any JSON text, in any layout serde_json can write.
fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(|number| serde_json::from_str(&number).unwrap()),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let member = (text(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(Value::Array),
            prop::collection::vec(member, 0..8).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Few different short texts, so that keys meet, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]{0,2}",
        "[ -~<>&\"\\\\\u{0}-\u{1f}\u{2020}-\u{2030}é😀]{0,24}",
        ".{0,40}"
    ]
}

fn decode(bytes: &[u8]) -> Result<Document, JsonError> {
    decode_json(&Bytes::copy_from_slice(bytes), MAX_DEPTH)
}

proptest! {
    #[test]
    fn decoding_and_encoding_changes_no_value(value in json(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let out = encoded(&decoded(&text));
        // With `arbitrary_precision` numbers compare by their text.
        prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), value);
        prop_assert_eq!(encoded(&decoded(&out)), out, "what is encoded stays as it is");
    }

    #[test]
    fn output_has_sorted_keys_and_nothing_a_browser_might_run(value in json()) {
        let out = encoded(&decoded(&value.to_string()));
        let risky = ['<', '>', '&', '\u{2028}', '\u{2029}'];
        prop_assert!(!out.contains(risky));
        prop_assert!(sorted(&serde_json::from_str(&out).unwrap()));
    }

    #[test]
    fn duplicate_keys_end_like_in_serde_json(members in prop::collection::vec((text(), 0..9), 0..20)) {
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
            .collect();
        let text = format!("{{{}}}", members.join(","));
        let expected: Value = serde_json::from_str(&text).unwrap();
        let out = encoded(&decoded(&text));
        prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected);
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(document) = decode(&bytes) {
            serde_json::from_str::<Value>(&encoded(&document)).unwrap();
        }
    }

    #[test]
    fn near_json_decodes_or_fails(bytes in "[\\[\\]{}:,\" \\\\/bfnrtu0-9a-fA-F.eE+<\u{2028}-]{0,60}") {
        let ours = decode(bytes.as_bytes());
        if let Ok(document) = &ours {
            serde_json::from_str::<Value>(&encoded(document)).unwrap();
        }
        // We accept what others do, and more: what follows, lone surrogates.
        if serde_json::from_str::<Value>(&bytes).is_ok() {
            prop_assert!(ours.is_ok());
        }
    }

    #[test]
    fn every_cut_is_an_error(value in json(), at in any::<prop::sample::Index>()) {
        let text = Value::Array(vec![value]).to_string();
        let cut = &text.as_bytes()[..at.index(text.len())];
        let expected = if cut.is_empty() { JsonError::Empty } else { JsonError::Truncated };
        prop_assert_eq!(decode(cut).unwrap_err(), expected);
    }

    #[test]
    fn invalid_utf8_in_strings_is_replaced(bytes in prop::collection::vec(0x20_u8.., 0..40)) {
        let mut body = vec![b'"'];
        body.extend(bytes.iter().filter(|byte| !matches!(byte, b'"' | b'\\')));
        body.push(b'"');
        let document = decode(&body).unwrap();
        let inner = &body[1..body.len() - 1];
        let replaced: String = inner
            .utf8_chunks()
            .flat_map(|chunk| {
                let bad = chunk.invalid().iter().map(|_| '\u{fffd}');
                chunk.valid().chars().chain(bad)
            })
            .collect();
        prop_assert_eq!(document.text(document.root()), replaced);
    }

    #[test]
    fn absorbing_keeps_both(one in json(), two in json()) {
        let mut document = decoded(&one.to_string());
        let other = decoded(&two.to_string());
        let (own, others) = (encoded(&document), encoded(&other));
        let moved = document.absorb(other);
        prop_assert_eq!(encoded(&document), own.clone());
        let root = document.root();
        document.set_root(moved);
        prop_assert_eq!(encoded(&document), others.clone());
        let both = document.array();
        document.push(both, root);
        document.push(both, moved);
        document.set_root(both);
        prop_assert_eq!(encoded(&document), format!("[{own},{others}]"));
    }

    #[test]
    fn overlaying_is_the_merge_of_maps(
        one in prop::collection::btree_map(text(), 0..9, 0..12),
        two in prop::collection::btree_map(text(), 0..9, 0..12),
    ) {
        let mut document = decoded(&serde_json::to_string(&one).unwrap());
        let from = document.absorb(decoded(&serde_json::to_string(&two).unwrap()));
        document.overlay(document.root(), from);
        let mut expected = one;
        expected.extend(two);
        let expected = serde_json::to_string(&expected).unwrap();
        prop_assert_eq!(encoded(&document), encoded(&decoded(&expected)));
    }

    /// Every order of inserting and removing ends like that of a map.
    #[test]
    fn objects_behave_like_maps(steps in prop::collection::vec(("[a-e]{0,2}", any::<Option<u8>>()), 0..60)) {
        let mut document = Document::object();
        let root = document.root();
        let mut map = std::collections::BTreeMap::new();
        for (key, value) in steps {
            match value {
                Some(value) => {
                    let node = document.number(&value.to_string());
                    document.insert(root, &key, node);
                    map.insert(key, value);
                }
                None => {
                    let removed = document.remove(root, &key).is_some();
                    prop_assert_eq!(removed, map.remove(&key).is_some());
                }
            }
        }
        prop_assert_eq!(encoded(&document), serde_json::to_string(&map).unwrap());
    }
}

fn sorted(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().all(sorted),
        Value::Object(members) => members.keys().is_sorted() && members.values().all(sorted),
        _ => true,
    }
}
