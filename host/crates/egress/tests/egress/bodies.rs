//! Bodies that end too early or too late, and deadlines.

use super::{peer::Peer, *};

#[tokio::test]
async fn a_truncated_response_is_an_error_not_an_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxx\r\n",
    ] {
        let origin = Peer::start(move |mut wire| async move {
            wire.request().await;
            wire.write(answer.as_bytes()).await;
        })
        .await;
        let response = get(&client(), &origin.url("/"), &Way::Direct)
            .await
            .unwrap();
        let error = text(response).await.unwrap_err();
        let kind = kind_of(&error);
        assert!(
            matches!(kind, ErrorKind::Closed | ErrorKind::Protocol),
            "{answer:?}: {kind:?}"
        );
    }
}

#[tokio::test]
async fn a_response_without_length_ends_with_the_connection() {
    let origin = Peer::start(|mut wire| async move {
        wire.request().await;
        wire.write(b"HTTP/1.0 200 OK\r\n\r\nall").await;
    })
    .await;
    let response = get(&client(), &origin.url("/"), &Way::Direct)
        .await
        .unwrap();
    assert_eq!(text(response).await.unwrap(), "all");
}

#[tokio::test]
async fn the_deadline_ends_a_dripping_body_and_its_connection() {
    let (closed, mut was_closed) = tokio::sync::mpsc::unbounded_channel();
    let origin = Peer::start(move |mut wire| {
        let closed = closed.clone();
        async move {
            wire.request().await;
            wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                .await;
            while wire.write(b"x").await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            closed.send(()).unwrap();
        }
    })
    .await;
    let started = Instant::now();
    let limit = Duration::from_millis(200);
    let request = request("GET", &origin.url("/"), empty());
    let response = client()
        .send(request, &Way::Direct, &within(limit))
        .await
        .unwrap();
    let error = text(response).await.unwrap_err();
    assert_eq!(kind_of(&error), ErrorKind::Timeout);
    assert!(started.elapsed() >= limit && started.elapsed() < Duration::from_secs(5));
    was_closed.recv().await.unwrap();
}

#[tokio::test]
async fn the_deadline_ends_a_silent_peer_and_says_what_was_awaited() {
    let origin = Peer::start(|mut wire| async move { wire.closed().await }).await;
    let request = request("GET", &origin.url("/"), empty());
    let limit = Duration::from_millis(100);
    let error = client()
        .send(request, &Way::Direct, &within(limit))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let expected = format!(
        "no response from http://{} in time (while waiting for the response)",
        origin.address
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn the_header_limit_counts_from_the_end_of_the_request() {
    let origin = Peer::start(|mut wire| async move { wire.closed().await }).await;
    let client = Client::new(Settings {
        response_header_timeout: Some(Duration::from_millis(100)),
        ..Settings::default()
    })
    .unwrap();
    let error = get(&client, &origin.url("/"), &Way::Direct)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);

    let stuck = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, BoxError>>();
    let stuck = http_body_util::StreamBody::new(stuck).boxed_unsync();
    let limit = Duration::from_millis(400);
    let request = request("POST", &origin.url("/"), stuck);
    let started = Instant::now();
    client
        .send(request, &Way::Direct, &within(limit))
        .await
        .unwrap_err();
    assert!(
        started.elapsed() >= limit,
        "the limit ran while the request was being sent"
    );
}

#[tokio::test]
async fn dropping_the_call_closes_the_connection() {
    let (closed, mut was_closed) = tokio::sync::mpsc::unbounded_channel();
    let origin = Peer::start(move |mut wire| {
        let closed = closed.clone();
        async move {
            wire.request().await;
            closed.send("request").unwrap();
            wire.closed().await;
            closed.send("closed").unwrap();
        }
    })
    .await;
    let client = client();
    let url = origin.url("/");
    let call = tokio::spawn(async move { get(&client, &url, &Way::Direct).await.map(drop) });
    assert_eq!(was_closed.recv().await, Some("request"));
    call.abort();
    assert_eq!(was_closed.recv().await, Some("closed"));
}

#[tokio::test]
async fn dropping_the_body_closes_the_connection() {
    let (closed, mut was_closed) = tokio::sync::mpsc::unbounded_channel();
    let origin = Peer::start(move |mut wire| {
        let closed = closed.clone();
        async move {
            wire.request().await;
            wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                .await;
            wire.closed().await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let client = client();
    drop(get(&client, &origin.url("/"), &Way::Direct).await.unwrap());
    was_closed.recv().await.unwrap();
}

#[tokio::test]
async fn a_request_body_that_breaks_off_is_the_callers_error() {
    let origin = Peer::start(|mut wire| async move { wire.closed().await }).await;
    let body = pieces(vec![Ok("half"), Err("the client is gone".into())]);
    let broken = client()
        .send(
            request("POST", &origin.url("/"), body),
            &Way::Direct,
            &options(),
        )
        .await;
    let error = broken.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestBody);
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the client is gone");
    assert!(
        !origin.received().contains("0\r\n\r\n"),
        "the body looks complete"
    );
}

#[tokio::test]
async fn a_long_body_passes_both_ways_unchanged() {
    let length = 3 * 1024 * 1024;
    let origin = Peer::start(move |mut wire| async move {
        let request = wire.request().await.unwrap();
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        wire.write(head.as_bytes()).await;
        wire.write(body.as_bytes()).await;
    })
    .await;
    let content: String = (0..length)
        .map(|n| char::from(b'a' + (n % 23) as u8))
        .collect();
    let body = Full::new(Bytes::from(content.clone())).map_err(|never| match never {});
    let sent = request("POST", &origin.url("/"), body.boxed_unsync());
    let response = client().send(sent, &Way::Direct, &options()).await.unwrap();
    assert!(text(response).await.unwrap() == content);
}
