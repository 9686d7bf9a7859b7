//! Calls of functions: how many arguments, and of which types.

use super::{At, Evaluated, Failure, Kind, State, Value, operands::constant};
use crate::template::{
    functions::{Call, Type},
    node::Operand,
};

impl<'t> State<'t> {
    /// Calls the function `name` with `arguments` and, last, what the pipeline
    /// brings.
    pub(super) fn call(
        &mut self,
        dot: &Value,
        name: &str,
        node: At<'t>,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Value> {
        let Some(function) = self.functions.find(name) else {
            return Err(Failure(format!("{name:?} is not a defined function")));
        };
        let given = arguments.len() + usize::from(last.is_some());
        let wanted = function.parameters.len();
        if function.rest.is_some() && given < wanted {
            return Err(Failure(format!(
                "wrong number of args for {name}: want at least {wanted} got {}",
                arguments.len()
            )));
        }
        if function.rest.is_none() && given != wanted {
            return Err(Failure(format!(
                "wrong number of args for {name}: want {wanted} got {given}"
            )));
        }
        if let "and" | "or" = name {
            return self.short_circuit(dot, name == "or", arguments, last);
        }
        let mut values = Vec::with_capacity(given);
        for (index, argument) in arguments.iter().enumerate() {
            values.push(self.argument(dot, function.parameter(index), argument)?);
        }
        if let Some(last) = last {
            values.push(fitting(last, function.parameter(arguments.len()))?);
        }
        // A function may look at each byte of a text.
        let bytes: usize = values.iter().map(Value::text_length).sum();
        self.heap.step(bytes as u64 / 256)?;
        let call = Call {
            values: &values,
            world: self.world,
            heap: self.heap,
        };
        (function.run)(&call).map_err(|failure| {
            self.at = node;
            Failure(format!("error calling {name}: {}", failure.0))
        })
    }

    /// `and` and `or` evaluate no more than they need.
    fn short_circuit(
        &mut self,
        dot: &Value,
        until: bool,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Value> {
        let mut value = Value::Missing;
        for argument in arguments {
            value = self.argument(dot, Type::Reflect, argument)?;
            if value.is_true() == until {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// The value of an argument in a place that wants the type `wanted`.
    fn argument(&mut self, dot: &Value, wanted: Type, argument: &'t Operand) -> Evaluated<Value> {
        self.at = At::Operand(argument);
        let found = |found: &Operand, expected: &str| {
            Err(Failure(format!("expected {expected}; found {found}")))
        };
        match (&argument.kind, wanted) {
            (Kind::Nil, Type::Reflect) => Ok(Value::Missing),
            (Kind::Nil, Type::Any | Type::Map) => Ok(Value::Nil),
            (Kind::Nil, wanted) => Err(Failure(format!("cannot assign nil to {}", wanted.name()))),
            (Kind::Bool(_) | Kind::Number(_) | Kind::Text { .. }, Type::Any | Type::Reflect) => {
                self.operand(dot, argument, false)
            }
            (Kind::Bool(value), Type::Bool) => Ok(Value::Bool(*value)),
            (Kind::Text { text, .. }, Type::Text) => Ok(Value::Text(text.clone())),
            (Kind::Number(number), Type::Int) => match number.int {
                Some(int) => Ok(Value::Int(int)),
                None => found(argument, "integer"),
            },
            (Kind::Number(number), Type::Float) => match number.float {
                Some(float) => Ok(Value::Float(float)),
                None => constant(number),
            },
            (Kind::Bool(_) | Kind::Number(_) | Kind::Text { .. }, wanted) => match wanted {
                Type::Bool => found(argument, "bool"),
                Type::Text => found(argument, "string"),
                Type::Int => found(argument, "integer"),
                Type::Float => found(argument, "float"),
                wanted => Err(Failure(format!(
                    "can't handle {argument} for arg of type {}",
                    wanted.name()
                ))),
            },
            _ => fitting(self.operand(dot, argument, false)?, wanted),
        }
    }
}

/// `value`, if it may be passed where `wanted` is.
fn fitting(value: Value, wanted: Type) -> Evaluated<Value> {
    match (&value, wanted) {
        (_, Type::Reflect) => Ok(value),
        (Value::Missing, Type::Any | Type::Map) => Ok(Value::Nil),
        (Value::Missing, wanted) => {
            let name = wanted.name();
            Err(Failure(format!("invalid value; expected {name}")))
        }
        (value, wanted) if !wanted.takes(value) => Err(Failure(format!(
            "wrong type for value; expected {}; got {}",
            wanted.name(),
            value.type_name()
        ))),
        _ => Ok(value),
    }
}
