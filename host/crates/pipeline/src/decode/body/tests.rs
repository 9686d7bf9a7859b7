use std::{
    future::{Future, poll_fn},
    io::Write,
    pin::pin,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header::CONTENT_ENCODING};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};

use crate::{Body, BoxError};

use super::{BodyError, QUANTUM, read_body};

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn a_body_in_one_piece_is_not_copied() -> TestResult {
    let piece = Bytes::from(b"{\"a\":1}".to_vec());
    let body = Full::new(piece.clone())
        .map_err(|never| match never {})
        .boxed_unsync();
    let read = read_body(body, &HeaderMap::new(), 100).await?;
    assert_eq!(read, piece);
    assert_eq!(read.as_ptr(), piece.as_ptr());
    Ok(())
}

#[tokio::test]
async fn pieces_are_joined() -> TestResult {
    let read = read_body(pieces(&["{", "", "\"a\"", ":1}"]), &HeaderMap::new(), 7).await?;
    assert_eq!(read, "{\"a\":1}");
    Ok(())
}

#[tokio::test]
async fn a_body_above_the_limit_names_the_limit_and_the_key_to_raise() {
    for parts in [&["12345678"][..], &["1234", "5678"], &["1", "2", "345678"]] {
        let error = read_body(pieces(parts), &HeaderMap::new(), 7).await;
        let Err(error @ BodyError::TooLarge { limit: 7 }) = error else {
            panic!("{error:?}");
        };
        let text = error.to_string();
        assert!(text.contains("7 bytes"), "{text}");
        assert!(text.contains("max_decoded_body"), "{text}");
    }
}

/// Ten gigabytes that are only announced cost nothing.
#[tokio::test]
async fn an_announced_length_above_the_limit_is_refused_unread() {
    let body = Full::new(Bytes::from_static(b"12345678"))
        .map_err(|never| match never {})
        .boxed_unsync();
    let error = read_body(body, &HeaderMap::new(), 7).await;
    assert!(matches!(error, Err(BodyError::TooLarge { limit: 7 })));
}

#[tokio::test]
async fn a_broken_connection_keeps_what_had_come() {
    for parts in [
        &[][..],
        &["{\"a\":"],
        &["{\"a\":", "1}"],
        &["{", "\"a\":", "1}"],
    ] {
        let error = read_body(broken(parts), &HeaderMap::new(), 100).await;
        let Err(BodyError::Cut { received, source }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(received, parts.concat());
        assert_eq!(source.to_string(), "gone");
    }
}

#[tokio::test]
async fn a_broken_connection_keeps_nothing_of_a_coded_body() {
    let error = read_body(broken(&["{}"]), &coding("identity, br"), 100).await;
    assert!(
        matches!(error, Err(BodyError::Coding(_) | BodyError::Cut { .. })),
        "{error:?}"
    );
    let Err(BodyError::Cut { received, .. }) = read_body(broken(&[]), &coding("gzip"), 100).await
    else {
        panic!("not cut");
    };
    assert_eq!(received, "");
}

#[tokio::test]
async fn a_coded_body_is_decoded_up_to_the_limit() -> TestResult {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&[b'x'; 5000])?;
    let coded = encoder.finish()?;
    let body = |coded: Vec<u8>| {
        let piece = Bytes::from(coded);
        Full::new(piece)
            .map_err(|never| match never {})
            .boxed_unsync()
    };
    let read = read_body(body(coded.clone()), &coding("gzip"), 5000).await?;
    assert_eq!(read.len(), 5000);
    let error = read_body(body(coded), &coding("gzip"), 4999).await;
    assert!(
        matches!(error, Err(BodyError::TooLarge { limit: 4999 })),
        "{error:?}"
    );
    Ok(())
}

/// Sixteen megabytes of one piece: whoever shares the thread waits for none of
/// the codings.
#[tokio::test]
async fn others_have_their_turn_while_a_piece_grows() -> TestResult {
    const LARGE: usize = 16 << 20;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&vec![b'x'; LARGE])?;
    let mut br = Vec::new();
    brotli::CompressorWriter::new(&mut br, 4096, 1, 22).write_all(&vec![b'x'; LARGE])?;
    for (name, coded) in [("gzip", gzip.finish()?), ("br", br)] {
        let body = Full::new(Bytes::from(coded));
        let body = body.map_err(|never| match never {}).boxed_unsync();
        let headers = coding(name);
        let mut reading = pin!(read_body(body, &headers, LARGE));
        let mut turns = 0;
        let read = poll_fn(|context| {
            turns += 1;
            reading.as_mut().poll(context)
        });
        assert_eq!(read.await?.len(), LARGE);
        assert!(turns > LARGE / (2 * QUANTUM), "{name}: {turns} turns");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_coding_is_refused_before_the_body_is_read() {
    let error = read_body(pieces(&["x"]), &coding("compress"), 100).await;
    assert!(matches!(error, Err(BodyError::Coding(_))), "{error:?}");
}

fn coding(names: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(names))])
}

fn pieces(parts: &[&str]) -> Body {
    let frames: Vec<Result<Frame<Bytes>, BoxError>> = parts
        .iter()
        .map(|part| Ok(Frame::data(Bytes::from((*part).to_owned()))))
        .collect();
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

fn broken(parts: &[&str]) -> Body {
    let mut frames: Vec<Result<Frame<Bytes>, BoxError>> = parts
        .iter()
        .map(|part| Ok(Frame::data(Bytes::from((*part).to_owned()))))
        .collect();
    frames.push(Err("gone".into()));
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}
