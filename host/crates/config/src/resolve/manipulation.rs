//! What is done with the data of an answer: the keys of a backend, and
//! `flatmap_filter`.

use crate::{Encoding, FlatmapOp, Manipulation, read::Value};

use super::{At, Item, Problems, Section, nearest, section::misfit};

const KEYS: [&str; 6] = [
    "is_collection",
    "target",
    "allow",
    "deny",
    "mapping",
    "group",
];

/// Help for whoever wrote another one.
const OPERATIONS: &str = "write \"move\", \"append\" or \"del\"";

/// Encodings whose answers are a list, or not, whatever is said.
const WITHOUT_COLLECTIONS: [Encoding; 2] = [Encoding::SafeJson, Encoding::String];

/// The keys of a backend whose `proxy` has this `flatmap`.
pub(super) fn resolve(
    section: &mut Section<'_>,
    encoding: Encoding,
    flatmap: Option<Vec<FlatmapOp>>,
) -> Manipulation {
    if encoding == Encoding::NoOp {
        section.ignore(&KEYS, "with no-op the body passes as it is");
        return Manipulation::default();
    }
    if WITHOUT_COLLECTIONS.contains(&encoding) {
        let why = format!("\"encoding\": {:?} does not follow it", encoding.name());
        section.ignore(&["is_collection"], &why);
    }
    let mut manipulation = Manipulation {
        is_collection: section.flag("is_collection").unwrap_or(false),
        target: section
            .text("target")
            .filter(|target| !target.is_empty())
            .map_or_else(Vec::new, |target| path(&target)),
        group: section.text("group").filter(|group| !group.is_empty()),
        ..Manipulation::default()
    };
    if flatmap.is_some() {
        let keys = ["allow", "deny", "mapping"];
        section.ignore(&keys, "a \"flatmap_filter\" takes its place");
        manipulation.flatmap = flatmap;
        return manipulation;
    }
    manipulation.allow = paths(section, "allow");
    if manipulation.allow.is_empty() {
        manipulation.deny = paths(section, "deny");
    } else {
        section.ignore(&["deny"], "of \"allow\" and \"deny\", \"allow\" wins");
    }
    manipulation.mapping = mapping(section);
    manipulation
}

fn paths(section: &mut Section<'_>, key: &'static str) -> Vec<Vec<String>> {
    let texts = section.texts(key);
    texts.iter().map(|(text, _)| path(text)).collect()
}

fn path(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

fn mapping(section: &mut Section<'_>) -> Vec<(String, String)> {
    let Some(item) = section.item("mapping") else {
        return Vec::new();
    };
    let problems = section.problems();
    let Value::Object(object) = &item.node.value else {
        misfit(
            problems,
            &item,
            "an object with the names of fields as keys",
        );
        return Vec::new();
    };
    let entries = object.entries().iter();
    entries
        .filter_map(|entry| {
            let (node, at) = (&entry.node, item.at.key(&entry.key));
            let name = new_name(&entry.key, &Item { node, at }, problems)?;
            Some((entry.key.clone(), name))
        })
        .collect()
}

/// What a field gets as its name; dots mean nothing in it.
fn new_name(old: &str, item: &Item<'_>, problems: &Problems<'_>) -> Option<String> {
    let written = item.text(problems)?;
    if old.contains('.') {
        let message = "only fields of the first level are renamed";
        let help = "the dot is part of the name here; walk into objects with \"target\", or use \
                    a \"flatmap_filter\"";
        problems.warning(&item.at, message, help);
    }
    let Some((name, _)) = written.split_once('.') else {
        return Some(written);
    };
    let message = format!("the new name ends at its first dot: it is {name:?}");
    let help = "a \"flatmap_filter\" can move fields into objects";
    problems.warning(&item.at, message, help);
    Some(name.to_owned())
}

/// `flatmap_filter` of a `proxy`. Nothing if it has no operation at all; one
/// that nobody knows counts as an operation that does nothing.
pub(super) fn flatmap(section: &mut Section<'_>) -> Option<Vec<FlatmapOp>> {
    let problems = section.problems();
    let items = section.items("flatmap_filter");
    let mut operations = None;
    for item in &items {
        let Some(mut section) = Section::of(item, problems) else {
            continue;
        };
        if let Some(kind) = section.text("type") {
            let operations = operations.get_or_insert_with(Vec::new);
            operations.extend(operation(&kind, &mut section));
        } else {
            let at = section.at().key("type");
            problems.warning(&at, "is missing: nothing is done", OPERATIONS);
            section.accept(&["args"]);
        }
        section.finish();
    }
    operations
}

/// The operations of one entry: `del` takes any number of paths.
fn operation(kind: &str, section: &mut Section<'_>) -> Vec<FlatmapOp> {
    let args = section.texts("args");
    match kind {
        "del" => {
            let paths = args.iter().map(|(text, _)| path(text));
            paths.map(|path| FlatmapOp::Delete { path }).collect()
        }
        "move" => {
            let moved = two_paths(section, &args);
            Vec::from_iter(moved.map(|(from, to)| FlatmapOp::Move { from, to }))
        }
        "append" => {
            let appended = two_paths(section, &args);
            Vec::from_iter(appended.map(|(from, to)| FlatmapOp::Append { from, to }))
        }
        _ => {
            let message = format!("unknown operation {kind:?} does nothing");
            let help = match nearest(kind, ["move", "append", "del"]) {
                Some(name) => format!("did you mean {name:?}?"),
                None => OPERATIONS.to_owned(),
            };
            let at = section.at().key("type");
            section.problems().warning(&at, message, help);
            Vec::new()
        }
    }
}

/// Source and destination. With one of them missing, KrakenD fails on every
/// call.
fn two_paths(section: &Section<'_>, args: &[(String, At)]) -> Option<(Vec<String>, Vec<String>)> {
    let problems = section.problems();
    let help = "write \"args\": [\"from.here\", \"to.there\"]";
    let [(from, _), (to, _), further @ ..] = args else {
        let message = format!("needs two paths, not {}", args.len());
        problems.error(&section.at().key("args"), message, help);
        return None;
    };
    for (_, at) in further {
        problems.warning(at, "has no effect: only two paths are taken", help);
    }
    Some((path(from), path(to)))
}
