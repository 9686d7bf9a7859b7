use super::*;

#[tokio::test]
async fn h2c_is_spoken_where_configured_only() {
    let server = Running::start(&json!({ "use_h2c": true }), &Backend::echo());
    let request = || {
        Request::get("http://a/x")
            .body(Empty::<Bytes>::new())
            .unwrap()
    };
    let answer = within(h2c(&server).await.send_request(request()))
        .await
        .unwrap();
    assert_eq!(
        (answer.status(), answer.version()),
        (http::StatusCode::OK, http::Version::HTTP_2)
    );
    assert_eq!(
        status(&server.exchange(LAST).await),
        "200",
        "HTTP/1.1 beside it"
    );

    let server = Running::start(&json!({}), &Backend::echo());
    assert!(
        within(h2c(&server).await.send_request(request()))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn http_1_0_clients_are_served() {
    let server = Running::start(&json!({}), &Backend::echo());
    let answer = server.exchange("GET /x HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&answer), "200", "{answer}");
}
