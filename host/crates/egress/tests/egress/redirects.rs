//! Following redirects.

use super::{peer::Peer, *};

fn following(send_body: bool) -> SendOptions {
    SendOptions {
        redirects: Redirects::Follow { send_body },
        ..options()
    }
}

/// Answers everything but `/end` with `status` and `location`.
async fn redirecting(status: u16, location: impl Into<String>) -> Peer {
    let location = location.into();
    Peer::start(move |mut wire| {
        let location = location.clone();
        async move {
            while let Some(request) = wire.request().await {
                let answer = if request.split(' ').nth(1) == Some("/end") {
                    OK.to_owned()
                } else {
                    format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\ngone")
                };
                wire.write(answer.as_bytes()).await;
            }
        }
    })
    .await
}

/// The request lines that `peer` got.
fn lines(peer: &Peer) -> Vec<String> {
    let received = peer.received();
    let heads = received.lines().filter(|line| line.ends_with(" HTTP/1.1"));
    heads
        .map(|line| {
            line.trim_end_matches(" HTTP/1.1")
                .trim_start_matches("body")
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn methods_and_bodies_follow_the_status() {
    for (status, method, send_body, answer, second) in [
        (301, "GET", false, 200, Some("GET")),
        (302, "POST", false, 200, Some("GET")),
        (303, "PUT", false, 200, Some("GET")),
        (302, "HEAD", false, 200, Some("HEAD")),
        (307, "GET", false, 200, Some("GET")),
        (308, "DELETE", false, 200, Some("DELETE")),
        (307, "POST", false, 307, None),
        (308, "POST", false, 308, None),
        (307, "POST", true, 200, Some("POST")),
        (304, "GET", false, 304, None),
        (300, "GET", false, 300, None),
    ] {
        let origin = redirecting(status, "/end").await;
        let body = if matches!(method, "POST" | "PUT") {
            full("body")
        } else {
            empty()
        };
        let mut asked = request(method, &origin.url("/"), body);
        asked
            .headers_mut()
            .insert("content-type", "text/plain".parse().unwrap());
        let response = client()
            .send(asked, &Way::Direct, &following(send_body))
            .await
            .unwrap();
        assert_eq!(response.status(), answer, "{status} {method}");
        let second: Vec<_> = second
            .map(|method| format!("{method} /end"))
            .into_iter()
            .collect();
        assert_eq!(lines(&origin)[1..], second, "{status} {method}");
        let bodies = origin.received().matches("body").count();
        let sent = usize::from(matches!(method, "POST" | "PUT"));
        assert_eq!(bodies, sent + usize::from(send_body), "{status} {method}");
        let kept = origin.received().matches("content-type").count();
        // 301 to 303 drop what describes a body.
        let keeps = status >= 307 && !second.is_empty();
        assert_eq!(kept, 1 + usize::from(keeps), "{status} {method}");
    }
}

#[tokio::test]
async fn nothing_is_followed_unless_asked_for() {
    let origin = redirecting(302, "/end").await;
    let response = get(&client(), &origin.url("/"), &Way::Direct)
        .await
        .unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(text(response).await.unwrap(), "gone");
}

#[tokio::test]
async fn a_redirect_leaves_its_connection_usable_and_says_where_it_came_from() {
    let origin = redirecting(302, "/end").await;
    let asked = request("GET", &origin.url("/x?y"), empty());
    client()
        .send(asked, &Way::Direct, &following(false))
        .await
        .unwrap();
    assert_eq!(origin.connections(), 1);
    assert!(
        origin
            .received()
            .contains(&format!("referer: {}\r\n", origin.url("/x?y")))
    );
}

#[tokio::test]
async fn ten_requests_in_a_row_are_the_limit() {
    let origin = redirecting(302, "/again").await;
    let asked = request("GET", &origin.url("/"), empty());
    let error = client()
        .send(asked, &Way::Direct, &following(false))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "stopped after 10 redirects");
    assert_eq!(lines(&origin).len(), 10);
}

#[tokio::test]
async fn what_cannot_be_followed_is_handed_back() {
    for location in ["ftp://a.test/", "http://", "javascript:alert(1)"] {
        let origin = redirecting(302, location).await;
        let asked = request("GET", &origin.url("/"), empty());
        let response = client()
            .send(asked, &Way::Direct, &following(false))
            .await
            .unwrap();
        assert_eq!(response.status(), 302, "{location}");
        assert_eq!(text(response).await.unwrap(), "gone");
    }
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_domain() {
    let other = Peer::answering(OK).await;
    let elsewhere = format!("http://localhost:{}/", other.address.port());
    for (location, follows) in [(elsewhere, false), (other.url("/"), true)] {
        let before = other.received().len();
        let origin = redirecting(302, location).await;
        let mut asked = request("GET", &origin.url("/"), empty());
        for name in ["authorization", "cookie", "www-authenticate", "x-other"] {
            let name = http::HeaderName::from_static(name);
            asked.headers_mut().insert(name, "secret".parse().unwrap());
        }
        client()
            .send(asked, &Way::Direct, &following(false))
            .await
            .unwrap();
        let received = other.received()[before..].to_owned();
        assert!(received.contains("x-other: secret"));
        for name in ["authorization", "cookie", "www-authenticate"] {
            assert_eq!(received.contains(name), follows, "{name}");
        }
    }
}

/// One hop through the proxy, the next one direct: the way is chosen anew.
#[tokio::test]
async fn proxy_credentials_do_not_follow_out_of_the_proxy() {
    let origin = Peer::answering(OK).await;
    let proxy = redirecting(302, origin.url("/")).await;
    let address = format!("http://alice:secret@{}", proxy.address);
    let options = ProxyOptions {
        no_proxy: vec!["127.0.0.1".to_owned()],
        ..ProxyOptions::default()
    };
    let way = Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()));
    let asked = request("GET", "http://a.test/", empty());
    client().send(asked, &way, &following(false)).await.unwrap();
    assert!(proxy.received().contains("proxy-authorization: "));
    assert!(!origin.received().contains("proxy-authorization"));
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn a_body_above_the_limit_is_sent_once_and_the_redirect_handed_back() {
    let origin = redirecting(307, "/end").await;
    let body = Bytes::from(vec![b'x'; 1024 * 1024 + 1]);
    let known = Full::new(body.clone())
        .map_err(|never| match never {})
        .boxed_unsync();
    let (one, two) = (body.slice(..1024 * 1024), body.slice(1024 * 1024..));
    let frames = [one, two].map(|bytes| Ok::<_, BoxError>(http_body::Frame::data(bytes)));
    let unknown =
        http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    for body in [known, unknown] {
        let asked = request("POST", &origin.url("/"), body);
        let response = client()
            .send(asked, &Way::Direct, &following(true))
            .await
            .unwrap();
        assert_eq!(response.status(), 307);
    }
    assert_eq!(
        origin.received().matches('x').count(),
        2 * (1024 * 1024 + 1)
    );
}
