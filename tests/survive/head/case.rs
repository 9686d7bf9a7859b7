//! One case: bytes, and what is to become of them.

/// Bytes a client sends on a connection of its own, and what must follow.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) expect: Expect,
    /// Each of these stands in what the origin got, letters of any case.
    pub(super) must: Vec<String>,
    /// None of these does.
    pub(super) must_not: Vec<String>,
    /// What the body of the last request is, decoded.
    pub(super) body: Option<String>,
    /// None of these stands in the heads of the answers.
    pub(super) not_answered: Vec<String>,
    /// The client ends its direction behind the bytes.
    pub(super) finish: bool,
}

/// What is to become of them. The statuses are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expect {
    /// Refused, then closed; nothing at the origin. 0: closed without an answer.
    Refused(u16),
    /// The same with us. The RFC lets others serve it, brought into order.
    RefusedHere(u16),
    /// A body that is no body: an answer of the client's fault, then closed. No
    /// complete request at the origin.
    Broken(u16),
    /// The same with us; others may understand it.
    BrokenHere(u16),
    /// So many good answers, then closed; as many requests at the origin.
    Served(usize),
    /// So many good answers, then a refusal.
    ServedThen(usize, u16),
    /// Answered by the server itself; nothing at the origin.
    Own(u16),
    /// A value in the path of a backend: what the target is with us, or the
    /// status of our refusal. With others it has to stay in its segment.
    InPath(Result<&'static str, u16>),
    /// A query whose `a` alone may pass: what the target is with us.
    InQuery(Result<&'static str, u16>),
}

impl Case {
    pub(super) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>, expect: Expect) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            expect,
            must: Vec::new(),
            must_not: Vec::new(),
            body: None,
            not_answered: Vec::new(),
            finish: false,
        }
    }

    pub(super) fn must(mut self, text: &str) -> Self {
        self.must.push(text.to_ascii_lowercase());
        self
    }

    pub(super) fn must_not(mut self, text: &str) -> Self {
        self.must_not.push(text.to_ascii_lowercase());
        self
    }

    pub(super) fn body(mut self, text: &str) -> Self {
        self.body = Some(text.to_owned());
        self
    }

    pub(super) fn not_answered(mut self, text: &str) -> Self {
        self.not_answered.push(text.to_ascii_lowercase());
        self
    }

    pub(super) fn finish(mut self) -> Self {
        self.finish = true;
        self
    }
}

/// A request that must never be one: it stands where bodies and refused heads
/// leave something behind.
pub(super) const NEXT: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// A request for `/x` with these lines, the last of its connection.
pub(super) fn last(method: &str, lines: &str, body: &str) -> String {
    format!("{method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n{body}")
}

/// A request for `/x` with these bytes among its fields, and another behind it.
pub(super) fn with_field(field: &[u8]) -> Vec<u8> {
    let before = b"GET /x HTTP/1.1\r\nHost: a\r\n".as_slice();
    [before, field, b"\r\n\r\n", NEXT.as_bytes()].concat()
}

/// The same, which ends the connection.
pub(super) fn with_last_field(field: &[u8]) -> Vec<u8> {
    let before = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".as_slice();
    [before, field, b"\r\n\r\n"].concat()
}

/// A POST with these lines in place of its framing, `body`, and another request
/// behind it.
pub(super) fn framed(lines: &[u8], body: &str) -> Vec<u8> {
    let before = b"POST /x HTTP/1.1\r\nHost: a\r\n".as_slice();
    [before, lines, b"\r\n\r\n", body.as_bytes(), NEXT.as_bytes()].concat()
}

/// A byte for the name of a case.
pub(super) fn hex(byte: u8) -> String {
    format!("0x{byte:02x}")
}
