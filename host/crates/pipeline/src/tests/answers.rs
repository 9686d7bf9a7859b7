//! Answers of no-op endpoints, and their end in time.

use super::*;

#[tokio::test]
async fn the_answer_passes_as_it_is() {
    for status in [200, 204, 302, 404, 503] {
        let mut response = Response::new(body_of("text"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for cookie in ["a=1", "b=2"] {
            let value = HeaderValue::from_static(cookie);
            response.headers_mut().append("set-cookie", value);
        }
        response.extensions_mut().insert("from the executor");
        let recorder = Recorder::playing(Script::Answer(response));

        let answer = plain(&recorder).serve(inbound()).await.unwrap();
        assert!(!answer.completed && answer.failures.is_empty());
        let response = answer.response;

        assert_eq!(response.status(), status);
        assert_eq!(response.headers().len(), 2, "nothing is added");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.extensions().get(), Some(&"from the executor"));
        assert_eq!(response.body().size_hint().exact(), Some(4));
        assert_eq!(response.collect().await.unwrap().to_bytes(), "text");
    }
}

#[tokio::test]
async fn trailers_of_the_answer_pass() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("1"));
    let body = body_of("text").with_trailers(async { Some(Ok(trailers)) });
    let recorder = Recorder::playing(Script::Answer(Response::new(body.boxed_unsync())));
    let response = plain(&recorder).serve(inbound()).await.unwrap().response;
    let collected = response.collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-checksum"], "1");
}

#[tokio::test]
async fn an_answer_to_head_announces_no_body_to_a_client_that_asked_for_one() {
    let endpoint = endpoint(
        PLAIN.0,
        r#""host": ["h"], "method": "HEAD", "url_pattern": "/b""#,
    );
    for (method, announced) in [(Method::GET, false), (Method::HEAD, true)] {
        let mut response = Response::new(body_of(""));
        let length = HeaderValue::from_static("5");
        response.headers_mut().insert("content-length", length);
        let recorder = Recorder::playing(Script::Answer(response));
        let asked = Inbound {
            method,
            ..inbound()
        };
        let answer = pipeline(&endpoint, &recorder).serve(asked).await.unwrap();
        let response = answer.response;
        assert_eq!(response.headers().contains_key("content-length"), announced);
    }
}

#[tokio::test]
async fn failures_of_the_executor_keep_kind_and_cause() {
    use FailureKind::{Backend, ClientBody, ClientRequest, NoHosts, Overloaded, Plugin, Timeout};
    for kind in [
        Backend,
        Timeout,
        Overloaded,
        Plugin,
        ClientBody,
        ClientRequest,
        NoHosts,
    ] {
        let recorder = Recorder::playing(Script::Fail(kind));
        let failure = plain(&recorder).serve(inbound()).await.unwrap_err();
        assert_eq!(failure.kind, kind);
        assert_eq!(causes(&failure), format!("{kind}: the cause"));
        assert!(
            !failure.to_string().contains("cause"),
            "the cause is for the log"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_call_and_the_clients_body_are_dropped() {
    let recorder = Recorder::playing(Script::Hang);
    let client = Arc::new(AtomicUsize::new(0));
    let body = scripted(&["begin"], Then::Hang, &client);
    let started = Instant::now();

    let failure = plain(&recorder)
        .serve(Inbound { body, ..inbound() })
        .await
        .unwrap_err();

    assert_eq!(started.elapsed().as_millis() / 10, 200);
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(
        causes(&failure),
        "context deadline exceeded: the endpoint's timeout of 2s passed"
    );
    assert_eq!(recorder.running.load(Ordering::SeqCst), 0, "the call");
    assert_eq!(client.load(Ordering::SeqCst), 0, "the client's body");
    assert_eq!(recorder.only().deadline, started + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_cancels_the_call() {
    let recorder = Recorder::playing(Script::Hang);
    let pipeline = plain(&recorder);
    tokio::select! {
        biased;
        _ = pipeline.serve(inbound()) => panic!("the call hangs"),
        () = sleep(Duration::from_millis(1)) => {}
    }
    assert_eq!(recorder.calls(), 1);
    assert_eq!(recorder.running.load(Ordering::SeqCst), 0);
}

/// The worst there is: a shortened body that looks like a whole one.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_late_ends_in_an_error_and_lets_go_of_the_backend() {
    for then in [Then::Hang, Then::Repeat] {
        let backend = Arc::new(AtomicUsize::new(0));
        let body = scripted(&["begin"], then, &backend);
        let recorder = Recorder::playing(Script::Answer(Response::new(body)));
        let started = Instant::now();

        let answer = plain(&recorder).serve(inbound()).await.unwrap();
        let mut body = answer.response.into_body();

        let first = body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "begin");
        assert!(!body.is_end_stream());
        if then == Then::Repeat {
            sleep(Duration::from_secs(2)).await;
        }
        let last = timeout(Duration::from_secs(60), body.frame()).await;
        let error = last
            .expect("the body ends")
            .expect("not as if it were whole")
            .unwrap_err();
        assert_eq!(
            error.downcast_ref(),
            Some(&TimedOut {
                limit: Duration::from_secs(2),
                share: false,
            })
        );
        assert_eq!(started.elapsed().as_millis() / 10, 200);
        assert_eq!(
            backend.load(Ordering::SeqCst),
            0,
            "the backend's body is dropped"
        );
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_complete_in_time_may_be_read_later() {
    let recorder = Recorder::playing(Script::Answer(Response::new(body_of(""))));
    let response = plain(&recorder).serve(inbound()).await.unwrap().response;
    sleep(Duration::from_secs(3)).await;
    assert!(response.body().is_end_stream());
    assert!(response.collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn an_error_of_the_backends_body_passes() {
    let body = body_of("x")
        .map_err(|e| e)
        .with_trailers(async { Some(Err("cut off".into())) });
    let recorder = Recorder::playing(Script::Answer(Response::new(body.boxed_unsync())));
    let response = plain(&recorder).serve(inbound()).await.unwrap().response;
    assert_eq!(response.collect().await.unwrap_err().to_string(), "cut off");
}
