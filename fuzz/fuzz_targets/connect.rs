//! Whatever a forward proxy answers to `CONNECT`, a tunnel is opened by a 2xx
//! and nothing else, however the bytes are cut, and no message holds the
//! credentials.
#![no_main]

use cuttle_egress::{Error, fuzzing::open_tunnel};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fuzz_target!(|data: &[u8]| {
    let runtime = cuttle_fuzz::runtime();
    let (whole, dripped) = runtime.block_on(async {
        let whole = answered(data, data.len().max(1)).await;
        (whole, answered(data, 1).await)
    });
    for result in [&whole, &dripped] {
        match result {
            Ok(opened) => assert!(*opened && has_2xx(data), "{}", data.escape_ascii()),
            Err(error) => quiet(error),
        }
    }
    // The other way round: bytes that follow the answer may come too late.
    if whole.is_ok() {
        assert!(dripped.is_ok(), "{}", data.escape_ascii());
    }
});

async fn answered(bytes: &[u8], piece: usize) -> Result<bool, Error> {
    let (near, mut far) = duplex(piece.max(4096));
    let proxy = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            if far.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
        }
        for piece in bytes.chunks(piece) {
            if far.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        let _ = far.shutdown().await;
    };
    tokio::join!(open_tunnel(near), proxy).0
}

/// Whether a line of the answer is a status line of that kind.
fn has_2xx(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        let status = line.strip_prefix(b"HTTP/1.0 ");
        let status = status.or_else(|| line.strip_prefix(b"HTTP/1.1 "));
        status.is_some_and(
            |status| matches!(status, [b'2', b, c, ..] if b.is_ascii_digit() && c.is_ascii_digit()),
        )
    })
}

fn quiet(error: &Error) {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(next) = source {
        text.push_str(&next.to_string());
        source = next.source();
    }
    assert!(!text.contains("s3cret"), "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
}
