//! The routes of one method, segment by segment.
//!
//! A node stands at one depth, so a search meets each node at most once: the
//! work is bounded by the tree, and without branches that lead nowhere by the
//! number of segments. The recursion is as deep as the longest route.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use cuttle_pipeline::config::{KeyPath, Segment};
use http::Method;

use super::{Conflict, ConflictKind, REST, Route};

#[derive(Debug)]
pub(super) struct Tree<T> {
    root: Node<T>,
}

/// A route that was found.
pub(super) struct Found<'t, 'p, T> {
    pub(super) value: &'t T,
    pub(super) names: &'t [Arc<str>],
    /// As many as there are names.
    pub(super) values: Vec<&'p str>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self {
            root: Node::default(),
        }
    }
}

impl<T> Tree<T> {
    /// Adds a route. After a conflict the tree is of no use for routing, but
    /// goes on finding conflicts.
    pub(super) fn insert(&mut self, route: Route<T>) -> Result<(), Box<Conflict>> {
        let origin = Origin::of(&route);
        let mut node = &mut self.root;
        let mut names: Vec<Arc<str>> = Vec::new();
        for segment in route.path.segments {
            names.extend(segment.param.as_deref().map(Arc::from));
            node = node.child(segment, &origin, &route.method)?;
        }
        let end = match route.path.wildcard {
            true => {
                names.push(Arc::from(REST));
                &mut node.rest
            }
            false => &mut node.leaf,
        };
        match end {
            Some(other) => {
                Err(origin.conflicts_with(&other.origin, &route.method, ConflictKind::Duplicate))
            }
            None => {
                *end = Some(Leaf {
                    value: route.value,
                    names,
                    origin,
                });
                Ok(())
            }
        }
    }

    /// The route for a decoded `path`.
    pub(super) fn find<'p>(&self, path: &'p str) -> Option<Found<'_, 'p, T>> {
        self.search(path).0
    }

    /// With the number of nodes that were looked at.
    fn search<'p>(&self, path: &'p str) -> (Option<Found<'_, 'p, T>>, usize) {
        let mut search = Search::default();
        let leaf = search.descend(&self.root, Some(relative(path)));
        let found = leaf.map(|leaf| Found {
            value: &leaf.value,
            names: &leaf.names,
            values: search.values,
        });
        (found, search.nodes)
    }

    /// The spelling of `path` that leads to a route when case is ignored in all
    /// but the values of parameters.
    pub(super) fn find_folded(&self, path: &str) -> Option<String> {
        let mut spelling = String::with_capacity(path.len());
        self.root
            .find_folded(Some(relative(path)), &mut spelling)
            .then_some(spelling)
    }
}

#[derive(Debug)]
struct Node<T> {
    /// By the text of the segment.
    texts: HashMap<String, Node<T>>,
    /// Keys of `texts` by their lower-case form.
    folded: HashMap<String, Vec<String>>,
    /// The more text around the parameter, the earlier.
    params: Vec<ParamEdge<T>>,
    /// Where a path that ends here leads.
    leaf: Option<Leaf<T>>,
    /// `/*`: where a path leads that goes on, and for which there is no better.
    rest: Option<Leaf<T>>,
}

#[derive(Debug)]
struct ParamEdge<T> {
    prefix: String,
    suffix: String,
    name: String,
    /// The first route that came this way.
    origin: Origin,
    node: Node<T>,
}

/// The end of a route.
#[derive(Debug)]
struct Leaf<T> {
    value: T,
    names: Vec<Arc<str>>,
    origin: Origin,
}

/// A route in the words of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    place: KeyPath,
    path: String,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            texts: HashMap::new(),
            folded: HashMap::new(),
            params: Vec::new(),
            leaf: None,
            rest: None,
        }
    }
}

impl<T> Node<T> {
    /// The node behind `segment`, made if need be.
    fn child(
        &mut self,
        segment: Segment,
        origin: &Origin,
        method: &Method,
    ) -> Result<&mut Self, Box<Conflict>> {
        match segment.param {
            None => Ok(self.text_child(segment.prefix)),
            Some(name) => {
                let edge = self.param_edge(&segment.prefix, &segment.suffix, &name, origin);
                if edge.name == name {
                    return Ok(&mut edge.node);
                }
                let kind = ConflictKind::ParamNames {
                    name,
                    other_name: edge.name.clone(),
                };
                Err(origin.conflicts_with(&edge.origin, method, kind))
            }
        }
    }

    fn text_child(&mut self, text: String) -> &mut Self {
        if !self.texts.contains_key(&text) {
            let spellings = self.folded.entry(text.to_lowercase()).or_default();
            spellings.push(text.clone());
            // So that the order of the file makes no difference.
            spellings.sort_unstable();
        }
        self.texts.entry(text).or_default()
    }

    /// The edge with this text around its parameter, whatever its name.
    fn param_edge(
        &mut self,
        prefix: &str,
        suffix: &str,
        name: &str,
        origin: &Origin,
    ) -> &mut ParamEdge<T> {
        let order = |prefix: &str, suffix: &str| {
            let text = (prefix.to_owned(), suffix.to_owned());
            (
                Reverse(prefix.len() + suffix.len()),
                Reverse(prefix.len()),
                text,
            )
        };
        let wanted = order(prefix, suffix);
        let at = self
            .params
            .binary_search_by_key(&wanted, |edge| order(&edge.prefix, &edge.suffix));
        let at = at.unwrap_or_else(|at| {
            let edge = ParamEdge {
                prefix: prefix.to_owned(),
                suffix: suffix.to_owned(),
                name: name.to_owned(),
                origin: origin.clone(),
                node: Node::default(),
            };
            self.params.insert(at, edge);
            at
        });
        #[expect(clippy::indexing_slicing, reason = "found or inserted just above")]
        &mut self.params[at]
    }

    /// The end of a wildcard that `rest` may go to. Dot segments would lead out
    /// of the wildcard's folder: they are left to the redirects.
    fn takes(&self, rest: &str) -> Option<&Leaf<T>> {
        let leaf = self.rest.as_ref()?;
        let stays = !rest.split('/').any(|part| matches!(part, "." | ".."));
        stays.then_some(leaf)
    }

    /// Appends the spelling of `rest` to `out` when it leads to a route;
    /// otherwise leaves it as it was.
    fn find_folded(&self, rest: Option<&str>, out: &mut String) -> bool {
        let Some(remaining) = rest else {
            return self.leaf.is_some();
        };
        let (segment, rest) = split(remaining);
        let before = out.len();
        out.push('/');
        let mut goes_on = |node: &Self, pieces: [&str; 3]| {
            let start = out.len();
            out.extend(pieces);
            let found = node.find_folded(rest, out);
            if !found {
                out.truncate(start);
            }
            found
        };
        let texts = self.folded.get(&segment.to_lowercase());
        let found = texts.into_iter().flatten().any(|text| {
            let node = self.texts.get(text);
            node.is_some_and(|node| goes_on(node, [text, "", ""]))
        }) || self.params.iter().any(|edge| {
            let value = edge.value_in_folded(segment);
            value.is_some_and(|value| goes_on(&edge.node, [&edge.prefix, value, &edge.suffix]))
        });
        if !found && self.takes(remaining).is_some() {
            out.push_str(remaining);
            return true;
        }
        if !found {
            out.truncate(before);
        }
        found
    }
}

impl<T> ParamEdge<T> {
    /// The value of the parameter in `segment`; never empty.
    fn value_in<'p>(&self, segment: &'p str) -> Option<&'p str> {
        segment
            .strip_prefix(self.prefix.as_str())?
            .strip_suffix(self.suffix.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Ignores the case of the text around the parameter, in ASCII.
    fn value_in_folded<'p>(&self, segment: &'p str) -> Option<&'p str> {
        let (prefix, rest) = segment.split_at_checked(self.prefix.len())?;
        let end = rest.len().checked_sub(self.suffix.len())?;
        let (value, suffix) = rest.split_at_checked(end)?;
        let matches = prefix.eq_ignore_ascii_case(&self.prefix)
            && suffix.eq_ignore_ascii_case(&self.suffix)
            && !value.is_empty();
        matches.then_some(value)
    }
}

/// A walk from the root to a leaf, with the values met on the way.
#[derive(Default)]
struct Search<'p> {
    values: Vec<&'p str>,
    nodes: usize,
}

impl<'p> Search<'p> {
    /// `rest` is what follows the last slash; nothing at the end of the path.
    fn descend<'t, T>(&mut self, node: &'t Node<T>, rest: Option<&'p str>) -> Option<&'t Leaf<T>> {
        self.nodes += 1;
        let Some(remaining) = rest else {
            return node.leaf.as_ref();
        };
        let (segment, rest) = split(remaining);
        if let Some(next) = node.texts.get(segment)
            && let Some(leaf) = self.descend(next, rest)
        {
            return Some(leaf);
        }
        let leaf = node.params.iter().find_map(|edge| {
            self.values.push(edge.value_in(segment)?);
            let leaf = self.descend(&edge.node, rest);
            if leaf.is_none() {
                self.values.pop();
            }
            leaf
        });
        leaf.or_else(|| {
            let leaf = node.takes(remaining)?;
            self.values.push(remaining);
            Some(leaf)
        })
    }
}

impl Origin {
    pub(super) fn of<R>(route: &Route<R>) -> Self {
        Self {
            place: route.place.clone(),
            path: route.path.text.clone(),
        }
    }

    pub(super) fn conflicts_with(
        &self,
        other: &Self,
        method: &Method,
        kind: ConflictKind,
    ) -> Box<Conflict> {
        Box::new(Conflict {
            method: method.clone(),
            place: self.place.clone(),
            path: self.path.clone(),
            other_place: other.place.clone(),
            other_path: other.path.clone(),
            kind,
        })
    }
}

fn relative(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// The first segment, and what follows the slash behind it.
fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests;
