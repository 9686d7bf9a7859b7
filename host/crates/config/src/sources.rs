//! Where in the file things stand.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    KeyPath, Problem, Severity, UnservedNamespace,
    read::{Node, Object, Place, Value},
    resolve::unserved,
    template::Rendering,
};

/// The file and the places of its keys, for problems that later stages find.
#[derive(Clone)]
pub struct Sources {
    file: PathBuf,
    root: Node,
    /// What templates made the text, if it is not the file's.
    rendering: Option<Arc<Rendering>>,
}

impl Sources {
    pub(crate) fn new(file: &Path, root: Node) -> Self {
        Self {
            file: file.to_owned(),
            root,
            rendering: None,
        }
    }

    pub(crate) fn set_rendering(&mut self, rendering: Rendering) {
        self.rendering = Some(Arc::new(rendering));
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The file, as it was named; of templates, the one they made.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The configuration as JSON, for checks of its form. Namespaces have
    /// their short names. Values may be secrets.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.root.to_value()
    }

    /// Namespaces of `extra_config` that the file uses, that KrakenD knows and
    /// that are not served: those that stop the start first, then by name.
    #[must_use]
    pub fn unserved(&self) -> Vec<UnservedNamespace> {
        unserved(&self.root)
    }

    /// A problem with what stands at `path`. If the file has no such key, line
    /// and column are those of the nearest key around it.
    #[must_use]
    pub fn problem(
        &self,
        severity: Severity,
        path: &KeyPath,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let place = self.place(path);
        let problem = Problem {
            severity,
            file: Some(self.file.clone()),
            path: path.clone(),
            line: Some(place.line),
            column: Some(place.column),
            rendered: None,
            message: message.into(),
            help,
        };
        match &self.rendering {
            Some(rendering) => rendering.traced(problem),
            None => problem,
        }
    }

    /// Place of the deepest key on the way to `path`.
    fn place(&self, path: &KeyPath) -> Place {
        let mut node = &self.root;
        let mut here = KeyPath::root();
        let mut place = node.place;
        while let Some(step) = step(node, &here, path) {
            (here, place, node) = step;
        }
        place
    }
}

/// The child of `node` that leads to `target`.
fn step<'a>(
    node: &'a Node,
    here: &KeyPath,
    target: &KeyPath,
) -> Option<(KeyPath, Place, &'a Node)> {
    match &node.value {
        Value::Object(object) => object_step(object, here, target),
        Value::List(items) => {
            let rest = target.as_str().get(here.as_str().len()..)?;
            let (index, _) = rest.strip_prefix('[')?.split_once(']')?;
            let index: usize = index.parse().ok()?;
            let item = items.get(index)?;
            Some((here.index(index), item.place, item))
        }
        _ => None,
    }
}

fn object_step<'a>(
    object: &'a Object,
    here: &KeyPath,
    target: &KeyPath,
) -> Option<(KeyPath, Place, &'a Node)> {
    object.entries().iter().find_map(|entry| {
        let child = here.key(&entry.key);
        leads_to(&child, target).then_some((child, entry.place, &entry.node))
    })
}

/// Whether `path` is `target` or around it. Keys are compared as KrakenD does,
/// without case.
fn leads_to(path: &KeyPath, target: &KeyPath) -> bool {
    let (path, target) = (path.as_str(), target.as_str());
    let Some(start) = target.get(..path.len()) else {
        return false;
    };
    let end = target.as_bytes().get(path.len());
    start.eq_ignore_ascii_case(path) && matches!(end, None | Some(b'.' | b'['))
}

/// Shows no values: they may be secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
