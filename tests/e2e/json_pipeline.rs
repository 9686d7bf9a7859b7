//! Endpoints whose answers are made of data, on real sockets: by the client and
//! through a proxy, by the bundled plugin.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cuttle_tests::{
    Answer, Exchange, Gateway, Head, Origin, Outgoing, Reply, Step, TestResult, command, soon,
};
use serde_json::{Value, json};

use crate::support::{by_plugin, service, with, with_backend};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// `{"zipped":[1.50,12345678901234567890]}` in gzip.
const ZIPPED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xaa, 0xca, 0x2c, 0x28,
    0x48, 0x4d, 0x51, 0xb2, 0x8a, 0x36, 0xd4, 0x33, 0x35, 0xd0, 0x31, 0x34, 0x32, 0x36, 0x31, 0x35,
    0x33, 0xb7, 0xb0, 0x34, 0x40, 0xb0, 0x62, 0x6b, 0x01, 0x9c, 0xe9, 0x5b, 0x9c, 0x26, 0x00, 0x00,
    0x00,
];

/// A service of several paths; `head` may come through a proxy.
fn answers(head: &Head) -> Reply {
    let target = head.target();
    let path = target.strip_prefix("http://behind.test").unwrap_or(target);
    match path {
        "/user" => Reply::status(
            200,
            &[JSON],
            r#"{"id":"a b/7","name":"Ada","password":"x"}"#,
        ),
        "/created" => Reply::status(201, &[JSON, ("X-Backend", "1")], r#"{"b":1.50}"#),
        "/orders/a%20b%2F7" => Reply::status(200, &[JSON], r#"{"orders":[3,1]}"#),
        "/list" => Reply::status(200, &[JSON], r#"[{"z":1,"a":"<&>"}]"#),
        "/zipped" => zipped(),
        "/slow" => Reply::steps(vec![Step::Silence]),
        "/cut" => Reply::steps(vec![Step::send(
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"whole\":true}",
        )]),
        "/forbidden" => Reply::status(403, &[("Content-Type", "text/x")], "not you"),
        "/echo" => Reply::status(200, &[JSON], r#"{"got":"it"}"#),
        _ => Reply::status(404, &[], "the backend's own words"),
    }
}

fn zipped() -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        ZIPPED.len()
    );
    Reply::steps(vec![
        Step::send(&head),
        Step::Send(Bytes::from_static(ZIPPED)),
    ])
}

/// `GET path` over these paths of `host`.
fn over(path: &str, host: &str, backends: &[&str]) -> Value {
    let backends: Vec<_> = backends
        .iter()
        .map(|url| json!({ "url_pattern": url, "host": [host] }))
        .collect();
    json!({ "endpoint": path, "backend": backends })
}

fn proxy(mut endpoint: Value, settings: Value) -> Value {
    endpoint["extra_config"]["proxy"] = settings;
    endpoint
}

fn errors(mut endpoint: Value, backend: usize, settings: Value) -> Value {
    endpoint["backend"][backend]["extra_config"]["backend/http"] = settings;
    endpoint
}

fn shown(answer: &Answer) -> (u16, &str, Option<&str>) {
    let completed = answer.head.field("x-krakend-completed");
    (answer.status, &answer.body, completed)
}

/// The origin's own address, and the same through the plugin, for which the
/// origin stands in as the proxy.
fn both(origin: &Origin, endpoint: impl Fn(&str, &str) -> Value) -> Vec<Value> {
    let mut behind = endpoint("/plugin", "http://behind.test");
    let backends = behind["backend"].as_array().map_or(0, Vec::len);
    for index in 0..backends {
        let mut alone = json!({ "backend": [behind["backend"][index].take()] });
        alone = by_plugin_beside(alone, &origin.url());
        behind["backend"][index] = alone["backend"][0].take();
    }
    vec![endpoint("/client", &origin.url()), behind]
}

/// [`by_plugin`] that keeps other settings of the backend.
fn by_plugin_beside(endpoint: Value, proxy: &str) -> Value {
    let before = endpoint["backend"][0]["extra_config"].clone();
    let mut endpoint = by_plugin(endpoint, proxy);
    for (key, value) in before.as_object().into_iter().flatten() {
        endpoint["backend"][0]["extra_config"][key] = value.clone();
    }
    endpoint
}

#[tokio::test]
async fn answers_are_decoded_filtered_and_written_anew() -> TestResult {
    let origin = Origin::start(answers).await;
    let gateway = Gateway::start(service(both(&origin, |path, host| {
        let endpoint = over(path, host, &["/user"]);
        let endpoint = with_backend(endpoint, "deny", json!(["password"]));
        with(endpoint, "cache_ttl", json!("1m"))
    })))
    .await?;
    for path in ["/client", "/plugin"] {
        let answer = gateway.get(path).await?;
        let expected = (200, r#"{"id":"a b/7","name":"Ada"}"#, Some("true"));
        assert_eq!(shown(&answer), expected, "{path}");
        let json = "application/json; charset=utf-8";
        assert_eq!(answer.head.field("content-type"), Some(json), "{path}");
        assert_eq!(
            answer.head.field("cache-control"),
            Some("public, max-age=60")
        );
        assert_eq!(answer.head.field("content-length"), Some("27"));
    }
    Ok(())
}

#[tokio::test]
async fn several_backends_become_one_answer() -> TestResult {
    let origin = Origin::start(answers).await;
    let gateway = Gateway::start(service(both(&origin, |path, host| {
        let mut endpoint = over(path, host, &["/user", "/created", "/list"]);
        endpoint["backend"][0]["group"] = json!("user");
        endpoint["backend"][2]["is_collection"] = json!(true);
        endpoint
    })))
    .await?;
    for path in ["/client", "/plugin"] {
        let answer = gateway.get(path).await?;
        let body = concat!(
            r#"{"b":1.50,"collection":[{"a":"\u003c\u0026\u003e","z":1}],"#,
            r#""user":{"id":"a b/7","name":"Ada","password":"x"}}"#
        );
        assert_eq!(shown(&answer), (200, body, Some("true")), "{path}");
        assert_eq!(answer.head.field("x-backend"), None, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_partial_answer_says_so_and_each_failure_has_its_line() -> TestResult {
    let origin = Origin::start(answers).await;
    let paths = ["/user", "/gone", "/slow"];
    let gateway = Gateway::start(service(both(&origin, |path, host| {
        with(over(path, host, &paths), "timeout", json!("1s"))
    })))
    .await?;
    for path in ["/client", "/plugin"] {
        let start = Instant::now();
        let answer = gateway.get(path).await?;
        assert!(
            start.elapsed() < Duration::from_millis(990),
            "85 % of the timeout"
        );
        let body = r#"{"id":"a b/7","name":"Ada","password":"x"}"#;
        assert_eq!(shown(&answer), (200, body, Some("false")), "{path}");
        gateway.access(path).await?;
        let events = gateway.log().events();
        let failures: Vec<_> = events
            .iter()
            .filter(|event| event["level"] == "ERROR" && event["span"]["path"] == path)
            .map(|event| {
                (
                    event["fields"]["position"].clone(),
                    event["fields"]["kind"].clone(),
                )
            })
            .collect();
        let expected = [(json!(1), json!("Status")), (json!(2), json!("Timeout"))];
        assert_eq!(failures, expected, "{path}: {}", gateway.log().text());
    }
    Ok(())
}

#[tokio::test]
async fn a_later_backend_may_need_an_earlier_answer() -> TestResult {
    let origin = Origin::start(answers).await;
    let gateway = Gateway::start(service(both(&origin, |path, host| {
        let endpoint = over(path, host, &["/user", "/orders/{resp0_id}"]);
        proxy(endpoint, json!({ "sequential": true }))
    })))
    .await?;
    for path in ["/client", "/plugin"] {
        let answer = gateway.get(path).await?;
        let body = r#"{"id":"a b/7","name":"Ada","orders":[3,1],"password":"x"}"#;
        assert_eq!(shown(&answer), (200, body, Some("true")), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failing_backend_is_500_and_tells_nothing_unless_asked_to() -> TestResult {
    let origin = Origin::start(answers).await;
    let one = |path: &str, url: &str| over(path, &origin.url(), &[url]);
    let endpoints = vec![
        one("/gone", "/gone?key=s3cret"),
        errors(
            one("/code", "/forbidden"),
            0,
            json!({ "return_error_code": true }),
        ),
        errors(
            one("/details", "/forbidden"),
            0,
            json!({ "return_error_details": "b" }),
        ),
        one("/wrong", "/list"),
        proxy(
            one("/static", "/gone"),
            json!({ "static": {
            "strategy": "errored", "data": { "from": "static" } } }),
        ),
    ];
    let closed = Gateway::start(service(endpoints.clone())).await?;
    let mut config = service(endpoints);
    config["extra_config"] = json!({ "router": { "return_error_msg": true } });
    let open = Gateway::start(config).await?;

    let gone = format!("invalid status code 404 [GET /gone]: {}/gone", origin.url());
    let wrong = "json: cannot unmarshal array into Go value of type map[string]interface {}";
    let details = concat!(
        r#"{"error_b":{"http_body":"not you","http_body_encoding":"text/x","#,
        r#""http_status_code":403}}"#
    );
    for (path, status, told, shown_always) in [
        ("/gone", 500, gone.as_str(), false),
        ("/code", 403, "not you", false),
        ("/wrong", 500, wrong, false),
        ("/details", 200, details, true),
        ("/static", 200, r#"{"from":"static"}"#, true),
    ] {
        let answer = open.get(path).await?;
        assert_eq!(shown(&answer), (status, told, Some("false")), "{path}");
        let answer = closed.get(path).await?;
        let body = if shown_always { told } else { "" };
        assert_eq!(shown(&answer), (status, body, Some("false")), "{path}");
    }
    let code = open.get("/code").await?;
    assert_eq!(code.head.field("content-type"), Some("text/x"));
    assert!(
        !open.log().text().contains("s3cret"),
        "{}",
        open.log().text()
    );
    Ok(())
}

#[tokio::test]
async fn compressed_answers_are_asked_for_and_undone() -> TestResult {
    let origin = Origin::start(answers).await;
    let gateway = Gateway::start(service(both(&origin, |path, host| {
        over(path, host, &["/zipped"])
    })))
    .await?;
    for (path, asked) in [("/client", Some("gzip")), ("/plugin", None)] {
        let answer = gateway.get(path).await?;
        let body = r#"{"zipped":[1.50,12345678901234567890]}"#;
        assert_eq!(shown(&answer), (200, body, Some("true")), "{path}");
        assert_eq!(answer.head.field("content-encoding"), None);
        assert_eq!(origin.last().head.field("accept-encoding"), asked, "{path}");
    }
    Ok(())
}

/// The decoder is done with the value when the connection ends.
#[tokio::test]
async fn json_that_is_whole_counts_though_its_body_is_not() -> TestResult {
    let origin = Origin::start(|head| {
        let mut reply = vec![Step::send(
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"whole\":true}",
        )];
        if head.target().ends_with("/reset") {
            reply.push(Step::Reset);
        }
        Reply::steps(reply).early()
    })
    .await;
    let gateway = Gateway::start(service(vec![over("/x", &origin.url(), &["/cut"])])).await?;
    let answer = gateway.get("/x").await?;
    assert_eq!(shown(&answer), (200, r#"{"whole":true}"#, Some("true")));
    Ok(())
}

#[tokio::test]
async fn every_backend_gets_the_body_of_a_post() -> TestResult {
    let origin = Origin::start(answers).await;
    let gateway = Gateway::start(service(both(&origin, |path, host| {
        let mut endpoint = over(path, host, &["/echo", "/user"]);
        endpoint["backend"][0]["group"] = json!("first");
        with(endpoint, "method", json!("POST"))
    })))
    .await?;
    for path in ["/client", "/plugin"] {
        let before = origin.journal().requests.len();
        let answer = gateway.post(path, "the body").await?;
        assert_eq!(
            (answer.status, shown(&answer).2),
            (200, Some("true")),
            "{path}"
        );
        let journal = origin.journal();
        let bodies: Vec<_> = journal.requests[before..]
            .iter()
            .map(|request| request.body.text())
            .collect();
        assert_eq!(bodies, ["the body", "the body"], "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_shadow_sees_the_traffic_and_changes_nothing() -> TestResult {
    let origin = Origin::start(answers).await;
    let shadow = Origin::start(|_| Reply::status(500, &[], "")).await;
    let mut endpoint = over("/x", &origin.url(), &["/user", "/shadow"]);
    endpoint["backend"][1]["host"] = json!([shadow.url()]);
    endpoint["backend"][1]["extra_config"] = json!({ "proxy": { "shadow": true } });
    let gateway = Gateway::start(service(vec![endpoint])).await?;
    let answer = gateway.get("/x").await?;
    let body = r#"{"id":"a b/7","name":"Ada","password":"x"}"#;
    assert_eq!(shown(&answer), (200, body, Some("true")));
    let seen = shadow.wait("the shadow's request", |journal| {
        journal
            .requests
            .first()
            .map(|request| request.head.start.clone())
    });
    assert_eq!(seen.await, "GET /shadow HTTP/1.1");
    Ok(())
}

#[tokio::test]
async fn the_fastest_of_several_calls_wins() -> TestResult {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let origin = Origin::start(move |head| {
        match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
            0 | 1 => Reply::steps(vec![Step::Silence]),
            _ => answers(head),
        }
    })
    .await;
    let json = with(
        over("/json", &origin.url(), &["/user"]),
        "concurrent_calls",
        json!(3),
    );
    let noop = with(
        over("/noop", &origin.url(), &["/user"]),
        "concurrent_calls",
        json!(3),
    );
    let noop = with(noop, "output_encoding", json!("no-op"));
    let gateway = Gateway::start(service(vec![json, noop])).await?;
    for path in ["/json", "/noop"] {
        let answer = gateway.get(path).await?;
        assert_eq!((answer.status, answer.complete), (200, true), "{path}");
        assert!(answer.body.contains("Ada"), "{path}");
    }
    origin
        .wait("the others' end", |journal| {
            (journal.gone == 4).then_some(())
        })
        .await;
    Ok(())
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_all_backends() -> TestResult {
    let origin = Origin::start(answers).await;
    let endpoint = over("/x", &origin.url(), &["/slow", "/slow"]);
    let gateway = Gateway::start(service(vec![endpoint])).await?;
    let mut client = Exchange::connect(gateway.address()).await?;
    client.send(Outgoing::new("GET", "/x")).await?;
    origin
        .wait("both requests", |journal| {
            (journal.heads.len() == 2).then_some(())
        })
        .await;
    drop(client);
    origin
        .wait("their end", |journal| (journal.gone == 2).then_some(()))
        .await;
    Ok(())
}

#[tokio::test]
async fn curl_sees_the_merged_answer() -> TestResult {
    let origin = Origin::start(answers).await;
    let endpoint = over("/x", &origin.url(), &["/created", "/echo"]);
    let gateway = Gateway::start(service(vec![endpoint])).await?;
    let url = format!("http://{}/x", gateway.address());
    let mut curl = command("/usr/bin/curl", &["-sS", "-i", &url]);
    let output = soon("curl", curl.output()).await?;
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(text.starts_with("http/1.1 200 ok\r\n"), "{text}");
    assert!(text.contains("x-krakend-completed: true\r\n"), "{text}");
    assert!(
        text.ends_with("\r\n\r\n{\"b\":1.50,\"got\":\"it\"}"),
        "{text}"
    );
    Ok(())
}
