//! Framing and fields, without a proxy.

use super::{peer::Peer, *};

/// What `request` looks like on the wire.
async fn on_the_wire(method: &str, path: &str, fields: &[(&str, &str)], body: Body) -> String {
    let origin = Peer::answering(OK).await;
    let mut request = request(method, &origin.url(path), body);
    for (name, value) in fields {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let response = client()
        .send(request, &Way::Direct, &options())
        .await
        .unwrap();
    text(response).await.unwrap();
    origin
        .received()
        .replace(&origin.address.to_string(), "ORIGIN")
}

#[tokio::test]
async fn a_request_is_framed_by_its_body() {
    for (method, body, expected) in [
        ("GET", empty(), "GET /p?q HTTP/1.1\r\nhost: ORIGIN\r\n\r\n"),
        (
            "DELETE",
            empty(),
            "DELETE /p?q HTTP/1.1\r\nhost: ORIGIN\r\n\r\n",
        ),
        (
            "POST",
            empty(),
            "POST /p?q HTTP/1.1\r\nhost: ORIGIN\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "PUT",
            empty(),
            "PUT /p?q HTTP/1.1\r\nhost: ORIGIN\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "PATCH",
            empty(),
            "PATCH /p?q HTTP/1.1\r\nhost: ORIGIN\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "POST",
            full("body"),
            "POST /p?q HTTP/1.1\r\nhost: ORIGIN\r\ncontent-length: 4\r\n\r\nbody",
        ),
        (
            "GET",
            full("body"),
            "GET /p?q HTTP/1.1\r\nhost: ORIGIN\r\ncontent-length: 4\r\n\r\nbody",
        ),
        (
            "POST",
            pieces(vec![Ok("bo"), Ok("dy")]),
            "POST /p?q HTTP/1.1\r\nhost: ORIGIN\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        ),
        (
            "GET",
            pieces(vec![Ok("body")]),
            "GET /p?q HTTP/1.1\r\nhost: ORIGIN\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        ),
    ] {
        assert_eq!(
            on_the_wire(method, "/p?q", &[], body).await,
            expected,
            "{method}"
        );
    }
}

#[tokio::test]
async fn fields_of_the_callers_connection_do_not_pass() {
    let fields = [
        ("host", "evil.test"),
        ("content-length", "99"),
        ("transfer-encoding", "gzip"),
        ("connection", "x-hop, host, content-length"),
        ("x-hop", "1"),
        ("proxy-authorization", "Basic eA=="),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("x-end", "2"),
    ];
    let wire = on_the_wire("POST", "/", &fields, full("body")).await;
    assert_eq!(
        wire,
        "POST / HTTP/1.1\r\nx-end: 2\r\nhost: ORIGIN\r\ncontent-length: 4\r\n\r\nbody"
    );
}

#[tokio::test]
async fn userinfo_stays_here() {
    let origin = Peer::answering(OK).await;
    let url = format!("http://alice:secret@{}/", origin.address);
    get(&client(), &url, &Way::Direct).await.unwrap();
    assert!(!origin.received().contains("secret") && !origin.received().contains("alice"));
}

#[tokio::test]
async fn hop_by_hop_fields_of_a_response_do_not_pass() {
    let origin = Peer::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop, content-length\r\nX-Hop: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\n\
         Upgrade: h2c\r\nX-End: 2\r\n\r\nok",
    )
    .await;
    let response = get(&client(), &origin.url("/"), &Way::Direct)
        .await
        .unwrap();
    let names: Vec<_> = response
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    assert_eq!(names, ["content-length", "x-end"]);
    assert_eq!(text(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let origin = Peer::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let response = get(&client(), &origin.url("/"), &Way::Direct)
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("link"));
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\n\r\n",
        "x".repeat(2 * 1024 * 1024)
    );
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 2xx OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        &long,
    ] {
        let origin = Peer::answering(answer).await;
        let error = get(&client(), &origin.url("/"), &Way::Direct)
            .await
            .map(drop)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{}", shown(&error));
    }
}

#[tokio::test]
async fn a_dead_origin_is_a_connect_error_that_names_it() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = get(&client(), &format!("http://{gone}/"), &Way::Direct)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.to_string(), format!("no connection to http://{gone}"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_dns_error() {
    let error = get(&client(), "http://nowhere.invalid/", &Way::Direct)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dns);
}

#[tokio::test]
async fn connect_and_relative_targets_are_refused() {
    for (method, url) in [
        ("CONNECT", "http://a/"),
        ("GET", "/path"),
        ("GET", "ftp://a/"),
    ] {
        let refused = client()
            .send(request(method, url, empty()), &Way::Direct, &options())
            .await;
        assert_eq!(
            refused.unwrap_err().kind(),
            ErrorKind::InvalidRequest,
            "{method} {url}"
        );
    }
}
