//! What the readers have asked for.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::KeyPath;

/// Keys by the place of their object.
pub(super) type Keys = BTreeMap<String, BTreeSet<String>>;

thread_local! {
    static ASKED: RefCell<Keys> = RefCell::default();
}

/// Notes that `keys` were asked for at `path`.
pub(in crate::resolve) fn record(path: &KeyPath, keys: &[&'static str]) {
    ASKED.with_borrow_mut(|asked| {
        let known = asked.entry(path.to_string()).or_default();
        known.extend(keys.iter().map(|key| (*key).to_owned()));
    });
}

/// What was asked for on this thread since the last time.
pub(super) fn take() -> Keys {
    ASKED.take()
}
