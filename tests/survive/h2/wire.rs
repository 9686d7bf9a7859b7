//! Frames by hand: a library would not write what these tests need.

use std::net::SocketAddr;

use cuttle_tests::soon;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame of the gateway's.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Status(u16),
    Reset(u32),
    /// The connection ended.
    Gone,
}

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Reset(u32),
    /// With the connection.
    Gone,
}

/// A connection whose settings are exchanged. What the gateway sends is read
/// all the time, so that nobody waits for the other.
pub(crate) struct Client {
    writer: OwnedWriteHalf,
    frames: mpsc::UnboundedReceiver<Frame>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::with_settings(address, &[]).await
    }

    /// With these settings: identifiers and values.
    pub(crate) async fn with_settings(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (reader, writer) = stream.into_split();
        let (seen, frames) = mpsc::unbounded_channel();
        tokio::spawn(read(reader, seen));
        let mut client = Self { writer, frames };
        let mut start = PREFACE.to_vec();
        start.extend(frame(SETTINGS, 0, 0, &settings_payload(settings)));
        start.extend(frame(SETTINGS, 1, 0, &[]));
        assert!(client.send(&start).await, "the preface");
        client
    }

    /// Whether they could be sent.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        soon("writing", self.writer.write_all(bytes)).await.is_ok()
    }

    /// The next frame; `None` if the connection has ended.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        soon("a frame", self.frames.recv()).await
    }

    /// Sends `batch` so often, or until the connection ends. Whether it did.
    pub(crate) async fn flood(
        &mut self,
        times: usize,
        mut batch: impl FnMut(usize) -> Vec<u8>,
    ) -> bool {
        for time in 0..times {
            if !self.send(&batch(time)).await {
                return true;
            }
            while let Ok(frame) = self.frames.try_recv() {
                if frame.kind == GOAWAY {
                    return true;
                }
            }
        }
        false
    }

    /// Reads to the end of the connection.
    pub(crate) async fn gone(&mut self) -> Vec<Frame> {
        let mut seen = Vec::new();
        while let Some(frame) = self.frame().await {
            seen.push(frame);
        }
        seen
    }

    /// The answer on `stream`, as far as it comes: its status, if it had a head,
    /// and its body.
    pub(crate) async fn answer(&mut self, stream: u32) -> (Option<u16>, Vec<u8>, End) {
        let (mut head, mut body) = (None, Vec::new());
        while let Some(frame) = self.frame().await {
            match frame.kind {
                GOAWAY => break,
                HEADERS if frame.stream == stream => head = Some(status(&frame.payload)),
                DATA if frame.stream == stream => body.extend(&frame.payload),
                RST_STREAM if frame.stream == stream => {
                    return (head, body, End::Reset(number(&frame.payload)));
                }
                _ => continue,
            }
            if frame.flags & END_STREAM != 0 {
                return (head, body, End::Whole);
            }
        }
        (head, body, End::Gone)
    }

    /// What becomes of `stream`.
    pub(crate) async fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.frame().await {
            match frame.kind {
                GOAWAY => return Outcome::Gone,
                HEADERS if frame.stream == stream => {
                    return Outcome::Status(status(&frame.payload));
                }
                RST_STREAM if frame.stream == stream => {
                    return Outcome::Reset(number(&frame.payload));
                }
                _ => {}
            }
        }
        Outcome::Gone
    }
}

async fn read(reader: OwnedReadHalf, seen: mpsc::UnboundedSender<Frame>) {
    let mut reader = BufReader::new(reader);
    let mut header = [0; 9];
    while reader.read_exact(&mut header).await.is_ok() {
        let [a, b, c, kind, flags, stream @ ..] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        if reader.read_exact(&mut payload).await.is_err() {
            return;
        }
        let frame = Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        };
        if seen.send(frame).is_err() {
            return;
        }
    }
}

/// The status of a response's head, whose first field it is.
fn status(block: &[u8]) -> u16 {
    // The size of the table may be told first.
    let block = match block {
        [first, rest @ ..] if first & 0xe0 == 0x20 => rest,
        _ => block,
    };
    let indexed = [200, 204, 206, 304, 400, 404, 500];
    match block {
        [first, ..] if first & 0x80 != 0 => indexed[usize::from(first & 0x7f) - 8],
        [_, length, digits @ ..] if length & 0x80 != 0 => unpacked(digits),
        [_, 3, digits @ ..] => String::from_utf8_lossy(&digits[..3])
            .parse()
            .expect("digits"),
        _ => panic!("no status: {block:?}"),
    }
}

/// Three digits by Huffman (RFC 7541, appendix B): 0 to 2 have five bits, the
/// others six and begin with 011.
fn unpacked(bytes: &[u8]) -> u16 {
    let mut bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| u16::from(byte >> bit & 1)));
    let mut take = |count| (0..count).fold(0, |sum, _| sum * 2 + bits.next().unwrap_or(1));
    (0..3).fold(0, |sum, _| {
        let five = take(5);
        let digit = match five {
            0..=2 => five,
            _ => five * 2 + take(1) - 0b01_1001 + 3,
        };
        sum * 10 + digit
    })
}

pub(crate) fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().expect("four bytes"))
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a length");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

pub(crate) fn settings_payload(settings: &[(u16, u32)]) -> Vec<u8> {
    let one = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    settings.iter().flat_map(one).collect()
}

/// Fields as they are, without table and Huffman (RFC 7541 section 6.2.2).
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// RFC 7541 sections 5.1 and 5.2.
pub(crate) fn text(block: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    if length < 127 {
        block.push(length as u8);
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push((length % 128) as u8 | 128);
            length /= 128;
        }
        block.push(length as u8);
    }
    block.extend(text.as_bytes());
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    fields(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", path),
    ])
}

/// The whole of a GET.
pub(crate) fn request(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &get(path))
}
