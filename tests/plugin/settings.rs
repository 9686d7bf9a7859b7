//! `configure`, and what the operator hears of it.

use cuttle_plugin::{BindError, Binding, CallError, Limits, Plugin};

use crate::support::{Journal, Origin, binding, component, configured};

async fn refusal(name: &str, settings: &str) -> String {
    match configured(name, settings).await {
        Ok(_) => panic!("{settings} was accepted"),
        Err(BindError::Settings { message, .. }) => message,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_proxy_address_is_checked_at_start() {
    let cases = [
        r#"{}"#,
        r#"{"proxy_address": 8080}"#,
        r#"{"proxy_address": null}"#,
        r#"{"proxy_address": ""}"#,
        r#"{"proxy_address": "proxy:8080"}"#,
        r#"{"proxy_address": "user:s3cret@proxy:8080"}"#,
        r#"{"proxy_address": "http://user:s3cret@proxy"}"#,
        r#"{"proxy_address": []}"#,
        r#"{"proxy_address": ["http://proxy:1", 3]}"#,
        r#"{"proxy_address": ["http://proxy:1", "http://user:s3cret@proxy"]}"#,
        r#"{"proxy_address": ["http://proxy:1", "direct"]}"#,
    ];
    for settings in cases {
        let message = refusal("http-proxy", settings).await;
        assert!(
            message.starts_with("proxy_address: "),
            "{settings}: {message}"
        );
        assert!(!message.contains("s3cret"), "{settings}: {message}");
    }
}

#[tokio::test]
async fn other_settings_of_the_bundled_plugin_are_checked_too() {
    let cases = [
        ("proxy_username", r#""proxy_username": 1"#),
        ("proxy_password", r#""proxy_password": "s3cret""#),
        ("always_tunnel", r#""always_tunnel": "yes""#),
        ("proxy_tunnel", r#""proxy_tunnel": "yes""#),
        ("proxy_http2", r#""proxy_http2": 1"#),
        ("proxy_sharing", r#""proxy_sharing": "random""#),
        ("proxy_connect_timeout", r#""proxy_connect_timeout": "2""#),
        ("proxy_connect_timeout", r#""proxy_connect_timeout": "1x""#),
        (
            "proxy_connect_timeout",
            r#""proxy_connect_timeout": "1.5.2s""#,
        ),
        (
            "proxy_connect_timeout",
            r#""proxy_connect_timeout": "9999h""#,
        ),
        ("no_proxy", r#""no_proxy": 3"#),
        ("proxy_connect_headers", r#""proxy_connect_headers": ["a"]"#),
        (
            "proxy_connect_headers",
            r#""proxy_connect_headers": {"host": "s3cret"}"#,
        ),
        ("proxy_ca", r#""proxy_ca": "s3cret""#),
        (
            "proxy_client_certificate",
            r#""proxy_client_certificate": "s3cret""#,
        ),
        ("proxy_pac", r#""proxy_pac": "proxy.pac""#),
    ];
    for (key, setting) in cases {
        let settings = format!(r#"{{"proxy_address": "http://proxy:1", {setting}}}"#);
        let message = refusal("http-proxy", &settings).await;
        assert!(message.starts_with(&format!("{key}: ")), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[tokio::test]
async fn every_key_of_the_bundled_plugin_is_taken() {
    let settings = r#"{"name": "http-proxy",
        "proxy_address": ["http://a:1", "socks5h://b:2", "https://c:3"], "proxy_sharing": "order",
        "proxy_username": "u", "proxy_password": "p", "proxy_connect_headers": {"x-a": "b"},
        "no_proxy": "near.test, .near.test", "proxy_tunnel": true, "proxy_http2": false,
        "proxy_connect_timeout": "1m1.5s"}"#;
    let journal = Journal::start();
    let plugin = configured("http-proxy", settings).await.unwrap();
    assert!(journal.lines().is_empty(), "{:?}", journal.lines());

    let ways = plugin.ways();
    let [way] = ways.as_slice() else {
        panic!("{ways:?}");
    };
    let via = async |target: &str| {
        let decision = way.explain(&target.parse().unwrap()).await.unwrap();
        let label = |label: &Option<std::sync::Arc<str>>| label.as_deref().map(str::to_owned);
        decision.via.iter().map(label).collect::<Vec<_>>()
    };
    let proxies = ["http://a:1", "socks5h://b:2", "https://c:3"];
    assert_eq!(
        via("http://far.test/").await,
        proxies.map(|proxy| Some(proxy.to_owned()))
    );
    assert_eq!(via("http://near.test/").await, [None]);
}

#[tokio::test]
async fn an_unknown_key_is_a_warning() {
    let journal = Journal::start();
    let settings = r#"{"proxy_address": "http://proxy:1", "proxy_adress": "x"}"#;
    configured("http-proxy", settings).await.unwrap();
    let lines = journal.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains("`proxy_adress`"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_plugin_that_rejects_its_settings_is_quoted() {
    let message = refusal("rejects-settings", "{}").await;
    assert_eq!(message, "some_key: must be something else");
}

#[tokio::test]
async fn nothing_is_sent_from_configure() {
    let origin = Origin::start().await;
    let settings = format!("\"{}\"", origin.url("/"));
    let message = refusal("sends-in-configure", &settings).await;
    assert!(message.contains("Denied"), "{message}");
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn a_configure_that_does_not_end_is_stopped() {
    let limits = Limits {
        timeout: Some(std::time::Duration::from_millis(100)),
        ..Limits::default()
    };
    let binding = Binding {
        limits,
        ..binding()
    };
    let stuck = Plugin::bind(&component("spins-in-configure"), binding).await;
    match stuck.err() {
        Some(BindError::Start { source, .. }) => {
            assert!(matches!(*source, CallError::Deadline { .. }), "{source}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn limits_the_engine_cannot_give_are_refused() {
    let binding = Binding {
        limits: Limits {
            memory: 1 << 30,
            ..Limits::default()
        },
        ..binding()
    };
    let refused = Plugin::bind(&component("bad-status"), binding).await.err();
    assert!(
        matches!(
            refused,
            Some(BindError::Limit {
                limit: "memory",
                ..
            })
        ),
        "{refused:?}"
    );
}
