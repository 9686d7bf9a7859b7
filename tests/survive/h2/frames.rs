//! Frames and streams that RFC 9113 does not allow, one to a connection, and
//! some that look odd and are right. Heads by their fields are in `heads`.

use std::{net::SocketAddr, path::Path};

use cuttle_tests::{Origin, Server, TestResult, soon};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::wire::{
    CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, End, GOAWAY, HEADERS, PING, PRIORITY,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, fields, frame, get, number, request,
};
use crate::healthy::gateway;

const PUSH_PROMISE: u8 = 5;
const UNKNOWN: u8 = 0xb7;
const PADDED: u8 = 8;
const WITH_PRIORITY: u8 = 0x20;
const ACK: u8 = 1;

/// Codes of RFC 9113, section 7.
const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE: u32 = 6;
const COMPRESSION: u32 = 9;

/// What the RFC wants.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// The connection ends, with one of these codes if it says why.
    Connection(&'static [u32]),
    /// Stream 1 ends by a reset or a refusal; the connection may end with it.
    Stream,
    /// Stream 1 is answered with 200.
    Answer,
    /// The same as [`Stream`] by the RFC. h2 does not tell of it, and all
    /// trailers end in the gateway.
    Dropped,
}
use Wanted::{Answer, Connection, Dropped, Stream};

struct Case {
    /// What it is, and the section that has it.
    name: &'static str,
    bytes: Vec<u8>,
    wanted: Wanted,
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, wanted: Wanted) -> Case {
    Case {
        name,
        bytes: bytes.into(),
        wanted,
    }
}

/// The head of a POST whose body is to come.
fn post() -> Vec<u8> {
    post_with(&[])
}

fn post_with(more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, 1, &post_fields(more))
}

fn post_fields(more: &[(&str, &str)]) -> Vec<u8> {
    let mut all = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", "/x"),
    ];
    all.extend(more);
    fields(&all)
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &payload)
}

/// A GET whose block of fields ends with these bytes.
fn block(end: &[u8]) -> Vec<u8> {
    let block = [get("/x"), end.to_vec()].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)
}

/// The whole of `POST /x`, with these trailers.
fn trailers(more: &[(&str, &str)]) -> Vec<u8> {
    let end = frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(more));
    [post(), frame(DATA, 0, 1, b"ok"), end].concat()
}

fn streams() -> Vec<Case> {
    let done = |then: Vec<u8>| [request(1, "/x"), then].concat();
    vec![
        case(
            "DATA on stream 0 (6.1)",
            frame(DATA, 0, 0, b"x"),
            Connection(&[PROTOCOL]),
        ),
        case(
            "DATA on an idle stream (5.1)",
            frame(DATA, 0, 1, b"x"),
            Connection(&[PROTOCOL, STREAM_CLOSED]),
        ),
        case(
            "HEADERS on stream 0 (6.2)",
            request(0, "/x"),
            Connection(&[PROTOCOL]),
        ),
        case(
            "an even stream (5.1.1)",
            request(2, "/x"),
            Connection(&[PROTOCOL]),
        ),
        case(
            "a stream below the last (5.1.1)",
            [request(5, "/x"), request(3, "/x")].concat(),
            Connection(&[PROTOCOL, STREAM_CLOSED]),
        ),
        case(
            "DATA behind END_STREAM (5.1)",
            [
                post(),
                frame(DATA, END_STREAM, 1, b"x"),
                frame(DATA, 0, 1, b"x"),
            ]
            .concat(),
            Connection(&[STREAM_CLOSED, PROTOCOL]),
        ),
        case(
            "a second head behind END_STREAM (5.1)",
            done(request(1, "/x")),
            Connection(&[STREAM_CLOSED, PROTOCOL]),
        ),
        case(
            "RST_STREAM on stream 0 (6.4)",
            frame(RST_STREAM, 0, 0, &[0; 4]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "RST_STREAM on an idle stream (6.4)",
            frame(RST_STREAM, 0, 7, &[0; 4]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "PRIORITY on stream 0 (6.3)",
            frame(PRIORITY, 0, 0, &[0; 5]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "SETTINGS on a stream (6.5)",
            frame(SETTINGS, 0, 1, &[]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "PING on a stream (6.7)",
            frame(PING, 0, 1, &[0; 8]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "GOAWAY on a stream (6.8)",
            frame(GOAWAY, 0, 1, &[0; 8]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "PUSH_PROMISE of a client (8.4)",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "WINDOW_UPDATE on an idle stream (5.1)",
            frame(WINDOW_UPDATE, 0, 9, &[0, 0, 0, 1]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "CONTINUATION without a head (6.10)",
            frame(CONTINUATION, END_HEADERS, 1, &get("/x")),
            Connection(&[PROTOCOL]),
        ),
        case(
            "CONTINUATION behind END_HEADERS (6.10)",
            [
                post(),
                frame(CONTINUATION, END_HEADERS, 1, &fields(&[("x", "y")])),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "CONTINUATION on another stream (6.10)",
            [
                frame(HEADERS, END_STREAM, 1, &get("/x")),
                frame(CONTINUATION, END_HEADERS, 3, &[]),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "another frame in the middle of a head (6.10)",
            [
                frame(HEADERS, END_STREAM, 1, &get("/x")),
                frame(PING, 0, 0, &[0; 8]),
                frame(CONTINUATION, END_HEADERS, 1, &[]),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "a frame of an unknown type in the middle of a head (5.5)",
            [
                frame(HEADERS, END_STREAM, 1, &get("/x")),
                frame(UNKNOWN, 0, 1, &[]),
                frame(CONTINUATION, END_HEADERS, 1, &[]),
            ]
            .concat(),
            Connection(&[PROTOCOL]),
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let padded = |length: u8| {
        let payload = [vec![length], get("/x")].concat();
        frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, &payload)
    };
    vec![
        case(
            "padding longer than DATA (6.1)",
            [post(), frame(DATA, PADDED | END_STREAM, 1, &[9, 0, 0])].concat(),
            Connection(&[PROTOCOL]),
        ),
        case(
            "padding longer than a head (6.2)",
            padded(200),
            Connection(&[PROTOCOL]),
        ),
        case(
            "no room for the length of padding (6.1)",
            [post(), frame(DATA, PADDED | END_STREAM, 1, &[])].concat(),
            Connection(&[PROTOCOL, FRAME_SIZE]),
        ),
        case(
            "no room for the priority (6.2)",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM | WITH_PRIORITY,
                1,
                &[0; 3],
            ),
            Connection(&[PROTOCOL, FRAME_SIZE]),
        ),
        case(
            "DATA above the size of frames (4.2)",
            [post(), frame(DATA, END_STREAM, 1, &[0; 16_385])].concat(),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "a head above the size of frames (4.2)",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0; 16_385]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "PRIORITY of four bytes (6.3)",
            [frame(PRIORITY, 0, 1, &[0; 4]), request(1, "/x")].concat(),
            Stream,
        ),
        case(
            "RST_STREAM of three bytes (6.4)",
            [post(), frame(RST_STREAM, 0, 1, &[0; 3])].concat(),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "SETTINGS of five bytes (6.5)",
            frame(SETTINGS, 0, 0, &[0; 5]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "an acknowledgement with settings (6.5)",
            frame(SETTINGS, ACK, 0, &[0; 6]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "PING of seven bytes (6.7)",
            frame(PING, 0, 0, &[0; 7]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "GOAWAY of seven bytes (6.8)",
            frame(GOAWAY, 0, 0, &[0; 7]),
            Connection(&[FRAME_SIZE, PROTOCOL]),
        ),
        case(
            "WINDOW_UPDATE of three bytes (6.9)",
            frame(WINDOW_UPDATE, 0, 0, &[0; 3]),
            Connection(&[FRAME_SIZE]),
        ),
        case(
            "no increment of the connection's window (6.9)",
            frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
            Connection(&[PROTOCOL]),
        ),
        case(
            "no increment of a stream's window (6.9)",
            [post(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])].concat(),
            Stream,
        ),
        case(
            "a stream's window above its limit (6.9.1)",
            [
                post(),
                frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff]),
            ]
            .concat(),
            Stream,
        ),
        case(
            "ENABLE_PUSH of 2 (6.5.2)",
            setting(2, 2),
            Connection(&[PROTOCOL]),
        ),
        case(
            "INITIAL_WINDOW_SIZE of 2^31 (6.5.2)",
            setting(4, 1 << 31),
            Connection(&[FLOW_CONTROL]),
        ),
        case(
            "MAX_FRAME_SIZE of 16,383 (6.5.2)",
            setting(5, 16_383),
            Connection(&[PROTOCOL]),
        ),
        case(
            "MAX_FRAME_SIZE of 2^24 (6.5.2)",
            setting(5, 1 << 24),
            Connection(&[PROTOCOL]),
        ),
    ]
}

/// RFC 7541.
fn compression() -> Vec<Case> {
    let broken = |name, end: &[u8]| case(name, block(end), Connection(&[COMPRESSION]));
    vec![
        broken("the field of index 0 (6.1)", &[0x80]),
        broken("a field beyond the table (6.1)", &[0xff, 0x60]),
        broken(
            "the name of a field beyond the table (6.2)",
            &[0x7f, 0x60, 0x01, b'x'],
        ),
        broken(
            "an index beyond all numbers (5.1)",
            &[
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
        ),
        broken(
            "a text longer than its block (5.2)",
            &[0, 1, b'x', 0x7f, 0x20, b'y'],
        ),
        broken("a block that ends in a field (3.1)", &[0, 5, b'x']),
        broken(
            "padding of more than seven bits (5.2)",
            &[0, 1, b'x', 0x82, 0xff, 0xff],
        ),
        broken("padding of zeroes (5.2)", &[0, 1, b'x', 0x81, 0x00]),
        broken(
            "the end of the string in it (5.2)",
            &[0, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff],
        ),
        broken("a new size of the table behind fields (4.2)", &[0x20]),
        case(
            "a table larger than allowed (4.2)",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[&[0x3f, 0xe2, 0x1f][..], &get("/x")].concat(),
            ),
            Connection(&[COMPRESSION]),
        ),
    ]
}

/// RFC 9113, section 8.
fn messages() -> Vec<Case> {
    let get_with = |more: &[(&str, &str)]| {
        let block = [get("/x"), fields(more)].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)
    };
    let head = |all: &[(&str, &str)]| frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(all));
    let connect = |more: &[(&str, &str)]| {
        let mut all = vec![(":method", "CONNECT")];
        all.extend(more);
        head(&all)
    };
    let told = |length: &str, pieces: &[&[u8]]| {
        let mut bytes = post_with(&[("content-length", length)]);
        for piece in pieces {
            bytes.extend(frame(DATA, 0, 1, piece));
        }
        bytes.extend(frame(DATA, END_STREAM, 1, &[]));
        bytes
    };
    vec![
        case(
            "connection (8.2.2)",
            get_with(&[("connection", "close")]),
            Stream,
        ),
        case(
            "keep-alive (8.2.2)",
            get_with(&[("keep-alive", "timeout=5")]),
            Stream,
        ),
        case(
            "proxy-connection (8.2.2)",
            get_with(&[("proxy-connection", "close")]),
            Stream,
        ),
        case(
            "transfer-encoding (8.2.2)",
            get_with(&[("transfer-encoding", "chunked")]),
            Stream,
        ),
        case("upgrade (8.2.2)", get_with(&[("upgrade", "h2c")]), Stream),
        case("te of gzip (8.2.2)", get_with(&[("te", "gzip")]), Stream),
        case(
            "te of trailers and more (8.2.2)",
            get_with(&[("te", "trailers, gzip")]),
            Stream,
        ),
        case(
            "a method twice (8.3)",
            head(&[
                (":method", "GET"),
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "a"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "a scheme twice (8.3)",
            head(&[
                (":method", "GET"),
                (":scheme", "http"),
                (":scheme", "http"),
                (":authority", "a"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "an authority twice (8.3)",
            head(&[
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "a"),
                (":authority", "b"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "another host than the authority (8.3.1)",
            get_with(&[("host", "b.test")]),
            Stream,
        ),
        case(
            "two hosts (8.3.1)",
            get_with(&[("host", "a.test"), ("host", "a.test")]),
            Stream,
        ),
        case("CONNECT without an authority (8.5)", connect(&[]), Stream),
        case(
            "CONNECT with a path (8.5)",
            connect(&[(":scheme", "http"), (":authority", "a:1"), (":path", "/x")]),
            Stream,
        ),
        case(
            "CONNECT as it should be, to a gateway (8.5)",
            connect(&[(":authority", "a.test:80")]),
            Stream,
        ),
        case(
            "a protocol that nobody offered (RFC 8441)",
            connect(&[
                (":protocol", "websocket"),
                (":scheme", "http"),
                (":authority", "a"),
                (":path", "/x"),
            ]),
            Stream,
        ),
        case(
            "trailers with a path, which goes nowhere (8.1)",
            trailers(&[(":path", "/y")]),
            Dropped,
        ),
        case(
            "trailers with a status, which goes nowhere (8.1)",
            trailers(&[(":status", "200")]),
            Dropped,
        ),
        case(
            "trailers with capitals (8.2.1)",
            trailers(&[("Injected", "1")]),
            Stream,
        ),
        case(
            "trailers with a line break (8.2.1)",
            trailers(&[("x", "a\r\nInjected: 1")]),
            Stream,
        ),
        case(
            "trailers that are not the end (8.1)",
            [
                post(),
                frame(HEADERS, END_HEADERS, 1, &fields(&[("x", "y")])),
                frame(DATA, END_STREAM, 1, b"x"),
            ]
            .concat(),
            Stream,
        ),
        case(
            "a body shorter than told (8.1.1)",
            told("9", &[b"four"]),
            Stream,
        ),
        case(
            "a body longer than told, in pieces (8.1.1)",
            told("5", &[b"four", b"four"]),
            Stream,
        ),
        case(
            "two lengths (8.1.1)",
            [
                post_with(&[("content-length", "4"), ("content-length", "5")]),
                frame(DATA, END_STREAM, 1, b"four"),
            ]
            .concat(),
            Stream,
        ),
    ]
}

/// Odd, and right.
fn allowed() -> Vec<Case> {
    let (start, end) = (get("/x"), END_HEADERS | END_STREAM);
    let half = start.len() / 2;
    let padded = [&[4][..], &start, &[0; 4]].concat();
    let with_priority = [&[0x80, 0, 0, 0, 16][..], &start].concat();
    let pieces = [
        frame(HEADERS, END_STREAM, 1, &start[..half]),
        frame(CONTINUATION, 0, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, &start[half..]),
    ];
    let mut reserved = request(1, "/x");
    reserved[5] |= 0x80;
    let body = |pieces: &[Vec<u8>]| [post(), pieces.concat()].concat();
    vec![
        case(
            "padding (6.2)",
            frame(HEADERS, end | PADDED, 1, &padded),
            Answer,
        ),
        case(
            "padding alone (6.1)",
            body(&[
                frame(DATA, PADDED, 1, &[3, 0, 0, 0]),
                frame(DATA, END_STREAM, 1, &[]),
            ]),
            Answer,
        ),
        case(
            "a priority (5.3.2)",
            frame(HEADERS, end | WITH_PRIORITY, 1, &with_priority),
            Answer,
        ),
        case(
            "PRIORITY of an idle stream (6.3)",
            [frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1]), request(1, "/x")].concat(),
            Answer,
        ),
        case(
            "a head in pieces, one of them empty (6.10)",
            pieces.concat(),
            Answer,
        ),
        case("the reserved bit of a stream (4.1)", reserved, Answer),
        case(
            "flags that mean nothing (4.1)",
            frame(HEADERS, end | 0x52, 1, &start),
            Answer,
        ),
        case(
            "a frame of an unknown type (4.1)",
            [frame(UNKNOWN, 0xff, 0, b"?"), request(1, "/x")].concat(),
            Answer,
        ),
        case(
            "an unknown setting (6.5.2)",
            [setting(0x7777, 1), request(1, "/x")].concat(),
            Answer,
        ),
        case(
            "te of trailers (8.2.2)",
            block(&fields(&[("te", "trailers")])),
            Answer,
        ),
        case("trailers (8.1)", trailers(&[("x-checksum", "1")]), Answer),
        case(
            "crumbs of a cookie (8.2.3)",
            block(&fields(&[("cookie", "a=1"), ("cookie", "b=2")])),
            Answer,
        ),
        case(
            "a host that is the authority (8.3.1)",
            block(&fields(&[("host", "a.test")])),
            Answer,
        ),
        case(
            "a body of empty pieces (6.1)",
            body(&[
                frame(DATA, 0, 1, &[]),
                frame(DATA, 0, 1, b"x"),
                frame(DATA, END_STREAM, 1, &[]),
            ]),
            Answer,
        ),
        case(
            "a stream far above (5.1.1)",
            [request(1, "/x"), request(0x7fff_ffff, "/x")].concat(),
            Answer,
        ),
    ]
}

/// What came of it, if it is not what was wanted.
async fn judge(address: SocketAddr, case: &Case) -> Option<String> {
    let mut client = Client::connect(address).await;
    client.send(&case.bytes).await;
    match case.wanted {
        Answer | Dropped => {
            let (status, _, end) = client.answer(1).await;
            let good = status == Some(200) && end == End::Whole;
            (!good).then(|| format!("{status:?}, {end:?}"))
        }
        Stream => {
            let (status, _, end) = client.answer(1).await;
            let refused = match end {
                End::Whole => matches!(status, Some(400..=499 | 501)),
                End::Reset(_) => status != Some(200),
                End::Gone => true,
            };
            (!refused).then(|| format!("{status:?}, {end:?}"))
        }
        Connection(codes) => {
            // Answered by a connection that goes on.
            client.send(&frame(PING, 0, 0, b"goes on?")).await;
            let mut said = Vec::new();
            while let Some(frame) = client.frame().await {
                match frame.kind {
                    PING if frame.flags == ACK && frame.payload == b"goes on?" => {
                        return Some("goes on".to_owned());
                    }
                    GOAWAY => said.push(number(&frame.payload[4..])),
                    _ => {}
                }
            }
            // h2 says so of most errors, and a client can do nothing about any.
            let fits = said
                .last()
                .is_none_or(|code| codes.contains(code) || *code == PROTOCOL);
            (!fits).then(|| format!("ended with {said:?}"))
        }
    }
}

fn all() -> impl Iterator<Item = Case> {
    let groups = [streams(), sizes(), compression(), messages(), allowed()];
    groups.into_iter().flatten()
}

/// Each on a connection of its own; nothing of what is refused is a request at
/// the origin, and the next one is answered.
#[tokio::test]
async fn frames_are_taken_as_the_rfc_says() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let mut wrong = Vec::new();
    for case in all() {
        let before = origin.journal().requests.len();
        if let Some(what) = judge(gateway.address(), &case).await {
            wrong.push(format!("{}: {what}", case.name));
        }
        let reached = origin.journal().requests.len() - before;
        if matches!(case.wanted, Stream) && reached > 0 {
            wrong.push(format!("{}: a request at the origin", case.name));
        }
        assert_eq!(gateway.get("/x").await?.status, 200, "{}", case.name);
    }
    let text = origin.journal().text();
    assert!(!text.contains("njected") && !text.contains("/y") && !text.contains(":status"));
    assert_eq!(wrong, [""; 0]);
    Ok(())
}

/// The same table for the implementation that most others are tested with: what
/// is in it is not this project's reading alone.
#[tokio::test]
async fn nghttp2_takes_them_the_same_way() -> TestResult {
    let origin = Origin::replying("ok").await;
    let program = Path::new("/usr/sbin/nghttpx");
    assert!(program.exists(), "install the package nghttp2-proxy");
    let rival = Server::start(program, &["--conf=conf"], |folder, [address, _]| {
        let (ip, port) = (address.ip(), address.port());
        let conf = format!(
            "frontend={ip},{port};no-tls\nbackend={ip},{};;\nworkers=1\n",
            origin.port()
        );
        Ok(std::fs::write(folder.join("conf"), conf)?)
    })
    .await?;
    let mut wrong = Vec::new();
    for case in all() {
        if let Some(what) = judge(rival.addresses()[0], &case).await {
            wrong.push(format!("{}: {what}", case.name));
        }
    }
    println!(
        "nghttpx differs in {} of {}: {wrong:#?}",
        wrong.len(),
        all().count()
    );
    Ok(())
}

/// The first bytes of a connection (section 3.4): no frame is looked at before.
#[tokio::test]
async fn a_connection_begins_with_the_preface() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let broken = b"PRI * HTTP/2.0\r\n\r\nSM\r\r\r\n";
    for (name, bytes) in [
        (
            "a broken preface",
            [&broken[..], &setting(4, 1), &request(1, "/x")].concat(),
        ),
        (
            "a frame without preface",
            [setting(4, 1), request(1, "/x")].concat(),
        ),
    ] {
        let mut stream = TcpStream::connect(gateway.address()).await?;
        stream.write_all(&bytes).await?;
        // Frames, an answer of HTTP/1.1, or nothing, and then its end; a reset
        // is one.
        let mut answer = Vec::new();
        let _ = soon("its end", stream.read_to_end(&mut answer)).await;
        assert_eq!(origin.hits(), 0, "{name}");
    }
    assert_eq!(gateway.get("/x").await?.status, 200);
    Ok(())
}
