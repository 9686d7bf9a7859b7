use super::*;

async fn closed_after(extra: Value, backend: &Backend, wire: &str) -> (Duration, String) {
    let server = Running::start(&extra, backend);
    let mut client = server.connect().await;
    let start = Instant::now();
    client.send(wire).await;
    let got = client.rest().await;
    (start.elapsed(), got)
}

#[tokio::test]
async fn silent_slow_and_idle_clients_are_cut_in_time() {
    let (backend, _seen) = hanging();
    let post = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npart";
    let cases = [
        (
            "a silent connection",
            json!({ "read_header_timeout": "300ms" }),
            "",
        ),
        (
            "half a head",
            json!({ "read_header_timeout": "300ms" }),
            "GET /x HT",
        ),
        (
            "half a head of the second request",
            json!({ "read_header_timeout": "300ms" }),
            "GET /__health HTTP/1.1\r\nHost: a\r\n\r\nGET",
        ),
        (
            "an idle connection",
            json!({ "idle_timeout": "300ms" }),
            "GET /__health HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        ("half a body", json!({ "read_timeout": "300ms" }), post),
        (
            "an answer that takes too long",
            json!({ "write_timeout": "300ms" }),
            GET,
        ),
    ];
    for (what, extra, wire) in cases {
        let (took, got) = closed_after(extra, &backend, wire).await;
        assert!(took >= Duration::from_millis(290), "{what}: {took:?} {got}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        assert_eq!(
            got.contains("200 OK"),
            wire.contains("__health"),
            "{what}: {got}"
        );
    }
}

#[tokio::test]
async fn bytes_now_and_then_do_not_stretch_a_limit() {
    let server = Running::start(&json!({ "read_header_timeout": "400ms" }), &Backend::echo());
    let mut client = server.connect().await;
    let start = Instant::now();
    let drip = async {
        for byte in b"GET /x HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            .iter()
            .cycle()
        {
            if tokio::io::AsyncWriteExt::write_u8(&mut client.0, *byte)
                .await
                .is_err()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(drip).await;
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_by_the_write_limit() {
    let endless = Backend::new(|_| async { Ok(Response::new(full(vec![b'a'; 64 << 20]))) });
    let server = Running::start(&json!({ "write_timeout": "400ms" }), &endless);
    let mut client = server.connect().await;
    client.send(GET).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    let got = client.rest().await;
    assert!(got.len() < 64 << 20, "{}", got.len());
}
