//! Commands and their words: constants, fields, variables, parentheses.

use std::rc::Rc;

use super::{At, Evaluated, Failure, Kind, State, Value};
use crate::template::node::{Command, Number, Operand};

impl<'t> State<'t> {
    /// One command, with the value of the one before as its last argument.
    pub(super) fn command(
        &mut self,
        dot: &Value,
        command: &'t Command,
        last: Option<Value>,
    ) -> Evaluated<Value> {
        let first = &command.first;
        let has_arguments = !command.rest.is_empty() || last.is_some();
        match &first.kind {
            Kind::Identifier(name) => {
                self.at = At::Operand(first);
                return self.call(dot, name, At::Command(command), &command.rest, last);
            }
            Kind::Field(_) | Kind::Chain(..) => {
                return self.operand(dot, first, has_arguments);
            }
            Kind::Variable(_, fields) if !fields.is_empty() => {
                return self.operand(dot, first, has_arguments);
            }
            _ => {}
        }
        if !matches!(first.kind, Kind::Pipe(_)) {
            self.at = At::Operand(first);
        }
        if has_arguments {
            return Err(Failure(format!(
                "can't give argument to non-function {first}"
            )));
        }
        match &first.kind {
            Kind::Nil => Err(Failure("nil is not a command".to_owned())),
            _ => self.operand(dot, first, false),
        }
    }

    /// The value of one word, without regard to the type its place wants.
    pub(super) fn operand(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        called: bool,
    ) -> Evaluated<Value> {
        self.at = At::Operand(operand);
        match &operand.kind {
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Dot => Ok(dot.clone()),
            Kind::Nil => Ok(Value::Nil),
            Kind::Number(number) => constant(number),
            Kind::Text { text, .. } => Ok(Value::Text(text.clone())),
            Kind::Identifier(name) => self.call(dot, name, At::Operand(operand), &[], None),
            Kind::Pipe(pipe) => {
                self.deeper()?;
                let value = self.pipeline(dot, pipe);
                self.nesting -= 1;
                value
            }
            Kind::Field(fields) => fields_of(dot.clone(), fields, called),
            Kind::Variable(name, fields) => fields_of(self.variable(name)?, fields, called),
            Kind::Chain(inner, fields) => {
                let value = self.operand(dot, inner, false)?;
                self.at = At::Operand(operand);
                fields_of(value, fields, called)
            }
        }
    }
}

/// Follows `.a.b` from `value`. `called`: the last one has arguments.
fn fields_of(mut value: Value, fields: &[Rc<str>], called: bool) -> Evaluated<Value> {
    for (index, name) in fields.iter().enumerate() {
        let called = called && index + 1 == fields.len();
        value = match &value {
            Value::Missing => return Ok(Value::Missing),
            Value::Nil => {
                return Err(Failure(format!(
                    "nil pointer evaluating interface {{}}.{name}"
                )));
            }
            Value::Map(_) if called => {
                return Err(Failure(format!("{name} is not a method but has arguments")));
            }
            Value::Map(map) => map.get(name).unwrap_or(Value::Missing),
            other => {
                let kind = other.type_name();
                return Err(Failure(format!(
                    "can't evaluate field {name} in type {kind}"
                )));
            }
        };
    }
    Ok(value)
}

/// A number where any type will do: its spelling decides.
pub(super) fn constant(number: &Number) -> Evaluated<Value> {
    match (number.looks_float, number.int, number.float) {
        (true, _, Some(float)) => Ok(Value::Float(float)),
        (_, Some(int), _) => Ok(Value::Int(int)),
        _ => Err(Failure(format!("{} overflows int", number.text))),
    }
}
