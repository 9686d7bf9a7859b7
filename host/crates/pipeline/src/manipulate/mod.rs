//! What becomes of a backend's data before it is merged.
//!
//! # Order of events
//!
//! `target`, then `allow` *or* `deny`, then `mapping`, then `group`. A
//! `flatmap_filter` takes the place of the middle two.
//!
//! `is_collection` is not here: it says what shape a body must have, which is
//! the decoder's business.

mod filter;
mod flatmap;

#[cfg(test)]
mod tests;

pub(crate) use flatmap::Flatmap;

use cuttle_config as config;

use crate::data::{Document, Kind, NodeId};
use filter::Filter;

/// A backend's `target`, `allow`, `deny`, `mapping`, `group` and
/// `flatmap_filter`, compiled.
#[derive(Debug)]
pub(crate) struct Manipulator {
    target: Vec<String>,
    change: Change,
    group: Option<String>,
}

#[derive(Debug)]
enum Change {
    Fields {
        filter: Option<Filter>,
        /// Old and new names, in the order in which they apply.
        mapping: Vec<(String, String)>,
    },
    Flatmap(Flatmap),
}

impl Manipulator {
    /// `deny` counts only where `allow` is empty.
    pub(crate) fn compile(settings: &config::Manipulation) -> Self {
        let change = match &settings.flatmap {
            Some(operations) => Change::Flatmap(Flatmap::compile(operations)),
            None => Change::Fields {
                filter: Filter::compile(&settings.allow, &settings.deny),
                mapping: settings.mapping.iter().map(first_level).collect(),
            },
        };
        Self {
            target: settings.target.clone(),
            change,
            group: settings.group.clone(),
        }
    }

    /// Applies all steps. The root of `data` is an object, or null for "no
    /// data": that survives everything but a `target`, which makes it empty.
    pub(crate) fn apply(&self, data: &mut Document) {
        if !self.target.is_empty() {
            let target = find(data, &self.target).unwrap_or_else(|| data.object_node());
            data.set_root(target);
        }
        match &self.change {
            Change::Fields { filter, mapping } => {
                if let Some(filter) = filter {
                    filter.apply(data);
                }
                rename(data, mapping);
            }
            Change::Flatmap(flatmap) => flatmap.apply(data),
        }
        if let Some(name) = &self.group {
            let group = data.object_node();
            data.insert(group, name, data.root());
            data.set_root(group);
        }
    }
}

/// Walks objects only; what is there has to be an object as well.
fn find(data: &Document, target: &[String]) -> Option<NodeId> {
    let found = target
        .iter()
        .try_fold(data.root(), |node, name| data.get(node, name))?;
    (data.kind(found) == Kind::Object).then_some(found)
}

/// Both names of a `mapping`: the new one ends at its first dot.
fn first_level((old, new): &(String, String)) -> (String, String) {
    let new = new.split('.').next().unwrap_or_default();
    (old.clone(), new.to_owned())
}

fn rename(data: &mut Document, mapping: &[(String, String)]) {
    let root = data.root();
    for (old, new) in mapping {
        let Some(value) = data.remove(root, old) else {
            continue;
        };
        // Sets the new name and then deletes the old one in KrakenD: a field
        // that is mapped to itself is gone.
        if old != new {
            data.insert(root, new, value);
        }
    }
}
