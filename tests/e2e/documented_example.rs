//! The configuration of KrakenD's documentation, unchanged.

use cuttle_tests::{Configured, Gateway, Origin, Product, RealProxy, TestResult};

/// Word for word; only hosts and ports become the test's.
const DOCUMENTED: &str = r#"{"version": 3, "plugin": {"pattern": ".so", "folder": "/opt/krakend/plugins/"}, "endpoints": [{"endpoint": "/health", "output_encoding": "no-op", "backend": [{"url_pattern": "/__health", "host": ["http://localhost:8080"], "encoding": "no-op",
"extra_config": {"plugin/http-client": {"name": "http-proxy", "proxy_address": "http://myproxy:8080"}}}]}]}"#;

/// Name of the namespace in configurations of KrakenD 0.x and 1.x.
const HISTORICAL: &str = "github.com/devopsfaith/krakend/transport/http/client/executor";

async fn start(text: &str, origin: &Origin, proxy: &RealProxy) -> anyhow::Result<Gateway> {
    let text = text
        .replace(
            "http://localhost:8080",
            &format!("http://localhost:{}", origin.port()),
        )
        .replace("http://myproxy:8080", &proxy.url());
    // The file leaves the address open; a test stays on the loopback interface.
    Configured::text(&text)
        .env("KRAKEND_LISTEN_IP", "127.0.0.1")
        .start()
        .await
}

#[tokio::test]
async fn the_documented_example_goes_through_its_proxy() -> TestResult {
    let (origin, proxy) = (
        Origin::replying("healthy").await,
        RealProxy::start(Product::Tinyproxy, None).await,
    );
    let gateway = start(DOCUMENTED, &origin, &proxy).await?;

    let answer = gateway.get("/health").await?;

    assert_eq!((answer.status, answer.body.as_str()), (200, "healthy"));
    let target = format!("GET http://localhost:{}/__health", origin.port());
    proxy.logged(&target).await;
    assert_eq!(origin.last().head.start, "GET /__health HTTP/1.1");
    assert_eq!(origin.hits(), 1);
    Ok(())
}

#[tokio::test]
async fn the_documented_example_warns_of_the_shared_object_and_of_the_folder_and_of_nothing_else()
-> TestResult {
    let (origin, proxy) = (
        Origin::replying("healthy").await,
        RealProxy::start(Product::Tinyproxy, None).await,
    );
    let gateway = start(DOCUMENTED, &origin, &proxy).await?;
    let warnings = gateway.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    for text in [".so", "/opt/krakend/plugins/"] {
        let found = warnings
            .iter()
            .filter(|warning| warning.contains(text))
            .count();
        assert!(found >= 1, "{text} in {warnings:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_historical_name_of_the_namespace_works_too() -> TestResult {
    let (origin, proxy) = (
        Origin::replying("healthy").await,
        RealProxy::start(Product::Tinyproxy, None).await,
    );
    let text = DOCUMENTED.replace("plugin/http-client", HISTORICAL);
    let gateway = start(&text, &origin, &proxy).await?;
    assert_eq!(gateway.get("/health").await?.body, "healthy");
    proxy.logged("/__health").await;
    Ok(())
}
