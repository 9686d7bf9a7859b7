//! Just enough HTTP/1.1 to watch a gateway with: heads as they were written,
//! bodies piece by piece, and a broken body told from a complete one.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No head in these tests comes near; a longer one is a runaway.
const HEAD_LIMIT: usize = 1 << 20;
const READ_SIZE: usize = 64 << 10;

/// A byte stream that carries HTTP/1.1.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    buffer: BytesMut,
}

/// The head of a message, as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Every byte, the empty line included.
    pub raw: String,
    /// The first line.
    pub start: String,
    /// The fields in order, names in lower case.
    pub fields: Vec<(String, String)>,
}

/// Where the body of a message ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// After so many more bytes.
    Length(u64),
    /// After the last chunk; holds what is left of the current one.
    Chunked(u64),
    /// When the connection closes.
    Close,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Nothing has been read yet.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// The next head; `None` if the peer closed before its first byte.
    ///
    /// # Errors
    ///
    /// The stream's, and `UnexpectedEof` in the middle of a head.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let raw = self.buffer.split_to(end + 4);
                return Ok(Some(Head::parse(&raw)));
            }
            if self.buffer.len() > HEAD_LIMIT {
                return Err(io::Error::other("a head without end"));
            }
            match (self.fill().await?, self.buffer.is_empty()) {
                (0, true) => return Ok(None),
                (0, false) => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
    }

    /// The next piece of a body; `None` at its proper end.
    ///
    /// # Errors
    ///
    /// The stream's, and `UnexpectedEof` if the body broke off.
    pub async fn piece(&mut self, framing: &mut Framing) -> io::Result<Option<Bytes>> {
        match framing {
            Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                let piece = self.at_most(*left).await?;
                *left -= piece.len() as u64;
                Ok(Some(piece))
            }
            Framing::Close => match self.at_most(u64::MAX).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                other => other.map(Some),
            },
            Framing::Chunked(left) => {
                if *left == 0 {
                    *left = self.chunk_size().await?;
                }
                if *left == 0 {
                    while !self.line().await?.is_empty() {}
                    *framing = Framing::Length(0);
                    return Ok(None);
                }
                let piece = self.at_most(*left).await?;
                *left -= piece.len() as u64;
                if *left == 0 && !self.line().await?.is_empty() {
                    return Err(io::Error::other("a chunk without its line end"));
                }
                Ok(Some(piece))
            }
        }
    }

    /// Writes `bytes` as they are.
    ///
    /// # Errors
    ///
    /// The stream's.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Writes one chunk; an empty one ends the body.
    ///
    /// # Errors
    ///
    /// The stream's.
    pub async fn send_chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(&chunk).await
    }

    /// Reads and drops everything until the peer closes or resets.
    pub async fn until_gone(&mut self) {
        self.buffer.clear();
        while matches!(self.fill().await, Ok(1..)) {
            self.buffer.clear();
        }
    }

    /// Ends the own direction, as `close` does.
    ///
    /// # Errors
    ///
    /// The stream's.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// The stream below, for what the script does beside HTTP.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream below, once nothing of it has been read ahead.
    pub fn into_inner(self) -> S {
        self.stream
    }

    async fn chunk_size(&mut self) -> io::Result<u64> {
        let line = self.line().await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16)
            .map_err(|_| io::Error::other(format!("not a chunk size: {line:?}")))
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.split_to(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn at_most(&mut self, limit: u64) -> io::Result<Bytes> {
        if self.buffer.is_empty() && self.fill().await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = self
            .buffer
            .len()
            .min(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ_SIZE);
        self.stream.read_buf(&mut self.buffer).await
    }
}

impl Head {
    /// The first value of a field; `name` in lower case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Every value of a field; `name` in lower case.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.fields.iter().filter(|(found, _)| found == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    /// Method of a request.
    #[must_use]
    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// Target of a request, as written.
    #[must_use]
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Status of a response; 0 if it has none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.target().parse().unwrap_or_default()
    }

    /// Framing of a request's body (RFC 9112, section 6.3).
    #[must_use]
    pub fn request_framing(&self) -> Framing {
        self.framing().unwrap_or(Framing::Length(0))
    }

    /// Framing of the body of an answer to `method` (RFC 9112, section 6.3).
    #[must_use]
    pub fn response_framing(&self, method: &str) -> Framing {
        if method == "HEAD" || matches!(self.status(), 100..=199 | 204 | 304) {
            return Framing::Length(0);
        }
        self.framing().unwrap_or(Framing::Close)
    }

    fn framing(&self) -> Option<Framing> {
        if self.field("transfer-encoding").is_some() {
            return Some(Framing::Chunked(0));
        }
        let length = self.field("content-length")?;
        Some(Framing::Length(length.parse().ok()?))
    }

    fn parse(raw: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(raw).into_owned();
        let mut lines = raw.split("\r\n").filter(|line| !line.is_empty());
        let start = lines.next().unwrap_or_default().to_owned();
        let fields = lines
            .map(|line| line.split_once(':').unwrap_or((line, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { raw, start, fields }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body_of(bytes: &[u8], method: &str) -> io::Result<(Head, Vec<u8>)> {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (mut near, mut far) = (Wire::new(ours), Wire::new(theirs));
        far.send(bytes).await?;
        drop(far);
        let head = near.head().await?.expect("a head");
        let mut framing = head.response_framing(method);
        let mut body = Vec::new();
        while let Some(piece) = near.piece(&mut framing).await? {
            body.extend_from_slice(&piece);
        }
        Ok((head, body))
    }

    #[tokio::test]
    async fn a_body_ends_where_its_framing_says() {
        for (bytes, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA", "ok"),
            ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
            ("HTTP/1.1 204 No Content\r\n\r\nnothing", ""),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nt: 1\r\n\r\n",
                "abcd",
            ),
        ] {
            let (_, found) = body_of(bytes.as_bytes(), "GET").await.expect(bytes);
            assert_eq!(String::from_utf8_lossy(&found), body, "{bytes}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error() {
        for bytes in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        ] {
            let error = body_of(bytes.as_bytes(), "GET").await.expect_err(bytes);
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{bytes}");
        }
    }

    #[tokio::test]
    async fn an_answer_to_head_has_no_body() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let (head, body) = body_of(bytes, "HEAD").await.expect("complete");
        assert_eq!((head.status(), body.len()), (200, 0));
        assert_eq!(head.field("content-length"), Some("5"));
    }
}
