//! Bodies: passed on, read, made, broken off.

use std::time::Duration;

use bytes::Bytes;
use cuttle_plugin::{CallError, Limits, PluginFailure};
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;

use crate::support::{NOWHERE, Origin, call, get, limited, plugin, post, read};

#[tokio::test]
async fn a_body_passes_without_entering_the_plugin() {
    let origin = Origin::start().await;
    // Far less memory than the body, and no right to read any of it.
    let limits = Limits {
        memory: 2 << 20,
        body_read: 0,
        ..Limits::default()
    };
    let plugin = limited("adds-header", limits).await;

    let answer = call(&plugin, get(&origin.url("/large"))).await.unwrap();
    assert_eq!(answer.headers()[CONTENT_LENGTH], (80 << 20).to_string());
    assert_eq!(read(answer).await.len(), 80 << 20);

    let sent = Bytes::from(vec![b'y'; 8 << 20]);
    let answer = call(&plugin, post(&origin.url("/echo"), sent.clone()))
        .await
        .unwrap();
    assert!(read(answer).await == sent);
}

#[tokio::test]
async fn a_body_can_be_read_and_made() {
    let plugin = plugin("reads-body").await;
    for size in [0, 1, 64 << 10, 5 << 20] {
        let sent = Bytes::from(vec![b'z'; size]);
        let answer = call(&plugin, post(NOWHERE, sent.clone())).await.unwrap();
        assert_eq!(answer.headers()["x-length"], size.to_string());
        assert!(read(answer).await == sent, "{size}");
    }
}

#[tokio::test]
async fn a_call_reads_so_much_and_no_more() {
    let limits = Limits {
        body_read: 1_000,
        ..Limits::default()
    };
    let plugin = limited("reads-body", limits).await;
    call(&plugin, post(NOWHERE, vec![0; 1_000])).await.unwrap();
    let error = call(&plugin, post(NOWHERE, vec![0; 1_001]))
        .await
        .unwrap_err();
    match error {
        CallError::Failed {
            error: PluginFailure::Body(text),
            ..
        } => assert!(text.contains("1000"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_can_be_written_piece_by_piece() {
    let origin = Origin::start().await;
    let plugin = plugin("pipes-body").await;
    let sent = vec![b'a'; 600 << 10];
    let answer = call(&plugin, post(&origin.url("/echo"), sent))
        .await
        .unwrap();
    assert!(!answer.headers().contains_key(CONTENT_LENGTH));
    assert!(read(answer).await == vec![b'A'; 600 << 10]);
}

#[tokio::test]
async fn a_body_that_nobody_reads_yet_takes_one_mebibyte() {
    let origin = Origin::start().await;
    let plugin = plugin("pipes-body").await;
    let sent = vec![b'a'; (1 << 20) + 1];
    let error = call(&plugin, post(&origin.url("/echo"), sent))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Failed {
                error: PluginFailure::Body(_),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_that_is_not_finished_does_not_look_complete() {
    let plugin = plugin("breaks-body-off").await;
    let answer = call(&plugin, get(NOWHERE)).await.unwrap();
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "begun");
    let second = tokio::time::timeout(Duration::from_secs(10), body.frame()).await;
    assert!(second.expect("an end").unwrap().is_err());
}
