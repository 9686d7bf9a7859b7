use super::*;
use crate::{Exchange, Origin, Outgoing};

const BOB: Credentials = Credentials {
    user: "bob",
    password: "s3cret",
};

/// `bob:s3cret`
const AUTHORIZATION: &str = "Basic Ym9iOnMzY3JldA==";

async fn get(proxy: SocketAddr, target: &str, authorization: Option<&str>) -> u16 {
    let host = target.split('/').nth(2).expect("an authority");
    let mut request = Outgoing::new("GET", target)
        .field("Host", host)
        .field("Connection", "close");
    if let Some(value) = authorization {
        request = request.field("Proxy-Authorization", value);
    }
    Exchange::ask(proxy, request)
        .await
        .expect("an answer")
        .status
}

#[tokio::test]
async fn those_that_speak_http_pass_requests_on_and_log_them() {
    let origin = Origin::replying("ok").await;
    for product in Product::HTTP {
        let proxy = RealProxy::start(product, None).await;
        let target = format!("{}/seen", origin.url());
        assert_eq!(get(proxy.address, &target, None).await, 200, "{product:?}");
        let trace = proxy.trace(&origin.authority(), "/seen", false);
        proxy.logged(&trace).await;
    }
    assert_eq!(origin.hits(), Product::HTTP.len());
}

#[tokio::test]
async fn those_that_can_ask_for_credentials_do() {
    let origin = Origin::replying("ok").await;
    let able = Product::HTTP.into_iter().filter(|one| one.authenticates());
    let mut passed = 0;
    for product in able {
        let proxy = RealProxy::start(product, Some(BOB)).await;
        let target = origin.url();
        let known = get(proxy.address, &target, Some(AUTHORIZATION)).await;
        assert_eq!(get(proxy.address, &target, None).await, 407, "{product:?}");
        assert_eq!(known, 200, "{product:?}");
        passed += 1;
    }
    assert_eq!(origin.hits(), passed);
}

#[tokio::test]
async fn one_that_is_killed_leaves_no_worker_behind() {
    let mut proxy = RealProxy::start(Product::Apache, None).await;
    proxy.kill().await;
    let connected = TcpStream::connect(proxy.address).await;
    assert!(connected.is_err(), "nobody listens any more");
}
