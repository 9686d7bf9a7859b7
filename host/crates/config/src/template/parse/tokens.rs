//! The parser's view of its tokens, and what it says of one it does not expect.

use super::{Parser, SyntaxError, Token, lex};
use crate::template::print::quoted;

impl Parser<'_> {
    pub(super) fn written(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    /// The next token. There always is one: behind the last, it is the last.
    pub(super) fn take(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    pub(super) fn take_word(&mut self) -> Token {
        self.skip_spaces();
        self.take()
    }

    pub(super) fn peek(&mut self) -> Token {
        self.furthest = self.furthest.max(self.next);
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.next.min(last))
            .cloned()
            .unwrap_or(Token {
                kind: lex::Kind::Eof,
                start: 0,
                end: 0,
                line: 1,
            })
    }

    pub(super) fn peek_word(&mut self) -> Token {
        let before = self.next;
        self.skip_spaces();
        let token = self.peek();
        self.next = before;
        token
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.peek().kind == lex::Kind::Space {
            self.next += 1;
        }
    }

    pub(super) fn unexpected(&self, token: &Token, context: &str) -> SyntaxError {
        if let lex::Kind::Error(message) = &token.kind {
            let mut message = message.clone();
            if self.action_line != 0 && self.action_line != token.line {
                let word = if message.ends_with(" action") {
                    ""
                } else {
                    " in action"
                };
                message = format!("{message}{word} started at line {}", self.action_line);
            }
            return self.error(message);
        }
        let shown = match &token.kind {
            lex::Kind::Eof => "EOF".to_owned(),
            lex::Kind::Keyword(_) => format!("<{}>", self.written(token)),
            _ => {
                let written = self.written(token);
                let short: String = written.chars().take(10).collect();
                let dots = if short == written { "" } else { "..." };
                format!("{}{dots}", quoted(&short))
            }
        };
        self.error(format!("unexpected {shown} in {context}"))
    }

    pub(super) fn error(&self, message: String) -> SyntaxError {
        let last = self.tokens.get(self.furthest).or(self.tokens.last());
        SyntaxError {
            line: last.map_or(1, |token| token.line),
            message,
            unknown_function: None,
        }
    }
}
