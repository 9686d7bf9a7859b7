//! The form of what `check` reports: order, carets, secrets, exit codes, and the
//! namespaces at its end.

use cuttle_tests::{TestResult, run};
use serde_json::{Value, json};

use crate::{folder, write};

/// Problems of all stages: the file's, those of building the gateway (no such
/// folder of plugins), and the schema's; the later lines are found first.
const OF_ALL_STAGES: &str = r#"{
  "max_header_bytes": "7",
  "plugin": { "folder": "./nowhere/", "pattern": ".wasm" },
  "version": 3,
  "host": ["http://a:80"], "timout": "3s", "cache_tll": "3s",
  "endpoints": [{
    "endpoint": "/a",
    "backend": [{ "url_pattern": "/", "extra_config": { "plugin/http-client": { "name": "gone" } } }]
  }]
}
"#;

/// Severity, line and place of what is said about them.
async fn told(flags: &[&str]) -> anyhow::Result<Vec<(String, u64, String)>> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), "krakend.json", OF_ALL_STAGES);
    let arguments = [&["check", "--json", "-c", "krakend.json"], flags].concat();
    let checked = run(folder.path(), &arguments).await;
    let report: Value = serde_json::from_str(&checked.stdout)?;
    let problems = report["problems"].as_array().into_iter().flatten();
    let told = problems.map(|problem| {
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        let line = problem["line"].as_u64().unwrap_or_default();
        (text("severity"), line, text("place"))
    });
    Ok(told.collect())
}

fn expected(told: &[(&str, u64, &str)]) -> Vec<(String, u64, String)> {
    let told = told.iter();
    told.map(|(severity, line, place)| ((*severity).to_owned(), *line, (*place).to_owned()))
        .collect()
}

/// Place of the plugin that is not there.
const PLUGIN: &str = "endpoints[0].backend[0].extra_config[\"plugin/http-client\"].name";

#[tokio::test]
async fn errors_come_first_then_all_goes_by_line_and_column() -> TestResult {
    let expected = expected(&[
        ("error", 8, PLUGIN),
        ("warning", 3, "plugin.folder"),
        ("warning", 5, "timout"),
        ("warning", 5, "cache_tll"),
    ]);
    assert_eq!(told(&[]).await?, expected);
    Ok(())
}

#[tokio::test]
async fn what_the_schema_says_stands_in_the_same_order() -> TestResult {
    let expected = expected(&[
        ("error", 8, PLUGIN),
        ("warning", 2, "max_header_bytes"),
        ("warning", 3, "plugin.folder"),
        ("warning", 5, "timout"),
        ("warning", 5, "cache_tll"),
    ]);
    assert_eq!(told(&["--lint"]).await?, expected);
    Ok(())
}

#[tokio::test]
async fn of_one_long_line_the_part_in_question_is_shown_without_secrets() {
    let endpoints: Vec<_> = (0..40)
        .map(|n| {
            json!({ "endpoint": format!("/a{n}"), "backend": [{
                "url_pattern": "/", "host": ["http://a:80"],
                "extra_config": { "backend/http/client": {
                    "proxy_address": "http://al:hunter2@p:1", "proxy_password": "hunter2",
                } },
            }] })
        })
        .collect();
    let mut config = json!({ "version": 3, "endpoints": endpoints });
    config["endpoints"][20]["timeout"] = json!("3");
    let text = config.to_string();
    let folder = folder(&config);
    let checked = run(folder.path(), &["check", "-c", "krakend.json"]).await;
    assert_eq!(checked.code, 1, "{}", checked.stderr);
    let column = text.find("\"timeout\"").map_or(0, |at| at + 1);
    for part in [
        format!(" --> krakend.json:1:{column}\n  |\n1 | …"),
        "\"timeout\":\"3\"".to_owned(),
        "\"proxy_password\":\"***\"".to_owned(),
    ] {
        assert!(checked.stderr.contains(&part), "{part}: {}", checked.stderr);
    }
    assert!(!checked.stderr.contains(":::"), "{}", checked.stderr);
    assert!(!checked.stderr.contains("hunter2"), "{}", checked.stderr);
}

#[tokio::test]
async fn the_exit_code_tells_errors_from_warnings_and_those_from_nothing() {
    for (config, plain, linted) in [
        (json!({ "version": 3 }), 0, 0),
        (json!({ "version": 3, "timout": "3s" }), 0, 1),
        (json!({ "version": 3, "timeout": "3" }), 1, 1),
    ] {
        let folder = folder(&config);
        for (flags, expected) in [
            (&[][..], plain),
            (&["--json"], plain),
            (&["-l"], linted),
            (&["-n", "--json"], linted),
        ] {
            let arguments = [&["check", "-c", "krakend.json"][..], flags].concat();
            let checked = run(folder.path(), &arguments).await;
            assert_eq!(checked.code, expected, "{config} {flags:?}: {checked:?}");
            let accepted = checked.stderr.ends_with("Syntax OK!\n");
            assert_eq!(accepted, expected == 0, "{config} {flags:?}: {checked:?}");
        }
    }
}

fn with_namespaces(of_service: Value) -> Value {
    let backend = |extra: Value| json!({ "url_pattern": "/", "host": ["http://a:80"], "extra_config": extra });
    json!({
        "version": 3,
        "extra_config": of_service,
        "endpoints": [
            { "endpoint": "/a", "backend": [backend(json!({ "qos/http-cache": {} }))] },
            { "endpoint": "/b", "backend": [backend(json!({ "qos/http-cache": {}, "proxy": {} }))] },
        ],
    })
}

#[tokio::test]
async fn namespaces_that_are_not_served_are_summed_up_at_the_end() -> TestResult {
    let refused = folder(&with_namespaces(json!({
        "telemetry/metrics": {}, "security/http": {}, "router": {},
    })));
    let table = "Namespaces that KrakenD knows and this gateway does not serve yet:\n\
        \x20 security/http      1 place   refused: it would be served without it\n\
        \x20 qos/http-cache     2 places  without effect: every request reaches the backend\n\
        \x20 telemetry/metrics  1 place   without effect: no such data is exported\n";
    let checked = run(refused.path(), &["check", "-c", "krakend.json"]).await;
    assert_eq!(checked.code, 1);
    assert!(checked.stderr.ends_with(table), "{}", checked.stderr);

    let json = run(refused.path(), &["check", "--json", "-c", "krakend.json"]).await;
    let report: Value = serde_json::from_str(&json.stdout)?;
    assert_eq!(
        report["namespaces"],
        json!([
            { "name": "security/http", "places": 1, "state": "refused", "consequence": null },
            { "name": "qos/http-cache", "places": 2, "state": "no-effect",
              "consequence": "every request reaches the backend" },
            { "name": "telemetry/metrics", "places": 1, "state": "no-effect",
              "consequence": "no such data is exported" },
        ])
    );

    let accepted = folder(&with_namespaces(json!({})));
    let checked = run(accepted.path(), &["check", "-c", "krakend.json"]).await;
    let end = "  2 places  without effect: every request reaches the backend\nSyntax OK!\n";
    assert_eq!(checked.code, 0);
    assert!(checked.stderr.ends_with(end), "{}", checked.stderr);
    Ok(())
}

#[tokio::test]
async fn without_such_namespaces_there_is_no_table() -> TestResult {
    let folder = folder(&json!({ "version": 3, "extra_config": { "router": {} } }));
    let checked = run(folder.path(), &["check", "-c", "krakend.json"]).await;
    assert!(!checked.stderr.contains("Namespaces"), "{}", checked.stderr);
    let json = run(folder.path(), &["check", "--json", "-c", "krakend.json"]).await;
    let report: Value = serde_json::from_str(&json.stdout)?;
    assert_eq!(report["namespaces"], json!([]));
    Ok(())
}
