//! Configurations that are too much: `check` says so, or takes them, in time.

use cuttle_tests::{Finished, run};
use serde_json::{Map, Value, json};

/// Ends within the patience of the tests, which is the point of them.
async fn check(text: &str) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("k.json"), text).expect("a file");
    run(folder.path(), &["check", "-c", "k.json"]).await
}

fn endpoints(count: usize, host: &str) -> Value {
    let one = |index: usize| {
        json!({
            "endpoint": format!("/e{index}/{{id}}"),
            "backend": [{ "url_pattern": format!("/b{index}"), "host": [host] }],
        })
    };
    json!({ "version": 3, "endpoints": (0..count).map(one).collect::<Vec<_>>() })
}

#[tokio::test]
async fn ten_thousand_levels_are_refused_with_their_place() {
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    let told = check(&format!("{{\"version\":3,\"a\":{open}{close}}}")).await;
    assert_eq!(told.code, 1, "{}", told.stderr);
    let text = told.stdout + &told.stderr;
    assert!(text.contains("nested deeper than 128 levels"), "{text}");
}

#[tokio::test]
async fn ten_megabytes_are_read() {
    let comment = "x".repeat(10 << 20);
    let told = check(&json!({ "version": 3, "@comment": comment }).to_string()).await;
    assert_eq!(told.code, 0, "{}", told.stderr);
}

#[tokio::test]
async fn a_hundred_thousand_endpoints_are_checked() {
    let told = check(&endpoints(100_000, "http://backend.test").to_string()).await;
    assert_eq!(told.code, 0, "{:.500}", told.stderr);
}

/// As one line and as many: each problem has its place and its excerpt.
#[tokio::test]
async fn sixty_thousand_unknown_keys_are_all_told() {
    let keys = (0..60_000).map(|index| (format!("unknown_{index}"), json!(1)));
    let mut config: Map<String, Value> = keys.collect();
    config.insert("version".to_owned(), json!(3));
    let config = Value::from(config);
    for text in [config.to_string(), format!("{config:#}")] {
        let told = check(&text).await;
        let shown = told.stdout + &told.stderr;
        assert_eq!(told.code, 0, "{shown:.500}");
        assert_eq!(shown.matches("unknown key, has no effect").count(), 60_000);
    }
}

#[tokio::test]
async fn ten_thousand_wrong_hosts_in_one_line_are_all_told() {
    let told = check(&endpoints(10_000, "no host at all").to_string()).await;
    assert_eq!(told.code, 1);
    let shown = told.stdout + &told.stderr;
    assert!(shown.matches("endpoints[9999]").count() > 0, "{shown:.500}");
}
