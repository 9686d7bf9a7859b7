//! Frames and streams that RFC 9113 does not allow, one to a connection, and
//! some that look odd and are right. Heads by their fields are in `heads`.

mod case;
mod messages;
mod sizes;
mod streams;

use std::{net::SocketAddr, path::Path};

use cuttle_tests::{Origin, Server, TestResult, soon};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::wire::{Client, End, GOAWAY, PING, frame, number, request};
use crate::healthy::gateway;
use case::*;
use messages::{allowed, messages};
use sizes::{compression, sizes};
use streams::streams;

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
