use super::*;

#[tokio::test]
async fn what_has_begun_is_finished_and_nothing_new_is_taken() {
    let (backend, feed) = Backend::fed(None);
    let mut server = Running::start(&json!({}), &backend);
    let mut idle = server.connect().await;
    idle.send("GET /__health HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.until("\"ok\"}").await;
    let mut busy = server.connect().await;
    busy.send(GET).await;
    feed.send(Ok(Bytes::from("early"))).await.unwrap();
    busy.until("early\r\n").await;

    server.stop();
    assert_eq!(idle.rest().await, "", "an idle connection is closed");
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens"
    );
    feed.send(Ok(Bytes::from("late"))).await.unwrap();
    drop(feed);
    assert_eq!(busy.rest().await, "4\r\nlate\r\n0\r\n\r\n");
    assert_eq!(server.verdict().await, Verdict::Drained);
}

#[tokio::test]
async fn the_limit_cuts_what_does_not_end() {
    let (backend, mut seen) = hanging();
    let mut server = Running::start(&json!({ "max_shutdown_wait_time": "200ms" }), &backend);
    let mut client = server.connect().await;
    client.send(GET).await;
    assert_eq!(within(seen.recv()).await, Some("called"));
    server.stop();
    assert_eq!(server.verdict().await, Verdict::Cut { connections: 1 });
    assert_eq!(within(seen.recv()).await, Some("dropped"));
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (backend, mut seen) = hanging();
    let mut server = Running::start(&json!({}), &backend);
    let mut client = server.connect().await;
    client.send(GET).await;
    assert_eq!(within(seen.recv()).await, Some("called"));
    server.stop();
    server.abort();
    assert_eq!(
        server.verdict().await,
        Verdict::Interrupted { connections: 1 }
    );
}

#[tokio::test]
async fn a_connection_that_has_said_nothing_does_not_hold_it_up() {
    for h2c in [false, true] {
        let mut server = Running::start(&json!({ "use_h2c": h2c }), &Backend::echo());
        let _silent = server.connect().await;
        server.stop();
        assert_eq!(server.verdict().await, Verdict::Drained, "h2c: {h2c}");
    }
}

#[tokio::test]
async fn all_threads_finish_what_has_begun_and_count_what_they_cut() {
    const AT_ONCE: usize = 32;
    for limit in [None, Some("200ms")] {
        let (backend, mut seen) = hanging();
        let extra = match limit {
            Some(limit) => json!({ "max_shutdown_wait_time": limit }),
            None => json!({}),
        };
        let mut server = Running::on_threads(4, &extra, &backend).unwrap();
        let mut clients = Vec::new();
        for _ in 0..AT_ONCE {
            let mut client = server.connect().await;
            client.send(GET).await;
            assert_eq!(within(seen.recv()).await, Some("called"));
            clients.push(client);
        }
        server.stop();
        match limit {
            Some(_) => {
                let verdict = server.verdict().await;
                let connections = AT_ONCE;
                assert_eq!(verdict, Verdict::Cut { connections });
            }
            None => {
                drop(clients);
                assert_eq!(server.verdict().await, Verdict::Drained);
            }
        }
        for _ in 0..AT_ONCE {
            assert_eq!(within(seen.recv()).await, Some("dropped"));
        }
    }
}
