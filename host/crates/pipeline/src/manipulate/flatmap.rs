//! `flatmap_filter`: moves, appends and deletes by path.
//!
//! Follows KrakenD's `flatmap/tree`, which sees data as a tree with labels on
//! its edges: keys in objects, positions in arrays. What follows from that:
//!
//! * An element keeps the label it had at first when others before it go:
//!   deleting `list.0` and then `list.1` deletes the first two.
//! * What is put into an array goes to its end, whatever the label.
//! * What is put into a scalar makes it an object.
//! * An array or object that an operation emptied is `null` in the end.
//! * A `move` to a path as long as its source renames the last segment and
//!   looks at no other; one to a longer path grows from the parent of the
//!   source; one to a shorter path starts at the root, `*` stands for what it
//!   stood for in the source, and a segment that is not there is passed over
//!   together with those after it, save the last.
//! * In the last segment of a `move`, `*` is a name.
//!
//! # Departures from KrakenD
//!
//! Of two values that come to have one key the moved one stays; in KrakenD it
//! is a matter of chance. An `append` to an array some elements of which were
//! deleted before adds to the others; in KrakenD it mixes them. An `append` to
//! a path with `*` does nothing; in KrakenD it makes a field of that name.

use std::cmp::Ordering;

use cuttle_config::FlatmapOp;

use crate::data::{Document, Kind, NodeId};

/// Any key or position.
const ANY: &str = "*";

/// A list of operations, which apply in order.
#[derive(Debug)]
pub(crate) struct Flatmap {
    operations: Vec<FlatmapOp>,
    /// Whether labels of elements can matter.
    labels: bool,
}

impl Flatmap {
    pub(crate) fn compile(operations: &[FlatmapOp]) -> Self {
        let labels = operations.iter().any(|operation| {
            let (a, b) = match operation {
                FlatmapOp::Move { from, to } | FlatmapOp::Append { from, to } => (from, Some(to)),
                FlatmapOp::Delete { path } => (path, None),
            };
            let mut segments = a.iter().chain(b.into_iter().flatten());
            segments.any(|segment| position(segment).is_some())
        });
        Self {
            operations: operations.to_vec(),
            labels,
        }
    }

    /// Applies all operations. A root that is no object is left alone; one that
    /// is emptied becomes null.
    pub(crate) fn apply(&self, data: &mut Document) {
        if data.kind(data.root()) != Kind::Object {
            return;
        }
        let mut run = Run {
            data,
            labels: self.labels,
            emptied: Vec::new(),
        };
        for operation in &self.operations {
            match operation {
                FlatmapOp::Move { from, to } => run.shift(from, to),
                FlatmapOp::Append { from, to } => run.append(from, to),
                FlatmapOp::Delete { path } => run.delete(run.data.root(), path),
            }
        }
        run.finish();
    }
}

/// One application to one document.
struct Run<'a> {
    data: &'a mut Document,
    labels: bool,
    /// Arrays and objects that an operation took the last child of.
    emptied: Vec<NodeId>,
}

/// A value, and the ones on the way to it from the root's child on.
#[derive(Clone)]
struct Place {
    node: NodeId,
    way: Vec<Step>,
}

#[derive(Clone, Copy)]
struct Step {
    node: NodeId,
    /// Among the elements of an array.
    position: Option<usize>,
}

impl Run<'_> {
    fn delete(&mut self, node: NodeId, path: &[String]) {
        match path {
            [] => {}
            [last] if last == ANY => {
                if !self.data.is_empty(node) {
                    self.data.clear(node);
                    self.emptied.push(node);
                }
            }
            [last] => {
                if let Some(child) = self.child(node, last) {
                    self.take(node, child);
                }
            }
            [any, below @ ..] if any == ANY => {
                let children: Vec<NodeId> = self.data.ids(node).collect();
                for child in children {
                    self.delete(child, below);
                }
            }
            [name, below @ ..] => {
                if let Some(child) = self.child(node, name) {
                    self.delete(child, below);
                }
            }
        }
    }

    /// Adds the elements of the array at `from`, or all values there if it has
    /// a `*`, to the array at `to`.
    fn append(&mut self, from: &[String], to: &[String]) {
        let Some(list) = self.list(to) else {
            return;
        };
        let mut gathered = Vec::new();
        let found = if from.iter().any(|segment| segment == ANY) {
            self.gather(list, self.data.root(), from, &mut gathered)
        } else if let Some(elements) = self.list(from) {
            gathered.extend(self.data.ids(elements).map(|element| (list, element)));
            true
        } else {
            false
        };
        if !found {
            return;
        }
        // Out of their places first: a value may be a child once only. If `to`
        // is below one of them, it goes with it.
        self.delete(self.data.root(), from);
        for (list, element) in gathered {
            self.data.push(list, element);
        }
        if self.labels {
            self.relabel(list);
        }
    }

    /// Notes what is at `path`, which has a `*`, to be pushed to `list`: a value
    /// for each child the first `*` stands for, null where there is none; a list
    /// of them where a second `*` follows. False when there is no such child.
    fn gather(
        &mut self,
        list: NodeId,
        node: NodeId,
        path: &[String],
        gathered: &mut Vec<(NodeId, NodeId)>,
    ) -> bool {
        let mut parts = path.splitn(2, |segment| segment == ANY);
        let before = parts.next().unwrap_or_default();
        let after = parts.next().unwrap_or_default();
        let children: Vec<NodeId> = match self.walk(node, before) {
            Some(parent) => self.data.ids(parent).collect(),
            None => return false,
        };
        for &child in &children {
            let value = if after.iter().any(|segment| segment == ANY) {
                let values = self.data.array();
                self.gather(values, child, after, gathered)
                    .then_some(values)
            } else {
                self.walk(child, after)
            };
            let value = value.unwrap_or_else(|| self.data.null());
            gathered.push((list, value));
        }
        !children.is_empty()
    }

    /// `move`, which is a word of the language.
    fn shift(&mut self, from: &[String], to: &[String]) {
        let (Some((old, above)), Some((new, path))) = (from.split_last(), to.split_last()) else {
            return;
        };
        match above.len().cmp(&path.len()) {
            Ordering::Equal => self.rename(above, old, new),
            Ordering::Less => {
                let path = path.get(above.len()..).unwrap_or_default();
                for (place, value) in self.take_all(above, old) {
                    let parent = self.grow(place.node, path);
                    self.put(parent, new, value);
                }
            }
            Ordering::Greater => self.promote(above, old, path, new),
        }
    }

    /// Moves the child `old` of everything at `above` to `path`, which is
    /// shorter, as `new`.
    fn promote(&mut self, above: &[String], old: &str, path: &[String], new: &str) {
        let mut taken = self.take_all(above, old);
        let Some((first, _)) = taken.first() else {
            return;
        };
        let shared = path.iter().zip(above).take_while(|(a, b)| a == b);
        let shared = shared.count();
        if path.iter().any(|segment| segment == ANY) {
            for (place, value) in taken {
                let parent = self.descend(&place, path, shared);
                self.put(parent, new, value);
            }
            return;
        }
        // One place for all: it is looked up once, and where it is one key the
        // last value stays. Both would take time for values times keys.
        let parent = self.descend(first, path, shared);
        if self.data.kind(parent) != Kind::Array {
            taken.drain(..taken.len().saturating_sub(1));
        }
        for (_, value) in taken {
            self.put(parent, new, value);
        }
    }

    fn rename(&mut self, above: &[String], old: &str, new: &str) {
        for Place { node, .. } in self.places(above) {
            let Some(child) = self.child(node, old) else {
                continue;
            };
            if self.data.kind(node) == Kind::Object {
                self.data.take(node, child);
                self.data.insert(node, new, child);
            } else if self.labels {
                self.label(node);
                self.data.label(child, new);
            }
        }
    }

    /// Takes the child `name` out of every value at `above`.
    fn take_all(&mut self, above: &[String], name: &str) -> Vec<(Place, NodeId)> {
        let mut taken = Vec::new();
        for place in self.places(above) {
            if let Some(child) = self.child(place.node, name) {
                self.take(place.node, child);
                taken.push((place, child));
            }
        }
        taken
    }

    /// All values at `path`.
    fn places(&self, path: &[String]) -> Vec<Place> {
        let mut places = vec![Place {
            node: self.data.root(),
            way: Vec::new(),
        }];
        for segment in path {
            places = places
                .iter()
                .flat_map(|place| self.below(place, segment))
                .collect();
        }
        places
    }

    fn below(&self, place: &Place, segment: &str) -> Vec<Place> {
        if segment != ANY {
            let child = self.child(place.node, segment);
            return Vec::from_iter(child.map(|child| place.child(child, None)));
        }
        let array = self.data.kind(place.node) == Kind::Array;
        let children = self.data.ids(place.node).enumerate();
        children
            .map(|(position, child)| place.child(child, array.then_some(position)))
            .collect()
    }

    /// The deepest value there is on `path` from the root on, where `*` stands
    /// for what it stood for on the way to `place`. The first `shared` segments
    /// are those of the way, so nothing has to be looked up for them.
    fn descend(&self, place: &Place, path: &[String], shared: usize) -> NodeId {
        let (same, other) = place.way.split_at_checked(shared).unwrap_or_default();
        let start = same.last().map_or(self.data.root(), |step| step.node);
        let segments = path.iter().skip(shared).zip(other);
        segments
            .scan(start, |node, (segment, step)| {
                *node = match segment.as_str() {
                    ANY => self.child(*node, &self.label_of(*step))?,
                    name => self.child(*node, name)?,
                };
                Some(*node)
            })
            .last()
            .unwrap_or(start)
    }

    fn label_of(&self, step: Step) -> String {
        match (self.data.key(step.node), step.position) {
            ([], Some(position)) => position.to_string(),
            (key, _) => String::from_utf8_lossy(key).into_owned(),
        }
    }

    /// The value at `path` below `node`, made of objects where it is missing.
    fn grow(&mut self, node: NodeId, path: &[String]) -> NodeId {
        path.iter().fold(node, |node, segment| {
            self.child(node, segment).unwrap_or_else(|| {
                let child = self.data.object_node();
                self.put(node, segment, child);
                child
            })
        })
    }

    fn put(&mut self, parent: NodeId, label: &str, child: NodeId) {
        match self.data.kind(parent) {
            Kind::Array => {
                self.label(parent);
                self.data.push(parent, child);
                if self.labels {
                    self.data.label(child, label);
                }
            }
            Kind::Object => self.data.insert(parent, label, child),
            _ => {
                self.data.make_object(parent);
                self.data.insert(parent, label, child);
            }
        }
    }

    fn take(&mut self, parent: NodeId, child: NodeId) {
        self.label(parent);
        self.data.take(parent, child);
        if self.data.is_empty(parent) {
            self.emptied.push(parent);
        }
    }

    fn walk(&self, node: NodeId, path: &[String]) -> Option<NodeId> {
        path.iter()
            .try_fold(node, |node, segment| self.child(node, segment))
    }

    fn child(&self, parent: NodeId, label: &str) -> Option<NodeId> {
        if self.data.kind(parent) == Kind::Object {
            return self.data.get(parent, label);
        }
        let mut children = self.data.ids(parent);
        if self.has_labels(parent) {
            return children.find(|child| self.data.key(*child) == label.as_bytes());
        }
        children.nth(position(label)?)
    }

    /// The array at `path`. One that was emptied is null.
    fn list(&self, path: &[String]) -> Option<NodeId> {
        let found = self.walk(self.data.root(), path)?;
        let list = self.data.kind(found) == Kind::Array;
        let emptied = self.data.is_empty(found) && self.emptied.contains(&found);
        (list && !emptied).then_some(found)
    }

    /// Labels the elements of an array by position, before these change. Many
    /// configurations never look at a label: then it is left.
    fn label(&mut self, parent: NodeId) {
        let array = self.data.kind(parent) == Kind::Array;
        if self.labels && array && !self.has_labels(parent) {
            self.relabel(parent);
        }
    }

    fn relabel(&mut self, array: NodeId) {
        let elements: Vec<NodeId> = self.data.ids(array).collect();
        for (position, element) in elements.into_iter().enumerate() {
            self.data.label(element, &position.to_string());
        }
    }

    fn has_labels(&self, array: NodeId) -> bool {
        let mut elements = self.data.ids(array);
        elements
            .next()
            .is_some_and(|first| !self.data.key(first).is_empty())
    }

    fn finish(self) {
        for node in self.emptied {
            if self.data.is_empty(node) {
                self.data.make_null(node);
            }
        }
    }
}

impl Place {
    fn child(&self, node: NodeId, position: Option<usize>) -> Self {
        let mut way = self.way.clone();
        way.push(Step { node, position });
        Self { node, way }
    }
}

/// The position a segment can be the label of: `7`, but not `07`.
fn position(segment: &str) -> Option<usize> {
    let position: usize = segment.parse().ok()?;
    (position.to_string() == segment).then_some(position)
}
