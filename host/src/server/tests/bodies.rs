use super::*;

#[tokio::test]
async fn pieces_are_sent_as_they_come() {
    let (backend, feed) = Backend::fed(None);
    let server = Running::start(&json!({}), &backend);
    let mut client = server.connect().await;
    client.send(GET).await;
    feed.send(Ok(Bytes::from("early"))).await.unwrap();
    let got = client.until("5\r\nearly\r\n").await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    feed.send(Ok(Bytes::from("late"))).await.unwrap();
    drop(feed);
    assert_eq!(client.until("0\r\n\r\n").await, "4\r\nlate\r\n0\r\n\r\n");
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_complete() {
    for length in [None, Some(10)] {
        let (backend, feed) = Backend::fed(length);
        let server = Running::start(&json!({}), &backend);
        let mut client = server.connect().await;
        client.send(GET).await;
        feed.send(Ok(Bytes::from("part"))).await.unwrap();
        client.until("part").await;
        feed.send(Err("gone".into())).await.unwrap();
        let rest = client.rest().await;
        assert!(!rest.contains("0\r\n\r\n"), "{length:?}: {rest}");
        assert!(rest.len() < 6, "{length:?}: {rest}");
    }
}

#[tokio::test]
async fn an_answer_that_only_the_close_ends_is_reset() {
    let (backend, feed) = Backend::fed(None);
    let server = Running::start(&json!({}), &backend);
    let mut client = server.connect().await;
    client.send("GET /x HTTP/1.0\r\n\r\n").await;
    feed.send(Ok(Bytes::from("part"))).await.unwrap();
    client.until("part").await;
    feed.send(Err("gone".into())).await.unwrap();
    let error = within(tokio::io::AsyncReadExt::read_u8(&mut client.0))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_http_2_answer_that_breaks_off_is_reset() {
    let (backend, feed) = Backend::fed(None);
    let server = Running::start(&json!({ "use_h2c": true }), &backend);
    let mut client = h2c(&server).await;
    let request = Request::get("http://a/x")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let mut response = within(client.send_request(request)).await.unwrap();
    feed.send(Ok(Bytes::from("part"))).await.unwrap();
    assert_eq!(
        within(response.frame())
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap(),
        "part"
    );
    feed.send(Err("gone".into())).await.unwrap();
    assert!(within(response.frame()).await.unwrap().is_err());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_backend_call() {
    let (backend, mut seen) = hanging();
    let server = Running::start(&json!({}), &backend);
    let mut client = server.connect().await;
    client.send(GET).await;
    assert_eq!(within(seen.recv()).await, Some("called"));
    assert!(seen.try_recv().is_err(), "not before it leaves");
    drop(client);
    assert_eq!(within(seen.recv()).await, Some("dropped"));
}
