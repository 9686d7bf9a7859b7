//! `check --egress`: which hosts can be reached, through which proxy, by which
//! rule.

use cuttle_tests::{TestResult, command, gateway_binary, soon};
use serde_json::{Value, json};

use crate::folder;

fn config() -> Value {
    let endpoint = |path: &str, host: &str, extra: Value| {
        json!({
            "endpoint": path,
            "output_encoding": "no-op",
            "backend": [{ "url_pattern": "/", "host": [host], "encoding": "no-op", "extra_config": extra }],
        })
    };
    let client = |settings: Value| json!({ "backend/http/client": settings });
    json!({ "version": 3, "endpoints": [
        endpoint("/environment", "http://a.example", json!({})),
        endpoint("/secure", "https://a.example", json!({})),
        endpoint("/excepted", "http://b.internal.example", json!({})),
        endpoint("/loopback", "http://127.0.0.1:8000", json!({})),
        endpoint("/direct", "http://a.example", client(json!({ "proxy_address": "direct" }))),
        endpoint("/list", "http://a.example", client(json!({ "proxy_address": ["http://p1:3128", "socks5h://p2:1080"] }))),
        endpoint("/own-list", "http://c.example", client(json!({ "proxy_address": "http://p1:3128", "no_proxy": "c.example" }))),
        endpoint("/plugin", "http://a.example", json!({
            "plugin/http-client": { "name": "http-proxy", "proxy_address": "http://bob:s3cret@p3:3128" },
        })),
    ] })
}

async fn report(arguments: &[&str]) -> String {
    let folder = folder(&config());
    let mut command = command(
        gateway_binary(),
        &["check", "-c", "krakend.json", "--egress"],
    );
    command
        .args(arguments)
        .current_dir(folder.path())
        .env("HTTP_PROXY", "http://env:3128")
        .env("NO_PROXY", ".internal.example");
    let output = soon("the report", command.output())
        .await
        .expect("a command that runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn it_tells_way_and_rule_for_every_host_as_json() -> TestResult {
    let text = report(&["--json"]).await;
    let report: Value = serde_json::from_str(&text)?;
    assert_eq!(report["problems"], json!([]));
    for (path, via, rule) in [
        ("/environment", json!(["http://env:3128"]), "HTTP_PROXY"),
        ("/secure", json!(["http://env:3128"]), "HTTP_PROXY"),
        ("/excepted", json!(["direct"]), ".internal.example"),
        ("/loopback", json!(["direct"]), "loopback"),
        ("/direct", json!(["direct"]), "direct"),
        (
            "/list",
            json!(["http://p1:3128", "socks5h://p2:1080"]),
            "proxy_address",
        ),
        ("/own-list", json!(["direct"]), "c.example"),
        ("/plugin", json!(["http://p3:3128"]), ""),
    ] {
        let endpoint = format!("GET {path}");
        let found = report["egress"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["endpoint"] == endpoint.as_str());
        let target = &found.unwrap_or(&Value::Null)["targets"][0];
        assert_eq!(target["via"], via, "{path}: {text}");
        let said = target["rule"].as_str().unwrap_or_default();
        assert!(said.contains(rule), "{path}: {target}");
    }
    assert!(!text.contains("s3cret"), "{text}");
    Ok(())
}

#[tokio::test]
async fn its_table_has_a_line_for_every_host() -> TestResult {
    let text = report(&[]).await;
    for path in [
        "/environment",
        "/secure",
        "/excepted",
        "/loopback",
        "/direct",
        "/list",
        "/own-list",
        "/plugin",
    ] {
        let lines = text
            .lines()
            .filter(|line| line.contains(&format!("GET {path} ")));
        assert_eq!(lines.count(), 1, "{path}: {text}");
    }
    assert!(text.contains("http://p1:3128, socks5h://p2:1080"), "{text}");
    Ok(())
}
