//! The author kit: what its layer makes of the contract, from outside.

use cuttle_plugin::{BindError, CallError, Plugin, PluginFailure};
use http::{StatusCode, header::CONTENT_LENGTH};

use crate::support::{Journal, NOWHERE, Origin, call, configured, get, post, read};

const SETTINGS: &str = r#"{"name": "uses-the-kit", "greeting": "hello"}"#;

async fn kit() -> Plugin {
    configured("uses-the-kit", SETTINGS).await.unwrap()
}

async fn failure(plugin: &Plugin, path: &str, body: &'static str) -> PluginFailure {
    let request = post(&format!("{NOWHERE}{path}"), body);
    match call(plugin, request).await.err() {
        Some(CallError::Failed { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn settings_that_do_not_fit_their_type_stop_the_start_and_name_the_key() {
    let cases = [
        (r#"{"name": "uses-the-kit"}"#, "greeting: is missing"),
        (r#"{"greeting": 31337}"#, "greeting: must be a string"),
        (
            r#"{"greeting": "s3cret", "limit": "s3cret"}"#,
            "limit: must be u64",
        ),
        (
            r#"{"greeting": "s3cret", "limt": 1}"#,
            "limt: is not a key of this plugin",
        ),
        (
            r#"{"greeting": "s3cret", "limit": 0}"#,
            "limit: must be positive",
        ),
    ];
    for (settings, expected) in cases {
        match configured("uses-the-kit", settings).await.err() {
            Some(BindError::Settings { message, .. }) => assert_eq!(message, expected),
            other => panic!("{settings}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn fields_change_in_both_directions() {
    let origin = Origin::start().await;
    let mut request = get(&origin.url("/"));
    for value in ["one", "two"] {
        request
            .headers_mut()
            .append("x-many", value.parse().unwrap());
    }
    let answer = call(&kit().await, request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(answer.headers()["x-answer"], "by the kit");
    assert_eq!(read(answer).await, "ok");

    let seen = origin.seen();
    assert_eq!(seen[0].headers["x-joined"], "one+two");
    assert_eq!(seen[0].headers["x-greeting"], "hello");
    assert!(!seen[0].headers.contains_key("x-many"));
}

#[tokio::test]
async fn a_body_is_read_up_to_a_limit() {
    let plugin = kit().await;
    for size in [0, 16] {
        let request = post(&format!("{NOWHERE}bytes"), vec![b'x'; size]);
        let answer = call(&plugin, request).await.unwrap();
        assert_eq!(read(answer).await, size.to_string());
    }
    let error = failure(&plugin, "bytes", "seventeen bytes.!").await;
    assert!(matches!(error, PluginFailure::Body(_)), "{error:?}");
}

#[tokio::test]
async fn json_is_read_and_made() {
    let plugin = kit().await;
    let request = post(&format!("{NOWHERE}json"), r#"{"number": 21}"#);
    let answer = call(&plugin, request).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(read(answer).await, r#"{"number":42}"#);

    let error = failure(&plugin, "json", r#"{"number": -1}"#).await;
    assert!(matches!(error, PluginFailure::Body(_)), "{error:?}");
}

#[tokio::test]
async fn a_body_streams_through_the_kit() {
    let origin = Origin::start().await;
    let sent = vec![b'a'; 600 << 10];
    let answer = call(&kit().await, post(&origin.url("/echo"), sent))
        .await
        .unwrap();
    assert!(!answer.headers().contains_key(CONTENT_LENGTH));
    assert!(read(answer).await == vec![b'A'; 600 << 10]);
}

#[tokio::test]
async fn errors_keep_their_kind_through_the_question_mark() {
    let plugin = kit().await;
    let error = failure(&plugin, "", "").await;
    assert!(matches!(error, PluginFailure::Dns(_)), "{error:?}");
    // What fails while a piece of the body is on its way keeps its kind too.
    let origin = Origin::start().await;
    let large = vec![b'a'; (1 << 20) + 1];
    match call(&plugin, post(&origin.url("/echo"), large)).await.err() {
        Some(CallError::Failed {
            error: PluginFailure::Body(_),
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    let error = failure(&plugin, "number", "").await;
    assert!(
        matches!(&error, PluginFailure::Other(text) if text.contains("invalid digit")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_error_with_a_status_is_an_answer() {
    let plugin = kit().await;
    let answer = call(&plugin, get(&format!("{NOWHERE}forbidden")))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(read(answer).await, "not you");
}

#[tokio::test]
async fn the_macros_of_log_write_the_gateways_log() {
    let origin = Origin::start().await;
    let plugin = kit().await;
    let journal = Journal::start();
    call(&plugin, get(&origin.url("/"))).await.unwrap();
    let lines = journal.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("INFO") && lines[0].contains("GET with hello"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_transport_is_opened_at_start_and_never_bypassed() {
    let origin = Origin::start().await;
    let with = async |proxy: &str| {
        let settings = format!(r#"{{"greeting": "hello", "proxy": "{proxy}"}}"#);
        configured("uses-the-kit", &settings).await
    };
    let refused = with("no address").await.err();
    assert!(
        matches!(&refused, Some(BindError::Settings { message, .. }) if message.starts_with("proxy: ")),
        "{refused:?}"
    );

    let plugin = with("http://127.0.0.1:1").await.unwrap();
    let error = call(&plugin, get(&origin.url("/"))).await.err();
    assert!(
        matches!(
            error,
            Some(CallError::Failed {
                error: PluginFailure::Connect(_),
                ..
            })
        ),
        "{error:?}"
    );
    assert!(origin.seen().is_empty());
}
