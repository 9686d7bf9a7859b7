//! Which connections are used again.

use super::{peer::Peer, *};

async fn gets(client: &Client, origin: &Peer, way: &Way, times: usize) {
    for _ in 0..times {
        let response = get(client, &origin.url("/"), way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_a_row_share_one_connection() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    for answer in [OK, chunked] {
        let (client, origin) = (client(), Peer::answering(answer).await);
        gets(&client, &origin, &Way::Direct, 100).await;
        assert_eq!(origin.connections(), 1);
    }
}

#[tokio::test]
async fn a_connection_is_not_used_again_if_anything_says_so() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let (client, origin) = (client(), Peer::answering(answer).await);
        gets(&client, &origin, &Way::Direct, 3).await;
        assert_eq!(origin.connections(), 3, "{answer:?}");
    }
}

/// Bytes after a response would be taken for the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_left_over_poison_a_connection() {
    let poison = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
    let empty = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad";
    for answer in [poison, empty] {
        let (client, origin) = (client(), Peer::answering(answer).await);
        for _ in 0..200 {
            let response = get(&client, &origin.url("/"), &Way::Direct).await.unwrap();
            assert_ne!(text(response).await.unwrap(), "bad");
        }
        assert_eq!(origin.connections(), 200);
    }
}

#[tokio::test]
async fn a_response_that_was_not_read_to_its_end_is_not_followed_by_another() {
    let (client, origin) = (client(), Peer::answering(OK).await);
    for _ in 0..3 {
        drop(get(&client, &origin.url("/"), &Way::Direct).await.unwrap());
    }
    assert_eq!(origin.connections(), 3);
}

#[tokio::test]
async fn keep_alives_can_be_switched_off() {
    let origin = Peer::answering(OK).await;
    let settings = Settings {
        disable_keep_alives: true,
        ..Settings::default()
    };
    gets(&Client::new(settings).unwrap(), &origin, &Way::Direct, 2).await;
    assert_eq!(origin.connections(), 2);
    assert_eq!(origin.received().matches("connection: close").count(), 2);
}

#[tokio::test]
async fn idle_connections_are_limited_per_host_and_over_all() {
    for (per_host, total, expected) in [(1, None, 3), (0, None, 4), (9, Some(1), 3), (9, None, 2)] {
        let origin = Peer::answering(OK).await;
        let client = Client::new(Settings {
            max_idle_connections_per_host: per_host,
            max_idle_connections: total,
            ..Settings::default()
        })
        .unwrap();
        let url = origin.url("/");
        for _ in 0..2 {
            let (one, two) = tokio::join!(
                get(&client, &url, &Way::Direct),
                get(&client, &url, &Way::Direct)
            );
            text(one.unwrap()).await.unwrap();
            text(two.unwrap()).await.unwrap();
        }
        assert_eq!(
            origin.connections(),
            expected,
            "{per_host} per host, {total:?} in all"
        );
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time_and_with_the_client() {
    for timeout in [Some(Duration::from_millis(50)), None] {
        let (closed, mut was_closed) = tokio::sync::mpsc::unbounded_channel();
        let origin = Peer::start(move |mut wire| {
            let closed = closed.clone();
            async move {
                wire.request().await;
                wire.write(OK.as_bytes()).await;
                wire.closed().await;
                closed.send(()).unwrap();
            }
        })
        .await;
        let settings = Settings {
            idle_connection_timeout: timeout,
            ..Settings::default()
        };
        let client = Client::new(settings).unwrap();
        gets(&client, &origin, &Way::Direct, 1).await;
        if timeout.is_none() {
            drop(client);
        }
        was_closed.recv().await.unwrap();
    }
}

/// Answers once on the first connection, and closes it upon the second request.
async fn closing_on_the_second_request() -> Peer {
    Peer::start(|mut wire| async move {
        wire.request().await;
        wire.write(OK.as_bytes()).await;
        if wire.number > 0 {
            wire.request().await;
            wire.write(OK.as_bytes()).await;
        }
        wire.request().await;
    })
    .await
}

#[tokio::test]
async fn an_idempotent_request_survives_a_stale_connection() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let (client, origin) = (client(), closing_on_the_second_request().await);
        gets(&client, &origin, &Way::Direct, 1).await;
        let again = send(
            &client,
            request(method, &origin.url("/"), empty()),
            &Way::Direct,
        );
        assert_eq!(again.await.unwrap().status(), 200, "{method}");
        assert_eq!(origin.connections(), 2);
    }
}

#[tokio::test]
async fn a_written_request_with_an_effect_or_a_body_is_not_repeated() {
    for (method, body) in [("POST", empty()), ("POST", full("x")), ("PUT", full("x"))] {
        let (client, origin) = (client(), closing_on_the_second_request().await);
        gets(&client, &origin, &Way::Direct, 1).await;
        let again = send(
            &client,
            request(method, &origin.url("/"), body),
            &Way::Direct,
        );
        assert_eq!(
            again.await.unwrap_err().kind(),
            ErrorKind::Closed,
            "{method}"
        );
        assert_eq!(origin.connections(), 1);
    }
}

#[tokio::test]
async fn a_request_is_not_repeated_once_an_answer_has_begun() {
    let origin = Peer::start(|mut wire| async move {
        wire.request().await;
        wire.write(OK.as_bytes()).await;
        wire.request().await;
        wire.write(b"HTTP/1.1 2").await;
    })
    .await;
    let client = client();
    gets(&client, &origin, &Way::Direct, 1).await;
    get(&client, &origin.url("/"), &Way::Direct)
        .await
        .unwrap_err();
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn nothing_is_repeated_on_a_fresh_connection() {
    let origin = Peer::start(|mut wire| async move { drop(wire.request().await) }).await;
    let error = get(&client(), &origin.url("/"), &Way::Direct)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(origin.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_closed_while_idle_costs_nobody_anything() {
    let origin = Peer::start(|mut wire| async move {
        wire.request().await;
        wire.write(OK.as_bytes()).await;
    })
    .await;
    let client = client();
    gets(&client, &origin, &Way::Direct, 100).await;
}

#[tokio::test]
async fn plain_requests_to_any_target_share_a_connection_to_the_proxy() {
    let proxy = Peer::answering(OK).await;
    let (client, way) = (client(), through(&proxy.url("")));
    for target in ["http://a.test/", "http://b.test:81/", "http://[::1]/"] {
        text(get(&client, target, &way).await.unwrap())
            .await
            .unwrap();
    }
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn connections_are_not_shared_between_credentials() {
    let proxy = Peer::answering(OK).await;
    let client = client();
    for user in ["", "a:x@", "b:x@", "a:y@"] {
        let way = through(&format!("http://{user}{}", proxy.address));
        for _ in 0..2 {
            text(get(&client, "http://a.test/", &way).await.unwrap())
                .await
                .unwrap();
        }
    }
    assert_eq!(proxy.connections(), 4);
}

#[tokio::test]
async fn equal_proxies_share_a_pool_and_the_target_does_not() {
    let proxy = Peer::answering(OK).await;
    let client = client();
    for _ in 0..3 {
        let way = through(&proxy.url(""));
        text(get(&client, &proxy.url("/"), &way).await.unwrap())
            .await
            .unwrap();
    }
    assert_eq!(proxy.connections(), 1);
    gets(&client, &proxy, &Way::Direct, 1).await;
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_requests_never_need_more_connections_than_there_are_requests() {
    let proxy = Peer::answering(OK).await;
    let (client, way) = (client(), through(&proxy.url("")));
    for _ in 0..10 {
        let calls = (0..100).map(|_| async {
            let response = get(&client, "http://a.test/", &way).await.unwrap();
            assert_eq!(text(response).await.unwrap(), "ok");
        });
        futures_util::future::join_all(calls).await;
    }
    assert!(proxy.connections() <= 100, "{}", proxy.connections());
}

/// A peer may answer before it has the whole request; what is still on its way
/// would be taken for the next one.
#[tokio::test]
async fn a_request_that_is_still_being_sent_is_not_followed_by_another() {
    let origin = Peer::start(|mut wire| async move {
        wire.head().await;
        wire.write(OK.as_bytes()).await;
        wire.closed().await;
    })
    .await;
    let client = client();
    for _ in 0..3 {
        let stuck = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, BoxError>>();
        let stuck = http_body_util::StreamBody::new(stuck).boxed_unsync();
        let response = send(
            &client,
            request("POST", &origin.url("/"), stuck),
            &Way::Direct,
        );
        assert_eq!(text(response.await.unwrap()).await.unwrap(), "ok");
    }
    assert_eq!(origin.connections(), 3);
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_body_was_sent() {
    let (client, origin) = (client(), Peer::answering(OK).await);
    for body in [full("body"), pieces(vec![Ok("bo"), Ok("dy")]), full("body")] {
        let response = send(
            &client,
            request("POST", &origin.url("/"), body),
            &Way::Direct,
        );
        assert_eq!(text(response.await.unwrap()).await.unwrap(), "ok");
    }
    assert_eq!(origin.connections(), 1);
}
