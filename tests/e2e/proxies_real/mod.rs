//! The proxies people run, with and without credentials, for http and https
//! targets, by plugin and by the client's setting: what happened is read from
//! the proxy's own log and from the bytes that reached the origin.

mod kinds;
mod scene;

use cuttle_tests::{Authority, Credentials, Product, RealProxy, TestResult};

use scene::{
    Scene, can_be_killed_in_the_middle, carries_many_at_once, fails_without_the_right_credentials,
    is_proven_by_its_log, keeps_its_secrets, keeps_its_tunnels, opens_no_tunnel, passes,
};

const BOB: Credentials = Credentials {
    user: "bob",
    password: "s3cret-7Qz",
};
/// As in the address.
const USERINFO: &str = "bob:s3cret-7Qz";

const ANSWER: &str = "from the origin";

async fn serves(mut scene: Scene, credentials: Option<Credentials>) -> TestResult {
    passes(&scene).await?;
    keeps_its_tunnels(&scene).await?;
    carries_many_at_once(&scene).await?;
    if credentials.is_some() {
        fails_without_the_right_credentials(&scene).await?;
    }
    if !scene.product.tunnels() {
        opens_no_tunnel(&scene).await?;
    }
    is_proven_by_its_log(&mut scene).await?;
    keeps_its_secrets(&scene);
    can_be_killed_in_the_middle(&mut scene).await?;
    keeps_its_secrets(&scene);
    Ok(())
}

macro_rules! matrix {
    ($($name:ident: $product:ident, $credentials:expr;)*) => {$(
        #[tokio::test]
        async fn $name() -> TestResult {
            serves(Scene::set(Product::$product, $credentials).await?, $credentials).await
        }
    )*};
}

matrix! {
    tinyproxy: Tinyproxy, None;
    tinyproxy_with_credentials: Tinyproxy, Some(BOB);
    squid: Squid, None;
    squid_with_credentials: Squid, Some(BOB);
    apache: Apache, None;
    apache_with_credentials: Apache, Some(BOB);
    haproxy: Haproxy, None;
    haproxy_with_credentials: Haproxy, Some(BOB);
    nginx: Nginx, None;
    nginx_with_credentials: Nginx, Some(BOB);
    privoxy: Privoxy, None;
    // Its credentials are those of a squid behind it.
    privoxy_with_credentials: Privoxy, Some(BOB);
    microsocks: Microsocks, None;
    microsocks_with_credentials: Microsocks, Some(BOB);
    dante: Dante, None;
    dante_with_credentials: Dante, Some(BOB);
    v2ray: V2ray, None;
    v2ray_with_credentials: V2ray, Some(BOB);
    v2ray_by_http: V2rayHttp, None;
    v2ray_by_http_with_credentials: V2rayHttp, Some(BOB);
}

#[tokio::test]
async fn stunnel_before_tinyproxy() -> TestResult {
    behind_tls(Product::Stunnel, None).await
}

#[tokio::test]
async fn stunnel_before_tinyproxy_with_credentials() -> TestResult {
    behind_tls(Product::Stunnel, Some(BOB)).await
}

#[tokio::test]
async fn nghttpx_before_tinyproxy() -> TestResult {
    behind_tls(Product::Nghttpx, None).await
}

#[tokio::test]
async fn nghttpx_before_tinyproxy_with_credentials() -> TestResult {
    behind_tls(Product::Nghttpx, Some(BOB)).await
}

async fn behind_tls(shell: Product, credentials: Option<Credentials>) -> TestResult {
    let authority = Authority::new();
    let proxy = RealProxy::start_tls(shell, &authority, credentials).await;
    let scene = Scene::around(shell, proxy, credentials, authority).await?;
    serves(scene, credentials).await
}
