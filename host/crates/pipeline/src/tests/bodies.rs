//! Who gets the client's body.

use super::{
    harness::{endpoint_of, pipeline_of, pipeline_with, show},
    recorder::Recorder,
    *,
};

fn posting(text: &'static str) -> Inbound {
    Inbound {
        method: Method::POST,
        body: body_of(text),
        ..inbound()
    }
}

#[tokio::test]
async fn the_body_is_copied_where_a_backend_may_need_it() {
    let sandboxed = r#""extra_config": {"proxy": {"force_sandboxed_request": true}}"#;
    let sequential = r#""extra_config": {"proxy": {"sequential": true}}"#;
    let post = r#""method": "POST""#;
    #[rustfmt::skip]
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("",         &[""],                      &["hello"]),
        ("",         &["", ""],                  &["hello", ""]),
        ("",         &["", r#""method": "HEAD""#], &["hello", ""]),
        ("",         &["", post],                &["hello", "hello"]),
        (sequential, &["", post],                &["hello", "hello"]),
        (sequential, &["", ""],                  &["hello", ""]),
        (sandboxed,  &["", "", ""],              &["hello", "hello", "hello"]),
        (post,       &["", ""],                  &["hello", "hello"]),
    ];
    for (keys, backends, expected) in cases {
        let recorders: Vec<_> = backends
            .iter()
            .map(|_| Recorder::saying(200, r#"{"a":1}"#))
            .collect();
        let pipeline = pipeline_of(&endpoint_of(keys, backends), &recorders);
        show(pipeline.serve(posting("hello")).await).await.unwrap();
        let mut bodies = Vec::new();
        for recorder in &recorders {
            bodies.extend(recorder.bodies().await);
        }
        assert_eq!(bodies, *expected, "{keys} {backends:?}");
    }
}

#[tokio::test]
async fn a_copied_body_has_a_length() {
    let recorders = ["", ""].map(|_| Recorder::saying(200, "{}"));
    let pipeline = pipeline_of(&endpoint_of(r#""method": "POST""#, &["", ""]), &recorders);
    pipeline.serve(posting("hello")).await.unwrap();
    for recorder in recorders {
        assert_eq!(recorder.only().size.exact(), Some(5));
    }
}

#[tokio::test]
async fn a_body_too_long_to_be_copied_is_refused_before_anything_is_sent() {
    let settings = Settings {
        body_copy: 4,
        ..Settings::default()
    };
    let endpoint = endpoint_of(r#""method": "POST""#, &["", ""]);
    for (text, fits) in [("1234", true), ("12345", false)] {
        for streamed in [false, true] {
            let recorders = ["", ""].map(|_| Recorder::saying(200, "{}"));
            let pipeline = pipeline_with(&endpoint, settings, &recorders);
            let mut asked = posting(text);
            if streamed {
                let chunk =
                    Ok::<_, BoxError>(http_body::Frame::data(Bytes::from_static(text.as_bytes())));
                let stream = futures_util::stream::iter([chunk]);
                asked.body = http_body_util::StreamBody::new(stream).boxed_unsync();
            }
            let outcome = pipeline.serve(asked).await;
            assert_eq!(outcome.is_ok(), fits, "{text} {streamed}");
            if let Err(failure) = outcome {
                assert_eq!(failure.kind, FailureKind::BodyTooLarge);
                assert!(recorders.iter().all(|recorder| recorder.calls() == 0));
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let recorders = ["", ""].map(|_| Recorder::saying(200, "{}"));
    let pipeline = pipeline_of(&endpoint_of(r#""method": "POST""#, &["", ""]), &recorders);
    let broken = body_of("hel").with_trailers(async { Some(Err("cut off".into())) });
    let asked = Inbound {
        body: broken.boxed_unsync(),
        ..posting("")
    };
    let failure = pipeline.serve(asked).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::ClientBody);
    assert!(recorders.iter().all(|recorder| recorder.calls() == 0));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_body_is_part_of_the_timeout() {
    let recorders = ["", ""].map(|_| Recorder::saying(200, "{}"));
    let pipeline = pipeline_of(&endpoint_of(r#""method": "POST""#, &["", ""]), &recorders);
    let asked = Inbound {
        body: scripted(&["begin"], Then::Hang, &Arc::default()),
        ..posting("")
    };
    let failure = pipeline.serve(asked).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Timeout);
}

#[tokio::test]
async fn a_single_backend_gets_the_body_unread() {
    let recorder = Recorder::saying(200, "{}");
    let pipeline = pipeline_of(&endpoint_of("", &[""]), &[Arc::clone(&recorder)]);
    let asked = Inbound {
        body: scripted(&["begin"], Then::Hang, &Arc::default()),
        ..posting("")
    };
    show(pipeline.serve(asked).await).await.unwrap();
    assert_eq!(recorder.only().size.exact(), None);
}
