//! Plugins from `plugin.folder`, by name.

use cuttle_tests::{Gateway, Origin, Product, RealProxy, TestResult, bundled_plugin, fixture};
use serde_json::json;

use crate::support::{
    by_plugin, endpoint, plugin_folder, plugins_from_folder, service, with_plugin,
};

#[tokio::test]
async fn plugins_of_the_folder_are_found_by_the_names_of_their_files() -> TestResult {
    let (origin, proxy) = (
        Origin::replying("ok").await,
        RealProxy::start(Product::Tinyproxy, None).await,
    );
    let folder = plugin_folder(&[&bundled_plugin(), &fixture("adds-header")]);
    let own = json!({ "name": "adds-header" });
    let config = plugins_from_folder(service(vec![
        by_plugin(endpoint("/proxied", &origin.url()), &proxy.url()),
        with_plugin(endpoint("/own", &origin.url()), own),
    ]));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;

    assert_eq!(gateway.get("/proxied").await?.status, 200);
    proxy.logged("/proxied").await;

    assert_eq!(gateway.get("/own").await?.status, 200);
    assert_eq!(origin.last().head.field("x-added"), Some("by a plugin"));
    assert!(
        !proxy.access_log().contains("/own"),
        "the other plugin has no proxy"
    );
    Ok(())
}

#[tokio::test]
async fn a_file_takes_precedence_over_the_bundled_plugin_and_says_so() -> TestResult {
    let (origin, proxy) = (
        Origin::replying("ok").await,
        RealProxy::start(Product::Tinyproxy, None).await,
    );
    let folder = plugin_folder(&[&bundled_plugin()]);
    let proxied = by_plugin(endpoint("/proxied", &origin.url()), &proxy.url());
    let config = plugins_from_folder(service(vec![proxied]));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let said = gateway.log().events().into_iter().any(|event| {
        let text = event.to_string();
        event["level"] == "INFO" && text.contains("http-proxy") && text.contains("bundled")
    });
    assert!(said, "{:?}", gateway.log());
    Ok(())
}

#[tokio::test]
async fn files_outside_of_the_pattern_are_left_alone() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[]);
    std::fs::write(folder.path().join("plugins/README.txt"), "not a plugin")?;
    let config = plugins_from_folder(service(vec![endpoint("/x", &origin.url())]));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    assert_eq!(gateway.get("/x").await?.status, 200);
    assert_eq!(gateway.warnings(), Vec::<String>::new());
    Ok(())
}
