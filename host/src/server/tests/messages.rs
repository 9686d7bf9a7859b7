use super::*;

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = Running::start(&json!({}), &Backend::echo());
    let first = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none";
    let second =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n";
    let both = server.exchange([first, second, LAST].concat()).await;
    assert_eq!(both.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{both}");
    assert!(
        both.contains("\r\n\r\none") && both.contains("\r\n\r\ntwo"),
        "{both}"
    );

    let mut client = server.connect().await;
    client.send(first).await;
    client.until("one").await;
    client.send(second).await;
    client.until("two").await;
}

#[tokio::test]
async fn an_ambiguous_or_unusable_head_is_refused_before_the_backend() {
    let (backend, mut seen) = hanging();
    let server = Running::start(&json!({}), &backend);
    let long = "a".repeat(20_000);
    let host = "Host: a\r\n";
    let cases = [
        (
            "POST /x HTTP/1.1",
            format!("{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Transfer-Encoding: gzip, chunked\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Transfer-Encoding: chunked, chunked\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Transfer-Encoding: xchunked\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.0",
            format!("{host}Transfer-Encoding: chunked\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Content-Length: 1\r\nContent-Length: 1\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Content-Length: 1\r\nContent-Length: 2\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Content-Length: +1\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Content-Length: 1, 1\r\n"),
            "400",
        ),
        (
            "POST /x HTTP/1.1",
            format!("{host}Content-Length: -1\r\n"),
            "400",
        ),
        ("GET /x HTTP/1.1", String::new(), "400"),
        ("GET /x HTTP/1.1", format!("{host}{host}"), "400"),
        ("GET /x HTTP/1.1", String::from("Host: u@a\r\n"), "400"),
        ("GET /x HTTP/1.1", String::from("Host: a b\r\n"), "400"),
        ("GET /x HTTP/1.1", format!("{host}X : 1\r\n"), "400"),
        (
            "GET /x HTTP/1.1",
            format!("{host}X: 1\r\n folded\r\n"),
            "400",
        ),
        ("GET * HTTP/1.1", host.to_owned(), "400"),
        ("CONNECT a:443 HTTP/1.1", host.to_owned(), "501"),
        ("TRACE /x HTTP/1.1", host.to_owned(), "501"),
        (&*format!("GET /{long} HTTP/1.1"), host.to_owned(), "414"),
    ];
    for (line, fields, expected) in cases {
        let wire = format!("{line}\r\n{fields}\r\n0\r\n\r\nGET /x HTTP/1.1\r\n{host}\r\n");
        let answer = server.exchange(wire).await;
        assert_eq!(status(&answer), expected, "{line:.30} {fields}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.").count(),
            1,
            "{line:.30} {fields}: one answer, then closed"
        );
    }
    assert!(seen.try_recv().is_err(), "the backend was called");
}

#[tokio::test]
async fn a_refusal_meets_the_request_it_is_about() {
    let server = Running::start(&json!({}), &Backend::echo());
    let good = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none";
    let bad = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answers = server.exchange([good, bad, good].concat()).await;
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|one| one.get(..3))
        .collect();
    assert_eq!(statuses, ["200", "400"], "{answers}");
}

#[tokio::test]
async fn a_head_has_a_size_limit() {
    let server = Running::start(&json!({ "max_header_bytes": 16384 }), &Backend::echo());
    let head = |size| {
        format!(
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n",
            "a".repeat(size)
        )
    };
    assert_eq!(status(&server.exchange(head(15_000)).await), "200");
    assert_eq!(status(&server.exchange(head(17_000)).await), "431");
    assert_eq!(status(&server.exchange(head(200_000)).await), "431");

    let server = Running::start(&json!({ "max_header_bytes": 1024 }), &Backend::echo());
    let mut client = server.connect().await;
    let long = head(2000);
    let (first, second) = long.split_at(1500);
    client.send(first).await;
    tokio::task::yield_now().await;
    client.send(second).await;
    assert_eq!(
        status(&client.rest().await),
        "431",
        "less than hyper's own limit"
    );
}

#[tokio::test]
async fn a_malformed_body_is_the_clients_fault_and_ends_the_connection() {
    let server = Running::start(&json!({}), &Backend::echo());
    let answer = server
        .exchange(format!(
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n{GET}"
        ))
        .await;
    assert_eq!(status(&answer), "400", "{answer}");
    assert!(answer.contains("Connection: close"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_client_that_is_still_sending_is_answered_and_not_reset() {
    let server = Running::start(&json!({}), &Backend::echo());
    let mut client = server.connect().await;
    client
        .send("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert_eq!(status(&answer), "404", "{answer}");
    for _ in 0..50 {
        client.send([b'a'; 3000]).await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let server = Running::start(&json!({}), &Backend::echo());
    let mut client = server.connect().await;
    client
        .send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .await;
    assert_eq!(
        client.until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    client.send("ok").await;
    assert!(
        client
            .until("\r\n\r\nok")
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[tokio::test]
async fn the_answers_of_the_server_itself() {
    let server = Running::start(
        &json!({ "extra_config": { "router": { "auto_options": true } } }),
        &Backend::echo(),
    );
    let cases = [
        ("GET /__health", "200", r#""status":"ok""#),
        ("POST /__health", "405", "405 method not allowed"),
        ("GET /none", "404", "404 page not found"),
        ("DELETE /x", "405", "405 method not allowed"),
        ("OPTIONS *", "200", "Content-Length: 0"),
        ("OPTIONS /x", "200", "Allow: GET, POST"),
        ("GET /x/", "301", "Location: /x"),
    ];
    for (line, expected, part) in cases {
        let answer = server
            .exchange(format!(
                "{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ))
            .await;
        assert_eq!(status(&answer), expected, "{line}: {answer}");
        assert!(answer.contains(part), "{line}: {answer}");
    }
}

#[tokio::test]
async fn a_panic_costs_its_own_request_only() {
    let backend = Backend::new(|_| async { panic!("on purpose") });
    let server = Running::start(&json!({}), &backend);
    let answers = server.exchange([GET, LAST].concat()).await;
    assert_eq!(answers.matches("HTTP/1.1 500 ").count(), 2, "{answers}");
    assert_eq!(server.gateway.panics(), 2);
}
