//! Laws of manipulation, on documents and settings made up by chance.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Objects within objects with few different keys, and arrays among them.
fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..9).prop_map(Value::from),
        Just(json!({})),
        Just(json!([])),
    ];
    let value = leaf.prop_recursive(4, 48, 4, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            3 => members(inner),
        ]
    });
    members(value)
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(("[abc]", value), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn some_paths(segment: &'static str) -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(segment, 1..4), 1..5)
}

/// Without those that lead below another.
fn shortest(mut paths: Vec<Vec<String>>) -> Vec<Vec<String>> {
    paths.sort();
    paths.dedup_by(|next, one| next.starts_with(one));
    paths
}

fn operation() -> impl Strategy<Value = FlatmapOp> {
    let path = || prop::collection::vec("[abc]|[012]|\\*", 1..5);
    prop_oneof![
        (path(), path()).prop_map(|(from, to)| FlatmapOp::Move { from, to }),
        (path(), path()).prop_map(|(from, to)| FlatmapOp::Append { from, to }),
        path().prop_map(|path| FlatmapOp::Delete { path }),
    ]
}

fn changed(given: &Value, change: impl FnOnce(&mut config::Manipulation)) -> Value {
    serde_json::from_str(&applied(&given.to_string(), change)).unwrap()
}

/// Everything that is no object, by its path.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn collect(value: &Value, at: &str, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) => members
                .iter()
                .for_each(|(key, value)| collect(value, &format!("{at}.{key}"), found)),
            other => drop(found.insert(at.to_owned(), other.clone())),
        }
    }
    let mut found = BTreeMap::new();
    collect(value, "", &mut found);
    found
}

proptest! {
    #[test]
    fn allowing_twice_is_allowing_once(given in object(), paths in some_paths("[abc]")) {
        let once = changed(&given, |settings| settings.allow = paths.clone());
        let twice = changed(&once, |settings| settings.allow = paths);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn denying_twice_is_denying_once(given in object(), paths in some_paths("[abc]")) {
        let once = changed(&given, |settings| settings.deny = paths.clone());
        let twice = changed(&once, |settings| settings.deny = paths);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_is_allowed_and_what_is_left_when_it_is_denied_is_everything(
        given in object(),
        paths in some_paths("[abc]"),
    ) {
        let paths = shortest(paths);
        let allowed = leaves(&changed(&given, |settings| settings.allow = paths.clone()));
        let left = leaves(&changed(&given, |settings| settings.deny = paths));
        prop_assert!(allowed.keys().all(|path| !left.contains_key(path)));
        let mut both = allowed;
        both.extend(left);
        prop_assert_eq!(both, leaves(&given));
    }

    #[test]
    fn allowing_every_first_level_field_changes_nothing(given in object()) {
        let paths = given.as_object().unwrap().keys().map(|key| path(key)).collect();
        let same = changed(&given, |settings| settings.allow = paths);
        if given != json!({}) {
            prop_assert_eq!(same, given);
        }
    }

    #[test]
    fn a_target_undoes_a_group(given in object(), name in "[a-z.]{1,5}") {
        let grouped = changed(&given, |settings| settings.group = Some(name.clone()));
        let back = changed(&grouped, |settings| settings.target = vec![name]);
        prop_assert_eq!(back, given);
    }

    #[test]
    fn a_mapping_to_a_new_name_can_be_undone(given in object()) {
        let there = changed(&given, |settings| settings.mapping = renamed(&[("a", "new")]));
        let back = changed(&there, |settings| settings.mapping = renamed(&[("new", "a")]));
        prop_assert_eq!(back, given);
    }

    /// No panic, no endless loop.
    #[test]
    fn any_flatmap_leaves_sound_json(
        given in object(),
        operations in prop::collection::vec(operation(), 1..6),
    ) {
        let after = changed(&given, |settings| settings.flatmap = Some(operations));
        prop_assert!(after.is_object() || after.is_null());
    }

    #[test]
    fn deleting_twice_is_deleting_once(
        given in object(),
        path in prop::collection::vec("[abc]|\\*", 1..4),
    ) {
        let operations = vec![FlatmapOp::Delete { path }];
        let once = changed(&given, |settings| settings.flatmap = Some(operations.clone()));
        if once.is_object() {
            let twice = changed(&once, |settings| settings.flatmap = Some(operations));
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn a_move_to_a_new_name_can_be_undone(
        given in object(),
        above in prop::collection::vec("[abc]|\\*", 0..3),
    ) {
        let end = |name: &str| [above.clone(), vec![name.to_owned()]].concat();
        let shift = |from: &str, to: &str| FlatmapOp::Move { from: end(from), to: end(to) };
        let operations = vec![shift("a", "new"), shift("new", "a")];
        let back = changed(&given, |settings| settings.flatmap = Some(operations));
        prop_assert_eq!(back, given);
    }

    /// As in KrakenD, which keeps nothing but a `null` of what it emptied.
    #[test]
    fn deleting_by_key_is_denying_but_for_what_is_emptied(
        given in object(),
        path in prop::collection::vec("[abc]", 1..4),
    ) {
        let denied = changed(&given, |settings| settings.deny = vec![path.clone()]);
        let deleted = changed(&given, |settings| {
            settings.flatmap = Some(vec![FlatmapOp::Delete { path }]);
        });
        let known = |value: &Value| {
            let mut leaves = leaves(value);
            leaves.retain(|_, value| !value.is_null());
            leaves
        };
        prop_assert_eq!(known(&denied), known(&deleted));
    }
}
