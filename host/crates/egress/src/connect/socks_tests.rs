use std::time::Duration;

use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::proxy::ProxyOptions;

/// What the proxy is to hear, and what it answers, in turn.
type Script<'a> = &'a [(&'a [u8], &'a [u8])];

/// Plays the proxy, one byte of an answer at a time; then echoes.
async fn play(mut io: DuplexStream, script: Vec<(Vec<u8>, Vec<u8>)>) {
    for (heard, answer) in script {
        let mut bytes = vec![0; heard.len()];
        io.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, heard);
        for byte in answer {
            io.write_all(&[byte]).await.unwrap();
            io.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

async fn ask(address: &str, host: &str, script: Script<'_>) -> Result<BoxedIo, Error> {
    let (near, far) = duplex(1);
    let owned = script.iter().map(|(a, b)| (a.to_vec(), b.to_vec()));
    let player = tokio::spawn(play(far, owned.collect()));
    let proxy = Proxy::new(address, ProxyOptions::default()).unwrap();
    let place = Place::new(host, 443);
    let asked = open(Box::new(near), &proxy, &place, "a.test:443");
    let outcome = tokio::time::timeout(Duration::from_secs(20), asked).await;
    player.await.unwrap();
    outcome.unwrap()
}

async fn kind(address: &str, script: Script<'_>) -> ErrorKind {
    let error = ask(address, "a.test", script).await.err().unwrap();
    assert!(error.to_string().contains("p:1080"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    error.kind()
}

const PLAIN: &str = "socks5h://p:1080";
const WITH_USER: &str = "socks5h://al:secret@p:1080";
const REQUEST: &[u8] = b"\x05\x01\x00\x03\x06a.test\x01\xbb";
const GRANTED: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38";
const GREETING: (&[u8], &[u8]) = (b"\x05\x01\x00", b"\x05\x00");
const GREETING_WITH_USER: (&[u8], &[u8]) = (b"\x05\x02\x00\x02", b"\x05\x02");

#[tokio::test]
async fn a_tunnel_opens_whatever_pieces_the_answers_come_in() {
    let login = (&b"\x01\x02al\x06secret"[..], &b"\x01\x00"[..]);
    let by_name = [&b"\x05\x00\x00\x03\x04"[..], b"host\x04\x38"].concat();
    let by_ipv6 = [&b"\x05\x00\x00\x04"[..], &[0; 18]].concat();
    let cases: [(&str, Script<'_>); 8] = [
        (PLAIN, &[GREETING, (REQUEST, GRANTED)]),
        (PLAIN, &[GREETING, (REQUEST, &by_name)]),
        (PLAIN, &[GREETING, (REQUEST, &by_ipv6)]),
        (WITH_USER, &[GREETING_WITH_USER, login, (REQUEST, GRANTED)]),
        // A proxy that wants no credentials gets none.
        (
            WITH_USER,
            &[(b"\x05\x02\x00\x02", b"\x05\x00"), (REQUEST, GRANTED)],
        ),
        (
            "socks5h://al@p:1080",
            &[
                GREETING_WITH_USER,
                (b"\x01\x02al\x00", b"\x01\x00"),
                (REQUEST, GRANTED),
            ],
        ),
        (
            "socks4a://p:1080",
            &[(
                b"\x04\x01\x01\xbb\x00\x00\x00\x01\x00a.test\x00",
                b"\x00\x5a\x00\x00\x00\x00\x00\x00",
            )],
        ),
        (
            "socks4a://al@p:1080",
            &[(
                b"\x04\x01\x01\xbb\x00\x00\x00\x01al\x00a.test\x00",
                b"\x00\x5a\x01\x02\x03\x04\x05\x06",
            )],
        ),
    ];
    for (index, (address, script)) in cases.into_iter().enumerate() {
        ask(address, "a.test", script)
            .await
            .unwrap_or_else(|error| panic!("case {index}: {error}"));
    }
}

#[tokio::test]
async fn addresses_are_sent_as_addresses() {
    for (scheme, host, request) in [
        (
            "socks5h",
            "10.1.2.3",
            &b"\x05\x01\x00\x01\x0a\x01\x02\x03\x01\xbb"[..],
        ),
        (
            "socks5",
            "10.1.2.3",
            b"\x05\x01\x00\x01\x0a\x01\x02\x03\x01\xbb",
        ),
        (
            "socks5h",
            "fd00::1",
            b"\x05\x01\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
        ),
    ] {
        let address = format!("{scheme}://p:1080");
        ask(&address, host, &[GREETING, (request, GRANTED)])
            .await
            .unwrap();
    }
    let granted: &[u8] = b"\x00\x5a\0\0\0\0\0\0";
    let request: &[u8] = b"\x04\x01\x01\xbb\x0a\x01\x02\x03\x00";
    ask("socks4a://p:1080", "10.1.2.3", &[(request, granted)])
        .await
        .unwrap();
}

#[tokio::test]
async fn every_refusal_is_told_from_the_others() {
    for reply in 1..=9 {
        let script: Script<'_> = &[GREETING, (REQUEST, &[5, reply])];
        assert_eq!(kind(PLAIN, script).await, ErrorKind::SocksReply(reply));
    }
    let refused = (&b"\x01\x02al\x06secret"[..], &b"\x01\x01"[..]);
    let no_method: (&[u8], &[u8]) = (b"\x05\x01\x00", b"\x05\xff");
    let neither: (&[u8], &[u8]) = (b"\x05\x02\x00\x02", b"\x05\xff");
    let not_offered: (&[u8], &[u8]) = (b"\x05\x01\x00", b"\x05\x02");
    let http: (&[u8], &[u8]) = (b"\x05\x01\x00", b"HT");
    let cases: [(&str, Script<'_>, ErrorKind); 9] = [
        (
            WITH_USER,
            &[GREETING_WITH_USER, refused],
            ErrorKind::ProxyAuthentication,
        ),
        (PLAIN, &[no_method], ErrorKind::ProxyAuthentication),
        (WITH_USER, &[neither], ErrorKind::ProxyAuthentication),
        (PLAIN, &[not_offered], ErrorKind::Protocol),
        (PLAIN, &[http], ErrorKind::Protocol),
        (
            PLAIN,
            &[GREETING, (REQUEST, b"\x04\x00")],
            ErrorKind::Protocol,
        ),
        (
            PLAIN,
            &[GREETING, (REQUEST, b"\x05\x00\x00\x02")],
            ErrorKind::Protocol,
        ),
        (PLAIN, &[(b"\x05\x01\x00", b"\x05")], ErrorKind::Closed),
        (
            PLAIN,
            &[GREETING, (REQUEST, b"\x05\x00\x00\x01\x7f")],
            ErrorKind::Closed,
        ),
    ];
    for (index, (address, script, expected)) in cases.into_iter().enumerate() {
        assert_eq!(kind(address, script).await, expected, "case {index}");
    }
    let request: &[u8] = b"\x04\x01\x01\xbb\x00\x00\x00\x01\x00a.test\x00";
    for (reply, expected) in [
        (91, ErrorKind::SocksReply(91)),
        (92, ErrorKind::ProxyAuthentication),
        (93, ErrorKind::ProxyAuthentication),
    ] {
        let answer: &[u8] = &[0, reply];
        assert_eq!(
            kind("socks4a://p:1080", &[(request, answer)]).await,
            expected
        );
    }
}

#[tokio::test]
async fn what_follows_the_reply_belongs_to_the_tunnel() {
    let answer = [GRANTED, b"X"].concat();
    let mut io = ask(PLAIN, "a.test", &[GREETING, (REQUEST, &answer)])
        .await
        .unwrap();
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"X");
}

#[test]
fn what_socks_cannot_carry_is_refused_before_it_is_sent() {
    let (longest, too_long) = ("a".repeat(255), "a".repeat(256));
    for (host, version_4, version_5) in [
        (too_long.as_str(), false, false),
        (longest.as_str(), true, true),
        ("fd00::1", false, true),
    ] {
        let place = Place::new(host, 80);
        assert_eq!(request_4(&place, None).is_ok(), version_4, "{host}");
        assert_eq!(request_5(&place).is_ok(), version_5, "{host}");
    }
}
