//! One backend after the other.

use super::{
    harness::{Shown, ask},
    recorder::{Recorder, Script, after},
    *,
};

const SEQUENTIAL: &str = r#""extra_config": {"proxy": {"sequential": true}}"#;

async fn chain(backends: &[&str], recorders: &[Arc<Recorder>]) -> Result<Shown, Failure> {
    ask(SEQUENTIAL, backends, recorders).await
}

#[tokio::test]
async fn values_of_an_answer_go_into_later_urls() {
    let first = r#"{"s":"a b/c?d","n":1.50,"t":true,"z":null,"l":[1,"x",[2]],
        "o":{"k":"v","in":{"deep":7}},"e":"","big":12345678901234567890}"#;
    #[rustfmt::skip]
    let cases = [
        ("/p/{resp0_s}",           Some("/p/a%20b%2Fc%3Fd")),
        ("/p?q={resp0_s}&k=v",     Some("/p?q=a+b%2Fc%3Fd&k=v")),
        ("/p/{resp0_n}",           Some("/p/1.50")),
        ("/p/{resp0_big}",         Some("/p/12345678901234567890")),
        ("/p/{resp0_t}",           Some("/p/true")),
        ("/p/{resp0_z}",           Some("/p/%3Cnil%3E")),
        ("/p/{resp0_l}",           Some("/p/1,x,%5B2%5D")),
        ("/p/{resp0_o.k}",         Some("/p/v")),
        ("/p/{resp0_o.in.deep}",   Some("/p/7")),
        ("/p/{resp0_o.in}",        Some("/p/map%5Bdeep:7%5D")),
        ("/p?q={resp0_e}",         Some("/p?q=")),
        // Nothing that could change what the URL means, and no `{{.Resp0_x}}`.
        ("/p/{resp0_e}/x",         None),
        ("/p/{resp0_missing}",     None),
        ("/p/{resp0_s.k}",         None),
        ("/p/{resp0_l.0}",         None),
    ];
    for (pattern, url) in cases {
        let recorders = [
            Recorder::saying(200, first),
            Recorder::saying(200, r#"{"done":1}"#),
        ];
        let second = format!(r#""url_pattern": "{pattern}", "allow": ["done"]"#);
        let shown = chain(&["", &second], &recorders).await.unwrap();
        let sent: Vec<_> = url
            .map(|url| format!("GET http://h1{url}"))
            .into_iter()
            .collect();
        assert_eq!(recorders[1].lines(), sent, "{pattern}");
        assert_eq!(shown.completed, url.is_some(), "{pattern}");
        if url.is_none() {
            assert_eq!(
                shown.kinds(),
                [(Some(1), FailureKind::NoValue)],
                "{pattern}"
            );
        }
    }
}

#[tokio::test]
async fn values_are_taken_after_manipulation() {
    let recorders = [
        Recorder::saying(200, r#"{"data":{"id":7}}"#),
        Recorder::saying(200, r#"{"b":1}"#),
    ];
    let first = r#""target": "data", "group": "g""#;
    let second = r#""url_pattern": "/p/{resp0_g.id}""#;
    let shown = chain(&[first, second], &recorders).await.unwrap();
    assert_eq!(recorders[1].lines(), ["GET http://h1/p/7"]);
    assert_eq!(shown.line(), (r#"{"b":1,"g":{"id":7}}"#, true));
}

#[tokio::test]
async fn values_of_all_earlier_answers_are_there() {
    let recorders = [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#].map(|b| Recorder::saying(200, b));
    let shown = chain(
        &["", "", r#""url_pattern": "/p/{resp0_a}/{resp1_b}""#],
        &recorders,
    )
    .await
    .unwrap();
    assert_eq!(recorders[2].lines(), ["GET http://h2/p/1/2"]);
    assert_eq!(shown.line(), (r#"{"a":1,"b":2,"c":3}"#, true));
}

#[tokio::test]
async fn the_whole_body_of_a_no_op_backend_is_a_value() {
    let longest: &str = "x".repeat(16 * 1024).leak();
    let longer: &str = "x".repeat(16 * 1024 + 1).leak();
    #[rustfmt::skip]
    let cases = [
        ("/p/{resp0}",           "a b/c?d",  Some("/p/a%20b%2Fc%3Fd")),
        ("/p?q={resp0}",         "a b&c",    Some("/p?q=a+b%26c")),
        ("/p?q={resp0}",         "",         Some("/p?q=")),
        ("/p?l={resp0}",         longest,    Some("")),
        ("/p/{resp0}",           "",         None),
        ("/p/{resp0}",           "..",       None),
        ("/p?q={resp0}",         "line\n",  None),
        ("/p?q={resp0}",         longer,     None),
    ];
    for (pattern, body, url) in cases {
        let recorders = [
            Recorder::saying(404, body),
            Recorder::saying(200, r#"{"b":1}"#),
        ];
        let second = format!(r#""url_pattern": "{pattern}""#);
        let shown = chain(&[r#""encoding": "no-op""#, &second], &recorders).await;
        let sent = recorders[1].lines();
        match url {
            Some("") => assert_eq!(sent, [format!("GET http://h1/p?l={longest}")]),
            Some(url) => assert_eq!(sent, [format!("GET http://h1{url}")], "{body}"),
            None => assert!(sent.is_empty(), "{pattern}"),
        }
        let completed = shown.is_ok_and(|shown| shown.completed);
        assert_eq!(completed, url.is_some(), "{pattern}");
    }
}

#[tokio::test]
async fn a_value_longer_than_any_url_is_none() {
    let body = format!(r#"{{"x":"{}"}}"#, "x".repeat(16 * 1024 + 1));
    let recorders = [
        Recorder::saying(200, body.leak()),
        Recorder::saying(200, "{}"),
    ];
    let shown = chain(&["", r#""url_pattern": "/p/{resp0_x}""#], &recorders);
    let shown = shown.await.unwrap();
    assert_eq!(shown.kinds(), [(Some(1), FailureKind::NoValue)]);
}

#[tokio::test]
async fn no_value_of_a_backend_adds_a_segment_a_query_or_a_host() {
    for hostile in [
        r#"{"x":"@10.0.0.1/"}"#,
        r#"{"x":"//10.0.0.1"}"#,
        r#"{"x":"/../.."}"#,
        r#"{"x":"%2e%2e"}"#,
        r#"{"x":"a&b=c"}"#,
        r#"{"x":"?x"}"#,
        r##"{"x":"#"}"##,
        r#"{"x":"{y}{{.Y}}"}"#,
    ] {
        let recorders = [Recorder::saying(200, hostile), Recorder::saying(200, "{}")];
        let second = r#""url_pattern": "/{resp0_x}/end?q={resp0_x}&k=v""#;
        chain(&["", second], &recorders).await.unwrap();
        let uri = recorders[1].only().head.uri;
        assert_eq!(uri.authority().unwrap(), "h1", "{hostile}");
        assert_eq!(uri.path().split('/').count(), 3, "{hostile}: {uri}");
        assert_eq!(
            uri.query().unwrap().split('&').count(),
            2,
            "{hostile}: {uri}"
        );
    }
    for refused in [
        r#"{"x":".."}"#,
        r#"{"x":"."}"#,
        r#"{"x":"a\r\nb"}"#,
        r#"{"x":"\u0000"}"#,
    ] {
        let recorders = [Recorder::saying(200, refused), Recorder::saying(200, "{}")];
        let second = r#""url_pattern": "/{resp0_x}/end""#;
        let shown = chain(&["", second], &recorders).await.unwrap();
        assert_eq!(recorders[1].calls(), 0, "{refused}");
        assert!(!shown.completed);
    }
}

#[tokio::test]
async fn the_failure_of_the_first_is_the_endpoints() {
    let returning = r#""extra_config": {"backend/http": {"return_error_code": true}}"#;
    let recorders = [Recorder::saying(403, "no"), Recorder::saying(200, "{}")];
    let failure = chain(&[returning, ""], &recorders).await.err().unwrap();
    assert_eq!(failure.answer.as_ref().unwrap().status, 403);
    assert_eq!(recorders[1].calls(), 0, "the chain ends");
}

#[tokio::test]
async fn a_later_failure_ends_the_chain_and_keeps_what_there_is() {
    for script in [
        Script::Fail(FailureKind::Backend),
        Script::Panic,
        Script::Answer(recorder::answer(500, &[], "")),
    ] {
        let recorders = [
            Recorder::saying(200, r#"{"a":1}"#),
            Recorder::playing(script),
            Recorder::saying(200, r#"{"c":1}"#),
        ];
        let shown = chain(&["", "", ""], &recorders).await.unwrap();
        assert_eq!(shown.line(), (r#"{"a":1}"#, false));
        assert_eq!(shown.failures[0].backend, Some(1));
        assert_eq!(recorders[2].calls(), 0, "the chain ends");
    }
}

#[tokio::test]
async fn an_incomplete_answer_ends_the_chain() {
    let details = r#""extra_config": {"backend/http": {"return_error_details": "x"}}"#;
    let recorders = [
        Recorder::saying(404, ""),
        Recorder::saying(200, r#"{"b":1}"#),
    ];
    let shown = chain(&[details, ""], &recorders).await.unwrap();
    assert_eq!(
        shown.line(),
        (r#"{"error_x":{"http_status_code":404}}"#, false)
    );
    assert_eq!(recorders[1].calls(), 0);
    assert!(shown.failures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn all_share_one_window() {
    let recorders = [
        Recorder::playing(after(400, r#"{"a":1}"#)),
        Recorder::playing(after(400, r#"{"b":1}"#)),
        Recorder::playing(after(400, r#"{"c":1}"#)),
    ];
    let started = Instant::now();
    let shown = chain(&["", "", ""], &recorders).await.unwrap();
    assert_eq!(started.elapsed().as_millis() / 5, 170, "85 % of a second");
    assert_eq!(shown.line(), (r#"{"a":1,"b":1}"#, false));
    assert_eq!(shown.kinds(), [(Some(2), FailureKind::Timeout)]);
}

#[tokio::test(start_paused = true)]
async fn a_first_backend_that_is_late_is_the_endpoints_timeout() {
    let recorders = [Recorder::playing(Script::Hang), Recorder::saying(200, "{}")];
    let failure = chain(&["", ""], &recorders).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.to_string(), "context deadline exceeded");
}
