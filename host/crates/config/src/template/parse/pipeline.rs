//! Pipelines: declarations, commands and their operands.

use std::rc::Rc;

use super::{Keyword, MAX_NESTING, Parsed, Parser, lex};
use crate::template::{
    literal,
    node::{Command, Kind, Operand, Pipe},
    print::quoted,
};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: &lex::Kind) -> Parsed<Pipe> {
        let mut pipe = Pipe {
            pos: self.peek_word().start,
            variables: Vec::new(),
            assigns: false,
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.take_word();
            if token.kind == *end {
                return self.checked(pipe, context);
            }
            if !starts_operand(&token.kind) {
                return Err(self.unexpected(&token, context));
            }
            self.next -= 1;
            let command = self.command()?;
            pipe.commands.push(command);
        }
    }

    /// `$x :=`, `$x =` and, for a range, `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        while self.peek_word().kind == lex::Kind::Variable {
            let before = self.next;
            let variable = self.take_word();
            let name: Rc<str> = self.written(&variable).into();
            let token = self.take_word();
            match token.kind {
                lex::Kind::Assign | lex::Kind::Declare => {
                    pipe.assigns = token.kind == lex::Kind::Assign;
                    pipe.variables.push(name.clone());
                    self.variables.push(name);
                    return Ok(());
                }
                lex::Kind::Char if self.written(&token) == "," => {
                    pipe.variables.push(name.clone());
                    self.variables.push(name);
                    if context != "range" || pipe.variables.len() > 1 {
                        return Err(self.error(format!("too many declarations in {context}")));
                    }
                    if self.peek_word().kind != lex::Kind::Variable {
                        return Err(self.error("range can only initialize variables".to_owned()));
                    }
                }
                _ => {
                    self.next = before;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn checked(&self, pipe: Pipe, context: &str) -> Parsed<Pipe> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let constant = matches!(
                command.first.kind,
                Kind::Bool(_) | Kind::Dot | Kind::Nil | Kind::Number(_) | Kind::Text { .. }
            );
            if constant {
                let stage = index + 1;
                return Err(self.error(format!("non executable command in pipeline stage {stage}")));
            }
        }
        Ok(pipe)
    }

    /// Operands up to the end of the command, whose `|` is taken.
    fn command(&mut self) -> Parsed<Command> {
        let pos = self.peek_word().start;
        let mut words = Vec::new();
        loop {
            self.peek_word();
            self.skip_spaces();
            words.extend(self.operand()?);
            let token = self.take();
            match token.kind {
                lex::Kind::Space => {}
                lex::Kind::RightDelim | lex::Kind::RightParen => {
                    self.next -= 1;
                    break;
                }
                lex::Kind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        let mut words = words.into_iter();
        let first = words
            .next()
            .ok_or_else(|| self.error("empty command".to_owned()))?;
        Ok(Command {
            pos,
            first,
            rest: words.collect(),
        })
    }

    /// A term and the fields behind it; nothing if there is no term.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut term) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != lex::Kind::Field {
            return Ok(Some(term));
        }
        // As in Go, a chain stands where its second part does.
        let pos = self.peek().start;
        let mut names: Vec<Rc<str>> = Vec::new();
        while self.peek().kind == lex::Kind::Field {
            let token = self.take();
            names.push(field_name(self.written(&token)));
        }
        match &mut term.kind {
            Kind::Field(fields) | Kind::Variable(_, fields) => {
                fields.extend(names);
                term.pos = pos;
            }
            Kind::Pipe(_) | Kind::Identifier(_) | Kind::Chain(..) => {
                let kind = Kind::Chain(Box::new(term), names);
                term = Operand { pos, kind };
            }
            _ => {
                let term = quoted(&term.to_string());
                return Err(self.error(format!("unexpected . after term {term}")));
            }
        }
        Ok(Some(term))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.take_word();
        let pos = token.start;
        let written = self.written(&token).to_owned();
        let kind = match token.kind {
            lex::Kind::Identifier => self.function(&written)?,
            lex::Kind::Keyword(Keyword::Dot) => Kind::Dot,
            lex::Kind::Keyword(Keyword::Nil) => Kind::Nil,
            lex::Kind::Variable => self.variable(&written)?,
            lex::Kind::Field => Kind::Field(vec![field_name(&written)]),
            lex::Kind::Bool => Kind::Bool(written == "true"),
            lex::Kind::CharConstant | lex::Kind::Number => {
                let number = literal::number(&written);
                Kind::Number(number.map_err(|message| self.error(message))?)
            }
            lex::Kind::String | lex::Kind::RawString => {
                let text = literal::text(&written);
                Kind::Text {
                    text: text
                        .ok_or_else(|| self.error("invalid syntax".to_owned()))?
                        .into(),
                    quoted: written,
                }
            }
            lex::Kind::LeftParen => Kind::Pipe(self.parenthesised()?),
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand { pos, kind }))
    }

    fn parenthesised(&mut self) -> Parsed<Pipe> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error("max expression depth exceeded".to_owned()));
        }
        let pipe = self.pipeline("parenthesized pipeline", &lex::Kind::RightParen);
        self.nesting -= 1;
        pipe
    }

    fn function(&self, name: &str) -> Parsed<Kind> {
        if (self.is_function)(name) {
            return Ok(Kind::Identifier(name.into()));
        }
        let mut error = self.error(format!("function {} not defined", quoted(name)));
        error.unknown_function = Some(name.to_owned());
        Err(error)
    }

    fn variable(&self, name: &str) -> Parsed<Kind> {
        if self.variables.iter().any(|known| **known == *name) {
            return Ok(Kind::Variable(name.into(), Vec::new()));
        }
        Err(self.error(format!("undefined variable {}", quoted(name))))
    }
}

fn starts_operand(kind: &lex::Kind) -> bool {
    use lex::Kind as K;
    matches!(
        kind,
        K::Bool
            | K::CharConstant
            | K::Keyword(Keyword::Dot | Keyword::Nil)
            | K::Field
            | K::Identifier
            | K::Number
            | K::RawString
            | K::String
            | K::Variable
            | K::LeftParen
    )
}

fn field_name(written: &str) -> Rc<str> {
    written.strip_prefix('.').unwrap_or(written).into()
}
