//! From the file to one tree, whatever the format.

mod json;
mod node;
mod toml;
mod yaml;

#[cfg(test)]
mod tests;

use std::{fs::File, io::Read, path::Path};

pub(crate) use node::{Entry, Node, Object, Place, Value};

use crate::{KeyPath, Problem, Report, Severity, Sources, resolve::shorten_namespaces};

/// Bytes a file may have. A hundred thousand endpoints fit; what is larger is
/// not a configuration but a mistake, and would be read into memory whole.
const MAX_BYTES: u64 = 64 << 20;

/// How deep lists and objects may be nested. Real files need about a dozen;
/// the limit keeps recursion over the tree within any stack.
const MAX_DEPTH: usize = 128;

/// Why a text is not a tree.
struct SyntaxError {
    place: Place,
    message: String,
    help: String,
}

/// What a format's reader found.
struct Tree {
    root: Node,
    warnings: Vec<SyntaxError>,
}

/// Reads `file`, at most [`MAX_BYTES`] of it.
pub(crate) fn text(file: &Path) -> Result<String, Report> {
    let problem = |message: String, help: &str| Problem {
        severity: Severity::Error,
        file: Some(file.to_owned()),
        path: KeyPath::root(),
        line: None,
        column: None,
        rendered: None,
        message,
        help: Some(help.to_owned()),
    };
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            problem(
                format!("cannot be read: {error}"),
                "check the path and its permissions",
            )
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(file).into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to())
            .filter(|byte| **byte == b'\n')
            .count();
        let mut problem = problem("is not UTF-8".to_owned(), "save the file as UTF-8");
        problem.line = Some(line + 1);
        problem.into()
    })
}

/// Turns `text` into a tree, by the extension of `name`. Warnings are about
/// keys that stand there twice and the like.
pub(crate) fn tree(text: &str, name: &Path) -> Result<(Sources, Vec<Problem>), Report> {
    if text.len() as u64 > MAX_BYTES {
        return Err(too_large(name).into());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let problem = |severity, error: SyntaxError| Problem {
        severity,
        file: Some(name.to_owned()),
        path: KeyPath::root(),
        line: Some(error.place.line),
        column: Some(error.place.column),
        rendered: None,
        message: error.message,
        help: Some(error.help),
    };
    let mut tree = parse(text, name).map_err(|error| problem(Severity::Error, error))?;
    let mut problems = Vec::new();
    overridden(&tree.root, &KeyPath::root(), name, &mut problems);
    let warnings = tree.warnings.into_iter();
    problems.extend(warnings.map(|error| problem(Severity::Warning, error)));
    shorten_namespaces(&mut tree.root);
    Ok((Sources::new(name, tree.root), problems))
}

/// Turns `text` into a tree, by the extension of `name`, and nothing more.
pub(crate) fn object(text: &str, name: &Path) -> Result<Node, Report> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = parse(text, name).map(|tree| tree.root);
    parsed.map_err(|error| syntax_problem(error, name).into())
}

fn syntax_problem(error: SyntaxError, name: &Path) -> Problem {
    Problem {
        severity: Severity::Error,
        file: Some(name.to_owned()),
        path: KeyPath::root(),
        line: Some(error.place.line),
        column: Some(error.place.column),
        rendered: None,
        message: error.message,
        help: Some(error.help),
    }
}

/// Turns `text` into a tree of whatever it holds, as JSON. `name` is for the
/// error.
pub(crate) fn json_tree(text: &str, name: &Path) -> Result<Node, Report> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = json::parse(text).map(|tree| tree.root);
    parsed.map_err(|error| syntax_problem(error, name).into())
}

fn parse(text: &str, name: &Path) -> Result<Tree, SyntaxError> {
    let extension = name.extension().and_then(|e| e.to_str()).unwrap_or("");
    let tree = match extension.to_ascii_lowercase().as_str() {
        "yml" | "yaml" => yaml::parse(text)?,
        "toml" => toml::parse(text)?,
        _ => json::parse(text)?,
    };
    match &tree.root.value {
        Value::Object(_) => Ok(tree),
        other => Err(SyntaxError {
            place: tree.root.place,
            message: format!("the file holds {}, not an object", other.kind()),
            help: r#"the smallest configuration is {"version": 3}"#.to_owned(),
        }),
    }
}

/// Warns about keys whose value is not used because they stand there again.
fn overridden(node: &Node, here: &KeyPath, name: &Path, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                overridden(item, &here.index(index), name, problems);
            }
        }
        Value::Object(object) => {
            problems.extend(object.overridden().iter().map(|twice| Problem {
                severity: Severity::Warning,
                file: Some(name.to_owned()),
                path: here.key(&twice.key),
                line: Some(twice.later.line),
                column: Some(twice.later.column),
                rendered: None,
                message: format!(
                    "stands here a second time: this value is used, the one at {}:{} is not",
                    twice.earlier.line, twice.earlier.column
                ),
                help: Some("remove one of the two".to_owned()),
            }));
            for entry in object.entries() {
                overridden(&entry.node, &here.key(&entry.key), name, problems);
            }
        }
        _ => {}
    }
}

fn too_large(file: &Path) -> Problem {
    Problem {
        severity: Severity::Error,
        file: Some(file.to_owned()),
        path: KeyPath::root(),
        line: None,
        column: None,
        rendered: None,
        message: format!("is larger than {} MiB", MAX_BYTES >> 20),
        help: Some("is this a configuration?".to_owned()),
    }
}

fn too_deep(place: Place) -> SyntaxError {
    SyntaxError {
        place,
        message: format!("lists and objects are nested deeper than {MAX_DEPTH} levels"),
        help: "a KrakenD configuration needs about a dozen".to_owned(),
    }
}

/// Turns byte offsets into places. Fast for offsets that mostly grow, also in
/// a file that is one long line.
struct Locator<'a> {
    text: &'a str,
    offset: usize,
    place: Place,
}

impl<'a> Locator<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            place: Place { line: 1, column: 1 },
        }
    }

    fn place(&mut self, offset: usize) -> Place {
        if offset < self.offset {
            *self = Self::new(self.text);
        }
        let passed = self.text.get(self.offset..offset).unwrap_or("");
        for character in passed.chars() {
            if character == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.offset += passed.len();
        self.place
    }
}
