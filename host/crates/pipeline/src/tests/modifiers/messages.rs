//! Modifiers of no-op answers.

use super::*;

#[tokio::test]
async fn a_stream_passes_a_message_modifier_unread() {
    let alive = Arc::new(AtomicUsize::new(0));
    let fake = Arc::new(Fake::answered(|mut passing| {
        let value = HeaderValue::from_static("1");
        passing.response.headers_mut().insert("x-seen", value);
        Verdict::Proceed(passing)
    }));
    let response = Response::new(scripted(&["begun"], Then::Hang, &alive));
    let recorder = Recorder::playing(Script::Answer(response));
    let scene = around!(NO_OP, ONE, &[&fake]);
    let pipeline = scene.pipeline(&[recorder]);
    let answer = pipeline.serve(inbound()).await.unwrap();
    assert_eq!(answer.response.headers()["x-seen"], "1");
    let mut body = answer.response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "begun");
    assert!(
        body.frame().await.unwrap().is_err(),
        "the timeout covers it"
    );
}

#[tokio::test]
async fn a_body_of_a_head_request_is_not_announced() {
    let fake = Arc::new(Fake::asked(|mut passing| {
        *passing.request.method_mut() = Method::HEAD;
        Verdict::Proceed(passing)
    }));
    let response = recorder::answer(200, &[("content-length", "5")], "");
    let scene = Scene {
        keys: NO_OP,
        backends: ONE,
        around: &[],
        of_backends: &[&[&fake]],
    };
    let shown = scene
        .ask(&[Recorder::playing(Script::Answer(response))])
        .await
        .unwrap();
    assert!(!shown.headers.contains_key("content-length"));
}
