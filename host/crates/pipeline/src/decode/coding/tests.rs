use std::{
    io::Write,
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, HeaderValue, header::CONTENT_ENCODING};
use proptest::prelude::*;

use super::{CodingError, Decompressor, QUANTUM, codec::CHUNK};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const TEXT: &[u8] = b"{\"a\": 1, \"b\": \"text that is repeated, text that is repeated\"}";
const LIMIT: usize = 1 << 20;

#[test]
fn every_coding_is_undone_however_the_body_is_cut_into_pieces() -> TestResult {
    let cases = [
        ("gzip", gzip(TEXT)?),
        ("x-gzip", gzip(TEXT)?),
        ("GZip", gzip(TEXT)?),
        ("deflate", zlib(TEXT)?),
        ("deflate", raw(TEXT)?),
        ("br", brotli(TEXT)?),
        ("identity, gzip", gzip(TEXT)?),
        ("br, gzip", gzip(&brotli(TEXT)?)?),
        ("gzip, deflate, br", brotli(&zlib(&gzip(TEXT)?)?)?),
        ("gzip", [gzip(TEXT)?, gzip(b"")?].concat()),
    ];
    for (names, coded) in cases {
        for size in [1, 2, 7, coded.len()] {
            let decoded = decode(names, coded.chunks(size), LIMIT);
            assert_eq!(decoded.as_deref(), Ok(TEXT), "{names} in pieces of {size}");
        }
    }
    Ok(())
}

#[test]
fn codings_may_stand_in_several_fields() -> TestResult {
    let mut headers = HeaderMap::new();
    headers.append(CONTENT_ENCODING, HeaderValue::from_static("br"));
    headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let mut decompressor = Decompressor::new(&headers, LIMIT)?.ok_or("no coding")?;
    let mut out = Vec::new();
    decompressor.push(Some(gzip(&brotli(TEXT)?)?.into()));
    while decompressor.step(&mut out)?.is_some() {}
    decompressor.push(None);
    while decompressor.step(&mut out)?.is_some() {}
    assert_eq!(out, TEXT);
    Ok(())
}

#[test]
fn a_truncated_body_is_never_taken_for_a_complete_one() -> TestResult {
    let cases = [
        ("gzip", gzip(TEXT)?),
        ("deflate", zlib(TEXT)?),
        ("deflate", raw(TEXT)?),
        ("br", brotli(TEXT)?),
        ("br, gzip", gzip(&brotli(TEXT)?)?),
        ("gzip, br", brotli(&gzip(TEXT)?)?),
    ];
    for (names, coded) in cases {
        for length in 1..coded.len() {
            let cut = coded.get(..length).ok_or("out of range")?;
            let result = decode(names, [cut], LIMIT);
            assert!(
                matches!(result, Err(CodingError::Truncated(_))),
                "{names} cut to {length} of {}: {result:?}",
                coded.len()
            );
        }
    }
    Ok(())
}

#[test]
fn damaged_data_is_an_error() -> TestResult {
    let mut wrong_sum = gzip(TEXT)?;
    let at = wrong_sum.len() - 5;
    *wrong_sum.get_mut(at).ok_or("short")? ^= 1;
    for (names, coded) in [
        ("gzip", b"plain text, no gzip".to_vec()),
        ("gzip", [gzip(TEXT)?, b"garbage".to_vec()].concat()),
        ("br", b"\xff\xff\xff\xff\xff\xff".to_vec()),
        ("deflate", b"\x78\x9c\xff\xff\xff\xff\xff".to_vec()),
        ("gzip", wrong_sum),
    ] {
        let result = decode(names, [coded.as_slice()], LIMIT);
        assert!(result.is_err(), "{names}: {result:?}");
    }
    Ok(())
}

#[test]
fn an_unknown_coding_is_named() {
    let result = decode("gzip, zstd", [b"".as_slice()], LIMIT);
    let expected = CodingError::Unknown("zstd".to_owned());
    assert_eq!(result.as_ref(), Err(&expected));
    assert_eq!(expected.to_string(), "content coding \"zstd\" is not known");
}

#[test]
fn codings_cannot_be_stacked_without_end() {
    let result = decode("gzip,gzip,gzip,gzip", [b"".as_slice()], LIMIT);
    assert_eq!(result, Err(CodingError::TooMany));
}

#[test]
fn an_answer_without_a_body_is_not_a_truncated_one() {
    for names in ["gzip", "deflate", "br", "br, gzip"] {
        assert_eq!(decode(names, [], LIMIT), Ok(Vec::new()), "{names}");
    }
}

/// A kilobyte that becomes a gigabyte.
#[test]
fn a_bomb_ends_at_the_limit() -> TestResult {
    let zeros = vec![0; 64 << 20];
    let bombs = [
        ("gzip", gzip(&zeros)?),
        ("deflate", zlib(&zeros)?),
        ("br", brotli(&zeros)?),
        ("gzip, gzip", gzip(&gzip(&zeros)?)?),
        ("gzip, br", brotli(&gzip(&zeros)?)?),
    ];
    for (names, bomb) in bombs {
        let started = Instant::now();
        let result = decode(names, bomb.chunks(16 << 10), LIMIT);
        assert_eq!(result, Err(CodingError::TooLarge), "{names}");
        assert!(started.elapsed() < Duration::from_secs(2), "{names}");
    }
    Ok(())
}

/// However little it comes of, no step does more than its share.
#[test]
fn a_body_that_grows_is_whole() -> TestResult {
    let large: Vec<u8> = (0..3 << 20_u32).map(|at| (at >> 12) as u8).collect();
    for (names, coded) in [
        ("gzip", gzip(&large)?),
        ("gzip", [gzip(&large[..9])?, gzip(&large[9..])?].concat()),
        ("deflate", zlib(&large)?),
        ("deflate", raw(&large)?),
        ("br", brotli(&large)?),
        ("br, gzip, br", brotli(&gzip(&brotli(&large)?)?)?),
        ("gzip, gzip", gzip(&gzip(&large)?)?),
    ] {
        for size in [100, coded.len()] {
            let decoded = decode(names, coded.chunks(size), large.len())?;
            assert!(decoded == large, "{names} in pieces of {size}");
        }
    }
    Ok(())
}

#[test]
fn the_limit_itself_is_allowed() -> TestResult {
    let coded = gzip(&vec![b'x'; 1000])?;
    assert_eq!(
        decode("gzip", [coded.as_slice()], 1000).map(|v| v.len()),
        Ok(1000)
    );
    let result = decode("gzip", [coded.as_slice()], 999);
    assert_eq!(result, Err(CodingError::TooLarge));
    Ok(())
}

proptest! {
    #[test]
    fn no_bytes_make_a_coding_panic(
        names in "(gzip|deflate|br)(, (gzip|deflate|br))?",
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..8),
    ) {
        let _ = decode(&names, pieces.iter().map(Vec::as_slice), 1 << 16);
    }

    /// Near misses get further into a decoder than noise does.
    #[test]
    fn no_flipped_bit_makes_a_coding_panic(
        which in 0..4_usize,
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let coded = [gzip(TEXT), zlib(TEXT), raw(TEXT), brotli(TEXT)];
        let names = ["gzip", "deflate", "deflate", "br"];
        let mut coded = coded.into_iter().nth(which).expect("four codings").expect("encodes");
        let at = at.index(coded.len());
        coded[at] ^= 1 << bit;
        let _ = decode(names[which], [coded.as_slice()], 1 << 16);
    }
}

fn decode<'a>(
    names: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> Result<Vec<u8>, CodingError> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(names).expect("a header value");
    headers.insert(CONTENT_ENCODING, value);
    let mut decompressor = Decompressor::new(&headers, limit)?.expect("a coding");
    let mut out = Vec::new();
    let pieces = pieces
        .into_iter()
        .map(|piece| Some(Bytes::copy_from_slice(piece)));
    for piece in pieces.chain([None]) {
        decompressor.push(piece);
        while let Some(given) = decompressor.step(&mut out)? {
            assert!(given <= QUANTUM + CHUNK, "{given} bytes at once");
        }
    }
    Ok(out)
}

fn gzip(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data)?;
    encoder.finish()
}

fn zlib(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data)?;
    encoder.finish()
}

fn raw(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data)?;
    encoder.finish()
}

fn brotli(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 1, 22);
    encoder.write_all(data)?;
    drop(encoder);
    Ok(out)
}
