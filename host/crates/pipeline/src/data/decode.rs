//! A document out of JSON.
//!
//! An own scanner, because no library at hand has Go's leniency and its
//! strictness at once: lone surrogates and bytes that are no UTF-8 become
//! U+FFFD, numbers stay text, what follows the first value is not looked at,
//! ten thousand levels are fine, and messages are those of `encoding/json`.
//! Nesting is kept on the heap: no depth overflows the stack.

use bytes::Bytes;

use super::{
    Children, Document, JsonError, NodeId, Value,
    text::{Text, Texts, plain_run},
    unescape::unescape,
};

/// How deep arrays and objects may be nested, as in Go.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// Decodes the first value of `body`; what follows is ignored. Containers may
/// be nested `depth` levels, usually [`MAX_DEPTH`].
pub(crate) fn decode_json(body: &Bytes, depth: usize) -> Result<Document, JsonError> {
    if u32::try_from(body.len()).is_err() {
        return Err(JsonError::TooLarge);
    }
    let mut texts = Texts::default();
    let source = texts.add(body.clone());
    let document = Document {
        texts,
        nodes: Vec::with_capacity(body.len() / BYTES_PER_NODE + 1),
        root: NodeId(0),
    };
    let reader = Reader {
        bytes: body,
        at: 0,
        source,
        utf8: std::str::from_utf8(body).is_ok(),
        document,
        open: Vec::new(),
        depth,
    };
    reader.document()
}

/// Guess, to set memory aside.
const BYTES_PER_NODE: usize = 16;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    source: u16,
    /// Whether the whole body is UTF-8.
    utf8: bool,
    document: Document,
    open: Vec<Open>,
    depth: usize,
}

/// An array or object that is being read.
struct Open {
    node: NodeId,
    last: Option<NodeId>,
    object: bool,
    /// The keys so far came in order, each once.
    sorted: bool,
}

impl Reader<'_> {
    fn document(mut self) -> Result<Document, JsonError> {
        if self.peek().is_none() {
            return Err(JsonError::Empty);
        }
        self.value(Text::EMPTY)?;
        while let Some(open) = self.open.last() {
            let (object, first) = (open.object, open.last.is_none());
            match self.peek().ok_or(JsonError::Truncated)? {
                b'}' if object => self.close(),
                b']' if !object => self.close(),
                b',' if !first => {
                    self.at += 1;
                    self.child(object)?;
                }
                _ if first => self.child(object)?,
                _ if object => return Err(self.unexpected("after object key:value pair")),
                _ => return Err(self.unexpected("after array element")),
            }
        }
        Ok(self.document)
    }

    /// Reads an element or a member of the container that is being read.
    fn child(&mut self, object: bool) -> Result<(), JsonError> {
        let key = if object { self.key()? } else { Text::EMPTY };
        self.value(key)
    }

    /// Reads a scalar, or the opening bracket of a container.
    fn value(&mut self, key: Text) -> Result<(), JsonError> {
        let byte = self.peek().ok_or(JsonError::Truncated)?;
        let value = match byte {
            b'"' => Value::String(self.string()?),
            b'-' | b'0'..=b'9' => Value::Number(self.number()?),
            b'{' => Value::Object(Children::NONE),
            b'[' => Value::Array(Children::NONE),
            b't' => self.literal("true", Value::Bool(true))?,
            b'f' => self.literal("false", Value::Bool(false))?,
            b'n' => self.literal("null", Value::Null)?,
            _ => return Err(self.unexpected("looking for beginning of value")),
        };
        let node = self.add(key, value);
        if let b'{' | b'[' = byte {
            self.open(node, byte == b'{')?;
        }
        Ok(())
    }

    fn open(&mut self, node: NodeId, object: bool) -> Result<(), JsonError> {
        self.at += 1;
        if self.open.len() >= self.depth {
            return Err(JsonError::TooDeep);
        }
        self.open.push(Open {
            node,
            last: None,
            object,
            sorted: true,
        });
        Ok(())
    }

    /// Adds a node to the container that is being read.
    fn add(&mut self, key: Text, value: Value) -> NodeId {
        let node = self.document.add(value);
        self.document.change(node, |node| node.key = key);
        let Some(open) = self.open.last_mut() else {
            return node;
        };
        match open.last.replace(node) {
            None => self.document.change(open.node, |parent| {
                parent.set_children(Children {
                    first: node.into(),
                    last: node.into(),
                });
            }),
            Some(last) => {
                self.document.change(last, |last| last.next = node.into());
                open.sorted = open.sorted
                    && (!open.object || self.document.key(last) < self.document.key(node));
            }
        }
        node
    }

    /// Ends the container that is being read.
    fn close(&mut self) {
        self.at += 1;
        let Some(open) = self.open.pop() else {
            return;
        };
        if let Some(last) = open.last {
            self.document
                .change(open.node, |node| node.set_last(last.into()));
        }
        if !open.sorted {
            self.document.sort(open.node);
        }
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<Text, JsonError> {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.unexpected("looking for beginning of object key string")),
            None => return Err(JsonError::Truncated),
        }
        let key = self.string()?;
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.unexpected("after object key")),
            None => return Err(JsonError::Truncated),
        }
        Ok(key)
    }

    fn literal(&mut self, word: &'static str, value: Value) -> Result<Value, JsonError> {
        for (number, expected) in word.bytes().enumerate() {
            match self.bytes.get(self.at) {
                None => return Err(JsonError::Truncated),
                Some(byte) if *byte == expected => self.at += 1,
                Some(_) => return Err(self.unexpected(in_literal(word, number))),
            }
        }
        Ok(value)
    }

    /// Reads a number (RFC 8259 section 6) and keeps its text.
    fn number(&mut self) -> Result<Text, JsonError> {
        let start = self.at;
        if self.current() == Some(b'-') {
            self.at += 1;
        }
        match self.current() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.unexpected("in numeric literal")),
        }
        if self.current() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.current() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.current() {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(self.range(start, self.at, true))
    }

    /// One digit or more.
    fn digits(&mut self, place: &'static str) -> Result<(), JsonError> {
        match self.current() {
            Some(b'0'..=b'9') => {
                self.skip_digits();
                Ok(())
            }
            _ => Err(self.unexpected(place)),
        }
    }

    fn skip_digits(&mut self) {
        while let Some(b'0'..=b'9') = self.current() {
            self.at += 1;
        }
    }

    /// Reads a string, the quotation mark of which has been seen.
    fn string(&mut self) -> Result<Text, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut plain = true;
        let mut escaped = false;
        loop {
            self.at += plain_run(self.bytes.get(self.at..).unwrap_or_default());
            match self.current().ok_or(JsonError::Truncated)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                    self.check_escape()?;
                }
                ..0x20 => return Err(self.unexpected("in string literal")),
                // Has to be escaped when it is written, or may have to be.
                _ => {
                    plain = false;
                    self.at += 1;
                }
            }
        }
        let end = self.at;
        self.at += 1;
        let raw = self.bytes.get(start..end).unwrap_or_default();
        if escaped || !self.utf8 && std::str::from_utf8(raw).is_err() {
            return Ok(unescape(raw, &mut self.document.texts));
        }
        Ok(self.range(start, end, plain))
    }

    /// Reads what follows a backslash.
    fn check_escape(&mut self) -> Result<(), JsonError> {
        match self.current() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match self.current() {
                        Some(b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.at += 1,
                        _ => {
                            return Err(self.unexpected(r"in \u hexadecimal character escape"));
                        }
                    }
                }
            }
            _ => return Err(self.unexpected("in string escape code")),
        }
        Ok(())
    }

    fn range(&self, start: usize, end: usize, plain: bool) -> Text {
        Text::new(start, end - start, self.source, plain).unwrap_or(Text::EMPTY)
    }

    fn current(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.current() {
            self.at += 1;
        }
        self.current()
    }

    fn unexpected(&self, place: &'static str) -> JsonError {
        match self.current() {
            Some(byte) => JsonError::Unexpected { byte, place },
            None => JsonError::Truncated,
        }
    }
}

fn in_literal(word: &str, number: usize) -> &'static str {
    match (word, number) {
        ("true", 1) => "in literal true (expecting 'r')",
        ("true", 2) => "in literal true (expecting 'u')",
        ("true", _) => "in literal true (expecting 'e')",
        ("false", 1) => "in literal false (expecting 'a')",
        ("false", 2) => "in literal false (expecting 'l')",
        ("false", 3) => "in literal false (expecting 's')",
        ("false", _) => "in literal false (expecting 'e')",
        (_, 1) => "in literal null (expecting 'u')",
        (_, _) => "in literal null (expecting 'l')",
    }
}
