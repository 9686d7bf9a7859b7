//! Credentials for a proxy reach that proxy, and nobody and nothing else: no
//! origin, no other proxy, no line of a log, no answer, no report.

use std::sync::Arc;

use cuttle_tests::{
    Authority, FaultProxy, Gateway, Origin, Outgoing, Reply, Step, TestResult, run,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    both_ways, by_client, by_plugin, endpoint, service, trusting, with, with_client, with_plugin,
};

/// `bob` and `s3cret@9:x` as they stand in a URL.
const USERINFO: &str = "bob:s3cret%409%3Ax";
const PASSWORD: &str = "s3cret@9:x";
const BASIC: &str = "Basic Ym9iOnMzY3JldEA5Ong=";
/// Plain, in a URL, in Basic, and a token of another kind.
const SECRETS: [&str; 5] = [
    "s3cret",
    "s3cret%409%3Ax",
    "Ym9iOnMzY3JldEA5Ong",
    "t0ken-Zz81",
    "Bearer t0ken",
];
/// Everything but the compiler of plugins, which writes gigabytes.
const LOG: &str = "trace,cranelift_codegen=info,cranelift_frontend=info,regalloc2=info,\
    wasmtime=info,wasmtime_environ=info,wasmtime_internal_cranelift=info,wasmtime_cranelift=info";

fn none_in(place: &str, text: &str) {
    for secret in SECRETS {
        let before = text.split_once(secret).map(|(before, _)| before);
        let near = before.map(|text| text.chars().rev().take(300).collect::<String>());
        let near = near.map(|text| text.chars().rev().collect::<String>());
        assert_eq!(near, None, "{secret} in {place}, behind this");
    }
}

/// How the credentials are given.
fn settings(address: &str, form: usize) -> Value {
    let userinfo = address.replace("//", &format!("//{USERINFO}@"));
    match form {
        0 => json!({ "proxy_address": userinfo }),
        1 => {
            json!({ "proxy_address": address, "proxy_username": "bob", "proxy_password": PASSWORD })
        }
        2 => {
            json!({ "proxy_address": address, "proxy_username": "bob", "proxy_password": { "env": "PASSWORD" } })
        }
        _ => {
            json!({ "proxy_address": address, "proxy_username": "bob", "proxy_password": { "file": "password" } })
        }
    }
}

/// With everything on that could tell too much.
fn talkative(mut config: Value) -> Value {
    config["debug_endpoint"] = json!(true);
    config["extra_config"] = json!({
        "router": { "return_error_msg": true },
        "cuttle/http": { "status_path": "/__status" },
        "telemetry/logging": { "level": "DEBUG", "stdout": true },
    });
    config
}

fn folder() -> Arc<TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).expect("a file");
    Arc::new(folder)
}

async fn start(config: Value) -> anyhow::Result<Gateway> {
    let configured = Gateway::configured(talkative(config)).env("CUTTLE_LOG", LOG);
    configured
        .env("PASSWORD", PASSWORD)
        .dir(&folder())
        .start()
        .await
}

/// Every outcome, as credentials love to show up in errors.
#[tokio::test]
async fn credentials_reach_the_proxy_and_nothing_else() -> TestResult {
    let origin = Origin::replying("ok").await;
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let no = "HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n";
    let scripts = [
        ("works", vec![Step::Head, Step::send(ok)]),
        ("407", vec![Step::Head, Step::send(no)]),
        ("reset", vec![Step::Head, Step::Reset]),
        ("garbage", vec![Step::Head, Step::send("what\r\n\r\n")]),
    ];
    for (form, (name, script)) in scripts.into_iter().enumerate() {
        let mut endpoints = vec![endpoint("/beside", &origin.url())];
        let mut proxies = Vec::new();
        for scheme in ["http", "https"] {
            let proxy = FaultProxy::start(script.clone()).await;
            let host = origin.url().replace("http", scheme);
            for (way, endpoint) in ["plugin", "client"]
                .iter()
                .zip(both_ways(&host, &settings(&proxy.url(), form)))
            {
                let endpoint = with(endpoint, "endpoint", json!(format!("/{scheme}/{way}")));
                endpoints.push(with(endpoint, "input_headers", json!(["*"])));
            }
            proxies.push(proxy);
        }
        let mut gateway = start(service(endpoints)).await?;
        let mut answers = String::new();
        for path in [
            "/http/plugin",
            "/http/client",
            "/https/plugin",
            "/https/client",
            "/beside",
            "/__debug/",
            "/__health",
            "/__status",
        ] {
            let request = Outgoing::new("GET", path).field("Proxy-Authorization", "Basic YTpi");
            let answer = gateway.ask(request).await?;
            answers.push_str(&answer.head.raw);
            answers.push_str(&answer.body);
        }
        for proxy in &proxies {
            assert!(answers.contains(&proxy.authority()), "{name}: its status");
        }
        gateway.stop().await?;
        for proxy in proxies {
            let heads = proxy.journal().heads;
            assert!(heads.len() >= 2, "{name}: both asked the proxy");
            for head in heads {
                assert_eq!(
                    head.all("proxy-authorization"),
                    [BASIC],
                    "{name}: {}",
                    head.raw
                );
            }
        }
        none_in("the log", &gateway.log().text());
        none_in("an answer", &answers);
        none_in("the origin", &origin.journal().text());
    }
    Ok(())
}

/// A list of proxies, redirects and exceptions: each has its own credentials or
/// none, whoever is tried before.
#[tokio::test]
async fn credentials_do_not_follow_a_request_to_another_proxy_or_target() -> TestResult {
    let authority = Authority::new();
    let secure = Origin::start_tls(&authority, |_| Reply::text("ok")).await;
    let direct = Origin::replying("ok").await;
    let onward = format!("{}/landed", direct.url());
    let redirecting =
        Origin::start(move |_| Reply::status(302, &[("Location", &onward)], "")).await;
    let failing = FaultProxy::start(vec![
        Step::Head,
        Step::send("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"),
    ])
    .await;
    let second = FaultProxy::working().await;
    let list = json!({
        "proxy_address": [failing.url_with(USERINFO), second.url()],
        "proxy_connect_timeout": "5s",
    });
    let excepted = json!({ "proxy_address": redirecting.url().replace("//", &format!("//{USERINFO}@")), "no_proxy": "127.0.0.1" });
    let token = json!({
        "proxy_address": second.url(),
        "proxy_connect_headers": { "Proxy-Authorization": "Bearer t0ken-Zz81" },
    });
    let mut endpoints: Vec<_> = both_ways(&secure.url(), &list)
        .into_iter()
        .zip(["/list/plugin", "/list/client"])
        .map(|(endpoint, path)| with(endpoint, "endpoint", json!(path)))
        .collect();
    endpoints.push(with_client(
        endpoint("/excepted", &direct.url()),
        excepted.clone(),
    ));
    endpoints.push(with_client(
        endpoint("/redirected", "http://behind.test"),
        excepted,
    ));
    let mut config = trusting(&authority, endpoints);
    config["extra_config"] = json!({});
    let mut gateway = start(config).await?;
    for path in ["/list/plugin", "/list/client", "/excepted", "/redirected"] {
        let answer = gateway.get(path).await?;
        assert_eq!(answer.body, "ok", "{path}: {answer:?}");
    }
    gateway.stop().await?;
    none_in("the log", &gateway.log().text());
    none_in("the second proxy", &second.journal().text());
    none_in("the target", &secure.journal().text());
    none_in("a target without proxy", &direct.journal().text());
    assert!(
        failing.journal().text().contains(BASIC),
        "its own proxy knows them"
    );
    assert!(
        redirecting.journal().text().contains(BASIC),
        "its own proxy knows them"
    );

    // The same second proxy, by somebody who has a token for it.
    let config = trusting(&authority, both_ways(&secure.url(), &token));
    let mut gateway = start(config).await?;
    for path in ["/plugin", "/client"] {
        assert_eq!(gateway.get(path).await?.body, "ok", "{path}");
    }
    gateway.stop().await?;
    none_in("the log", &gateway.log().text());
    none_in("the target", &secure.journal().text());
    Ok(())
}

#[tokio::test]
async fn credentials_are_not_in_any_report_of_a_configuration() -> TestResult {
    let mut endpoints = Vec::new();
    for form in 0..2 {
        for (way, endpoint) in ["plugin", "client"].iter().zip(both_ways(
            "http://behind.test",
            &settings("http://127.0.0.1:1", form),
        )) {
            endpoints.push(with(endpoint, "endpoint", json!(format!("/{form}/{way}"))));
        }
    }
    let token = json!({
        "proxy_address": "http://127.0.0.1:1",
        "proxy_connect_headers": { "Proxy-Authorization": "Bearer t0ken-Zz81" },
    });
    let mut named = token.clone();
    named["name"] = json!("http-proxy");
    endpoints.push(with_client(
        endpoint("/token/client", "http://behind.test"),
        token,
    ));
    endpoints.push(with_plugin(
        endpoint("/token/plugin", "http://behind.test"),
        named,
    ));
    let folder = folder();
    std::fs::write(
        folder.path().join("krakend.json"),
        talkative(service(endpoints)).to_string(),
    )?;
    for arguments in [
        &["check", "-c", "krakend.json", "-d"][..],
        &["check", "-c", "krakend.json", "-ddd"],
        &["check", "-c", "krakend.json", "--egress"],
        &["check", "-c", "krakend.json", "--egress", "--json"],
        &["check", "-c", "krakend.json", "--lint", "-d"],
    ] {
        let finished = run(folder.path(), arguments).await;
        let text = format!("{}{}", finished.stdout, finished.stderr);
        assert!(
            text.contains("/token/client") || finished.code != 0,
            "{arguments:?}: {text}"
        );
        none_in(&format!("{arguments:?}"), &text);
    }
    Ok(())
}

#[tokio::test]
async fn credentials_are_not_in_the_message_of_a_refused_start() {
    for address in [
        format!("http://{USERINFO}@proxy:notaport"),
        format!("ftp://{USERINFO}@proxy:21"),
        format!("{USERINFO}@proxy:8080"),
        format!("http://{USERINFO}@"),
    ] {
        for by in [by_plugin, by_client] {
            let config = service(vec![by(endpoint("/x", "http://127.0.0.1:10"), &address)]);
            let text = Gateway::start(config)
                .await
                .expect_err(&address)
                .to_string();
            none_in(&address, &text);
        }
    }
}
