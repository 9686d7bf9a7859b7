//! A client that can do things wrong and sees what it gets.

use std::{io, net::SocketAddr};

use bytes::Bytes;
use tokio::net::TcpStream;

use crate::{Digest, Framing, Head, Pattern, Wire, body::Summing, soon};

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, as it stood on the wire.
    pub head: Head,
    /// Its body.
    pub digest: Digest,
    /// The start of its body as text.
    pub body: String,
    /// Whether the body came to its proper end.
    pub complete: bool,
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    body: Sending,
}

#[derive(Debug, Clone)]
enum Sending {
    None,
    Length(Pattern),
    Chunks(Pattern),
    Text(String),
    TextChunk(String),
}

/// One connection to the gateway, a request at a time. Dropping it is what a
/// client does that loses interest.
#[derive(Debug)]
pub struct Exchange {
    wire: Wire<TcpStream>,
    method: String,
    framing: Framing,
}

impl Outgoing {
    /// A request without fields and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            body: Sending::None,
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this text behind a `Content-Length`.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.body = Sending::Text(text.to_owned());
        self
    }

    /// Sends this text as one chunk.
    #[must_use]
    pub fn chunked_text(mut self, text: &str) -> Self {
        self.body = Sending::TextChunk(text.to_owned());
        self
    }

    /// Sends this body behind a `Content-Length`.
    #[must_use]
    pub fn body(mut self, body: Pattern) -> Self {
        self.body = Sending::Length(body);
        self
    }

    /// Sends this body in chunks.
    #[must_use]
    pub fn chunks(mut self, body: Pattern) -> Self {
        self.body = Sending::Chunks(body);
        self
    }

    fn head(&self, host: &str) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self
            .fields
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            head.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match &self.body {
            Sending::None => {}
            Sending::Length(body) => {
                head.push_str(&format!("Content-Length: {}\r\n", body.length()))
            }
            Sending::Text(text) => head.push_str(&format!("Content-Length: {}\r\n", text.len())),
            Sending::Chunks(_) | Sending::TextChunk(_) => {
                head.push_str("Transfer-Encoding: chunked\r\n")
            }
        }
        head + "\r\n"
    }
}

impl Exchange {
    /// Connects.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            wire: Wire::new(stream),
            method: "GET".to_owned(),
            framing: Framing::Length(0),
        })
    }

    /// Sends a whole request.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn send(&mut self, request: Outgoing) -> io::Result<()> {
        let host = self.wire.get_ref().peer_addr()?.to_string();
        self.method.clone_from(&request.method);
        self.wire.send(request.head(&host).as_bytes()).await?;
        match request.body {
            Sending::None => {}
            Sending::Text(text) => self.wire.send(text.as_bytes()).await?,
            Sending::TextChunk(text) => {
                self.wire.send_chunk(text.as_bytes()).await?;
                self.wire.send_chunk(b"").await?;
            }
            Sending::Length(body) => {
                for piece in body {
                    self.wire.send(&piece).await?;
                }
            }
            Sending::Chunks(body) => {
                for piece in body {
                    self.wire.send_chunk(&piece).await?;
                }
                self.wire.send_chunk(b"").await?;
            }
        }
        Ok(())
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn raw(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref()).await
    }

    /// The head of the next final answer.
    ///
    /// # Errors
    ///
    /// The socket's, and `UnexpectedEof` without an answer.
    pub async fn head(&mut self) -> io::Result<Head> {
        loop {
            let head = soon("an answer", self.wire.head()).await?;
            let head = head.ok_or(io::ErrorKind::UnexpectedEof)?;
            if !matches!(head.status(), 100..=199) {
                self.framing = head.response_framing(&self.method);
                return Ok(head);
            }
        }
    }

    /// The next piece of its body; `None` at its proper end.
    ///
    /// # Errors
    ///
    /// The socket's, and `UnexpectedEof` if the body broke off.
    pub async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        soon("a piece of the body", self.wire.piece(&mut self.framing)).await
    }

    /// The head of the next answer and the first piece of its body, as text.
    ///
    /// # Errors
    ///
    /// Those of [`Exchange::head`] and [`Exchange::piece`].
    pub async fn piece_after_head(&mut self) -> io::Result<String> {
        self.head().await?;
        let piece = self.piece().await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&piece).into_owned())
    }

    /// Whether the gateway has closed the connection, without another byte.
    pub async fn closed(&mut self) -> bool {
        soon("the end of the connection", self.wire.head())
            .await
            .map_or(true, |head| head.is_none())
    }

    /// The next answer to its end.
    ///
    /// # Errors
    ///
    /// The socket's, up to the end of the head.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head().await?;
        let mut summing = Summing::default();
        let complete = loop {
            match self.piece().await {
                Ok(Some(piece)) => summing.add(&piece),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        let digest = summing.finish();
        Ok(Answer {
            status: head.status(),
            body: digest.text(),
            head,
            digest,
            complete,
        })
    }

    /// Sends `request` on a new connection and reads its answer.
    ///
    /// # Errors
    ///
    /// The socket's, up to the end of the answer's head. Failing to send the
    /// body is none: an answer may come before its end.
    pub async fn ask(address: SocketAddr, request: Outgoing) -> io::Result<Answer> {
        let mut exchange = Self::connect(address).await?;
        let sent = soon("sending the request", exchange.send(request)).await;
        match exchange.answer().await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(sent.err().unwrap_or(error)),
        }
    }
}

impl Answer {
    /// The first value of a field; `name` in lower case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }
}
