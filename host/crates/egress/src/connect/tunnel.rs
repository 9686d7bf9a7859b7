//! Opening a tunnel: `CONNECT` (RFC 9110, section 9.3.6).
//!
//! Written and read by hand, because a client library either hides the status,
//! or reads ahead into the tunnel.

use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::BoxedIo;
use crate::{
    error::{Error, ErrorKind},
    proxy::Proxy,
    target::Target,
};

/// Limit for the head of the answer, interim answers included. Real ones have
/// some 2 KiB at most; a hostile proxy can send for ever.
const HEAD_LIMIT: usize = 64 * 1024;
/// Fields in the answer. They are ignored, but the parser needs room.
const FIELD_LIMIT: usize = 512;
/// What every answer starts with.
const VERSION: &[u8] = b"HTTP/1.";

/// Asks `proxy` at the other end of `io` for a tunnel to `target`. Any 2xx opens
/// it; every other answer is [`ErrorKind::ProxyStatus`], and the connection is
/// closed with nothing of it passed on.
pub(super) async fn open(
    mut io: BoxedIo,
    proxy: &Proxy,
    target: &Target,
) -> Result<BoxedIo, Error> {
    let request = request(proxy, target);
    let sent = async {
        io.write_all(&request).await?;
        io.flush().await
    };
    sent.await
        .map_err(|error| broken(proxy, target).caused_by(error))?;
    let status = answer(&mut io, proxy, target).await?;
    if (200..300).contains(&status) {
        return Ok(io);
    }
    let text = format!(
        "proxy {} refused the tunnel to {} with status {status}",
        proxy.label(),
        target.authority_form()
    );
    Err(Error::new(ErrorKind::ProxyStatus(status), text))
}

/// Nothing of the client's request is in it.
fn request(proxy: &Proxy, target: &Target) -> Vec<u8> {
    let place = target.authority_form();
    let mut request = Vec::with_capacity(256);
    for part in ["CONNECT ", &place, " HTTP/1.1\r\nHost: ", &place, "\r\n"] {
        request.extend_from_slice(part.as_bytes());
    }
    for (name, value) in proxy.identity().tunnel_fields() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            request.extend_from_slice(part);
        }
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// The status of the final answer. It must be all there is: a server that
/// speaks TLS does not talk first, so bytes after it come from somebody else.
async fn answer(io: &mut BoxedIo, proxy: &Proxy, target: &Target) -> Result<u16, Error> {
    let mut buffer = Vec::with_capacity(1024);
    let mut interim = 0;
    loop {
        let head = buffer.get(interim..).unwrap_or_default();
        match head_length(head) {
            Some(length) => {
                let status = status(head.get(..length).unwrap_or_default())
                    .ok_or_else(|| garbage(proxy, "an answer that is not HTTP"))?;
                interim += length;
                match status {
                    101 => return Err(garbage(proxy, "101 without being asked for an upgrade")),
                    100..200 => {}
                    200..300 if buffer.len() > interim => {
                        return Err(garbage(proxy, "bytes after its answer to CONNECT"));
                    }
                    _ => return Ok(status),
                }
            }
            None if !could_be_http(head) => {
                return Err(garbage(proxy, "an answer that is not HTTP"));
            }
            None if buffer.len() >= HEAD_LIMIT => {
                return Err(garbage(proxy, "an answer to CONNECT of more than 64 KiB"));
            }
            None => read(io, &mut buffer, proxy, target).await?,
        }
    }
}

async fn read(
    io: &mut BoxedIo,
    buffer: &mut Vec<u8>,
    proxy: &Proxy,
    target: &Target,
) -> Result<(), Error> {
    match io.read_buf(buffer).await {
        Ok(0) => Err(broken(proxy, target)),
        Ok(_) => Ok(()),
        Err(error) => Err(broken(proxy, target).caused_by(error)),
    }
}

/// The length of the head at the start of `bytes`, once its empty line is there.
/// Lines may end with a line feed alone (RFC 9112, section 2.2).
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut line_starts = 0;
    loop {
        let rest = bytes.get(line_starts..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        line_starts += end + 1;
        if matches!(rest.get(..end)?, b"" | b"\r") {
            return Some(line_starts);
        }
    }
}

fn could_be_http(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .zip(VERSION)
        .all(|(byte, expected)| byte == expected)
}

fn status(head: &[u8]) -> Option<u16> {
    let mut fields = [EMPTY_HEADER; FIELD_LIMIT];
    let mut response = Response::new(&mut fields);
    match response.parse(head) {
        Ok(Status::Complete(_)) => response.code,
        _ => None,
    }
}

fn broken(proxy: &Proxy, target: &Target) -> Error {
    let text = format!(
        "proxy {} closed the connection instead of opening a tunnel to {}",
        proxy.label(),
        target.authority_form()
    );
    Error::new(ErrorKind::Closed, text)
}

fn garbage(proxy: &Proxy, what: &str) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("proxy {} sent {what}", proxy.label()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line() {
        for (bytes, length) in [
            (&b""[..], None),
            (b"HTTP/1.1 200 OK\r\n", None),
            (b"HTTP/1.1 200 OK\r\n\r", None),
            (b"HTTP/1.1 200 OK\r\n\r\n", Some(19)),
            (b"HTTP/1.1 200 OK\n\nrest", Some(17)),
            (b"HTTP/1.0 200\r\na: b\r\n\r\nrest", Some(22)),
        ] {
            assert_eq!(head_length(bytes), length, "{bytes:?}");
        }
    }

    #[test]
    fn statuses_of_real_proxies_are_understood() {
        for (head, expected) in [
            (
                &b"HTTP/1.0 200 Connection established\r\n\r\n"[..],
                Some(200),
            ),
            (b"HTTP/1.1 200\r\n\r\n", Some(200)),
            (b"HTTP/1.1 200 \r\nA: b\r\n\r\n", Some(200)),
            (b"HTTP/1.1 407 X\nA: b\n\n", Some(407)),
            (b"HTTP/1.1 2000 X\r\n\r\n", None),
            (b"HTTP/2.0 200 X\r\n\r\n", None),
            (b"200 OK\r\n\r\n", None),
        ] {
            assert_eq!(status(head), expected, "{head:?}");
        }
    }
}
