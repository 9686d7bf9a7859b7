//! `allow` and `deny`: which fields stay.

use std::collections::BTreeMap;

use crate::data::{Document, Kind, NodeId};

/// Paths of fields to keep or to drop. Arrays are not entered.
#[derive(Debug)]
pub(super) enum Filter {
    Allow(Fields),
    Deny(Fields),
}

/// What the paths say about the fields of one object, by their keys.
///
/// Paths come from the configuration: recursion along them is bounded by it,
/// whatever the depth of the data.
type Fields = BTreeMap<Box<[u8]>, Field>;

#[derive(Debug)]
pub(super) enum Field {
    Whole,
    Part(Fields),
}

impl Filter {
    /// Nothing when there is nothing to filter. `deny` counts only where
    /// `allow` is empty.
    pub(super) fn compile(allow: &[Vec<String>], deny: &[Vec<String>]) -> Option<Self> {
        let mut fields = Fields::new();
        if !allow.is_empty() {
            for path in allow {
                // As in KrakenD, the later one of `a` and `a.b` counts.
                add(&mut fields, path, true);
            }
            return Some(Self::Allow(fields));
        }
        for path in deny {
            add(&mut fields, path, false);
        }
        (!deny.is_empty()).then_some(Self::Deny(fields))
    }

    pub(super) fn apply(&self, data: &mut Document) {
        let root = data.root();
        match self {
            Self::Allow(fields) => keep(data, root, fields),
            Self::Deny(fields) => drop_from(data, root, fields),
        }
    }
}

/// Adds a path. If the whole of a field above its end is there already, the
/// path takes its place (`narrow`) or says nothing new.
fn add(fields: &mut Fields, path: &[String], narrow: bool) {
    let Some((name, below)) = path.split_first() else {
        return;
    };
    let name = name.as_bytes().into();
    if below.is_empty() {
        fields.insert(name, Field::Whole);
        return;
    }
    let part = || Field::Part(Fields::new());
    let field = fields.entry(name).or_insert_with(part);
    if narrow && matches!(field, Field::Whole) {
        *field = part();
    }
    if let Field::Part(fields) = field {
        add(fields, below, narrow);
    }
}

/// A listed field stays with all that is below it; one of which a part is
/// listed stays if something of that is there.
fn keep(data: &mut Document, object: NodeId, fields: &Fields) {
    data.retain(object, |data, member| match fields.get(data.key(member)) {
        None => false,
        Some(Field::Whole) => true,
        Some(Field::Part(_)) if data.kind(member) != Kind::Object => false,
        Some(Field::Part(fields)) => {
            keep(data, member, fields);
            !data.is_empty(member)
        }
    });
}

/// An object stays even if nothing is left in it.
fn drop_from(data: &mut Document, object: NodeId, fields: &Fields) {
    data.retain(object, |data, member| match fields.get(data.key(member)) {
        None => true,
        Some(Field::Whole) => false,
        Some(Field::Part(fields)) => {
            if data.kind(member) == Kind::Object {
                drop_from(data, member, fields);
            }
            true
        }
    });
}
