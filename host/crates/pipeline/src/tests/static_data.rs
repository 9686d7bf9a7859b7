//! `static`.

use super::{harness::ask, recorder::Recorder, *};

fn keys(strategy: &str) -> String {
    format!(
        r#""extra_config": {{"proxy": {{"static":
           {{"strategy": "{strategy}", "data": {{"s":1.50,"a":"static"}}}}}}}}"#
    )
}

const DATA: &str = r#"{"a":"static","s":1.50}"#;
const MERGED: &str = r#"{"a":"static","b":2,"s":1.50}"#;
const PLAIN: &str = r#"{"a":1,"b":2}"#;

#[tokio::test]
async fn data_is_added_by_its_strategy() {
    let details = r#""extra_config": {"backend/http": {"return_error_details": "n"}}"#;
    let error = r#"{"error_n":{"http_status_code":404}}"#;
    let with_error = r#"{"a":"static","error_n":{"http_status_code":404},"s":1.50}"#;
    #[rustfmt::skip]
    let cases = [
        // A complete answer.
        ("always",     "",      200, Some((MERGED, true))),
        ("success",    "",      200, Some((MERGED, true))),
        ("errored",    "",      200, Some((PLAIN, true))),
        ("complete",   "",      200, Some((MERGED, true))),
        ("incomplete", "",      200, Some((PLAIN, true))),
        ("whatever",   "",      200, Some((MERGED, true))),
        // A failure: the data stands in for the answer.
        ("always",     "",      404, Some((DATA, false))),
        ("success",    "",      404, None),
        ("errored",    "",      404, Some((DATA, false))),
        ("complete",   "",      404, None),
        ("incomplete", "",      404, Some((DATA, false))),
        // Incomplete without a failure.
        ("always",     details, 404, Some((with_error, false))),
        ("success",    details, 404, Some((with_error, false))),
        ("errored",    details, 404, Some((error, false))),
        ("complete",   details, 404, Some((error, false))),
        ("incomplete", details, 404, Some((with_error, false))),
    ];
    for (strategy, backend, status, expected) in cases {
        let body = if status == 200 { PLAIN } else { "" };
        let recorder = Recorder::saying(status, body);
        let outcome = ask(&keys(strategy), &[backend], &[Arc::clone(&recorder)]).await;
        let found = outcome.as_ref().ok().map(|shown| shown.line());
        assert_eq!(found, expected, "{strategy} {backend} {status}");
        assert_eq!(recorder.calls(), 1, "the backend is called all the same");
        if let (Ok(shown), 404, "") = (&outcome, status, backend) {
            assert_eq!(shown.kinds(), [(None, FailureKind::Status)], "for the log");
        }
    }
}

#[tokio::test]
async fn a_partial_answer_has_both_an_error_and_data() {
    for (strategy, body) in [
        ("success", r#"{"b":1}"#),
        ("complete", r#"{"b":1}"#),
        ("errored", r#"{"a":"static","b":1,"s":1.50}"#),
        ("incomplete", r#"{"a":"static","b":1,"s":1.50}"#),
    ] {
        let recorders = [
            Recorder::saying(200, r#"{"b":1}"#),
            Recorder::saying(500, ""),
        ];
        let shown = ask(&keys(strategy), &["", ""], &recorders).await.unwrap();
        assert_eq!(shown.line(), (body, false), "{strategy}");
    }
}

#[tokio::test]
async fn data_replaces_a_null() {
    let shown = ask(&keys("always"), &[""], &[Recorder::saying(200, "null")])
        .await
        .unwrap();
    assert_eq!(shown.line(), (DATA, true));
}
