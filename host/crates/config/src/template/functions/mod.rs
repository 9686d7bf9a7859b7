//! The functions of templates: Go's own, sprig's, and KrakenD's `marshal` and
//! `include`.

mod builtin;
pub(super) mod dates;
mod defaults;
mod dicts;
mod encoding;
mod layout;
mod lists;
mod math;
mod paths;
mod regexes;
mod strings;
mod words;

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

use super::value::{Failure, Heap, List, Map, Value, fail};

/// A function by its signature in Go.
pub(super) struct Function {
    name: &'static str,
    /// Types of the arguments that must be there.
    pub(super) parameters: &'static [Type],
    /// Type of those that may follow.
    pub(super) rest: Option<Type>,
    pub(super) run: fn(&Call<'_>) -> Returned,
}

pub(super) type Returned = Result<Value, Failure>;

/// What a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// `interface {}`: anything, also nothing.
    Any,
    /// `reflect.Value`: anything, and whether it is there.
    Reflect,
    Bool,
    Float,
    Int,
    /// `map[string]interface {}`
    Map,
    Text,
    Time,
}

/// What functions see of the world.
pub(super) struct World {
    pub(super) environment: HashMap<String, String>,
    /// `FC_PARTIALS`
    pub(super) partials: PathBuf,
    pub(super) now: jiff::Timestamp,
    /// Time zone of `date`.
    pub(super) zone: jiff::tz::TimeZone,
    /// Files that `include` did not find.
    pub(super) missing_partials: RefCell<BTreeSet<String>>,
}

/// One call; the arguments have the types of the signature.
pub(super) struct Call<'a> {
    pub(super) values: &'a [Value],
    pub(super) world: &'a World,
    pub(super) heap: &'a Heap,
}

/// All functions, by name.
pub(super) struct Functions(HashMap<&'static str, &'static Function>);

/// Those of sprig that are left out: they make keys and certificates, look up
/// names in the network, or are not worth their code.
const LEFT_OUT: [&str; 16] = [
    "bcrypt",
    "buildCustomCert",
    "decryptAES",
    "derivePassword",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "getHostByName",
    "htpasswd",
    "randBytes",
    "shuffle",
];

/// A function with exactly these parameters.
const fn function(
    name: &'static str,
    parameters: &'static [Type],
    run: fn(&Call<'_>) -> Returned,
) -> Function {
    Function {
        name,
        parameters,
        rest: None,
        run,
    }
}

/// A function that takes any number of `rest` behind its parameters.
const fn variadic(
    name: &'static str,
    parameters: &'static [Type],
    rest: Type,
    run: fn(&Call<'_>) -> Returned,
) -> Function {
    Function {
        name,
        parameters,
        rest: Some(rest),
        run,
    }
}

impl Functions {
    /// sprig's take the place of Go's with the same name, as in KrakenD.
    pub(super) fn new() -> Self {
        let tables: [&'static [Function]; 11] = [
            builtin::FUNCTIONS,
            defaults::FUNCTIONS,
            dicts::FUNCTIONS,
            dates::FUNCTIONS,
            encoding::FUNCTIONS,
            lists::FUNCTIONS,
            math::FUNCTIONS,
            paths::FUNCTIONS,
            regexes::FUNCTIONS,
            strings::FUNCTIONS,
            words::FUNCTIONS,
        ];
        let functions = tables.into_iter().flatten();
        Self(
            functions
                .map(|function| (function.name, function))
                .collect(),
        )
    }

    pub(super) fn find(&self, name: &str) -> Option<&'static Function> {
        self.0.get(name).copied()
    }

    /// What to do about a function that is not there.
    pub(super) fn advice(&self, name: &str) -> String {
        if LEFT_OUT.contains(&name) {
            return "this function of sprig is not available here".to_owned();
        }
        let near = self
            .0
            .keys()
            .map(|known| (strsim::jaro(name, known), known));
        match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((likeness, known)) if likeness > 0.8 => format!("did you mean `{known}`?"),
            _ => "docs/templates.md lists the functions there are".to_owned(),
        }
    }

    /// All names, sorted.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.keys().copied().collect();
        names.sort_unstable();
        names
    }
}

impl Function {
    /// Type of the argument at `index`.
    pub(super) fn parameter(&self, index: usize) -> Type {
        let parameter = self.parameters.get(index).copied();
        parameter.or(self.rest).unwrap_or(Type::Any)
    }
}

impl Type {
    /// What it is called in Go.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Float => "float64",
            Self::Int => "int",
            Self::Map => "map[string]interface {}",
            Self::Text => "string",
            Self::Time => "time.Time",
        }
    }

    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any | Self::Reflect => true,
            wanted => !value.is_nothing() && value.type_name() == wanted.name(),
        }
    }
}

impl<'a> Call<'a> {
    /// The argument at `index`.
    fn value(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    /// The arguments from `index` on.
    fn from(&self, index: usize) -> &'a [Value] {
        self.values.get(index..).unwrap_or(&[])
    }

    fn str(&self, index: usize) -> &'a str {
        match self.value(index) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// A text of which each character costs more than a look.
    fn costly(&self, index: usize) -> Result<&'a str, Failure> {
        let text = self.str(index);
        self.heap.step(text.len() as u64 / 16)?;
        Ok(text)
    }

    fn int(&self, index: usize) -> i64 {
        match self.value(index) {
            Value::Int(value) => *value,
            _ => 0,
        }
    }

    fn bool(&self, index: usize) -> bool {
        matches!(self.value(index), Value::Bool(true))
    }

    /// The map at `index`; nothing for `nil`.
    fn map(&self, index: usize) -> Option<&'a Map> {
        match self.value(index) {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list at `index`, for the function that does `what` with it.
    fn list(&self, index: usize, what: &str) -> Result<&'a List, Failure> {
        match self.value(index) {
            Value::List(list) => Ok(list),
            other => fail(format!("Cannot {what} on type {}", other.kind_name())),
        }
    }

    fn text(&self, text: impl AsRef<str>) -> Returned {
        self.heap.text(text)
    }
}
