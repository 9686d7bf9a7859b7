//! Runs templates: writes text, evaluates pipelines, walks branches. Follows
//! Go's `text/template/exec.go`, error texts included.
//!
//! A map's missing key is [`Value::Missing`], a `null` is [`Value::Nil`]; the
//! difference is whether a field of it may be asked for: of nothing it is
//! nothing, of `null` it is an error.

mod arguments;
mod operands;

use std::{ops::ControlFlow, rc::Rc};

use super::{
    functions::{Functions, World},
    node::{Branch, Command, Invocation, Kind, Node, Operand, Pipe, Templates, Tree},
    origin::Origins,
    print::{self, NO_VALUE, quoted},
    value::{Failure, Heap, MAX_TEXT, Value},
};

/// How deep templates may call templates. Go stops at 100,000; this fits any
/// stack, and no configuration needs a tenth of it.
pub(super) const MAX_CALLS: usize = 100;
/// How deep blocks and parentheses may be nested over all calls together.
const MAX_NESTING: usize = 300;

/// Why a template stopped, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Index of the text, and byte offset in it.
    pub(super) source: usize,
    pub(super) offset: usize,
    /// The template that ran.
    pub(super) template: Rc<str>,
    /// What it was at, as written.
    pub(super) construct: String,
    /// What is wrong. Holds no values.
    pub(super) message: String,
}

/// What comes out.
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) origins: Origins,
}

/// Runs the template `name` with `data` as `.` and `$`.
pub(super) fn execute(
    templates: &Templates,
    name: &str,
    data: Value,
    functions: &Functions,
    world: &World,
    heap: &Heap,
) -> Result<Rendered, Fault> {
    let Some(tree) = templates.trees.get(name) else {
        return Err(Fault {
            source: 0,
            offset: 0,
            template: name.into(),
            construct: name.to_owned(),
            message: "the template is empty".to_owned(),
        });
    };
    let mut state = State {
        templates,
        functions,
        world,
        heap,
        out: String::new(),
        origins: Origins::default(),
        tree,
        variables: vec![("$".into(), data.clone())],
        at: At::Start,
        calls: 0,
        nesting: 0,
    };
    match state.list(&data, &tree.root) {
        Ok(_) => Ok(Rendered {
            text: state.out,
            origins: state.origins,
        }),
        Err(failure) => Err(state.fault(failure)),
    }
}

/// What is being evaluated, for errors.
#[derive(Clone, Copy)]
enum At<'t> {
    Start,
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
    Invocation(&'t Invocation),
}

/// What ends a list of nodes early.
enum Jump {
    Break,
    Continue,
}

/// How a list of nodes ended.
type Flow = ControlFlow<Jump>;

struct State<'t> {
    templates: &'t Templates,
    functions: &'t Functions,
    world: &'t World,
    heap: &'t Heap,
    out: String,
    origins: Origins,
    tree: &'t Tree,
    /// Names with `$`; inner ones are behind outer ones.
    variables: Vec<(Rc<str>, Value)>,
    at: At<'t>,
    calls: usize,
    nesting: usize,
}

type Evaluated<T> = Result<T, Failure>;

impl<'t> State<'t> {
    fn list(&mut self, dot: &Value, nodes: &'t [Node]) -> Evaluated<Flow> {
        self.deeper()?;
        for node in nodes {
            let flow = self.node(dot, node)?;
            if flow.is_break() {
                self.nesting -= 1;
                return Ok(flow);
            }
        }
        self.nesting -= 1;
        Ok(Flow::Continue(()))
    }

    fn node(&mut self, dot: &Value, node: &'t Node) -> Evaluated<Flow> {
        match node {
            Node::Text { start, end } => self.text(*start, *end)?,
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.print(pipe, &value)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template(invocation) => self.invoke(dot, invocation)?,
            Node::Break => return Ok(Flow::Break(Jump::Break)),
            Node::Continue => return Ok(Flow::Break(Jump::Continue)),
        }
        Ok(Flow::Continue(()))
    }

    fn text(&mut self, start: usize, end: usize) -> Evaluated<()> {
        let source = self.templates.sources.get(self.tree.source);
        let text = source.and_then(|source| source.text.get(start..end));
        let text = text.unwrap_or("");
        self.origins.copied(self.out.len(), self.tree.source, start);
        self.write(text)
    }

    fn print(&mut self, pipe: &'t Pipe, value: &Value) -> Evaluated<()> {
        self.at = At::Pipe(pipe);
        self.origins
            .made(self.out.len(), self.tree.source, pipe.pos);
        match value {
            Value::Missing | Value::Nil => self.write(NO_VALUE),
            Value::Text(text) => self.write(text),
            value => {
                let text = print::plain(value, self.heap)?;
                self.write(&text)
            }
        }
    }

    fn write(&mut self, text: &str) -> Evaluated<()> {
        if self.out.len() + text.len() > MAX_TEXT {
            let limit = MAX_TEXT >> 20;
            return Err(Failure(format!("the output is larger than {limit} MiB")));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn branch(&mut self, dot: &Value, branch: &'t Branch, sets_dot: bool) -> Evaluated<Flow> {
        let known = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = match (&branch.otherwise, value.is_true()) {
            (_, true) if sets_dot => self.list(&value, &branch.list)?,
            (_, true) => self.list(dot, &branch.list)?,
            (Some(otherwise), false) => self.list(dot, otherwise)?,
            (None, false) => Flow::Continue(()),
        };
        self.variables.truncate(known);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Evaluated<Flow> {
        let known = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = self.iterations(dot, branch, &value)?;
        self.variables.truncate(known);
        Ok(flow)
    }

    fn iterations(&mut self, dot: &Value, branch: &'t Branch, value: &Value) -> Evaluated<Flow> {
        let mut empty = true;
        match value {
            Value::List(list) => {
                for (index, item) in (0..).zip(list.items()) {
                    empty = false;
                    if self.iteration(branch, Value::Int(index), item)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in map.snapshot() {
                    empty = false;
                    if self.iteration(branch, Value::Text(key), &item)? {
                        break;
                    }
                }
            }
            Value::Int(count) => empty = self.count(branch, *count, Value::Int)?,
            Value::Int64(count) => empty = self.count(branch, *count, Value::Int64)?,
            Value::Missing | Value::Nil => {}
            other => {
                let kind = other.type_name();
                return Err(Failure(format!("range can't iterate over {kind}")));
            }
        }
        match &branch.otherwise {
            Some(otherwise) if empty => self.list(dot, otherwise),
            _ => Ok(Flow::Continue(())),
        }
    }

    /// Counts from 0; whether there was nothing to count.
    fn count(
        &mut self,
        branch: &'t Branch,
        count: i64,
        number: fn(i64) -> Value,
    ) -> Evaluated<bool> {
        if branch.pipe.variables.len() > 1 {
            let message = "range can't iterate over an integer with two variables";
            return Err(Failure(message.to_owned()));
        }
        for index in 0..count {
            if self.iteration(branch, number(index), &number(index))? {
                break;
            }
        }
        Ok(count <= 0)
    }

    /// One time through a range; whether it is the last.
    fn iteration(&mut self, branch: &'t Branch, index: Value, item: &Value) -> Evaluated<bool> {
        self.heap.step(1)?;
        let known = self.variables.len();
        let mut names = branch.pipe.variables.iter();
        match (names.next(), names.next()) {
            (Some(first), Some(second)) => {
                self.bind(branch, first, index)?;
                self.bind(branch, second, item.clone())?;
            }
            (Some(only), None) => self.bind(branch, only, item.clone())?,
            _ => {}
        }
        let flow = self.list(item, &branch.list)?;
        self.variables.truncate(known);
        Ok(matches!(flow, Flow::Break(Jump::Break)))
    }

    fn bind(&mut self, branch: &'t Branch, name: &Rc<str>, value: Value) -> Evaluated<()> {
        if branch.pipe.assigns {
            return self.assign(name, value);
        }
        self.variables.push((name.clone(), value));
        Ok(())
    }

    fn invoke(&mut self, dot: &Value, invocation: &'t Invocation) -> Evaluated<()> {
        self.at = At::Invocation(invocation);
        let Some(tree) = self.templates.trees.get(&invocation.name) else {
            let name = quoted(&invocation.name);
            return Err(Failure(format!("template {name} not defined")));
        };
        if self.calls == MAX_CALLS {
            return Err(Failure(format!(
                "exceeded maximum template depth ({MAX_CALLS})"
            )));
        }
        let dot = match &invocation.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Missing,
        };
        let outer = std::mem::replace(&mut self.variables, vec![("$".into(), dot.clone())]);
        let caller = std::mem::replace(&mut self.tree, tree);
        self.calls += 1;
        // No jump comes out: the parser allows none across templates.
        let _ = self.list(&dot, &tree.root)?;
        self.calls -= 1;
        self.tree = caller;
        self.variables = outer;
        Ok(())
    }

    fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Evaluated<Value> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            self.heap.step(1)?;
            let next = self.command(dot, command, value.take())?;
            // The step from an interface to what it holds, here nothing.
            value = Some(match next {
                Value::Nil => Value::Missing,
                other => other,
            });
        }
        let value = value.unwrap_or(Value::Missing);
        // In a range they are bound again, once for each element.
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    fn assign(&mut self, name: &Rc<str>, value: Value) -> Evaluated<()> {
        let mut variables = self.variables.iter_mut().rev();
        match variables.find(|(known, _)| known == name) {
            Some(variable) => {
                variable.1 = value;
                Ok(())
            }
            None => Err(Failure(format!("undefined variable: {name}"))),
        }
    }

    fn variable(&self, name: &str) -> Evaluated<Value> {
        let mut variables = self.variables.iter().rev();
        match variables.find(|(known, _)| **known == *name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(Failure(format!("undefined variable: {name}"))),
        }
    }

    fn deeper(&mut self) -> Evaluated<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Failure(format!(
                "blocks and parentheses are nested deeper than {MAX_NESTING} levels"
            )));
        }
        Ok(())
    }

    fn fault(&self, failure: Failure) -> Fault {
        let (offset, construct) = match self.at {
            At::Start => (0, String::new()),
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Command(command) => (command.pos, command.to_string()),
            At::Operand(operand) => (operand.pos, operand.to_string()),
            At::Invocation(invocation) => (invocation.pos, invocation.to_string()),
        };
        Fault {
            source: self.tree.source,
            offset,
            template: self.tree.name.clone(),
            construct,
            message: failure.0,
        }
    }
}
