//! A second opinion on HTTP/1.1: RFC 9112 by the letter, a message at a time.

/// A request.
pub struct Message {
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    /// Names in lower case, values without the blanks around them.
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// Whether all of its body was there.
    pub whole: bool,
}

/// What stands at the beginning of some bytes.
pub enum Read {
    /// A message, and how many bytes it takes.
    Whole(Message, usize),
    /// A message some of which may be missing; not even a head if there is none.
    Part(Option<Message>),
    /// No message.
    Bad(&'static str),
}

/// Whose bytes they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The gateway, which has no excuse.
    Gateway,
    /// A client: lines may end with a line feed alone (section 2.2), chunks may
    /// have extensions, and trailers may follow.
    Client,
}

/// The messages in `bytes`, up to the first that is none or not whole.
pub fn messages(mut bytes: &[u8], sender: Sender) -> Vec<Message> {
    let mut found = Vec::new();
    loop {
        match read(bytes, sender) {
            Read::Whole(message, length) => {
                found.push(message);
                bytes = &bytes[length..];
            }
            Read::Part(message) => {
                found.extend(message);
                return found;
            }
            Read::Bad(_) => return found,
        }
    }
}

/// The message at the beginning of `bytes`.
pub fn read(bytes: &[u8], sender: Sender) -> Read {
    let mut rest = bytes;
    let mut head = match head(&mut rest, sender) {
        Ok(Some(head)) => head,
        Ok(None) => return Read::Part(None),
        Err(why) => return Read::Bad(why),
    };
    let framing = match framing(&head) {
        Ok(framing) => framing,
        Err(why) => return Read::Bad(why),
    };
    let whole = match framing {
        Framing::Length(length) => sized(&mut rest, length, &mut head.body),
        Framing::Chunked => match chunked(&mut rest, sender, &mut head.body) {
            Ok(whole) => whole,
            // What came before may have been sent on.
            Err(_) if sender == Sender::Client => false,
            Err(why) => return Read::Bad(why),
        },
    };
    head.whole = whole;
    match whole {
        true => Read::Whole(head, bytes.len() - rest.len()),
        false => Read::Part(Some(head)),
    }
}

enum Framing {
    Length(u64),
    Chunked,
}

/// One line without its end; `None` if it has not ended.
fn line<'b>(rest: &mut &'b [u8], sender: Sender) -> Result<Option<&'b [u8]>, &'static str> {
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    let line = match line.strip_suffix(b"\r") {
        Some(line) => line,
        None if sender == Sender::Client => line,
        None => return Err("a line ends with a line feed alone"),
    };
    match line.contains(&b'\r') {
        true => Err("a carriage return inside of a line"),
        false => Ok(Some(line)),
    }
}

fn head(rest: &mut &[u8], sender: Sender) -> Result<Option<Message>, &'static str> {
    let mut first = line(rest, sender)?;
    while first.is_some_and(<[u8]>::is_empty) && sender == Sender::Client {
        first = line(rest, sender)?;
    }
    let Some(first) = first else {
        return Ok(None);
    };
    let (method, target, old) = request_line(first)?;
    let mut fields = Vec::new();
    loop {
        match line(rest, sender)? {
            None => return Ok(None),
            Some(b"") => break,
            Some(line) => fields.push(field(line)?),
        }
    }
    if old && fields.iter().any(|(name, _)| name == "transfer-encoding") {
        return Err("a coding in HTTP/1.0");
    }
    Ok(Some(Message {
        method,
        target,
        fields,
        body: Vec::new(),
        whole: false,
    }))
}

/// Method, target, and whether it is HTTP/1.0.
fn request_line(line: &[u8]) -> Result<(Vec<u8>, Vec<u8>, bool), &'static str> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("a request line is three words");
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err("a method is a token");
    }
    if target.is_empty() || target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err("a target is visible");
    }
    let old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err("another version"),
    };
    Ok((method.to_vec(), target.to_vec(), old))
}

/// One field line, of a request or a response (section 5).
pub fn field(line: &[u8]) -> Result<(String, Vec<u8>), &'static str> {
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.ok_or("a field without a colon")?);
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("a field name is a token");
    }
    let value = value[1..].trim_ascii();
    let control = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f;
    if value.iter().copied().any(control) {
        return Err("a control character in a value");
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Ok((name, value.to_vec()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Section 6, without what it allows to repair.
fn framing(message: &Message) -> Result<Framing, &'static str> {
    let values = |wanted: &str| -> Vec<&[u8]> {
        let fields = message.fields.iter();
        let named = fields.filter(|(name, _)| name == wanted);
        named.map(|(_, value)| value.as_slice()).collect()
    };
    let (codings, lengths) = (values("transfer-encoding"), values("content-length"));
    match (codings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(Framing::Length(0)),
        ([], [length]) => digits(length).map(Framing::Length).ok_or("a length"),
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        _ => Err("a length that can be read in two ways"),
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

fn sized(rest: &mut &[u8], length: u64, body: &mut Vec<u8>) -> bool {
    let there = rest
        .len()
        .min(usize::try_from(length).unwrap_or(usize::MAX));
    let (mine, after) = rest.split_at(there);
    body.extend_from_slice(mine);
    *rest = after;
    there as u64 == length
}

/// Section 7.1. Whether it ended.
fn chunked(rest: &mut &[u8], sender: Sender, body: &mut Vec<u8>) -> Result<bool, &'static str> {
    loop {
        let Some(line) = line(rest, sender)? else {
            return Ok(false);
        };
        let size = chunk_size(line, sender)?;
        if size == 0 {
            return trailers(rest, sender);
        }
        if !sized(rest, size, body) {
            return Ok(false);
        }
        match self::line(rest, sender)? {
            None => return Ok(false),
            Some(b"") => {}
            Some(_) => return Err("a chunk is longer than its size"),
        }
    }
}

fn chunk_size(line: &[u8], sender: Sender) -> Result<u64, &'static str> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit());
    let (digits, extension) = line.split_at(end.unwrap_or(line.len()));
    if sender == Sender::Gateway && !extension.is_empty() {
        return Err("a chunk extension");
    }
    let digits = std::str::from_utf8(digits).map_err(|_| "a chunk size")?;
    u64::from_str_radix(digits, 16).map_err(|_| "a chunk size")
}

fn trailers(rest: &mut &[u8], sender: Sender) -> Result<bool, &'static str> {
    loop {
        match line(rest, sender)? {
            None => return Ok(false),
            Some(b"") => return Ok(true),
            Some(_) if sender == Sender::Gateway => return Err("a trailer"),
            Some(_) => {}
        }
    }
}
