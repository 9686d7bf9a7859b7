//! Forward proxies, and backends, that fail in every scripted way: the request fails in
//! bounded time, nothing ever reaches the origin around the proxy, and the
//! gateway goes on as before.

mod backend;
mod run;
mod table;

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use cuttle_tests::{Authority, FaultProxy, Origin, Reply, Step, TestResult};
use run::{Case, Outcome::Failure, run};
use table::faults;

use crate::support::through;

const OPENED: &str = "HTTP/1.1 200 OK\r\n\r\n";

#[test]
fn the_table_has_no_name_twice() {
    let names: Vec<_> = faults().iter().map(|fault| fault.name).collect();
    let distinct: HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names.len() >= 60, "{}", names.len());
}

#[tokio::test]
async fn as_the_answer_for_an_http_target() -> TestResult {
    let mut proxies = Vec::new();
    let mut cases = Vec::new();
    for fault in faults() {
        let proxy = FaultProxy::start(fault.script).await;
        cases.push(case(fault.name, &proxy, fault.outcome));
        proxies.push(proxy);
    }
    run(&Authority::new(), "http", cases).await
}

#[tokio::test]
async fn as_the_answer_to_connect() -> TestResult {
    let mut proxies = Vec::new();
    let mut cases = Vec::new();
    for fault in faults() {
        let proxy = FaultProxy::start(fault.script).await;
        cases.push(case(fault.name, &proxy, Failure));
        proxies.push(proxy);
    }
    run(&Authority::new(), "https", cases).await
}

#[tokio::test]
async fn as_the_answer_inside_of_a_tunnel() -> TestResult {
    let authority = Authority::new();
    let mut proxies = Vec::new();
    let mut cases = Vec::new();
    for fault in faults() {
        let proxy = FaultProxy::tunnelling(&authority, fault.script).await;
        cases.push(case(fault.name, &proxy, fault.inside));
        proxies.push(proxy);
    }
    run(&authority, "https", cases).await
}

/// The same faults behind TLS with the proxy itself.
#[tokio::test]
async fn as_the_answer_of_a_proxy_with_tls() -> TestResult {
    let authority = Authority::new();
    for scheme in ["http", "https"] {
        let mut proxies = Vec::new();
        let mut cases = Vec::new();
        for fault in faults() {
            let outcome = if scheme == "http" && fault.name == "http10_without_length" {
                run::Outcome::Truncated
            } else if scheme == "http" {
                fault.outcome
            } else {
                Failure
            };
            let proxy = FaultProxy::start_tls(&authority, fault.script).await;
            let mut case = case(fault.name, &proxy, outcome);
            case.address = case.address.replace("http:", "https:");
            cases.push(case);
            proxies.push(proxy);
        }
        run(&authority, scheme, cases).await?;
    }
    Ok(())
}

/// What only a tunnel can suffer.
#[tokio::test]
async fn a_tunnel_that_leads_nowhere_good() -> TestResult {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let opened = |step: Step| vec![Step::Head, Step::send(OPENED), step];
    let bytes = |bytes: &'static [u8]| Step::Send(Bytes::from_static(bytes));
    let fields = "X-Field: of a talkative proxy\r\n".repeat(60);
    let ok = |head: &str| vec![Step::Head, Step::send(head), Step::Close];
    let scripts = [
        ("closed_before_tls", opened(Step::Close)),
        ("reset_before_tls", opened(Step::Reset)),
        ("silent", opened(Step::Silence)),
        ("flooding", opened(Step::Flood)),
        (
            "to_something_else",
            opened(Step::send("HTTP/1.1 400 Bad Request\r\n\r\n")),
        ),
        ("tls_alert", opened(bytes(b"\x15\x03\x03\x00\x02\x02\x28"))),
        (
            "half_a_server_hello",
            opened(bytes(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")),
        ),
        (
            "dripping_handshake",
            opened(Step::Drip(
                Bytes::from_static(&[0x16; 100]),
                Duration::from_millis(20),
            )),
        ),
        (
            "bytes_after_the_answer",
            vec![
                Step::Head,
                Step::send("HTTP/1.1 200 OK\r\n\r\nEXTRA"),
                Step::Silence,
            ],
        ),
        // Would be a good one, if the bytes were overlooked.
        (
            "bytes_before_a_tunnel_that_works",
            vec![
                Step::Head,
                Step::send(&format!("{OPENED}EXTRA")),
                Step::Tunnel,
            ],
        ),
        (
            "second_answer",
            vec![Step::Head, Step::send(&OPENED.repeat(2)), Step::Silence],
        ),
        (
            "answer_with_a_body",
            ok("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ),
        (
            "answer_with_sixty_fields",
            ok(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")),
        ),
        (
            "answer_in_chunks",
            ok("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ),
        ("status_204", ok("HTTP/1.1 204 No Content\r\n\r\n")),
        ("status_299", ok("HTTP/1.0 299 \r\n\r\n")),
    ];
    let mut proxies = Vec::new();
    let mut cases = Vec::new();
    for (name, script) in scripts {
        let proxy = FaultProxy::start(script).await;
        cases.push(case(name, &proxy, Failure));
        proxies.push(proxy);
    }
    let reply = vec![
        Step::Head,
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"),
    ];
    let others = [
        (
            "certificate_of_a_stranger",
            FaultProxy::tunnelling(&stranger, reply.clone()).await,
        ),
        (
            "certificate_for_another_name",
            FaultProxy::tunnelling_as(&authority, "other.test", reply).await,
        ),
    ];
    for (name, proxy) in others {
        cases.push(case(name, &proxy, Failure));
        proxies.push(proxy);
    }
    run(&authority, "https", cases).await
}

/// What comes before a byte of HTTP.
#[tokio::test]
async fn a_proxy_that_cannot_be_reached_or_trusted() -> TestResult {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let reply = vec![
        Step::Head,
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"),
    ];
    let plain = FaultProxy::start(reply.clone()).await;
    let silent = FaultProxy::start(vec![Step::Silence]).await;
    let closing = FaultProxy::start(vec![]).await;
    let strange = FaultProxy::start_tls(&stranger, reply.clone()).await;
    let secure = FaultProxy::start_tls(&authority, reply).await;
    let tls = |proxy: &FaultProxy| proxy.url().replace("http:", "https:");
    let named = tls(&strange).replace("127.0.0.1", "localhost");
    for scheme in ["http", "https"] {
        let cases = [
            ("nobody_listens", FaultProxy::refused().await),
            (
                "name_does_not_exist",
                "http://proxy.invalid:8080".to_owned(),
            ),
            ("no_tls_where_tls_is_expected", tls(&plain)),
            ("tls_where_none_is_expected", secure.url()),
            ("silence_instead_of_tls", tls(&silent)),
            ("closed_instead_of_tls", tls(&closing)),
            ("certificate_of_a_stranger", tls(&strange)),
            ("certificate_for_another_name", named.clone()),
        ];
        let cases = cases.map(|(name, address)| Case {
            name,
            address,
            expected: Failure,
        });
        run(&authority, scheme, cases.into()).await?;
    }
    Ok(())
}

/// SOCKS5 (RFC 1928) and its passwords (RFC 1929), for both kinds of targets.
#[tokio::test]
async fn a_socks_proxy_that_does_not_keep_to_its_protocol() -> TestResult {
    let authority = Authority::new();
    let bytes = |bytes: &[u8]| Step::Send(Bytes::copy_from_slice(bytes));
    let reply = |code: u8| bytes(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
    let (open, password) = (bytes(&[5, 0]), bytes(&[5, 2]));
    let scripts = [
        ("closed_at_once", vec![]),
        ("reset_at_once", vec![Step::Reset]),
        ("silence", vec![Step::Silence]),
        (
            "http_instead",
            vec![
                Step::send("HTTP/1.1 400 Bad Request\r\n\r\n"),
                Step::Silence,
            ],
        ),
        ("version_4", vec![bytes(&[4, 0]), Step::Silence]),
        ("half_a_greeting", vec![bytes(&[5])]),
        (
            "half_a_greeting_and_silence",
            vec![bytes(&[5]), Step::Silence],
        ),
        ("no_method", vec![bytes(&[5, 0xff]), Step::Silence]),
        ("method_nobody_offered", vec![bytes(&[5, 1]), Step::Silence]),
        ("password_nobody_has", vec![password, Step::Silence]),
        ("closed_before_the_reply", vec![open.clone()]),
        (
            "silence_before_the_reply",
            vec![open.clone(), Step::Silence],
        ),
        (
            "reply_general_failure",
            vec![open.clone(), reply(1), Step::Silence],
        ),
        (
            "reply_not_allowed",
            vec![open.clone(), reply(2), Step::Silence],
        ),
        (
            "reply_network_unreachable",
            vec![open.clone(), reply(3), Step::Silence],
        ),
        (
            "reply_host_unreachable",
            vec![open.clone(), reply(4), Step::Silence],
        ),
        ("reply_refused", vec![open.clone(), reply(5), Step::Silence]),
        ("reply_expired", vec![open.clone(), reply(6), Step::Silence]),
        (
            "reply_command_unknown",
            vec![open.clone(), reply(7), Step::Silence],
        ),
        (
            "reply_address_unknown",
            vec![open.clone(), reply(8), Step::Silence],
        ),
        (
            "reply_unassigned",
            vec![open.clone(), reply(99), Step::Silence],
        ),
        (
            "reply_of_another_version",
            vec![
                open.clone(),
                bytes(&[4, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
                Step::Silence,
            ],
        ),
        (
            "reply_with_an_unknown_address",
            vec![
                open.clone(),
                bytes(&[5, 0, 0, 9, 0, 0, 0, 0, 0, 0]),
                Step::Silence,
            ],
        ),
        ("half_a_reply", vec![open.clone(), bytes(&[5, 0, 0, 1, 0])]),
        (
            "half_a_reply_and_silence",
            vec![open.clone(), bytes(&[5, 0, 0, 1, 0]), Step::Silence],
        ),
        ("closed_after_the_reply", vec![open.clone(), reply(0)]),
        (
            "silence_after_the_reply",
            vec![open.clone(), reply(0), Step::Silence],
        ),
    ];
    for scheme in ["http", "https"] {
        let mut proxies = Vec::new();
        let mut cases = Vec::new();
        for (name, script) in scripts.clone() {
            let proxy = FaultProxy::start(script).await;
            let mut case = case(name, &proxy, Failure);
            case.address = case.address.replace("http:", "socks5h:");
            cases.push(case);
            proxies.push(proxy);
        }
        run(&authority, scheme, cases).await?;
    }
    Ok(())
}

/// Odd, but right: none of this may be taken for a fault.
#[tokio::test]
async fn answers_to_connect_that_real_proxies_give() -> TestResult {
    let authority = Authority::new();
    let fields = "X-Field: of a talkative proxy\r\n".repeat(60);
    let origin = Origin::start_tls(&authority, |_| Reply::text("tunnelled")).await;
    for head in [
        "HTTP/1.0 200 Connection established\r\n\r\n".to_owned(),
        "HTTP/1.1 200\r\n\r\n".to_owned(),
        "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n".to_owned(),
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{fields}\r\n"),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\nProxy-Agent: old\n\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(60_000)),
    ] {
        let start: String = head.chars().take(60).collect();
        let (first, rest) = head.as_bytes().split_at(5);
        let drip = Step::Drip(Bytes::copy_from_slice(first), Duration::from_millis(1));
        let rest = Step::Send(Bytes::copy_from_slice(rest));
        let split = vec![Step::Head, drip, rest, Step::Tunnel];
        for script in [vec![Step::Head, Step::send(&head), Step::Tunnel], split] {
            let proxy = FaultProxy::start(script).await;
            let answers = through(&authority, &origin, &proxy.url()).await?;
            assert_eq!(answers, ["tunnelled", "tunnelled"], "{start:?}");
            let connect = &proxy.journal().heads[0];
            assert_eq!(
                connect.start,
                format!("CONNECT {} HTTP/1.1", origin.authority())
            );
            assert_eq!(connect.field("host"), Some(origin.authority().as_str()));
        }
    }
    Ok(())
}

fn case(name: &'static str, proxy: &FaultProxy, expected: run::Outcome) -> Case {
    Case {
        name,
        address: proxy.url(),
        expected,
    }
}
