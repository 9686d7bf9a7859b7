//! What the configuration names is read anew: values, certificates, plugins,
//! PAC files.

use std::{fs, sync::Arc};

use cuttle_tests::{
    Authority, Credentials, Gateway, Origin, Product, RealProxy, TestResult, command, fixture, soon,
};
use serde_json::json;

use super::{is_failure, is_success};
use crate::support::{
    both_ways, endpoint, plugin_folder, plugins_from_folder, service, with_client, with_plugin,
};

/// Credentials by reference are read anew, for both ways to a proxy, and a real
/// one is convinced by them.
#[tokio::test]
async fn a_changed_password_file_counts_from_the_reload_on() -> TestResult {
    let alice = Credentials {
        user: "alice",
        password: "the new one",
    };
    let origin = Origin::replying("ok").await;
    let proxy = RealProxy::start(Product::Squid, Some(alice)).await;
    let folder = Arc::new(tempfile::tempdir()?);
    let file = folder.path().join("password");
    fs::write(&file, "the old one\n")?;
    let settings = json!({
        "proxy_address": proxy.url(), "proxy_username": alice.user,
        "proxy_password": { "file": file },
    });
    let config = service(both_ways(&origin.url(), &settings));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let ask = async || -> anyhow::Result<[u16; 2]> {
        let plugin = gateway.get("/plugin").await?.status;
        Ok([plugin, gateway.get("/client").await?.status])
    };
    assert_eq!(ask().await?, [500, 500]);
    fs::write(&file, "the new one\n")?;
    assert_eq!(ask().await?, [500, 500], "nobody has said a word yet");
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!(ask().await?, [200, 200]);
    assert_eq!(origin.hits(), 2);
    assert!(!gateway.log().text().contains("the new one"));
    Ok(())
}

#[tokio::test]
async fn a_changed_certificate_is_shown_to_new_connections() -> TestResult {
    let (old, new) = (Authority::new(), Authority::new());
    let origin = Origin::replying("ok").await;
    let folder = Arc::new(tempfile::tempdir()?);
    let (certificate, key) = old.issue(&["127.0.0.1"], folder.path());
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    config["tls"] = json!({ "keys": [{ "public_key": certificate, "private_key": key }] });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let url = format!("https://{}/x", gateway.address());
    let trusts = async |authority: &Authority| -> anyhow::Result<bool> {
        let ca = authority.file().display().to_string();
        let mut curl = command("/usr/bin/curl", &["-s", "--cacert", &ca, &url]);
        let output = soon("curl's answer", curl.output()).await?;
        Ok(output.stdout == b"ok")
    };
    assert_eq!((trusts(&old).await?, trusts(&new).await?), (true, false));
    new.issue(&["127.0.0.1"], folder.path());
    assert_eq!((trusts(&old).await?, trusts(&new).await?), (true, false));
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!((trusts(&old).await?, trusts(&new).await?), (false, true));

    fs::write(folder.path().join("key.pem"), "half a k")?;
    assert!(is_failure(&gateway.reload(2).await?));
    assert_eq!((trusts(&old).await?, trusts(&new).await?), (false, true));
    Ok(())
}

#[tokio::test]
async fn a_plugin_replaced_in_its_folder_is_used_from_the_reload_on() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[&fixture("adds-header")]);
    let place = folder.path().join("plugins");
    fs::rename(place.join("adds-header.wasm"), place.join("mine.wasm"))?;
    let mine = with_plugin(endpoint("/x", &origin.url()), json!({ "name": "mine" }));
    let config = plugins_from_folder(service(vec![mine]));
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let before = gateway.get("/x").await?;
    assert_eq!((before.status, before.body.as_str()), (200, "ok"));

    fs::copy(fixture("returns-error"), place.join("mine.wasm"))?;
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!(gateway.get("/x").await?.status, 500);

    fs::write(place.join("mine.wasm"), "half a compon")?;
    assert!(is_failure(&gateway.reload(2).await?));
    fs::copy(fixture("adds-header"), place.join("mine.wasm"))?;
    assert!(is_success(&gateway.reload(3).await?));
    assert_eq!(gateway.get("/x").await?.body, "ok");
    Ok(())
}

/// A script that is as it was is not run again, one that is not is.
#[tokio::test]
async fn a_changed_pac_file_decides_from_the_reload_on() -> TestResult {
    let proxies = [
        Origin::replying("first").await,
        Origin::replying("second").await,
    ];
    let folder = Arc::new(tempfile::tempdir()?);
    let file = folder.path().join("proxy.pac");
    let script = |proxy: &Origin| {
        format!(
            "function FindProxyForURL() {{ return 'PROXY {}'; }}",
            proxy.authority()
        )
    };
    fs::write(&file, script(&proxies[0]))?;
    let by_pac = with_client(
        endpoint("/x", "http://behind.test"),
        json!({ "proxy_pac": file }),
    );
    let gateway = Gateway::configured(service(vec![by_pac]))
        .dir(&folder)
        .start()
        .await?;
    assert_eq!(gateway.get("/x").await?.body, "first");
    fs::write(&file, script(&proxies[1]))?;
    for count in 1..=2 {
        assert!(is_success(&gateway.reload(count).await?));
        assert_eq!(gateway.get("/x").await?.body, "second");
    }
    fs::write(&file, "function FindProxy")?;
    assert!(is_failure(&gateway.reload(3).await?));
    assert_eq!(gateway.get("/x").await?.body, "second");
    Ok(())
}

/// No signal: the files are looked at.
#[tokio::test]
async fn with_watch_a_changed_file_is_enough() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[&fixture("adds-header")]);
    let secret = folder.path().join("secret");
    fs::write(&secret, "old")?;
    let config = |path: &str| {
        let mut one = endpoint(path, &origin.url());
        one["backend"][0]["extra_config"] = json!({ "backend/http/client": {
            "proxy_address": origin.url(), "proxy_username": "al", "proxy_password": { "file": secret },
        } });
        let mine = with_plugin(
            endpoint("/plugin", &origin.url()),
            json!({ "name": "adds-header" }),
        );
        plugins_from_folder(service(vec![one, mine]))
    };
    let starting = Gateway::configured(config("/a")).argument("--watch");
    let gateway = starting.dir(&folder).start().await?;
    assert_eq!(gateway.get("/a").await?.status, 200);
    let sent = || {
        origin
            .last()
            .head
            .field("proxy-authorization")
            .map(str::to_owned)
    };
    let before = sent();

    gateway.configure(config("/b"))?;
    assert!(is_success(&gateway.reloaded(1).await?));
    assert_eq!(gateway.get("/b").await?.status, 200);
    assert_eq!(sent(), before);

    fs::write(&secret, "new")?;
    assert!(is_success(&gateway.reloaded(2).await?));
    assert_eq!(gateway.get("/b").await?.status, 200);
    assert_ne!(sent(), before);

    let plugin = folder.path().join("plugins/adds-header.wasm");
    fs::copy(fixture("returns-error"), plugin)?;
    assert!(is_success(&gateway.reloaded(3).await?));
    assert_eq!(gateway.get("/plugin").await?.status, 500);

    // Half a file stays without effect, and its other half is noticed.
    let text = config("/c").to_string();
    let half: String = text.chars().take(text.len() / 2).collect();
    gateway.write(&half)?;
    assert!(is_failure(&gateway.reloaded(4).await?));
    assert_eq!(gateway.get("/b").await?.status, 200);
    gateway.write(&text.replace(
        "{\"endpoints\"",
        "{\"listen_ip\":\"127.0.0.1\",\"endpoints\"",
    ))?;
    assert!(is_success(&gateway.reloaded(5).await?));
    assert_eq!(gateway.get("/c").await?.status, 200);
    Ok(())
}
