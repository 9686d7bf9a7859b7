//! A gate in front of a call: which targets, and which of their addresses.

use cuttle_egress::{Exceptions, Gate, Reach};
use http::Uri;

use super::{peer::Peer, *};

/// Names that every resolver takes for 127.0.0.1, as a rebound one would be.
const REBOUND: [&str; 5] = ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1"];

/// Admits every target, but only at these addresses; redirects to `/end` alone.
#[derive(Debug)]
struct Checked(Vec<&'static str>);

impl Gate for Checked {
    fn admit(&self, target: &Uri, redirected: bool) -> Result<Reach, String> {
        if redirected && target.path() != "/end" {
            return Err("this redirect goes too far".into());
        }
        Ok(Reach::Public(Arc::new(Exceptions {
            networks: self.0.iter().map(|text| text.parse().unwrap()).collect(),
            setting: "its.setting".into(),
        })))
    }
}

fn checked(networks: &[&'static str]) -> SendOptions {
    SendOptions {
        gate: Some(Arc::new(Checked(networks.to_vec()))),
        redirects: Redirects::Follow { send_body: false },
        ..options()
    }
}

async fn ask(client: &Client, url: &str, options: &SendOptions) -> Result<Response<Body>, Error> {
    let asked = request("GET", url, empty());
    client.send(asked, &Way::Direct, options).await
}

fn by_name(peer: &Peer, name: &str) -> String {
    format!("http://{name}:{}/", peer.address.port())
}

#[tokio::test]
async fn a_name_that_resolves_to_a_special_address_is_not_dialled() {
    let origin = Peer::answering(OK).await;
    for name in REBOUND
        .into_iter()
        .chain(["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
    {
        let url = by_name(&origin, name);
        let error = ask(&client(), &url, &checked(&[])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddressDenied, "{name}: {error}");
        let text = error.to_string();
        assert!(
            text.contains("is loopback: `its.setting` allows it"),
            "{text}"
        );
    }
    assert_eq!(origin.connections(), 0);
    for name in REBOUND {
        let url = by_name(&origin, name);
        ask(&client(), &url, &checked(&["127.0.0.0/8"]))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_was_not_checked_is_none_for_a_checked_call() {
    let origin = Peer::answering(OK).await;
    let (client, url) = (client(), by_name(&origin, "127.1"));
    let answer = ask(&client, &url, &options()).await.unwrap();
    text(answer).await.unwrap();
    assert_eq!(client.connections().idle, 1);

    let error = ask(&client, &url, &checked(&[])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressDenied, "{error}");
    let answer = ask(&client, &url, &checked(&["127.0.0.1"])).await.unwrap();
    text(answer).await.unwrap();
    // Nor is one that was checked against other exceptions.
    let error = ask(&client, &url, &checked(&["127.0.0.2"]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressDenied, "{error}");
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn a_proxy_that_takes_addresses_gets_no_special_one() {
    let proxy = Peer::answering("").await;
    let way = through(&format!("socks5://{}", proxy.address));
    let asked = request("GET", "http://127.1/", empty());
    let sent = client().send(asked, &way, &checked(&[])).await;
    assert_eq!(sent.unwrap_err().kind(), ErrorKind::AddressDenied);
    assert_eq!(proxy.connections(), 0);
}

/// The proxy resolves, in a network of its own.
#[tokio::test]
async fn through_a_proxy_that_resolves_there_is_nothing_to_check() {
    let proxy = Peer::answering(OK).await;
    let way = through(&format!("http://{}", proxy.address));
    let asked = request("GET", "http://internal.test/", empty());
    client().send(asked, &way, &checked(&[])).await.unwrap();
    assert!(proxy.received().contains("http://internal.test/"));
}

#[tokio::test]
async fn every_redirect_is_asked_for() {
    let end = Peer::answering(OK).await;
    for (path, expected) in [("/end", None), ("/further", Some(ErrorKind::Denied))] {
        let location = format!("http://{}{path}", end.address);
        let origin = Peer::answering(format!(
            "HTTP/1.1 302 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        let sent = ask(&client(), &origin.url("/"), &checked(&["127.0.0.1"])).await;
        assert_eq!(sent.err().map(|error| error.kind()), expected, "{path}");
    }
    assert_eq!(end.connections(), 1);
}
