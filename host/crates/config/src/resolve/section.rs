//! One object of the file: typed access to its keys, with KrakenD's coercions,
//! and a warning for each key nobody asked for.

use std::time::Duration;

use crate::{
    KeyPath,
    read::{Node, Object, Value},
};

use super::{At, Problems, duration, nearest, not_yet};

/// An object whose keys are being read.
pub(super) struct Section<'a> {
    object: &'a Object,
    path: KeyPath,
    problems: &'a Problems<'a>,
    /// Values of the environment that replace those of the file.
    overrides: &'a [Override],
    known: Vec<&'static str>,
}

/// An environment variable that replaces a key.
pub(super) struct Override {
    pub(super) key: String,
    pub(super) variable: String,
    pub(super) node: Node,
}

/// A value that is there, and where.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub(super) node: &'a Node,
    pub(super) at: At,
}

impl<'a> Section<'a> {
    pub(super) fn new(object: &'a Object, path: KeyPath, problems: &'a Problems<'a>) -> Self {
        Self {
            object,
            path,
            problems,
            overrides: &[],
            known: Vec::new(),
        }
    }

    /// The section `item` holds; an error if it is no object.
    pub(super) fn of(item: &Item<'a>, problems: &'a Problems<'a>) -> Option<Self> {
        match &item.node.value {
            Value::Object(object) => Some(Self::new(object, item.at.path(), problems)),
            _ => {
                misfit(problems, item, "an object");
                None
            }
        }
    }

    pub(super) fn with_overrides(mut self, overrides: &'a [Override]) -> Self {
        self.overrides = overrides;
        self
    }

    pub(super) fn problems(&self) -> &'a Problems<'a> {
        self.problems
    }

    pub(super) fn path(&self) -> &KeyPath {
        &self.path
    }

    /// Names of the keys, comments apart.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let entries = self.object.entries().iter();
        entries
            .map(|entry| entry.key.as_str())
            .filter(|key| !is_comment(key))
    }

    pub(super) fn at(&self) -> At {
        At::Key(self.path.clone())
    }

    /// The value of `key`, if it is there and not null.
    pub(super) fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.known.push(key);
        let replaced = self.overrides.iter().find(|o| o.key == key).map(|o| Item {
            node: &o.node,
            at: At::Variable(o.variable.clone()),
        });
        let in_file = || {
            let entry = self.object.find(key)?;
            let at = At::Key(self.path.key(key));
            Some(Item {
                node: &entry.node,
                at,
            })
        };
        replaced
            .or_else(in_file)
            .filter(|item| !matches!(item.node.value, Value::Null))
    }

    /// The object under `key`.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let item = self.item(key)?;
        Section::of(&item, self.problems)
    }

    /// The entries of the list under `key`; something else is a list of one.
    pub(super) fn items(&mut self, key: &'static str) -> Vec<Item<'a>> {
        let Some(item) = self.item(key) else {
            return Vec::new();
        };
        match &item.node.value {
            Value::List(nodes) => nodes
                .iter()
                .enumerate()
                .map(|(index, node)| Item {
                    node,
                    at: item.at.index(index),
                })
                .collect(),
            _ => vec![item],
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let item = self.item(key)?;
        item.text(self.problems)
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let item = self.item(key)?;
        let flag = match &item.node.value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(digits) => digits.parse::<f64>().ok().map(|number| number != 0.0),
            Value::Text(text) => flag_of(text),
            _ => None,
        };
        or_misfit(flag, self.problems, &item, "true or false")
    }

    /// A whole number that fits `T`.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &'static str) -> Option<T> {
        let item = self.item(key)?;
        let number = item.whole_number().and_then(|n| T::try_from(n).ok());
        or_misfit(number, self.problems, &item, "a whole number in range")
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Vec<(String, At)> {
        let items = self.items(key);
        let texts = items.into_iter().filter_map(|item| {
            let text = item.text(self.problems)?;
            Some((text, item.at))
        });
        texts.collect()
    }

    /// A duration in nanoseconds, which may be negative.
    pub(super) fn nanoseconds(&mut self, key: &'static str) -> Option<(i64, At)> {
        let item = self.item(key)?;
        let nanoseconds = duration::of(&item, self.problems)?;
        Some((nanoseconds, item.at))
    }

    /// A duration of a key for which zero and less mean "none".
    pub(super) fn timeout(&mut self, key: &'static str) -> Option<Duration> {
        let (nanoseconds, _) = self.nanoseconds(key)?;
        u64::try_from(nanoseconds)
            .ok()
            .filter(|n| *n > 0)
            .map(Duration::from_nanos)
    }

    /// A duration of a key for which zero means "the default" and less is an error.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let (nanoseconds, at) = self.nanoseconds(key)?;
        let Ok(nanoseconds) = u64::try_from(nanoseconds) else {
            self.problems.error(
                &at,
                "is negative",
                "write a duration such as \"2s\", or leave it out",
            );
            return None;
        };
        Some(nanoseconds)
            .filter(|n| *n > 0)
            .map(Duration::from_nanos)
    }

    /// Keys that are understood without being read.
    pub(super) fn accept(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Warns about those of `keys` that say something: it has no effect here,
    /// in KrakenD neither, and this is `why`.
    pub(super) fn ignore(&mut self, keys: &[&'static str], why: &str) {
        for key in keys {
            if let Some(item) = self.item(key).filter(|item| !item.node.value.is_empty()) {
                let message = format!("has no effect: {why}");
                self.problems.warning(&item.at, message, "remove it");
            }
        }
    }

    /// Warns about keys of `table` that are set to something that would have
    /// an effect in KrakenD and has none here.
    pub(super) fn not_yet(&mut self, table: &'static [not_yet::Key]) {
        for key in table {
            if let Some(item) = self
                .item(key.name)
                .filter(|item| key.is_set(&item.node.value))
            {
                self.problems.warning(&item.at, key.message(), key.help());
            }
        }
    }

    /// Warns about keys that nobody asked for, and about spellings of one key.
    pub(super) fn finish(self) {
        #[cfg(test)]
        super::schema::recorder::record(&self.path, &self.known);
        for (index, entry) in self.object.entries().iter().enumerate() {
            let at = At::Key(self.path.key(&entry.key));
            let key = entry.key.as_str();
            if is_comment(key) {
                continue;
            }
            if !self
                .known
                .iter()
                .any(|known| key.eq_ignore_ascii_case(known))
            {
                self.unknown(&at, key);
                continue;
            }
            let later = self.object.entries().iter().skip(index + 1);
            if let Some(later) = later.into_iter().find(|e| e.key.eq_ignore_ascii_case(key)) {
                self.problems.warning(
                    &at,
                    format!(
                        "is the same key as {:?} at {}:{}, whose value is used",
                        later.key, later.place.line, later.place.column
                    ),
                    "keys are compared without case: remove one of the two",
                );
            }
        }
    }

    fn unknown(&self, at: &At, key: &str) {
        if let Some(help) = not_yet::elsewhere(key, &self.known) {
            return self.problems.warning(at, "has no effect here", help);
        }
        let help = match nearest(key, self.known.iter().copied()) {
            Some(name) => format!("did you mean {name:?}?"),
            None => "remove it; names that start with \"@\" or \"$\" are comments".to_owned(),
        };
        self.problems
            .warning(at, "unknown key, has no effect", help);
    }
}

impl Item<'_> {
    /// The value as text. Numbers and booleans are text as written.
    pub(super) fn text(&self, problems: &Problems<'_>) -> Option<String> {
        let text = match &self.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(digits) => Some(digits.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        or_misfit(text, problems, self, "a string")
    }

    fn whole_number(&self) -> Option<i64> {
        match &self.node.value {
            Value::Number(digits) => digits.parse().ok().or_else(|| whole(digits.parse().ok()?)),
            Value::Text(text) if text.is_empty() => Some(0),
            Value::Text(text) => text.parse().ok(),
            Value::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        }
    }
}

/// `8080.0` and `1e3` are whole numbers too.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // Whole and within 2^53, so the conversion is exact.
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// The spellings of Go's `strconv.ParseBool`; empty is false.
fn flag_of(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// What [`is_comment`] says, as a pattern.
#[cfg(test)]
pub(super) const COMMENTS: &str = "^([@$_#]|//)";

/// KrakenD's schema leaves keys with these beginnings to comments and editors.
pub(super) fn is_comment(key: &str) -> bool {
    key.starts_with(['@', '$', '_', '#']) || key.starts_with("//")
}

fn or_misfit<T>(
    value: Option<T>,
    problems: &Problems<'_>,
    item: &Item<'_>,
    wanted: &str,
) -> Option<T> {
    if value.is_none() {
        misfit(problems, item, wanted);
    }
    value
}

/// Says that `item` is not what is `wanted`, without repeating its value.
pub(super) fn misfit(problems: &Problems<'_>, item: &Item<'_>, wanted: &str) {
    let kind = item.node.value.kind();
    let message = match &item.node.value {
        // Numbers and texts are read as each other where that is possible.
        Value::Text(_) | Value::Number(_) if wanted != "an object" => format!("is not {wanted}"),
        _ => format!("is {kind}, not {wanted}"),
    };
    let help = match &item.at {
        At::Key(_) => format!("write {wanted}, or remove the key"),
        At::Variable(name) => format!(
            "unset {name}; Kubernetes sets such names for a service called `krakend` unless \
             the pod has `enableServiceLinks: false`"
        ),
    };
    problems.error(&item.at, message, help);
}
