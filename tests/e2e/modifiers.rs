//! `plugin/req-resp-modifier` through a running gateway.

use std::sync::Arc;

use cuttle_tests::{Answer, Gateway, Origin, Outgoing, Reply, TestResult, fixture};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with};

/// The plugin that does as its settings say, under each of `names`.
fn folder(names: &[&str]) -> Arc<TempDir> {
    let folder = plugin_folder(&[]);
    let plugins = folder.path().join("plugins");
    for name in names {
        let file = plugins.join(name).with_extension("wasm");
        std::fs::copy(fixture("modifies-as-told"), file).expect("a copy of the component");
    }
    folder
}

/// `plugin/req-resp-modifier` with these plugins and their settings.
fn modifiers(plugins: &[(&str, Value)]) -> Value {
    let names: Vec<_> = plugins.iter().map(|(name, _)| *name).collect();
    let mut settings = json!({ "name": names });
    for (name, own) in plugins {
        settings[*name] = own.clone();
    }
    json!({ "plugin/req-resp-modifier": settings })
}

/// `GET path` with a JSON answer, of backends with these keys.
fn data(path: &str, origin: &Origin, backends: &[Value]) -> Value {
    let backends = backends.iter().map(|keys| {
        let mut backend = keys.clone();
        backend["host"] = json!([origin.url()]);
        backend
    });
    json!({ "endpoint": path, "backend": backends.collect::<Vec<_>>() })
}

async fn start(endpoints: Vec<Value>, names: &[&str]) -> anyhow::Result<Gateway> {
    let config = plugins_from_folder(service(endpoints));
    Gateway::configured(config)
        .dir(&folder(names))
        .start()
        .await
}

async fn origin() -> Origin {
    Origin::start(|head| {
        let path = head
            .target()
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned();
        let json = [("Content-Type", "application/json")];
        match path.as_str() {
            "/missing" => Reply::status(404, &json, "{}"),
            _ => Reply::status(200, &json, &json!({ path: 1 }).to_string()),
        }
    })
    .await
}

fn told(answer: &Answer) -> (u16, &str, Option<&str>) {
    let completed = answer.field("x-krakend-completed");
    (answer.status, answer.body.as_str(), completed)
}

#[tokio::test]
async fn requests_pass_the_lists_of_endpoint_and_backend() -> TestResult {
    let origin = origin().await;
    let outer = json!({ "request": [
        { "show": "x-outer" }, { "set_param": ["id", "9"] }, { "set_query": "b=2&c=3" },
    ] });
    let second = json!({ "request": [{ "set_header": ["x-second", "yes"] }] });
    let inner = json!({ "request": [
        { "show": "x-inner" }, { "set_method": "POST" }, { "set_body": "written" },
    ] });
    let backend = json!({
        "url_pattern": "/b/{id}", "input_query_strings": ["b"],
        "extra_config": modifiers(&[("inner", inner)]),
    });
    let mut endpoint = data("/u/{id}", &origin, &[backend]);
    endpoint["input_query_strings"] = json!(["a"]);
    endpoint["extra_config"] = modifiers(&[("outer", outer), ("second", second)]);
    let no_op = with(endpoint.clone(), "endpoint", json!("/n/{id}"));
    let no_op = with(no_op, "output_encoding", json!("no-op"));
    let gateway = start(vec![endpoint, no_op], &["outer", "second", "inner"]).await?;

    for (path, content) in [("/u", "data"), ("/n", "message")] {
        let request =
            Outgoing::new("GET", &format!("{path}/7?a=1&z=1")).field("Host", "client.test");
        assert_eq!(gateway.ask(request).await?.status, 200);
        let got = origin.last();
        assert_eq!((got.head.method(), got.head.target()), ("POST", "/b/9?b=2"));
        assert_eq!(
            got.head.field("x-outer").unwrap(),
            format!("GET|http://client.test{path}/7?a=1|id=7|outer endpoint {content}")
        );
        assert_eq!(got.head.field("x-second"), Some("yes"));
        assert_eq!(
            got.head.field("x-inner").unwrap(),
            format!("GET|{}/b/9?b=2|id=9|inner backend {content}", origin.url())
        );
        assert_eq!(got.body.start, b"written");
    }
    Ok(())
}

#[tokio::test]
async fn data_and_head_of_an_answer_are_changed() -> TestResult {
    let origin = origin().await;
    let inner = json!({ "response": [{ "add_data": ["inner", true] }] });
    let outer = json!({ "original": true, "response": [
        { "add_data": ["outer", 1.5] }, { "show": "x-seen" }, { "set_status": 202 },
    ] });
    let backends = [
        json!({ "url_pattern": "/a", "group": "g", "extra_config": modifiers(&[("inner", inner)]) }),
        json!({ "url_pattern": "/b" }),
    ];
    let mut endpoint = data("/x", &origin, &backends);
    endpoint["extra_config"] = modifiers(&[("outer", outer)]);
    endpoint["extra_config"]["proxy"] = json!({ "static": { "data": { "static": 1 } } });
    let gateway = start(vec![endpoint], &["inner", "outer"]).await?;

    let answer = gateway.get("/x").await?;
    let body = r#"{"/b":1,"g":{"/a":1},"inner":true,"outer":1.5,"static":1}"#;
    assert_eq!(told(&answer), (202, body, Some("true")));
    let seen = answer.field("x-seen").unwrap();
    assert!(seen.starts_with("200|true|GET http://127.0.0.1"), "{seen}");
    assert!(seen.ends_with("/x |outer endpoint data"), "{seen}");
    Ok(())
}

#[tokio::test]
async fn a_no_op_answer_keeps_its_stream_and_gets_fields() -> TestResult {
    let origin = Origin::start(|_| Reply::chunked(3 << 20)).await;
    let steps = json!({ "response": [{ "set_header": ["x-added", "1"] }, { "set_status": 203 }] });
    let around = with(
        endpoint("/x", &origin.url()),
        "extra_config",
        modifiers(&[("m", steps)]),
    );
    let gateway = start(vec![around], &["m"]).await?;
    let answer = gateway.get("/x").await?;
    assert_eq!((answer.status, answer.field("x-added")), (203, Some("1")));
    assert_eq!(answer.digest.length, 3 << 20);
    Ok(())
}

#[tokio::test]
async fn an_answer_of_a_modifier_goes_no_further() -> TestResult {
    let origin = origin().await;
    let answers = json!({ "request": [{ "answer": [401, "who are you?"] }] });
    let late = json!({ "response": [{ "answer": [418, "teapot"] }] });
    let stands_in = json!({ "request": [{ "answer": [200, "{\"in\":\"stead\"}"] }] });
    let around = |path: &str, settings: &Value| {
        let keys = json!({ "url_pattern": "/a" });
        with(
            data(path, &origin, &[keys]),
            "extra_config",
            modifiers(&[("m", settings.clone())]),
        )
    };
    let keys = json!({ "url_pattern": "/a", "extra_config": modifiers(&[("m", stands_in)]) });
    let no_op = with(
        around("/no-op", &answers),
        "output_encoding",
        json!("no-op"),
    );
    let endpoints = vec![
        around("/early", &answers),
        no_op,
        around("/late", &late),
        data("/inner", &origin, &[keys, json!({ "url_pattern": "/b" })]),
    ];
    let gateway = start(endpoints, &["m"]).await?;
    for path in ["/early", "/no-op"] {
        let answer = gateway.get(path).await?;
        assert_eq!(told(&answer), (401, "who are you?", Some("false")));
        assert_eq!(answer.field("x-answered"), Some("by a plugin"));
        assert_eq!(
            answer.field("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
    assert_eq!(origin.hits(), 0);
    let answer = gateway.get("/late").await?;
    assert_eq!((answer.status, answer.body.as_str()), (418, "teapot"));
    let answer = gateway.get("/inner").await?;
    assert_eq!(
        told(&answer),
        (200, r#"{"/b":1,"in":"stead"}"#, Some("true"))
    );
    Ok(())
}

#[tokio::test]
async fn a_refusal_has_its_status_and_its_message_if_the_service_allows_that() -> TestResult {
    let origin = origin().await;
    let refuses = json!({ "request": [{ "refuse": [429, "{\"slow\":\"down\"}"] }] });
    let fails = json!({ "response": [{ "fail": "s3cret" }] });
    let inner =
        json!({ "url_pattern": "/a", "extra_config": modifiers(&[("m", refuses.clone())]) });
    let plain = json!({ "url_pattern": "/b" });
    let outer = with(
        data("/outer", &origin, std::slice::from_ref(&plain)),
        "extra_config",
        modifiers(&[("m", refuses)]),
    );
    let fails = with(
        data("/fails", &origin, std::slice::from_ref(&plain)),
        "extra_config",
        modifiers(&[("m", fails)]),
    );
    let endpoints = vec![
        outer,
        fails,
        data("/inner", &origin, std::slice::from_ref(&inner)),
        data("/several", &origin, &[inner, plain]),
    ];
    for shown in [false, true] {
        let mut config = plugins_from_folder(service(endpoints.clone()));
        config["extra_config"] = json!({ "router": { "return_error_msg": shown } });
        let gateway = Gateway::configured(config)
            .dir(&folder(&["m"]))
            .start()
            .await?;
        for path in ["/outer", "/inner"] {
            let answer = gateway.get(path).await?;
            let message = if shown { r#"{"slow":"down"}"# } else { "" };
            assert_eq!(told(&answer), (429, message, Some("false")));
            assert_eq!(answer.field("x-refused"), Some("yes"), "fields in any case");
            let content_type = shown.then_some("application/problem+json");
            assert_eq!(answer.field("content-type"), content_type);
        }
        let answer = gateway.get("/several").await?;
        assert_eq!(told(&answer), (200, r#"{"/b":1}"#, Some("false")));
        let answer = gateway.get("/fails").await?;
        assert_eq!(answer.status, 500);
        assert!(
            !answer.body.contains("s3cret"),
            "an error's text is for the log"
        );
        // By then what was said before is written.
        gateway.access("/fails").await?;
        let log = gateway.log().text();
        assert!(
            log.contains("s3cret") && log.contains("refuses with 429"),
            "{log}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_misbehaving_modifier_fails_its_own_request_only() -> TestResult {
    let origin = origin().await;
    let mut endpoints = vec![endpoint("/healthy", &origin.url())];
    for (name, step) in [
        ("trap", json!({ "trap": "on purpose" })),
        ("spin", json!("spin")),
    ] {
        for call in ["request", "response"] {
            let mut settings = json!({});
            settings[call] = json!([step]);
            let own = modifiers(&[("m", settings)]);
            let path = format!("/{name}/{call}");
            let limit = |endpoint| with(endpoint, "timeout", json!("600ms"));
            let plain = json!({ "url_pattern": "/b" });
            let inner = json!({ "url_pattern": "/a", "extra_config": own });
            let outer = with(
                data(
                    &format!("{path}/outer"),
                    &origin,
                    std::slice::from_ref(&plain),
                ),
                "extra_config",
                own.clone(),
            );
            let no_op = with(
                endpoint(&format!("{path}/no-op"), &origin.url()),
                "extra_config",
                own.clone(),
            );
            endpoints.push(limit(outer));
            endpoints.push(limit(no_op));
            endpoints.push(limit(data(
                &format!("{path}/several"),
                &origin,
                &[inner, plain],
            )));
        }
    }
    let gateway = start(endpoints, &["m"]).await?;
    for name in ["trap", "spin"] {
        for call in ["request", "response"] {
            for (place, expected) in [
                ("outer", (500, "", Some("false"))),
                ("no-op", (500, "", Some("false"))),
                ("several", (200, r#"{"/b":1}"#, Some("false"))),
            ] {
                let path = format!("/{name}/{call}/{place}");
                let (broken, healthy) = tokio::join!(gateway.get(&path), gateway.get("/healthy"));
                assert_eq!(told(&broken?), expected, "{path}");
                assert_eq!(healthy?.status, 200, "{path}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_modifier_sees_partial_answers_by_choice() -> TestResult {
    let origin = origin().await;
    let backends = [
        json!({ "url_pattern": "/missing" }),
        json!({ "url_pattern": "/b" }),
    ];
    let with_partial = |path: &str, partial: bool| {
        let settings = json!({ "partial": partial, "response": [{ "show": "x-seen" }] });
        with(
            data(path, &origin, &backends),
            "extra_config",
            modifiers(&[("m", settings)]),
        )
    };
    let endpoints = vec![with_partial("/never", false), with_partial("/asked", true)];
    let gateway = start(endpoints, &["m"]).await?;
    let answer = gateway.get("/never").await?;
    assert_eq!(told(&answer), (200, r#"{"/b":1}"#, Some("false")));
    assert_eq!(answer.field("x-seen"), None);
    let answer = gateway.get("/asked").await?;
    assert_eq!(told(&answer), (200, r#"{"/b":1}"#, Some("false")));
    assert_eq!(answer.field("x-seen"), Some("200|false||m endpoint data"));
    Ok(())
}

#[tokio::test]
async fn a_list_that_cannot_be_used_stops_the_start() -> TestResult {
    let origin = origin().await;
    let cases = [
        (json!({ "name": ["nobody"] }), "there is no plugin `nobody`"),
        (
            json!({ "name": ["adds-header"] }),
            "does not export `req-resp-modifier`",
        ),
        (
            json!({ "name": ["m"], "m": { "requst": [] } }),
            "[\"plugin/req-resp-modifier\"].m.requst",
        ),
        (
            json!({ "name": ["m"], "only": "endpoint" }),
            ".only: plugin `m`: does not fit this place",
        ),
        (json!({ "name": [3] }), "holds something that is no name"),
        (json!({}), "names no plugin"),
    ];
    for (settings, expected) in cases {
        let folder = folder(&["m"]);
        let plugin = folder.path().join("plugins/adds-header.wasm");
        std::fs::copy(fixture("adds-header"), plugin)?;
        let keys = json!({ "url_pattern": "/a", "extra_config": { "plugin/req-resp-modifier": settings } });
        let config = plugins_from_folder(service(vec![data("/x", &origin, &[keys])]));
        let refused = Gateway::configured(config).dir(&folder).start().await;
        let refused = refused
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default();
        assert!(refused.contains(expected), "{settings}: {refused}");
    }
    Ok(())
}

#[tokio::test]
async fn a_plain_string_is_a_list_of_one_and_the_long_name_works() -> TestResult {
    let origin = origin().await;
    let settings = json!({ "name": "m", "request": [{ "set_header": ["x-added", "1"] }] });
    let name = "github.com/devopsfaith/krakend/proxy/plugin";
    let around = with(
        endpoint("/x", &origin.url()),
        "extra_config",
        json!({ name: settings }),
    );
    let gateway = start(vec![around], &["m"]).await?;
    assert_eq!(gateway.get("/x").await?.status, 200);
    assert_eq!(origin.last().head.field("x-added"), Some("1"));
    let warnings = gateway.warnings();
    assert!(
        warnings.len() == 1 && warnings[0].contains("is read as a list of one"),
        "{warnings:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_plugin_sees_its_own_settings_and_no_other_plugins() -> TestResult {
    let origin = origin().await;
    // With what is the other's among them, this one would refuse the start.
    let own = json!({ "request": [{ "set_header": ["x-first", "1"] }] });
    let mut list = modifiers(&[(
        "second",
        json!({ "request": [{ "set_header": ["x-second", "2"] }] }),
    )]);
    let settings = &mut list["plugin/req-resp-modifier"];
    settings["name"] = json!(["first", "second"]);
    settings["request"] = own["request"].clone();
    let around = with(endpoint("/x", &origin.url()), "extra_config", list);
    let gateway = start(vec![around], &["first", "second"]).await?;
    assert_eq!(gateway.get("/x").await?.status, 200);
    assert_eq!(origin.last().head.field("x-first"), Some("1"));
    assert_eq!(origin.last().head.field("x-second"), Some("2"));
    Ok(())
}

#[tokio::test]
async fn a_modifier_stands_before_a_backends_plugin() -> TestResult {
    let origin = origin().await;
    let folder = folder(&["m"]);
    let plugin = folder.path().join("plugins/adds-header.wasm");
    std::fs::copy(fixture("adds-header"), plugin)?;
    let mut extra = modifiers(&[(
        "m",
        json!({
            "request": [{ "set_header": ["x-modified", "1"] }],
            "response": [{ "set_header": ["x-answer", "1"] }],
        }),
    )]);
    extra["plugin/http-client"] = json!({ "name": "adds-header" });
    let mut through = endpoint("/x", &origin.url());
    through["backend"][0]["extra_config"] = extra;
    let config = plugins_from_folder(service(vec![through]));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    assert_eq!(gateway.get("/x").await?.field("x-answer"), Some("1"));
    let got = origin.last();
    assert_eq!(got.head.field("x-modified"), Some("1"));
    assert_eq!(got.head.field("x-added"), Some("by a plugin"));
    Ok(())
}

#[tokio::test]
async fn a_reload_brings_other_modifiers() -> TestResult {
    let origin = origin().await;
    let config = |value: &str| {
        let steps = json!({ "request": [{ "set_header": ["x-added", value] }] });
        let around = with(
            endpoint("/x", &origin.url()),
            "extra_config",
            modifiers(&[("m", steps)]),
        );
        plugins_from_folder(service(vec![around]))
    };
    let gateway = Gateway::configured(config("1"))
        .dir(&folder(&["m"]))
        .start()
        .await?;
    gateway.get("/x").await?;
    assert_eq!(origin.last().head.field("x-added"), Some("1"));
    gateway.configure(config("2"))?;
    gateway.reload(1).await?;
    gateway.get("/x").await?;
    assert_eq!(origin.last().head.field("x-added"), Some("2"));
    Ok(())
}
