//! What a template is parsed into. `Display` gives a construct back as it is
//! written, for error texts.

use std::{collections::HashMap, fmt, rc::Rc};

use super::print::quoted;

/// The texts templates come from, and the templates by name.
pub(super) struct Templates {
    pub(super) sources: Vec<Source>,
    pub(super) trees: HashMap<Rc<str>, Rc<Tree>>,
}

/// One file with templates.
pub(super) struct Source {
    /// Name in error texts and of its outermost template: the file's name
    /// without folders.
    pub(super) name: Rc<str>,
    pub(super) text: String,
}

/// One template.
pub(super) struct Tree {
    pub(super) name: Rc<str>,
    /// Index of its text in [`Templates::sources`].
    pub(super) source: usize,
    pub(super) root: Vec<Node>,
}

/// A part of a template, in order of output.
pub(super) enum Node {
    /// Bytes `start..end` of the source.
    Text {
        start: usize,
        end: usize,
    },
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Box<Invocation>),
    Break,
    Continue,
}

/// `{{if}}`, `{{with}}` or `{{range}}`.
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) list: Vec<Node>,
    pub(super) otherwise: Option<Vec<Node>>,
}

/// `{{template "name" pipeline}}`.
pub(super) struct Invocation {
    pub(super) pos: usize,
    pub(super) name: Rc<str>,
    pub(super) pipe: Option<Pipe>,
}

/// Commands joined by `|`, and the variables that take the result.
pub(super) struct Pipe {
    pub(super) pos: usize,
    /// Names with their `$`.
    pub(super) variables: Vec<Rc<str>>,
    /// `=`, not `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// An operand, or a function with its arguments. Never empty.
pub(super) struct Command {
    pub(super) pos: usize,
    pub(super) first: Operand,
    pub(super) rest: Vec<Operand>,
}

/// One word of a command.
pub(super) struct Operand {
    pub(super) pos: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    Text {
        /// As written.
        quoted: String,
        text: Rc<str>,
    },
    /// A function's name.
    Identifier(Rc<str>),
    /// `.a.b`
    Field(Vec<Rc<str>>),
    /// `$x.a.b`: name with `$`, then fields.
    Variable(Rc<str>, Vec<Rc<str>>),
    /// `(pipeline)`
    Pipe(Pipe),
    /// `(pipeline).a.b`
    Chain(Box<Operand>, Vec<Rc<str>>),
}

/// A number constant: everything it may stand for, as its place decides.
pub(super) struct Number {
    /// As written.
    pub(super) text: String,
    pub(super) int: Option<i64>,
    pub(super) float: Option<f64>,
    /// Written with a decimal point or an exponent.
    pub(super) looks_float: bool,
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut fmt::Formatter<'_>, names: &[Rc<str>]| -> fmt::Result {
            names.iter().try_for_each(|name| write!(f, ".{name}"))
        };
        match &self.kind {
            Kind::Bool(value) => value.fmt(f),
            Kind::Dot => f.write_str("."),
            Kind::Nil => f.write_str("nil"),
            Kind::Number(number) => f.write_str(&number.text),
            Kind::Text { quoted, .. } => f.write_str(quoted),
            Kind::Identifier(name) => f.write_str(name),
            Kind::Field(names) => fields(f, names),
            Kind::Variable(name, names) => {
                f.write_str(name)?;
                fields(f, names)
            }
            Kind::Pipe(pipe) => write!(f, "({pipe})"),
            Kind::Chain(inner, names) => {
                inner.fmt(f)?;
                fields(f, names)
            }
        }
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", quoted(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
