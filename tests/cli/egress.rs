//! `check --egress`: which hosts can be reached, through which proxy, by which
//! rule.

use cuttle_tests::{TestResult, command, fixture, gateway_binary, run, soon};
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

/// In front of the gateway, around an endpoint, and around a backend: what each may reach
/// by its grants, and the last the backend's hosts as well.
#[tokio::test]
async fn plugins_beside_the_backends_have_lines_of_their_own() -> TestResult {
    let modifier = json!({ "plugin/req-resp-modifier": {
        "name": ["modifies-as-told"],
        "modifies-as-told": { "request": [{ "set_header": ["x-set", "1"] }] },
    } });
    let host = "https://a.example";
    let folder = folder(&json!({
        "version": 3,
        "plugin": { "folder": "./plugins/", "pattern": ".wasm" },
        "extra_config": {
            "plugin/http-server": { "name": "guards" },
            "cuttle/plugins": { "grants": {
                "guards": { "outbound": ["auth.example:8443"] },
                "modifies-as-told": { "outbound": ["keys.example"] },
            } },
        },
        "endpoints": [{
            "endpoint": "/a",
            "extra_config": modifier,
            "backend": [{ "url_pattern": "/", "host": [host], "extra_config": modifier }],
        }],
    }));
    std::fs::create_dir(folder.path().join("plugins"))?;
    for name in ["guards", "modifies-as-told"] {
        let file = folder.path().join("plugins").join(name);
        std::fs::copy(fixture(name), file.with_extension("wasm"))?;
    }
    let asked = ["check", "-c", "krakend.json", "--egress"];
    let report = run(folder.path(), &[&asked[..], &["--json"]].concat()).await;
    let report: Value = serde_json::from_str(&report.stdout)?;
    let (keys, auth) = (
        ["http://keys.example", "https://keys.example"],
        "auth.example:8443",
    );
    let auth = [format!("http://{auth}"), format!("https://{auth}")];
    let expected = [
        (
            json!("GET /a"),
            json!(0),
            Value::Null,
            vec![host.to_owned()],
        ),
        (
            Value::Null,
            Value::Null,
            json!("plugin/http-server"),
            auth.to_vec(),
        ),
        (
            json!("GET /a"),
            Value::Null,
            json!("plugin/req-resp-modifier"),
            keys.map(str::to_owned).to_vec(),
        ),
        (
            json!("GET /a"),
            json!(0),
            json!("plugin/req-resp-modifier"),
            [&[host], &keys[..]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        ),
    ];
    let found = report["egress"].as_array().expect("a list");
    assert_eq!(found.len(), expected.len(), "{report:#}");
    for (one, (endpoint, backend, namespace, hosts)) in found.iter().zip(expected) {
        let targets = one["targets"].as_array().expect("a list").iter();
        let reached: Vec<_> = targets
            .map(|target| target["host"].as_str().unwrap_or(""))
            .collect();
        assert_eq!(
            (&one["endpoint"], &one["backend"], &one["namespace"]),
            (&endpoint, &backend, &namespace),
            "{report:#}"
        );
        assert_eq!(reached, hosts, "{one:#}");
    }
    let table = run(folder.path(), &asked).await.stdout;
    for line in [
        "in front http://auth.example:8443 direct no proxy guards (plugin/http-server)",
        "GET /a https://keys.example direct no proxy modifies-as-told (plugin/req-resp-modifier)",
        "GET /a https://a.example direct no proxy -",
    ] {
        let told = |shown: &str| {
            let words: Vec<_> = shown.split_whitespace().collect();
            let (all, shown) = (line.split(' '), words.join(" "));
            all.clone()
                .next()
                .is_some_and(|first| shown.starts_with(first))
                && all
                    .filter(|word| !["no", "proxy"].contains(word))
                    .all(|word| shown.contains(word))
        };
        assert!(table.lines().any(told), "{line}\n{table}");
    }
    Ok(())
}
