//! How connections to backends are made: settings of the service that only a
//! socket can show.

use std::{sync::Arc, time::Duration};

use cuttle_tests::{Authority, Gateway, Origin, TestResult};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout},
};

use crate::support::{endpoint, service};

/// The peer is a gateway too, whose listener takes one version alone.
#[tokio::test]
async fn client_tls_says_which_versions_are_spoken_to_backends() -> TestResult {
    let (authority, origin) = (Authority::new(), Origin::replying("ok").await);
    let folder = Arc::new(tempfile::tempdir()?);
    let (certificate, key) = authority.issue(&["127.0.0.1"], folder.path());
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    config["tls"] = json!({
        "keys": [{ "public_key": certificate, "private_key": key }],
        "min_version": "TLS12", "max_version": "TLS12",
    });
    let peer = Gateway::configured(config).dir(&folder).start().await?;
    for (versions, status) in [
        (json!({}), 500),
        (json!({ "min_version": "TLS12" }), 200),
        (json!({ "max_version": "TLS12" }), 200),
        (json!({ "min_version": "TLS13" }), 500),
    ] {
        let gateway = Gateway::start(trusting(&authority, &peer, &versions)).await?;
        assert_eq!(gateway.get("/x").await?.status, status, "{versions}");
    }
    Ok(())
}

fn trusting(authority: &Authority, peer: &Gateway, versions: &Value) -> Value {
    let host = format!("https://{}", peer.address());
    let mut config = service(vec![endpoint("/x", &host)]);
    config["client_tls"] = versions.clone();
    config["client_tls"]["ca_certs"] = json!([authority.file()]);
    config
}

/// Two gateways in a row: the inner one asks for a certificate and tells which
/// backend's it was by answering at all.
#[tokio::test]
async fn a_backend_has_tls_settings_of_its_own() -> TestResult {
    let (authority, origin) = (Authority::new(), Origin::replying("ok").await);
    let folder = Arc::new(tempfile::tempdir()?);
    let (certificate, key) = authority.issue(&["127.0.0.1"], folder.path());
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    config["tls"] = json!({
        "keys": [{ "public_key": certificate, "private_key": key }],
        "enable_mtls": true, "ca_certs": [authority.file()],
    });
    let peer = Gateway::configured(config).dir(&folder).start().await?;
    let host = format!("https://{}", peer.address());
    let shown = json!({
        "ca_certs": [authority.file()],
        "client_certs": [{ "certificate": certificate, "private_key": key }],
    });
    let with = |path: &str, tls: Option<Value>| {
        let mut endpoint = endpoint(path, &host);
        endpoint["backend"][0]["url_pattern"] = json!("/x");
        if let Some(tls) = tls {
            endpoint["backend"][0]["extra_config"] =
                json!({ "backend/http/client": { "client_tls": tls } });
        }
        endpoint
    };
    let mut config = service(vec![
        with("/own", Some(shown)),
        // What the service trusts is not trusted here.
        with("/nothing", Some(json!({}))),
        with("/service", None),
    ]);
    config["client_tls"] = json!({ "ca_certs": [authority.file()] });
    let gateway = Gateway::start(config).await?;
    // A connection that was made with a certificate is never lent to a backend
    // that has none, whoever asks last.
    for (path, status) in [
        ("/own", 200),
        ("/service", 500),
        ("/nothing", 500),
        ("/own", 200),
    ] {
        assert_eq!(gateway.get(path).await?.status, status, "{path}");
    }
    assert_eq!(origin.hits(), 2);
    Ok(())
}

/// A listener whose queue is full answers no further connection.
#[tokio::test]
async fn dialer_timeout_is_the_limit_for_connecting() -> TestResult {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(stream?);
    }

    let mut config = service(vec![endpoint("/x", &format!("http://{address}"))]);
    config["dialer_timeout"] = json!("200ms");
    let gateway = Gateway::start(config).await?;
    let began = Instant::now();
    assert_eq!(gateway.get("/x").await?.status, 500);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    Ok(())
}
