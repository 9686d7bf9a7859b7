//! Building documents and changing them.

use super::{
    Children, Document, Link, Node, NodeId, Value,
    text::{Text, Texts},
};

/// Building and changing.
///
/// A node may be a child once only. One that is taken out stays in the arena,
/// unreachable, until the document is dropped.
impl Document {
    /// A document that is an empty object.
    pub(crate) fn object() -> Self {
        let mut document = Self {
            texts: Texts::default(),
            nodes: Vec::new(),
            root: NodeId(0),
        };
        document.root = document.object_node();
        document
    }

    /// Makes `node` what the document is about.
    pub(crate) fn set_root(&mut self, node: NodeId) {
        self.root = node;
    }

    /// A new `null`.
    pub(crate) fn null(&mut self) -> NodeId {
        self.add(Value::Null)
    }

    /// A new boolean.
    pub(crate) fn bool(&mut self, value: bool) -> NodeId {
        self.add(Value::Bool(value))
    }

    /// A new number. `text` has to be one in JSON; nobody checks it again.
    pub(crate) fn number(&mut self, text: &str) -> NodeId {
        let text = self.texts.keep(text);
        self.add(Value::Number(text))
    }

    /// A new string.
    pub(crate) fn string(&mut self, text: &str) -> NodeId {
        let text = self.texts.keep(text);
        self.add(Value::String(text))
    }

    /// A new, empty array.
    pub(crate) fn array(&mut self) -> NodeId {
        self.add(Value::Array(Children::NONE))
    }

    /// A new, empty object.
    pub(crate) fn object_node(&mut self) -> NodeId {
        self.add(Value::Object(Children::NONE))
    }

    /// A new object of `members`. Of two with one key the later one stays.
    ///
    /// Takes n log n steps where [`insert`](Self::insert), which has to look
    /// for each key's place, may take n²: to be used for objects whose keys a
    /// stranger chose.
    pub(crate) fn object_of<'a>(
        &mut self,
        members: impl IntoIterator<Item = (&'a str, NodeId)>,
    ) -> NodeId {
        let object = self.object_node();
        for (key, child) in members {
            let key = self.texts.keep(key);
            self.change(child, |node| node.key = key);
            self.append(object, child);
        }
        self.sort(object);
        object
    }

    /// Appends `child` to an array. Other values stay as they are.
    pub(crate) fn push(&mut self, array: NodeId, child: NodeId) {
        if let Value::Array(_) = self.value(array) {
            self.change(child, |node| node.key = Text::EMPTY);
            self.append(array, child);
        }
    }

    /// Puts `child` into an object, in place of what had the key. Other values
    /// stay as they are.
    pub(crate) fn insert(&mut self, object: NodeId, key: &str, child: NodeId) {
        let Value::Object(_) = self.value(object) else {
            return;
        };
        let text = self.texts.keep(key);
        self.change(child, |node| node.key = text);
        self.place(object, child);
    }

    /// Takes the member `key` out of an object and returns it.
    pub(crate) fn remove(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        let found = self.get(object, key)?;
        self.take(object, found);
        Some(found)
    }

    /// Takes `child` out of its `parent`.
    pub(crate) fn take(&mut self, parent: NodeId, child: NodeId) {
        let before = self.ids(parent).take_while(|id| *id != child).last();
        self.unlink(parent, before, child);
    }

    /// Takes those children out that `keep` turns down. It may change what is
    /// below a child, but neither the child's key nor its siblings.
    pub(crate) fn retain(
        &mut self,
        parent: NodeId,
        mut keep: impl FnMut(&mut Self, NodeId) -> bool,
    ) {
        let children: Vec<NodeId> = self.ids(parent).collect();
        self.clear(parent);
        for child in children {
            if keep(self, child) {
                self.append(parent, child);
            }
        }
    }

    /// Takes all children out.
    pub(crate) fn clear(&mut self, parent: NodeId) {
        self.change(parent, |node| node.set_children(Children::NONE));
    }

    /// Makes a value `null`, whatever it was.
    pub(crate) fn make_null(&mut self, node: NodeId) {
        self.change(node, |node| node.value = Value::Null);
    }

    /// Makes a value an empty object, whatever it was.
    pub(crate) fn make_object(&mut self, node: NodeId) {
        self.change(node, |node| node.value = Value::Object(Children::NONE));
    }

    /// Gives an element of an array a name that only [`key`](Self::key) tells.
    pub(crate) fn label(&mut self, element: NodeId, label: &str) {
        let label = self.texts.keep(label);
        self.change(element, |node| node.key = label);
    }

    /// Moves the members of the object `from` into the object `onto`, in place
    /// of what had their keys. Takes time in proportion to both.
    pub(crate) fn overlay(&mut self, onto: NodeId, from: NodeId) {
        let (Value::Object(_), Value::Object(_)) = (self.value(onto), self.value(from)) else {
            return;
        };
        let members: Vec<NodeId> = self.ids(from).collect();
        self.clear(from);
        for member in members {
            self.append(onto, member);
        }
        self.sort(onto);
    }

    /// Moves another document in and returns its root, which belongs to
    /// nothing yet. No text is copied.
    ///
    /// (Some ten thousand times per document. After that texts are copied.)
    pub(crate) fn absorb(&mut self, other: Self) -> NodeId {
        let offset = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let nodes = other.nodes.iter();
        if self.texts.has_room_for(&other.texts) {
            let text = self.texts.absorb(other.texts);
            self.nodes
                .extend(nodes.map(|node| node.moved(offset, &text)));
        } else {
            let mut text = |text| self.texts.keep(other.texts.str(text));
            self.nodes
                .extend(nodes.map(|node| node.moved(offset, &mut text)));
        }
        NodeId(other.root.0.saturating_add(offset))
    }

    /// Puts `child`, whose key is set, where it belongs in `object`.
    fn place(&mut self, object: NodeId, child: NodeId) {
        let children = self.children_of(object);
        // Members mostly come sorted.
        if children
            .last
            .node()
            .is_none_or(|last| self.key(last) < self.key(child))
        {
            return self.append(object, child);
        }
        let before = self
            .ids(object)
            .take_while(|other| self.key(*other) < self.key(child))
            .last();
        let after = match before {
            None => children.first.node(),
            Some(before) => self.node(before).next.node(),
        };
        if let Some(old) = after.filter(|after| self.key(*after) == self.key(child)) {
            self.unlink(object, before, old);
        }
        self.link(object, before, child);
    }

    /// Adds a last child.
    fn append(&mut self, parent: NodeId, child: NodeId) {
        let last = self.children_of(parent).last.node();
        self.link(parent, last, child);
    }

    /// Puts `child` behind `before`, a child of `parent`; first if there is none.
    fn link(&mut self, parent: NodeId, before: Option<NodeId>, child: NodeId) {
        let mut children = self.children_of(parent);
        let next = match before {
            None => std::mem::replace(&mut children.first, child.into()),
            Some(before) => self.node(before).next,
        };
        if let Some(before) = before {
            self.change(before, |node| node.next = child.into());
        }
        if next == Link::NONE {
            children.last = child.into();
        }
        self.change(child, |node| node.next = next);
        self.change(parent, |node| node.set_children(children));
    }

    /// Takes `child`, which follows `before`, out of `parent`.
    fn unlink(&mut self, parent: NodeId, before: Option<NodeId>, child: NodeId) {
        let mut children = self.children_of(parent);
        let next = self.node(child).next;
        match before {
            None => children.first = next,
            Some(before) => self.change(before, |node| node.next = next),
        }
        if next == Link::NONE {
            children.last = before.map_or(Link::NONE, Link::from);
        }
        self.change(child, |node| node.next = Link::NONE);
        self.change(parent, |node| node.set_children(children));
    }

    /// Brings the members of an object into order. Of two with one key the
    /// later one stays.
    pub(super) fn sort(&mut self, object: NodeId) {
        let mut members: Vec<NodeId> = self.ids(object).collect();
        // Stable, and linear where `members` is two sorted runs.
        members.sort_by(|a, b| self.key(*a).cmp(self.key(*b)));
        self.clear(object);
        let mut members = members.into_iter().peekable();
        while let Some(member) = members.next() {
            let again = |next: &&NodeId| self.key(**next) == self.key(member);
            if members.peek().filter(again).is_none() {
                self.append(object, member);
            }
        }
    }

    pub(super) fn add(&mut self, value: Value) -> NodeId {
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node::new(value));
        NodeId(number)
    }

    pub(super) fn change(&mut self, NodeId(number): NodeId, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(number as usize) {
            change(node);
        }
    }
}

impl Node {
    pub(super) fn set_children(&mut self, new: Children) {
        if let Value::Array(children) | Value::Object(children) = &mut self.value {
            *children = new;
        }
    }

    pub(super) fn set_last(&mut self, last: Link) {
        if let Value::Array(children) | Value::Object(children) = &mut self.value {
            children.last = last;
        }
    }

    fn moved(&self, offset: u32, mut text: impl FnMut(Text) -> Text) -> Self {
        let link = |link: Link| match link {
            Link::NONE => Link::NONE,
            Link(number) => Link(number.saturating_add(offset)),
        };
        let children = |children: Children| Children {
            first: link(children.first),
            last: link(children.last),
        };
        Self {
            key: text(self.key),
            value: match self.value {
                Value::Number(number) => Value::Number(text(number)),
                Value::String(string) => Value::String(text(string)),
                Value::Array(elements) => Value::Array(children(elements)),
                Value::Object(members) => Value::Object(children(members)),
                scalar => scalar,
            },
            next: link(self.next),
        }
    }
}
