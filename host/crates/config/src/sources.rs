//! Where in the file things stand.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
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
    root: Arc<Node>,
    /// What templates made the text, if it is not the file's.
    rendering: Option<Arc<Rendering>>,
    large: Arc<Mutex<LargeObjects>>,
}

/// Keys from which an object is looked through only once for all problems with
/// it: with each of many keys wrong, that would take the square of their number.
const LARGE: usize = 32;

/// Of objects with many keys, by their paths: where each key stands among the
/// others, by its path in lower case.
type LargeObjects = HashMap<KeyPath, HashMap<String, usize>>;

impl Sources {
    pub(crate) fn new(file: &Path, root: Node) -> Self {
        Self {
            file: file.to_owned(),
            root: Arc::new(root),
            rendering: None,
            large: Arc::default(),
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
        let mut node: &Node = &self.root;
        let mut here = KeyPath::root();
        let mut place = node.place;
        while let Some(step) = self.step(node, &here, path) {
            (here, place, node) = step;
        }
        place
    }

    /// The child of `node` that leads to `target`.
    fn step<'a>(
        &self,
        node: &'a Node,
        here: &KeyPath,
        target: &KeyPath,
    ) -> Option<(KeyPath, Place, &'a Node)> {
        match &node.value {
            Value::Object(object) if object.entries().len() >= LARGE => {
                self.large_step(object, here, target)
            }
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

    /// The same as [`object_step`].
    fn large_step<'a>(
        &self,
        object: &'a Object,
        here: &KeyPath,
        target: &KeyPath,
    ) -> Option<(KeyPath, Place, &'a Node)> {
        let end = key_end(target.as_str(), here.as_str().len())?;
        let wanted = target.as_str().get(..end)?.to_ascii_lowercase();
        let mut large = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = large
            .entry(here.clone())
            .or_insert_with(|| numbered(object, here));
        let entry = object.entries().get(*keys.get(&wanted)?)?;
        Some((here.key(&entry.key), entry.place, &entry.node))
    }
}

/// Of keys that differ in case only, the first.
fn numbered(object: &Object, here: &KeyPath) -> HashMap<String, usize> {
    let mut keys = HashMap::with_capacity(object.entries().len());
    for (index, entry) in object.entries().iter().enumerate() {
        let path = here.key(&entry.key).as_str().to_ascii_lowercase();
        keys.entry(path).or_insert(index);
    }
    keys
}

/// Where the key ends that begins at `start` of a path: a word, or a quoted text
/// in brackets.
fn key_end(path: &str, start: usize) -> Option<usize> {
    let rest = path.get(start..)?;
    let Some(quoted) = rest.strip_prefix("[\"") else {
        let word = rest.strip_prefix('.').unwrap_or(rest);
        let length = word.find(['.', '[']).unwrap_or(word.len());
        return Some(path.len() - word.len() + length);
    };
    let mut escaped = false;
    let closing = quoted.bytes().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => byte == b'"',
    })?;
    // The quote and the bracket behind it.
    Some(path.len() - quoted.len() + closing + 2)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    /// One object that is looked through, and one with an index.
    #[test]
    fn places_in_large_objects_are_found_as_in_small_ones() {
        for filler in [0, 3 * LARGE] {
            let mut text =
                String::from("{\"a\":1,\n\"B\":[{\n\"c\":2}],\n\"x.\\\"]y\":{\n\"d\":3},\n\"b\":4");
            for index in 0..filler {
                text.push_str(&format!(",\"filler{index}\":0"));
            }
            text.push('}');
            let (sources, _) = read::tree(&text, Path::new("k.json")).unwrap();
            let root = KeyPath::root();
            let line = |path: &KeyPath| sources.place(path).line;
            let odd = root.key("x.\"]y");
            let paths = [
                root.key("A"),
                root.key("b").index(0).key("c"),
                odd.clone(),
                odd.key("d"),
                odd.key("nothing"),
                root.key("nothing"),
            ];
            assert_eq!(paths.map(|path| line(&path)), [1, 3, 4, 5, 4, 1]);
        }
    }
}
