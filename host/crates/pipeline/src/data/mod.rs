//! The data of one answer: what backends sent, decoded.
//!
//! A [`Document`] is an arena. Its nodes lie in one vector and refer to each
//! other by number; strings, numbers and keys are ranges of the body they came
//! in (or of a side buffer, where the body has them escaped). Decoding a body
//! therefore takes a handful of allocations whatever the number of its fields,
//! and merging two documents moves nodes without touching their texts.
//!
//! The members of an object are kept sorted by the bytes of their keys, each
//! key once: that is the order every encoder writes them in, and it lets a
//! lookup end early.
//!
//! Numbers are text: `1.50`, `1e5` and integers of any size pass unchanged.
//!
//! # What this module does not do
//!
//! It decides no shape: that a body has to be an object, or an array for
//! `is_collection`, is the decoder's business.

mod build;
mod decode;
mod encode;
mod error;
mod text;
mod unescape;

#[cfg(test)]
mod tests;

pub(crate) use decode::{MAX_DEPTH, decode_json};
pub(crate) use error::JsonError;

use std::fmt;

use text::{Text, Texts};

/// A tree of values with a root. It never lends out its nodes: a [`NodeId`]
/// means something only together with the document it came from.
#[derive(Clone)]
pub(crate) struct Document {
    texts: Texts,
    nodes: Vec<Node>,
    root: NodeId,
}

/// A value of a [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// [`Document::text`] is the number as it was written.
    Number,
    /// [`Document::text`] is its content, unescaped.
    String,
    Array,
    Object,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Of a member of an object.
    key: Text,
    value: Value,
    next: Link,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Null,
    Bool(bool),
    Number(Text),
    String(Text),
    Array(Children),
    Object(Children),
}

/// The number of another node, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link(u32);

impl Link {
    const NONE: Self = Self(u32::MAX);

    fn node(self) -> Option<NodeId> {
        (self != Self::NONE).then_some(NodeId(self.0))
    }
}

impl From<NodeId> for Link {
    fn from(node: NodeId) -> Self {
        Self(node.0)
    }
}

/// The first and the last child of an array or object.
#[derive(Debug, Clone, Copy)]
struct Children {
    first: Link,
    last: Link,
}

impl Children {
    const NONE: Self = Self {
        first: Link::NONE,
        last: Link::NONE,
    };
}

impl Node {
    const fn new(value: Value) -> Self {
        Self {
            key: Text::EMPTY,
            value,
            next: Link::NONE,
        }
    }
}

/// Reading.
impl Document {
    /// About how many bytes it is as text, for those who decide where to work
    /// on it.
    pub(crate) fn size(&self) -> usize {
        /// Bytes of a key and a value in the usual answer.
        const USUAL: usize = 16;
        // One node may be a text of megabytes.
        self.nodes.len().saturating_mul(USUAL).max(self.texts.len())
    }

    /// The value the document is about.
    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    /// What `node` is.
    pub(crate) fn kind(&self, node: NodeId) -> Kind {
        match self.value(node) {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(value),
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        }
    }

    /// A string's content or a number as it was written; else nothing.
    pub(crate) fn text(&self, node: NodeId) -> &str {
        match self.value(node) {
            Value::String(text) | Value::Number(text) => self.texts.str(text),
            _ => "",
        }
    }

    /// An array's elements in order, or an object's members with their keys,
    /// sorted by them. Other values have none.
    pub(crate) fn children(&self, node: NodeId) -> impl Iterator<Item = (Option<&str>, NodeId)> {
        let keyed = matches!(self.value(node), Value::Object(_));
        self.ids(node).map(move |child| {
            let key = keyed.then(|| self.texts.str(self.node(child).key));
            (key, child)
        })
    }

    /// The member `key` of an object.
    pub(crate) fn get(&self, object: NodeId, key: &str) -> Option<NodeId> {
        let Value::Object(_) = self.value(object) else {
            return None;
        };
        self.ids(object)
            .find(|child| self.key(*child) >= key.as_bytes())
            .filter(|child| self.key(*child) == key.as_bytes())
    }

    /// Whether an array or object has no children; true for all other values.
    pub(crate) fn is_empty(&self, node: NodeId) -> bool {
        self.children_of(node).first == Link::NONE
    }

    /// [`children`](Self::children) without their keys.
    pub(crate) fn ids(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = self.children_of(node).first;
        std::iter::from_fn(move || {
            let child = next.node()?;
            next = self.node(child).next;
            Some(child)
        })
    }

    /// The key of a member of an object; the label of an element of an array.
    pub(crate) fn key(&self, node: NodeId) -> &[u8] {
        self.texts.bytes(self.node(node).key)
    }

    fn value(&self, node: NodeId) -> Value {
        self.node(node).value
    }

    fn children_of(&self, node: NodeId) -> Children {
        match self.value(node) {
            Value::Array(children) | Value::Object(children) => children,
            _ => Children::NONE,
        }
    }

    /// A node of another document reads as null.
    fn node(&self, NodeId(number): NodeId) -> Node {
        const NULL: Node = Node::new(Value::Null);
        self.nodes.get(number as usize).copied().unwrap_or(NULL)
    }
}

/// Without the data: it is a user's, and no log's business.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}
