//! `explain`: what would become of a request, with nobody there to get it.

use cuttle_tests::{Finished, TestResult, command, fixture, gateway_binary, run, soon};
use serde_json::{Value, json};

use crate::folder;

fn config() -> Value {
    let plugin = json!({ "plugin/http-client": {
        "name": "http-proxy", "proxy_address": "http://bob:hunter2@p3:3128",
    } });
    json!({
        "version": 3,
        "timeout": "2s",
        "dialer_timeout": "300ms",
        "endpoints": [
            {
                "endpoint": "/users/{id}",
                "input_headers": ["Accept", "Authorization", "X-One"],
                "input_query_strings": ["page", "api_key"],
                "backend": [
                    {
                        "url_pattern": "/v1/users/{id}",
                        "host": ["http://a.example", "http://b.example"],
                        "disable_host_sanitize": true,
                        "input_query_strings": ["page"],
                        "target": "user",
                    },
                    {
                        "url_pattern": "/orders?api_key=hunter2",
                        "host": ["http://al:hunter2@c.internal.example"],
                        "disable_host_sanitize": true,
                        "input_headers": ["Accept"],
                    },
                    {
                        "url_pattern": "/shadow",
                        "host": ["http://127.0.0.1:81"],
                        "extra_config": { "proxy": { "shadow": true, "shadow_timeout": "5s" } },
                    },
                ],
            },
            {
                "endpoint": "/chain",
                "extra_config": { "proxy": { "sequential": true } },
                "backend": [
                    { "url_pattern": "/first", "host": ["http://a.example"] },
                    { "url_pattern": "/second/{resp0_id}?t={resp0_name}", "host": ["http://a.example"] },
                ],
            },
            {
                "endpoint": "/plugin",
                "method": "POST",
                "output_encoding": "no-op",
                "extra_config": { "proxy": { "max_payload": 4 } },
                "backend": [{ "url_pattern": "/", "host": ["http://a.example"], "extra_config": plugin }],
            },
            {
                "endpoint": "/found",
                "backend": [{ "url_pattern": "/x", "sd": "dns", "host": ["api.service.consul"] }],
            },
            { "endpoint": "/nowhere", "backend": [{ "url_pattern": "/x" }] },
        ],
        "extra_config": { "cuttle/http": { "dns_servers": ["127.0.0.1:1"] } },
    })
}

async fn explain(arguments: &[&str]) -> Finished {
    let folder = folder(&config());
    let mut command = command(gateway_binary(), &["explain", "-c", "krakend.json"]);
    command
        .args(arguments)
        .current_dir(folder.path())
        .env("HTTP_PROXY", "http://env:hunter2@env:3128")
        .env("NO_PROXY", ".internal.example");
    let output = soon("the explanation", command.output())
        .await
        .expect("a command that runs");
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

async fn explain_json(arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
    let finished = explain(&[arguments, &["--json"]].concat()).await;
    let report = serde_json::from_str(&finished.stdout)?;
    Ok((finished.code, report))
}

/// What has a name in a list of objects.
fn named<'v>(list: &'v Value, name: &str, key: &str) -> Option<&'v str> {
    let mut list = list.as_array().into_iter().flatten();
    list.find(|one| one["name"] == name)?[key].as_str()
}

const ASKED: [&str; 12] = [
    "get",
    "/users/7?page=2&debug=1&api_key=hunter2",
    "-H",
    "Authorization: Bearer hunter2",
    "-H",
    "X-One: 1",
    "-H",
    "X-Two: 2",
    "-H",
    "Connection: close, X-Named",
    "-H",
    "X-Named: hunter2",
];

#[tokio::test]
async fn the_text_says_what_goes_where_and_what_stays_and_why() {
    let finished = explain(&ASKED).await;
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let text = &finished.stdout;
    for line in [
        "GET /users/7?page=2&debug=1&api_key=***",
        "  matches GET /users/{id} (endpoints[0])",
        "    {id} = 7",
        "  timeout: 2s, 1.7s of it for the backends, which are called at once",
        "    hosts, which take turns: http://a.example, http://b.example",
        "    way: http://env:3128 (HTTP_PROXY)",
        "    limit: 1.7s; connecting: 300ms",
        "      authorization: ***",
        "      user-agent: Cuttle Version 0.1.0  (gateway)",
        "      x-two: not in \"input_headers\" of the endpoint",
        "      x-named: hop-by-hop: named by the client's Connection",
        "      debug: not in \"input_query_strings\" of the endpoint",
        "      api_key: not in \"input_query_strings\" of the backend",
        "      Target: user",
        "[1] GET http://c.internal.example/orders?api_key=***&api_key=***&page=2",
        "    way: direct (NO_PROXY entry .internal.example)",
        "      x-one: not in \"input_headers\" of the backend",
        "[2] GET http://127.0.0.1:81/shadow?api_key=***&page=2",
        "    shadow: its answer is not waited for",
        "    limit: 5s; connecting: 300ms",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn the_json_has_the_same_for_programs() -> TestResult {
    let (code, report) = explain_json(&ASKED).await?;
    assert_eq!(code, 0);
    assert_eq!(
        (&report["outcome"], &report["endpoint"], &report["place"]),
        (
            &json!("endpoint"),
            &json!("GET /users/{id}"),
            &json!("endpoints[0]")
        )
    );
    assert_eq!(
        (
            &report["served"],
            &report["timeout_ms"],
            &report["window_ms"]
        ),
        (&json!(true), &json!(2000), &json!(1700))
    );
    assert_eq!(report["order"], "parallel");
    let calls = report["calls"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(calls.len(), 3, "{report}");
    let first = &calls[0]["request"];
    assert_eq!(calls[0]["ways"][0]["via"], json!(["http://env:3128"]));
    let url = first["url"].as_str().unwrap_or_default();
    assert!(url.ends_with(".example/v1/users/7?page=2"), "{url}");
    assert_eq!(named(&first["headers"], "x-one", "value"), Some("1"));
    assert_eq!(first["query"], json!(["page"]));
    let why = named(&first["dropped_headers"], "x-two", "why").unwrap_or_default();
    assert!(why.contains("input_headers"), "{first}");
    let secret = &calls[1]["request"]["headers"];
    assert_eq!(named(secret, "authorization", "value"), Some("***"));
    assert_eq!(calls[2]["shadow"], true);
    assert!(!report.to_string().contains("hunter2"), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_plugin_is_named_with_its_proxy_and_no_password() -> TestResult {
    let (code, report) = explain_json(&["POST", "/plugin", "-d", "1234"]).await?;
    let call = &report["calls"][0];
    assert_eq!(
        (code, &call["plugin"]),
        (0, &json!("http-proxy")),
        "{report}"
    );
    assert_eq!(call["ways"][0]["via"], json!(["http://p3:3128"]));
    assert!(!report.to_string().contains("hunter2"), "{report}");
    Ok(())
}

/// What goes out may be another request than the one that is told; what the
/// filters leave behind is left behind all the same.
#[tokio::test]
async fn plugins_that_may_change_the_request_are_named() -> TestResult {
    let modifier = json!({
        "name": ["modifies-as-told"],
        "modifies-as-told": { "request": [{ "set_query": "b=2" }] },
    });
    let modifier = json!({ "plugin/req-resp-modifier": modifier });
    let host = json!(["http://a.example"]);
    let folder = folder(&json!({
        "version": 3,
        "plugin": { "folder": "./plugins/", "pattern": ".wasm" },
        "extra_config": { "plugin/http-server": { "name": "guards" } },
        "endpoints": [{
            "endpoint": "/a",
            "output_encoding": "no-op",
            "input_headers": ["X-One"],
            "extra_config": modifier,
            "backend": [{ "url_pattern": "/b", "host": host, "extra_config": modifier }],
        }],
    }));
    std::fs::create_dir(folder.path().join("plugins"))?;
    for name in ["modifies-as-told", "guards"] {
        let file = folder.path().join("plugins").join(name);
        std::fs::copy(fixture(name), file.with_extension("wasm"))?;
    }
    let asked = ["explain", "GET", "/a?code=hunter2", "-H", "X-Pin: hunter2"];
    let asked = [&asked[..], &["-c", "krakend.json"]].concat();
    let text = run(folder.path(), &asked).await;
    for line in [
        "  plugins in front: guards, which may change the request or answer it",
        "  body: streamed to the backend",
        "  modifiers: modifies-as-told, which may change the request or answer it",
        "[0] GET http://a.example/b",
        "    modifiers: modifies-as-told, which may change the request or answer it",
        "      x-pin: not in \"input_headers\" of the endpoint",
        "      code: not in \"input_query_strings\" of the endpoint",
    ] {
        let found = text.stdout.lines().any(|shown| shown == line);
        assert!(found, "{line}\n{}{}", text.stdout, text.stderr);
    }
    let json = run(folder.path(), &[&asked[..], &["--json"]].concat()).await;
    let report: Value = serde_json::from_str(&json.stdout)?;
    let name = json!(["modifies-as-told"]);
    assert_eq!(report["in_front"], json!(["guards"]));
    assert_eq!(
        (&report["modifiers"], &report["error"]),
        (&name, &Value::Null)
    );
    let request = &report["calls"][0]["request"];
    assert_eq!(
        (&request["modifiers"], &request["query"]),
        (&name, &json!([]))
    );
    assert!(!request.to_string().contains("hunter2"), "{request}");
    Ok(())
}

#[tokio::test]
async fn values_of_answers_and_hosts_of_dns_stay_open() -> TestResult {
    let (code, chain) = explain_json(&["GET", "/chain"]).await?;
    let second = &chain["calls"][1]["request"];
    assert_eq!((code, &chain["order"]), (0, &json!("sequential")));
    assert_eq!(
        second["url"],
        "http://a.example/second/{resp0_id}?t={resp0_name}"
    );
    assert_eq!(second["awaited"], json!(["resp0_id", "resp0_name"]));
    let (code, found) = explain_json(&["GET", "/found"]).await?;
    let request = &found["calls"][0]["request"];
    assert_eq!((code, &request["host_unknown"]), (0, &json!(true)));
    assert_eq!(request["url"], "http://api.service.consul/x");
    Ok(())
}

#[tokio::test]
async fn a_call_that_fails_before_it_is_made_says_so() -> TestResult {
    let (code, report) = explain_json(&["GET", "/nowhere"]).await?;
    let error = report["calls"][0]["error"].as_str().unwrap_or_default();
    assert_eq!(code, 0);
    assert!(error.contains("no hosts available"), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_request_that_no_endpoint_gets_is_a_failure_with_its_reason() -> TestResult {
    #[rustfmt::skip]
    let cases: [(&[&str], i32, &str, u16, &str); 8] = [
        (&["GET", "/users"],                            1, "not-found",          404, "no endpoint"),
        (&["PUT", "/users/7"],                          1, "method-not-allowed", 405, "GET"),
        (&["GET", "/users/7/?token=x"],                 1, "redirect",           301, "/users/7?token=***"),
        (&["GET", "/users/%252e"],                      1, "bad-parameter",      400, "encoded"),
        (&["TRACE", "/users/7"],                        1, "refused",            501, "method"),
        (&["GET", "/users/7", "-H", "Host: a b"],       1, "refused",            400, "Host"),
        (&["POST", "/plugin", "-d", "12345"],           1, "too-large",          413, "4 bytes"),
        (&["GET", "/__health"],                         0, "own",                200, "health"),
    ];
    for (arguments, code, outcome, status, message) in cases {
        let (found, report) = explain_json(arguments).await?;
        assert_eq!(report["outcome"], outcome, "{arguments:?}: {report}");
        assert_eq!(found, code, "{arguments:?}");
        assert_eq!(report["status"], status, "{arguments:?}");
        let said = report["message"].as_str().unwrap_or_default();
        assert!(said.contains(message), "{arguments:?}: {said}");
        assert_eq!(report["served"], code == 0, "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_used_is_told_apart_from_what_does_not_match() {
    for arguments in [
        &["GET", "/a b"][..],
        &["GET", "/a", "-H", "no colon"],
        &["GET", "/a", "-H", "b ad: 1"],
        &["G T", "/a"],
        &["GET"],
    ] {
        let finished = explain(arguments).await;
        assert_eq!(finished.code, 255, "{arguments:?}: {}", finished.stderr);
        assert!(!finished.stderr.is_empty(), "{arguments:?}");
    }
    let folder = folder(&json!({ "version": 2 }));
    let missing = run(
        folder.path(),
        &["explain", "GET", "/", "-c", "missing.json"],
    )
    .await;
    assert_eq!(missing.code, 255, "{}", missing.stderr);
    let without = run(folder.path(), &["explain", "GET", "/"]).await;
    assert_eq!(without.code, 255, "{}", without.stderr);
    let broken = run(
        folder.path(),
        &["explain", "GET", "/", "-c", "krakend.json"],
    )
    .await;
    assert_eq!(broken.code, 255);
    assert!(
        broken.stderr.contains("error: version: "),
        "{}",
        broken.stderr
    );
}
