//! Settings of plugins against the schemas that the plugins bring, and rights
//! against what they import: all of it before anything is sent.

use std::fs;

use cuttle_tests::{Finished, fixture, importing, run};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{folder, write};

/// A configuration whose one backend has these settings of a plugin.
fn config(settings: &Value) -> Value {
    json!({
        "version": 3,
        "plugin": { "folder": "./plugins/", "pattern": ".wasm" },
        "endpoints": [{
            "endpoint": "/a",
            "output_encoding": "no-op",
            "backend": [{
                "url_pattern": "/",
                "host": ["http://backend.test"],
                "encoding": "no-op",
                "extra_config": { "plugin/http-client": settings },
            }],
        }],
    })
}

fn with_plugins(config: &Value, names: &[&str]) -> TempDir {
    let folder = folder(config);
    fs::create_dir(folder.path().join("plugins")).expect("a folder");
    for name in names {
        let copy = folder.path().join(format!("plugins/{name}.wasm"));
        fs::copy(fixture(name), copy).expect("a copy");
    }
    folder
}

async fn checked(folder: &TempDir) -> (Finished, Value) {
    let shown = run(folder.path(), &["check", "-c", "krakend.json", "--json"]).await;
    let report = serde_json::from_str(&shown.stdout).expect("JSON");
    (shown, report)
}

fn places(report: &Value, severity: &str) -> Vec<(String, String)> {
    let problems = report["problems"].as_array().expect("a list").iter();
    let wanted = problems.filter(|one| one["severity"] == severity);
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    wanted
        .map(|one| (text(one, "place"), text(one, "message")))
        .collect()
}

const PLACE: &str = "endpoints[0].backend[0].extra_config[\"plugin/http-client\"]";

#[tokio::test]
async fn a_setting_that_does_not_fit_is_told_at_its_place_before_the_plugin_runs() {
    for (settings, place, message) in [
        (json!({ "name": "uses-the-kit" }), ".greeting", "is missing"),
        (
            json!({ "name": "uses-the-kit", "greeting": 31337 }),
            ".greeting",
            "is a number, the schema wants a string",
        ),
        (
            json!({ "name": "uses-the-kit", "greeting": "g", "limit": -31337 }),
            ".limit",
            "is less than 0",
        ),
        (
            json!({ "name": "uses-the-kit", "greeting": "g", "greting": "31337" }),
            ".greting",
            "is no key of the schema",
        ),
        (
            json!({ "name": "http-proxy", "proxy_address": "http://p:1", "no_proxy": ["a", 31337] }),
            ".no_proxy[1]",
            "is a number, the schema wants a string",
        ),
        (
            json!({ "name": "http-proxy" }),
            ".proxy_address",
            "is missing",
        ),
    ] {
        let folder = with_plugins(&config(&settings), &["uses-the-kit"]);
        let (shown, report) = checked(&folder).await;
        assert_eq!(shown.code, 1, "{settings}: {report}");
        let errors = places(&report, "error");
        assert_eq!(errors.len(), 1, "{settings}: {report}");
        assert_eq!(errors[0].0, format!("{PLACE}{place}"), "{report}");
        assert!(errors[0].1.contains(message), "{report}");
        assert!(
            !errors[0].1.contains("31337"),
            "the value is shown: {report}"
        );
        assert!(report["problems"][0]["line"].is_u64(), "{report}");

        // `run` has no schemas: these plugins refuse it by themselves.
        let ran = run(folder.path(), &["run", "-c", "krakend.json"]).await;
        assert_eq!(ran.code, 255, "{settings}: {ran:?}");
    }
}

/// What a reference leads to is checked, not the reference.
#[tokio::test]
async fn references_have_been_followed_by_then() {
    let settings = json!({
        "name": "http-proxy",
        "proxy_address": "http://p:1",
        "proxy_username": "al",
        "proxy_password": { "file": "secret" },
    });
    let folder = with_plugins(&config(&settings), &[]);
    write(folder.path(), "secret", "hunter2");
    let (shown, report) = checked(&folder).await;
    assert_eq!(shown.code, 0, "{report}");
}

/// A stranger's schema can stop the start, and nothing else.
#[tokio::test]
async fn a_schema_that_cannot_be_used_stops_the_start() {
    let doubling = |level: u32| match level {
        0 => json!({}),
        _ => {
            let below = json!({ "$ref": format!("#/$defs/d{}", level - 1) });
            json!({ "allOf": [below, below] })
        }
    };
    let defs: serde_json::Map<_, _> = (0..40).map(|n| (format!("d{n}"), doubling(n))).collect();
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#/$defs/a" }], "$defs": { "a": { "$ref": "#/$defs/a" } } }),
        json!({ "$ref": "#/$defs/d39", "$defs": defs }),
        json!({ "$ref": "http://127.0.0.1:1/schema" }),
        json!({ "$ref": "file:///etc/hostname" }),
        json!({ "$schema": "http://127.0.0.1:1/schema" }),
        json!({ "properties": { "a": { "pattern": "(((a{1000}){1000}){1000})" } } }),
        json!({ "type": "nonsense" }),
    ] {
        let folder = with_plugins(&config(&json!({ "name": "strange" })), &[]);
        let mut file = fs::read(fixture("adds-header")).expect("the plugin");
        add_section(
            &mut file,
            "cuttle:settings-schema",
            schema.to_string().as_bytes(),
        );
        fs::write(folder.path().join("plugins/strange.wasm"), file).expect("a file");
        let (shown, report) = checked(&folder).await;
        assert_eq!(shown.code, 1, "{schema}: {shown:?}");
        let errors = places(&report, "error");
        assert_eq!(errors.len(), 1, "{schema}: {report}");
        assert_eq!(errors[0].0, PLACE, "{schema}: {report}");
        assert!(
            errors[0].1.contains("its schema cannot be used"),
            "{report}"
        );
    }
}

/// A custom section behind all the others.
fn add_section(file: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut section = vec![u8::try_from(name.len()).expect("short")];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    file.push(0);
    let mut rest = section.len();
    while rest >= 0x80 {
        file.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    file.push(u8::try_from(rest).expect("seven bits"));
    file.extend(section);
}

#[tokio::test]
async fn rights_that_fit_nothing_are_warned_about() {
    let settings = json!({ "name": "uses-the-kit", "greeting": "g" });
    let mut config = config(&settings);
    config["extra_config"] = json!({ "cuttle/plugins": { "grants": {
        "uses-the-kit": { "proxies": ["http://proxy.test:1"] },
        "adds-header": { "proxies": ["http://proxy.test:1"], "outbound": ["other.test"] },
        "ads-header": { "outbound": ["other.test"] },
    } } });
    let folder = with_plugins(&config, &["uses-the-kit", "adds-header"]);
    let (shown, report) = checked(&folder).await;
    assert_eq!(shown.code, 0, "{report}");
    let grants = "extra_config[\"cuttle/plugins\"].grants";
    let mut told: Vec<_> = places(&report, "warning")
        .into_iter()
        .map(|one| one.0)
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            format!("{grants}[\"adds-header\"].proxies"),
            format!("{grants}[\"ads-header\"]")
        ],
        "{report}"
    );
}

/// Behind the last plugin of a list `next` is the backend.
#[tokio::test]
async fn hosts_may_be_granted_to_whoever_sends_or_hands_on() {
    let mut config = config(&json!({ "name": "adds-header" }));
    config["extra_config"] = json!({ "cuttle/plugins": { "grants": {
        "hands-on-only": { "outbound": ["other.test"] },
        "logs-only": { "outbound": ["other.test"] },
        "wasi-http-proxy": { "outbound": ["other.test"] },
        "wasi-http-service": { "outbound": ["other.test"] },
        "wasi-http-middleware": { "outbound": ["other.test"] },
    } } });
    let names = [
        "adds-header",
        "wasi-http-proxy",
        "wasi-http-service",
        "wasi-http-middleware",
    ];
    let folder = with_plugins(&config, &names);
    for (name, import) in [("hands-on-only", "next"), ("logs-only", "log")] {
        let file = folder.path().join(format!("plugins/{name}.wasm"));
        fs::write(file, importing(import)).expect("a file");
    }
    let (_, report) = checked(&folder).await;
    assert_eq!(places(&report, "error"), []);
    let told: Vec<_> = places(&report, "warning").into_iter().collect();
    let place = "extra_config[\"cuttle/plugins\"].grants[\"logs-only\"].outbound";
    assert_eq!(told.len(), 1, "{report}");
    assert_eq!(told[0].0, place);
}

/// A standard component sends by the way of its backend.
#[tokio::test]
async fn the_proxy_of_a_backend_has_an_effect_on_a_standard_component() {
    for (name, sends) in [
        ("wasi-http-proxy", true),
        ("wasi-http-service", true),
        ("wasi-http-middleware", true),
        ("bad-status", false),
    ] {
        let mut config = config(&json!({ "name": name }));
        config["endpoints"][0]["backend"][0]["extra_config"]["backend/http/client"] =
            json!({ "proxy_address": "http://proxy.test:3128" });
        let folder = with_plugins(&config, &[name]);
        let arguments = ["check", "-c", "krakend.json", "--egress", "--json"];
        let shown = run(folder.path(), &arguments).await;
        let report: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(places(&report, "warning").is_empty(), sends, "{report}");
        let via = &report["egress"][0]["targets"][0]["via"];
        let shown = *via == json!(["http://proxy.test:3128"]);
        assert_eq!(shown, sends, "{name}: {report}");
    }
}
