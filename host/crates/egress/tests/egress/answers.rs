//! Answers that are read in a special way.

use super::{peer::Peer, *};

/// What a client gets for `method` and `answer`: status, fields and body, and
/// the connections that three such requests took.
async fn three_times(
    method: &'static str,
    answer: &'static str,
) -> (Vec<Result<(String, String), ErrorKind>>, usize) {
    let (client, origin) = (client(), Peer::answering(answer).await);
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let sent = send(
            &client,
            request(method, &origin.url("/"), empty()),
            &Way::Direct,
        );
        outcomes.push(match sent.await {
            Ok(response) => {
                let head = format!("{} {:?}", response.status(), response.headers());
                let body = text(response).await;
                body.map(|body| (head, body)).map_err(|e| kind_of(&e))
            }
            Err(error) => Err(error.kind()),
        });
    }
    (outcomes, origin.connections())
}

#[tokio::test]
async fn answers_without_a_body_have_none_and_keep_the_connection() {
    for (method, answer, shown) in [
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            "200 OK {\"content-length\": \"1000\"}",
        ),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "200 OK {}",
        ),
        (
            "GET",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "204 No Content {}",
        ),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n",
            "304 Not Modified {\"content-length\": \"1000\", \"etag\": \"x\"}",
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "200 OK {\"content-length\": \"0\"}",
        ),
        (
            "GET",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            "204 No Content {}",
        ),
    ] {
        let (outcomes, connections) = three_times(method, answer).await;
        for outcome in outcomes {
            assert_eq!(outcome, Ok((shown.to_owned(), String::new())), "{answer:?}");
        }
        assert_eq!(connections, 1, "{answer:?}");
    }
}

/// Two readers of such an answer may disagree about where the next one starts.
#[tokio::test]
async fn an_answer_that_contradicts_itself_ends_its_connection() {
    for (answer, readable) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            false,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", false),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\nok\r\n0\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nok\r\n0\r\n\r\n",
            false,
        ),
    ] {
        let (outcomes, connections) = three_times("GET", answer).await;
        for outcome in outcomes {
            match (outcome, readable) {
                (Ok((head, body)), true) => {
                    assert_eq!((&*head, &*body), ("200 OK {}", "ok"), "{answer:?}");
                }
                (outcome, false) => {
                    assert_eq!(outcome, Err(ErrorKind::Protocol), "{answer:?}");
                }
                (outcome, _) => panic!("{answer:?}: {outcome:?}"),
            }
        }
        assert_eq!(connections, 3, "{answer:?}");
    }
}

#[tokio::test]
async fn a_coding_that_is_not_chunked_lasts_until_the_connection_ends() {
    for coding in ["gzip", "chunked, gzip", "xchunked"] {
        let origin = Peer::start(move |mut wire| async move {
            wire.request().await;
            let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\nall of it");
            wire.write(answer.as_bytes()).await;
        })
        .await;
        let client = client();
        for _ in 0..2 {
            let response = get(&client, &origin.url("/"), &Way::Direct).await;
            let read = match response {
                Ok(response) => text(response).await.map_err(|e| kind_of(&e)),
                Err(error) => Err(error.kind()),
            };
            assert!(
                matches!(read.as_deref(), Ok("all of it") | Err(ErrorKind::Protocol)),
                "{coding}: {read:?}"
            );
        }
        assert_eq!(origin.connections(), 2, "{coding}");
    }
}

#[tokio::test]
async fn trailers_are_dropped_and_the_connection_is_kept() {
    let (client, origin) = (
        client(),
        Peer::answering(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
             2\r\nok\r\n0\r\nX-Sum: 1\r\nProxy-Authenticate: Basic\r\nSet-Cookie: a=b\r\n\r\n",
        )
        .await,
    );
    for _ in 0..3 {
        let response = get(&client, &origin.url("/"), &Way::Direct).await.unwrap();
        assert!(!response.headers().contains_key("trailer"));
        let read = response.into_body().collect().await.unwrap();
        assert!(read.trailers().is_none(), "{:?}", read.trailers());
        assert_eq!(read.to_bytes(), "ok");
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn trailers_of_a_request_are_dropped() {
    let origin = Peer::answering(OK).await;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    let frames = [
        Ok::<_, BoxError>(http_body::Frame::data(Bytes::from_static(b"body"))),
        Ok(http_body::Frame::trailers(trailers)),
    ];
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let mut sent = request("POST", &origin.url("/"), body);
    sent.headers_mut()
        .insert("trailer", "x-sum".parse().unwrap());
    send(&client(), sent, &Way::Direct).await.unwrap();
    let seen = origin.received();
    assert!(seen.ends_with("4\r\nbody\r\n0\r\n\r\n"), "{seen}");
    assert!(!seen.contains("x-sum"), "{seen}");
}

/// The expectation goes along, and nobody waits for its answer.
#[tokio::test]
async fn a_body_is_sent_without_waiting_for_100_continue() {
    let waits = Peer::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let silent = Peer::answering(OK).await;
    for origin in [&waits, &silent] {
        let mut sent = request("POST", &origin.url("/"), full("body"));
        sent.headers_mut()
            .insert("expect", "100-continue".parse().unwrap());
        let response = send(&client(), sent, &Way::Direct).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        let seen = origin.received();
        assert!(
            seen.contains("expect: 100-continue") && seen.ends_with("body"),
            "{seen}"
        );
    }
}

/// What is left of the body would be taken for a request.
#[tokio::test]
async fn a_417_before_the_body_ends_its_connection() {
    let origin = Peer::start(|mut wire| async move {
        wire.head().await;
        wire.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
            .await;
        wire.closed().await;
    })
    .await;
    let client = client();
    for _ in 0..2 {
        let stuck = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, BoxError>>();
        let stuck = http_body_util::StreamBody::new(stuck).boxed_unsync();
        let mut sent = request("POST", &origin.url("/"), stuck);
        sent.headers_mut()
            .insert("expect", "100-continue".parse().unwrap());
        let response = send(&client, sent, &Way::Direct).await.unwrap();
        assert_eq!(response.status(), 417);
        text(response).await.unwrap();
    }
    assert_eq!(origin.connections(), 2);
}

/// A peer may send interim answers for ever; the deadline ends it.
#[tokio::test]
async fn endless_interim_answers_end_with_the_deadline() {
    let origin = Peer::start(|mut wire| async move {
        wire.request().await;
        while wire.write(b"HTTP/1.1 103 Early Hints\r\n\r\n").await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let sent = request("GET", &origin.url("/"), empty());
    let limit = Duration::from_millis(200);
    let started = Instant::now();
    let error = client()
        .send(sent, &Way::Direct, &within(limit))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
}
