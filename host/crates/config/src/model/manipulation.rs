//! What is done with the data of an answer.

/// `target`, `is_collection`, `allow`, `deny`, `mapping` and `group` of a
/// backend, and the `flatmap_filter` of its `proxy`.
///
/// Order of events: target, then allow *or* deny, then mapping, then group; a
/// flatmap takes the place of allow, deny and mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Manipulation {
    /// `is_collection`: the answer is a list.
    pub is_collection: bool,
    /// `target`: names of objects to walk into. Empty: none.
    pub target: Vec<String>,
    /// `allow`: paths of what is kept. Empty: everything.
    pub allow: Vec<Vec<String>>,
    /// `deny`: paths of what is removed. Empty wherever `allow` is not.
    pub deny: Vec<Vec<String>>,
    /// `mapping`: old and new names of first-level fields, in the order of the
    /// file.
    pub mapping: Vec<(String, String)>,
    /// `group`: the field that all data is put under.
    pub group: Option<String>,
    /// `flatmap_filter` of `proxy`. Present, it replaces `allow`, `deny` and
    /// `mapping`, which are empty then.
    pub flatmap: Option<Vec<FlatmapOp>>,
}

/// One operation of a `flatmap_filter`. A segment of a path is the name of a
/// field, an index, or `*` for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlatmapOp {
    /// `move`: what is at `from` goes to `to`.
    Move {
        /// Path of the source.
        from: Vec<String>,
        /// Path of the destination.
        to: Vec<String>,
    },
    /// `append`: the list at `from` is added to the one at `to`.
    Append {
        /// Path of the source.
        from: Vec<String>,
        /// Path of the destination.
        to: Vec<String>,
    },
    /// `del`: what is at `path` goes.
    Delete {
        /// Path of what goes.
        path: Vec<String>,
    },
}
