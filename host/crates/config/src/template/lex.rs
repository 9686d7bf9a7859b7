//! Template text into tokens, by the rules of Go's `text/template`: delimiters
//! `{{` and `}}`, trim markers, comments, strings, numbers.

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Bytes of the text it covers.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Line it starts on, from 1.
    pub(super) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is wrong. The last token of its text.
    Error(String),
    Bool,
    /// A printable character without a meaning of its own, such as a comma.
    Char,
    CharConstant,
    Assign,
    Declare,
    /// The last token of a text without errors.
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Keyword(Keyword),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
/// The characters that trim markers take away.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
/// A trim marker: a hyphen and one space.
const MARKER: usize = 2;

/// Splits `text`. The last token is [`Kind::Eof`] or [`Kind::Error`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        start: 0,
        pos: 0,
        line: 1,
        counted: 0,
        parens: 0,
        tokens: Vec::new(),
    };
    if let Err(message) = lexer.run() {
        lexer.emit(Kind::Error(message));
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    /// Where the next token begins.
    start: usize,
    pos: usize,
    line: usize,
    /// Newlines before this offset are in `line`.
    counted: usize,
    parens: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(found) = self.rest().find(LEFT) {
            self.text_until(self.pos + found);
            self.action()?;
        }
        self.pos = self.text.len();
        if self.pos > self.start {
            self.emit(Kind::Text);
        }
        self.emit(Kind::Eof);
        Ok(())
    }

    /// The text before the delimiter at `delimiter`, without what its trim
    /// marker takes away.
    fn text_until(&mut self, delimiter: usize) {
        let text = self.text.get(self.start..delimiter).unwrap_or("");
        let trims = left_marker(self.text.get(delimiter + LEFT.len()..).unwrap_or(""));
        let kept = if trims {
            text.trim_end_matches(SPACES)
        } else {
            text
        };
        self.pos = self.start + kept.len();
        if self.pos > self.start {
            self.emit(Kind::Text);
        }
        self.pos = delimiter;
        self.start = delimiter;
    }

    /// From the left delimiter to behind the right one.
    fn action(&mut self) -> Result<(), String> {
        self.pos += LEFT.len();
        let marker = if left_marker(self.rest()) { MARKER } else { 0 };
        if self
            .rest()
            .get(marker..)
            .is_some_and(|rest| rest.starts_with("/*"))
        {
            self.pos += marker;
            self.start = self.pos;
            return self.comment();
        }
        self.emit(Kind::LeftDelim);
        self.pos += marker;
        self.start = self.pos;
        self.parens = 0;
        while !self.at_right() {
            self.inside()?;
        }
        if self.parens > 0 {
            return Err("unclosed left paren".to_owned());
        }
        self.right();
        Ok(())
    }

    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest().find("*/").ok_or("unclosed comment")?;
        self.pos += end + 2;
        if !self.at_right() {
            return Err("comment ends before closing delimiter".to_owned());
        }
        let before = self.tokens.len();
        self.right();
        self.tokens.truncate(before);
        Ok(())
    }

    /// At a right delimiter, perhaps with a trim marker before it.
    fn at_right(&self) -> bool {
        let rest = self.rest();
        rest.starts_with(RIGHT)
            || (right_marker(rest) && rest.get(MARKER..).is_some_and(|r| r.starts_with(RIGHT)))
    }

    fn right(&mut self) {
        let trims = right_marker(self.rest());
        if trims {
            self.pos += MARKER;
            self.start = self.pos;
        }
        self.pos += RIGHT.len();
        self.emit(Kind::RightDelim);
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(SPACES).len();
            self.start = self.pos;
        }
    }

    /// One token inside an action.
    fn inside(&mut self) -> Result<(), String> {
        let Some(first) = self.next() else {
            return Err("unclosed action".to_owned());
        };
        match first {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return Err("expected :=".to_owned());
                }
                self.emit(Kind::Declare);
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', "unterminated quoted string", Kind::String)?,
            '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant)?,
            '`' => self.raw()?,
            '$' => self.name(Kind::Variable)?,
            '.' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => {
                self.name(Kind::Field)?;
            }
            '.' | '+' | '-' | '0'..='9' => self.number()?,
            '(' => {
                self.emit(Kind::LeftParen);
                self.parens += 1;
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(Kind::RightParen);
            }
            c if alphanumeric(c) => self.identifier()?,
            c if c.is_ascii_graphic() => self.emit(Kind::Char),
            c => return Err(format!("unrecognized character in action: {}", unicode(c))),
        }
        Ok(())
    }

    /// A run of spaces, but not the one that belongs to a trim marker.
    fn space(&mut self) {
        self.pos -= 1;
        while self.rest().starts_with(SPACES) && !self.at_right() {
            self.pos += 1;
        }
        self.emit(Kind::Space);
    }

    /// From behind the opening quote to the closing one.
    fn quoted(&mut self, quote: char, open: &str, kind: Kind) -> Result<(), String> {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return Err(open.to_owned()),
                Some(c) if c == quote => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn raw(&mut self) -> Result<(), String> {
        let end = self.rest().find('`');
        self.pos += end.ok_or("unterminated raw quoted string")? + 1;
        self.emit(Kind::RawString);
        Ok(())
    }

    /// A field or a variable; its `.` or `$` is behind us.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        if self.at_end_of_word() {
            self.emit(match kind {
                Kind::Field => Kind::Keyword(Keyword::Dot),
                variable => variable,
            });
            return Ok(());
        }
        self.word()?;
        self.emit(kind);
        Ok(())
    }

    fn identifier(&mut self) -> Result<(), String> {
        self.word()?;
        let kind = match self.text.get(self.start..self.pos).unwrap_or("") {
            "block" => Kind::Keyword(Keyword::Block),
            "break" => Kind::Keyword(Keyword::Break),
            "continue" => Kind::Keyword(Keyword::Continue),
            "define" => Kind::Keyword(Keyword::Define),
            "else" => Kind::Keyword(Keyword::Else),
            "end" => Kind::Keyword(Keyword::End),
            "if" => Kind::Keyword(Keyword::If),
            "nil" => Kind::Keyword(Keyword::Nil),
            "range" => Kind::Keyword(Keyword::Range),
            "template" => Kind::Keyword(Keyword::Template),
            "with" => Kind::Keyword(Keyword::With),
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    /// Letters and digits up to something that may end a word.
    fn word(&mut self) -> Result<(), String> {
        self.skip_while(alphanumeric);
        if self.at_end_of_word() {
            return Ok(());
        }
        let bad = self.rest().chars().next().unwrap_or(' ');
        Err(format!("bad character {}", unicode(bad)))
    }

    fn at_end_of_word(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with([' ', '\t', '\r', '\n', '.', ',', '|', ':', ')', '('])
            || rest.starts_with(RIGHT)
    }

    /// Whether it is one shows in the parser; this takes what may belong to it.
    fn number(&mut self) -> Result<(), String> {
        self.pos = self.start;
        self.skip(['+', '-']);
        let mut hex = false;
        let mut digits: fn(char) -> bool = |c| c.is_ascii_digit() || c == '_';
        if self.skip(['0']) {
            if self.skip(['x', 'X']) {
                hex = true;
                digits = |c| c.is_ascii_hexdigit() || c == '_';
            } else if !self.skip(['o', 'O']) {
                self.skip(['b', 'B']);
            }
        }
        self.skip_while(digits);
        if self.skip(['.']) {
            self.skip_while(digits);
        }
        let exponent = if hex { ['p', 'P'] } else { ['e', 'E'] };
        if self.skip(exponent) {
            self.skip(['+', '-']);
            self.skip_while(|c| c.is_ascii_digit() || c == '_');
        }
        if self.rest().starts_with(alphanumeric) {
            self.next();
            let text = self.text.get(self.start..self.pos).unwrap_or("");
            return Err(format!("bad number syntax: {text:?}"));
        }
        self.emit(Kind::Number);
        Ok(())
    }

    fn rest(&self) -> &str {
        self.text.get(self.pos..).unwrap_or("")
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    fn skip<const N: usize>(&mut self, set: [char; N]) -> bool {
        let found = self.rest().starts_with(set);
        self.pos += usize::from(found);
        found
    }

    fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.pos += end;
    }

    fn emit(&mut self, kind: Kind) {
        let passed = self.text.get(self.counted..self.start).unwrap_or("");
        self.line += passed.matches('\n').count();
        self.counted = self.start.max(self.counted);
        self.tokens.push(Token {
            kind,
            start: self.start,
            end: self.pos,
            line: self.line,
        });
        self.start = self.pos;
    }
}

fn left_marker(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('-') && characters.next().is_some_and(|c| SPACES.contains(&c))
}

fn right_marker(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| SPACES.contains(&c)) && characters.next() == Some('-')
}

fn alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A character as Go's `%#U` shows it.
fn unicode(c: char) -> String {
    let code = u32::from(c);
    if c.is_control() {
        format!("U+{code:04X}")
    } else {
        format!("U+{code:04X} '{c}'")
    }
}
