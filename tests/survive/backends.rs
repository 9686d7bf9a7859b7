//! Backends that break off what they have begun, and that say more than they
//! were asked: over both versions of HTTP with clients. What fails before its
//! head is in `tests/e2e/faults`.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use cuttle_tests::{Exchange, Gate, Gateway, Origin, Outgoing, Pattern, Reply, Step, TestResult};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::h2::{
    windows::INITIAL_WINDOW,
    wire::{Client, DATA, End, WINDOW_UPDATE, frame, request},
};

/// Timeout of what breaks.
const LIMIT: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(5);
/// What a client over HTTP/2 takes without being asked again.
const ROOM: u32 = 1 << 24;
const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The head and a part of the body, and then no proper end.
fn broken() -> Vec<(&'static str, Vec<Step>)> {
    let slowly = |text: &str| {
        Step::Drip(
            Bytes::copy_from_slice(text.as_bytes()),
            Duration::from_millis(30),
        )
    };
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n";
    let chunk = |rest: &str| {
        vec![
            Step::send(&format!("{CHUNKED}4\r\nhalf\r\n{rest}")),
            Step::Close,
        ]
    };
    let length = |last: Step| vec![Step::send(LENGTH), slowly("half"), last];
    vec![
        ("closed in the body", length(Step::Close)),
        ("reset in the body", length(Step::Reset)),
        ("silence in the body", length(Step::Silence)),
        ("byte by byte", length(slowly(&"x".repeat(96)))),
        (
            "closed in a long body",
            vec![
                Step::send(long),
                Step::Pattern(Pattern::new(1 << 20)),
                Step::Close,
            ],
        ),
        ("closed before the last chunk", chunk("")),
        ("closed in a chunk", chunk("9\r\nmor")),
        ("a size that is none", chunk("zz\r\n")),
        (
            "a chunk longer than its size",
            chunk("1\r\nmore\r\n0\r\n\r\n"),
        ),
        ("closed in the trailers", chunk("0\r\nX: y\r\n")),
        (
            "reset before the last chunk",
            vec![Step::send(CHUNKED), slowly("4\r\nhalf\r\n"), Step::Reset],
        ),
    ]
}

fn endpoint(path: &str, host: &str, encoding: &str) -> Value {
    let output = if encoding == "no-op" { "no-op" } else { "json" };
    json!({
        "endpoint": path, "output_encoding": output,
        "timeout": format!("{}ms", LIMIT.as_millis()),
        "backend": [{ "url_pattern": path, "host": [host], "encoding": encoding }],
    })
}

/// Three ways to `bad`, which also stands in for a proxy, and `/x` of `good`.
async fn gateway(bad: &Origin, good: &Origin) -> anyhow::Result<Gateway> {
    let mut by_plugin = endpoint("/plugin", "http://behind.test", "no-op");
    by_plugin["backend"][0]["extra_config"]["plugin/http-client"] =
        json!({ "name": "http-proxy", "proxy_address": bad.url() });
    Gateway::start(json!({
        "version": 3, "use_h2c": true,
        "endpoints": [
            endpoint("/direct", &bad.url(), "no-op"), by_plugin,
            endpoint("/read", &bad.url(), "string"), endpoint("/x", &good.url(), "no-op"),
        ],
    }))
    .await
}

/// The connection breaks with the body, also where nothing else could end it.
async fn over_http1(gateway: &Gateway, name: &str, way: &str) -> TestResult {
    let answer = Exchange::ask(gateway.address(), Outgoing::new("GET", way)).await;
    match (way, answer) {
        ("/read", answer) => {
            let answer = answer?;
            let shown = (answer.status, answer.complete, &*answer.body);
            assert_eq!(shown, (500, true, ""), "{name}");
        }
        (_, Ok(answer)) => {
            assert_eq!(
                (answer.status, answer.complete),
                (200, false),
                "{name}, {way}"
            );
        }
        // A body that breaks off at once may take the head with it.
        (_, Err(_)) => {}
    }
    Ok(())
}

/// The stream is reset, and the connection stays good for others.
async fn over_http2(gateway: &Gateway, name: &str, way: &str) {
    let settings = [(INITIAL_WINDOW, ROOM)];
    let mut client = Client::with_settings(gateway.address(), &settings).await;
    let room = frame(WINDOW_UPDATE, 0, 0, &ROOM.to_be_bytes());
    client.send(&[room, request(1, way)].concat()).await;
    let (status, body, end) = client.answer(1).await;
    if way == "/read" {
        assert_eq!(
            (status, &*body, end),
            (Some(500), &b""[..], End::Whole),
            "{name}"
        );
    } else {
        assert!(
            matches!(status, Some(200) | None),
            "{name}, {way}: {status:?}"
        );
        assert!(matches!(end, End::Reset(1..)), "{name}, {way}: {end:?}");
    }
    client.send(&request(3, "/x")).await;
    let next = client.answer(3).await;
    assert_eq!(
        next,
        (Some(200), b"ok".to_vec(), End::Whole),
        "{name}, {way}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_off_behind_its_head_never_ends_well_for_the_client() -> TestResult {
    let good = Origin::replying("ok").await;
    let mut all = JoinSet::new();
    for (name, steps) in broken() {
        let bad = Origin::start(move |_| Reply::steps(steps.clone())).await;
        let gateway = gateway(&bad, &good).await?;
        all.spawn(async move {
            for way in ["/direct", "/plugin", "/read"] {
                let start = Instant::now();
                over_http1(&gateway, name, way).await?;
                over_http2(&gateway, name, way).await;
                let took = start.elapsed();
                assert!(took < 2 * LIMIT + GRACE, "{name}, {way}: {took:?}");
            }
            assert_eq!(gateway.get("/x").await?.body, "ok", "{name}");
            drop(bad);
            anyhow::Ok(())
        });
    }
    all.join_all().await.into_iter().collect()
}

/// Nobody can be told while there is no room to tell him in.
#[tokio::test]
async fn a_break_behind_a_full_window_is_seen_once_there_is_room() -> TestResult {
    let good = Origin::replying("ok").await;
    let bad = Origin::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n";
        let body = Step::Pattern(Pattern::new(1 << 20));
        Reply::steps(vec![Step::send(head), body, Step::Close])
    })
    .await;
    let gateway = gateway(&bad, &good).await?;
    let mut client = Client::connect(gateway.address()).await;
    client.send(&request(1, "/direct")).await;
    let mut room = 65_535;
    while room > 0 {
        let frame = client.frame().await.expect("the connection stays");
        if frame.kind == DATA {
            room -= frame.payload.len();
        }
    }
    bad.wait("the break", |journal| (journal.closed == 1).then_some(()))
        .await;
    for stream in [0, 1] {
        let more = frame(WINDOW_UPDATE, 0, stream, &ROOM.to_be_bytes());
        client.send(&more).await;
    }
    let (_, _, end) = client.answer(1).await;
    assert!(matches!(end, End::Reset(1..)), "{end:?}");
    Ok(())
}

const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

/// Answers that nobody asked for, right behind one: it has no body, whatever the
/// backend thinks of that, or has had all of it.
#[tokio::test]
async fn what_comes_behind_an_answer_is_nobodys_answer() -> TestResult {
    for (method, first) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n"),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2c\r\n",
        ),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n",
        ),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
    ] {
        let bytes = format!("{first}{POISON}");
        let origin = Origin::start(move |head| match head.target() {
            "/odd" => Reply::steps(vec![Step::send(&bytes)]),
            _ => Reply::text("ok"),
        })
        .await;
        let mut odd = endpoint("/odd", &origin.url(), "no-op");
        odd["method"] = json!(method);
        odd["backend"][0]["method"] = json!(method);
        let endpoints = json!([odd, endpoint("/x", &origin.url(), "no-op")]);
        let gateway = Gateway::start(json!({ "version": 3, "endpoints": endpoints })).await?;
        for _ in 0..5 {
            let answer = gateway.ask(Outgoing::new(method, "/odd")).await?;
            assert!(!answer.body.contains("poison"), "{first}: {answer:?}");
            let next = gateway.get("/x").await?;
            assert_eq!((next.status, &*next.body), (200, "ok"), "{first}");
        }
    }
    Ok(())
}

/// An answer on a connection that nobody is waiting on.
#[tokio::test]
async fn an_answer_without_a_question_ends_its_connection() -> TestResult {
    let gate = Gate::new();
    let open = gate.clone();
    let origin = Origin::start(move |head| match head.target() {
        "/odd" => Reply::steps(vec![
            Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            Step::Wait(open.clone()),
            Step::send(POISON),
        ]),
        _ => Reply::text("ok"),
    })
    .await;
    let endpoints = ["/odd", "/x"].map(|path| endpoint(path, &origin.url(), "no-op"));
    let gateway = Gateway::start(json!({ "version": 3, "endpoints": endpoints })).await?;
    assert_eq!(gateway.get("/odd").await?.body, "ok");
    gate.open();
    let closed = origin.wait("the end of that connection", |journal| {
        (journal.closed == 1).then_some(())
    });
    closed.await;
    assert_eq!(gateway.get("/x").await?.body, "ok");
    Ok(())
}

async fn own_answers(address: SocketAddr, client: usize) -> TestResult {
    for number in 0..25 {
        let id = format!("{client}-{number}");
        let answer = Exchange::ask(address, Outgoing::new("GET", &format!("/own/{id}"))).await?;
        assert_eq!((answer.status, &*answer.body), (200, &*id));
    }
    Ok(())
}

/// Every third answer has another one behind it, which is a lie to whoever gets it.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_his_own_answer_whatever_comes_behind_it() -> TestResult {
    let origin = Origin::start(|head| {
        let id = head.target().rsplit('/').next().unwrap_or_default();
        let lie = if head.target().len() % 3 == 0 {
            POISON
        } else {
            ""
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", id.len());
        Reply::steps(vec![Step::send(&format!("{head}{id}{lie}"))])
    })
    .await;
    let mut own = endpoint("/own/{id}", &origin.url(), "no-op");
    own["timeout"] = json!("30s");
    let gateway = Gateway::start(json!({ "version": 3, "endpoints": [own] })).await?;
    let address = gateway.address();
    let clients: JoinSet<_> = (0..40).map(|client| own_answers(address, client)).collect();
    clients.join_all().await.into_iter().collect()
}

/// Answers that are read: what would fill the memory or the stack fails by
/// itself, and soon.
#[tokio::test]
async fn answers_that_are_too_much_cost_their_own_request() -> TestResult {
    let whole = |text: String| Reply::text(&text);
    let begun = |head: &str, rest: Step| Reply::steps(vec![Step::send(head), rest]);
    let deep = "[".repeat(200_000);
    let objects = r#"{"a":"#.repeat(100_000);
    let all = [
        (
            "lists in lists",
            whole(format!("{deep}{}", "]".repeat(200_000))),
        ),
        ("lists without end", whole(deep)),
        (
            "objects in objects",
            whole(format!("{objects}1{}", "}".repeat(100_000))),
        ),
        ("no JSON at all", whole("\0\u{feff}{".to_owned())),
        (
            "a long text",
            whole(format!("{{\"a\":\"{}\"}}", "x".repeat(4 << 20))),
        ),
        (
            "ten gigabytes announced",
            begun(
                "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n{",
                Step::Silence,
            ),
        ),
        (
            "without end",
            begun("HTTP/1.1 200 OK\r\n\r\n{\"a\":\"", Step::Flood),
        ),
    ];
    let (mut origins, mut endpoints) = (Vec::new(), Vec::new());
    for (index, (_, reply)) in all.iter().enumerate() {
        let reply = reply.clone();
        let origin = Origin::start(move |_| reply.clone()).await;
        let mut one = endpoint(&format!("/{index}"), &origin.url(), "json");
        one["timeout"] = json!("30s");
        endpoints.push(one);
        origins.push(origin);
    }
    let gateway = Gateway::start(json!({
        "version": 3, "endpoints": endpoints,
        "extra_config": { "cuttle/http": { "max_decoded_body": "1MiB" } },
    }))
    .await?;
    let before = gateway.usage()?;
    for (index, (name, _)) in all.iter().enumerate() {
        let start = Instant::now();
        let answer = gateway.get(&format!("/{index}")).await?;
        assert_eq!((answer.status, &*answer.body), (500, ""), "{name}");
        assert!(start.elapsed() < GRACE, "{name}: {:?}", start.elapsed());
    }
    let grown = gateway.usage()?.peak.saturating_sub(before.resident);
    assert!(grown < 64 << 20, "{grown} bytes");
    assert_eq!(gateway.get("/__health").await?.status, 200);
    Ok(())
}
