//! One place that does not follow a schema, in words.

use std::collections::BTreeSet;

use boon::{ErrorKind, InstanceToken, Type, ValidationError};
use cuttle_pipeline::config::{KeyPath, Problem};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Values of an `enum` that are listed at most.
const MAX_LISTED: usize = 16;

/// One place that does not follow a schema. Never repeats a value of the
/// configuration: it may be a secret.
pub(crate) struct Violation {
    pub(crate) place: KeyPath,
    /// Whether it sums up what is wrong inside of the place.
    sums_up: bool,
    /// Of a key that the schema does not know: where its object stands.
    unknown_in: Option<KeyPath>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Violation {
    /// All of those in `error`, which is about `schema` and a value that stands
    /// at `at`.
    pub(crate) fn all(error: &ValidationError<'_, '_>, schema: &Value, at: &KeyPath) -> Vec<Self> {
        let mut causes = Vec::new();
        collect(error, &mut causes);
        // A key in another case is missing, too, which is the lesser news.
        causes.sort_by_key(|cause| matches!(cause.kind, ErrorKind::Required { .. }));
        let causes = causes.into_iter();
        causes
            .flat_map(|cause| Self::of(cause, schema, at))
            .collect()
    }

    /// One for each key, where it is about keys.
    fn of(error: &ValidationError<'_, '_>, schema: &Value, root: &KeyPath) -> Vec<Self> {
        let (place, part) = (place(error, root), part(error.schema_url, schema));
        let object = &place;
        let at = |place: KeyPath, message: String, help: Option<String>| Self {
            place,
            sums_up: matches!(error.kind, ErrorKind::AnyOf | ErrorKind::OneOf(_)),
            unknown_in: matches!(error.kind, ErrorKind::AdditionalProperties { .. })
                .then(|| object.clone()),
            message,
            help,
        };
        match &error.kind {
            ErrorKind::AdditionalProperties { got } => {
                let message = || "is no key of the schema here".to_owned();
                let keys = got.iter();
                keys.map(|key| at(place.key(key), message(), Some(spelling(key, part))))
                    .collect()
            }
            ErrorKind::Required { want } => {
                let message = || "is missing: the schema requires it".to_owned();
                let keys = want.iter();
                keys.map(|key| at(place.key(key), message(), described(property(key, part))))
                    .collect()
            }
            kind => vec![at(place.clone(), message(kind), help(kind, part))],
        }
    }

    /// Whether it is about a key of the object at `place` that the schema does
    /// not know.
    pub(crate) fn is_unknown_key_of(&self, place: &KeyPath) -> bool {
        self.unknown_in.as_ref() == Some(place)
    }
}

/// Places that something has been said about, without regard to case.
pub(crate) struct Places(BTreeSet<String>);

impl Places {
    pub(crate) fn of(problems: &[Problem]) -> Self {
        let paths = problems.iter().map(|problem| &problem.path);
        Self(
            paths
                .map(|path| path.as_str().to_ascii_lowercase())
                .collect(),
        )
    }

    /// Adds the place of `violation`; false if enough has been said about it.
    pub(crate) fn add(&mut self, violation: &Violation) -> bool {
        let place = violation.place.as_str().to_ascii_lowercase();
        let inside = |separator: &str| {
            let prefix = format!("{place}{separator}");
            let next = self.0.range(prefix.clone()..).next();
            next.is_some_and(|next| next.starts_with(&prefix))
        };
        if violation.sums_up && (inside(".") || inside("[")) {
            return false;
        }
        self.0.insert(place)
    }
}

/// The errors in `error` that tell most.
fn collect<'e, 's, 'v>(
    error: &'e ValidationError<'s, 'v>,
    into: &mut Vec<&'e ValidationError<'s, 'v>>,
) {
    let causes = error.causes.as_slice();
    match error.kind {
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => {
            // The only form of the right type is the one that was meant.
            let depth = error.instance_location.tokens.len();
            let mut meant = causes.iter().filter(|cause| fits_type(cause, depth));
            match (meant.next(), meant.next()) {
                (Some(only), None) => collect(only, into),
                _ => into.push(error),
            }
        }
        ErrorKind::PropertyName { .. } => into.push(error),
        _ if causes.is_empty() => into.push(error),
        _ => causes.iter().for_each(|cause| collect(cause, into)),
    }
}

/// Whether the value at `depth` itself has the type that is wanted.
fn fits_type(error: &ValidationError<'_, '_>, depth: usize) -> bool {
    match error.kind {
        ErrorKind::Type { .. } => error.instance_location.tokens.len() > depth,
        _ => error.causes.iter().all(|cause| fits_type(cause, depth)),
    }
}

fn place(error: &ValidationError<'_, '_>, root: &KeyPath) -> KeyPath {
    let tokens = error.instance_location.tokens.iter();
    let path = tokens.fold(root.clone(), |path, token| match token {
        InstanceToken::Prop(key) => path.key(key),
        InstanceToken::Item(index) => path.index(*index),
    });
    match &error.kind {
        ErrorKind::PropertyName { prop } => path.key(prop),
        _ => path,
    }
}

/// The part of `schema` that `url` names, if it stands in that document.
fn part<'a>(url: &str, schema: &'a Value) -> Option<&'a Value> {
    let (_, fragment) = url.split_once('#').unwrap_or((url, ""));
    let pointer = percent_decode_str(fragment).decode_utf8().ok()?;
    schema.pointer(&pointer)
}

fn property<'a>(key: &str, part: Option<&'a Value>) -> Option<&'a Value> {
    part?.get("properties")?.get(key)
}

/// What the schema's author says.
fn described(part: Option<&Value>) -> Option<String> {
    let text = part?.get("description")?.as_str()?;
    Some(format!("the schema says: {text}"))
}

/// What to do about a key that is not there, or not in this case.
fn spelling(key: &str, part: Option<&Value>) -> String {
    let properties = part.and_then(|part| part.get("properties")?.as_object());
    let mut names = properties.into_iter().flat_map(|known| known.keys());
    match names.find(|name| name.eq_ignore_ascii_case(key)) {
        Some(name) => format!("write {name:?}: editors and schemas tell the case of keys"),
        None => "remove it".to_owned(),
    }
}

fn message(kind: &ErrorKind<'_, '_>) -> String {
    let size = |what: &str, got: &usize, bound: &str, want: &usize| {
        format!("has {got} {what}, the schema wants {bound} {want}")
    };
    match kind {
        ErrorKind::Type { got, want } => {
            let wanted: Vec<_> = want.iter().map(article).collect();
            let got = article(*got);
            format!("is {got}, the schema wants {}", wanted.join(" or "))
        }
        ErrorKind::Enum { .. } => "is none of the values of the schema".to_owned(),
        ErrorKind::Const { .. } => "is not the value of the schema".to_owned(),
        ErrorKind::Pattern { .. } => "has not the form that the schema wants".to_owned(),
        ErrorKind::Format { want, .. } => format!("is no {want}, which the schema wants"),
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => {
            "has none of the forms that the schema allows".to_owned()
        }
        ErrorKind::OneOf(Some(_)) => {
            "has more than one of the forms, of which the schema allows one".to_owned()
        }
        ErrorKind::Not | ErrorKind::FalseSchema => "is not allowed by the schema".to_owned(),
        ErrorKind::PropertyName { .. } => "has a name that the schema does not allow".to_owned(),
        ErrorKind::MinItems { got, want } => size("entries", got, "at least", want),
        ErrorKind::MaxItems { got, want } => size("entries", got, "at most", want),
        ErrorKind::MinProperties { got, want } => size("keys", got, "at least", want),
        ErrorKind::MaxProperties { got, want } => size("keys", got, "at most", want),
        ErrorKind::MinLength { got, want } => size("characters", got, "at least", want),
        ErrorKind::MaxLength { got, want } => size("characters", got, "at most", want),
        ErrorKind::Minimum { want, .. } => format!("is less than {want}, the schema's least"),
        ErrorKind::Maximum { want, .. } => format!("is more than {want}, the schema's most"),
        ErrorKind::UniqueItems { got: [one, two] } => {
            format!("has the same entry twice, at {one} and {two}")
        }
        _ => "does not follow the schema".to_owned(),
    }
}

fn help(kind: &ErrorKind<'_, '_>, part: Option<&Value>) -> Option<String> {
    match kind {
        ErrorKind::Enum { want } if want.len() <= MAX_LISTED => {
            let values: Vec<_> = want.iter().map(Value::to_string).collect();
            Some(format!("write one of {}", values.join(", ")))
        }
        ErrorKind::Const { want } => Some(format!("write {want}")),
        ErrorKind::Pattern { want, .. } => {
            described(part).or_else(|| Some(format!("the schema's pattern is {want}")))
        }
        _ => described(part),
    }
}

fn article(of: Type) -> &'static str {
    match of {
        Type::Null => "null",
        Type::Boolean => "a boolean",
        Type::Number => "a number",
        Type::Integer => "a whole number",
        Type::String => "a string",
        Type::Array => "a list",
        Type::Object => "an object",
    }
}
