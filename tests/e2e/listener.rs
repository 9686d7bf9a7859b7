//! The side of the client: TLS, HTTP/2, limits, and heads that are refused
//! before anything is routed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cuttle_tests::{Authority, Gateway, Origin, TestResult, command, soon};
use serde_json::{Value, json};

use crate::support::{by_plugin, endpoint, service};

/// What curl got, and `version=` with the version of HTTP it got it by.
async fn curl(arguments: &[&str]) -> anyhow::Result<String> {
    let mut all = vec!["-s", "-S", "-w", " version=%{http_version}"];
    all.extend(arguments);
    let output = soon("curl's answer", command("/usr/bin/curl", &all).output()).await?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn tls_gateway(
    authority: &Authority,
    origin: &Origin,
    extra: Value,
) -> anyhow::Result<Gateway> {
    let folder = Arc::new(tempfile::tempdir()?);
    let (certificate, key) = authority.issue(&["localhost", "127.0.0.1"], folder.path());
    let mut config = service(vec![
        endpoint("/x", &origin.url()),
        by_plugin(endpoint("/plugin", "http://behind.test"), &origin.url()),
    ]);
    config["tls"] = json!({ "keys": [{ "public_key": certificate, "private_key": key }] });
    if let (Some(tls), Some(extra)) = (config["tls"].as_object_mut(), extra.as_object()) {
        tls.extend(extra.clone());
    }
    Gateway::configured(config).dir(&folder).start().await
}

#[tokio::test]
async fn with_tls_the_client_chooses_the_version_of_http() -> TestResult {
    let (authority, origin) = (Authority::new(), Origin::replying("ok").await);
    let gateway = tls_gateway(&authority, &origin, json!({})).await?;
    let file = authority.file();
    let ca = file.to_string_lossy();
    for path in ["/x", "/plugin"] {
        let url = format!("https://{}{path}", gateway.address());
        assert_eq!(
            curl(&["--cacert", &ca, "--http2", &url]).await?,
            "ok version=2"
        );
        assert_eq!(
            curl(&["--cacert", &ca, "--http1.1", &url]).await?,
            "ok version=1.1"
        );
    }
    assert_eq!(
        origin.last().head.all("host").len(),
        1,
        "`:authority` has become `host`"
    );
    Ok(())
}

#[tokio::test]
async fn tls_1_2_is_spoken_where_it_is_configured_only() -> TestResult {
    let (authority, origin) = (Authority::new(), Origin::replying("ok").await);
    let file = authority.file();
    let ca = file.to_string_lossy();
    for (extra, allowed) in [
        (json!({}), false),
        (json!({ "min_version": "TLS12" }), true),
    ] {
        let gateway = tls_gateway(&authority, &origin, extra).await?;
        let url = format!("https://{}/x", gateway.address());
        let answer = curl(&["--cacert", &ca, "--tls-max", "1.2", &url]).await?;
        assert_eq!(answer.starts_with("ok"), allowed, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn http_2_without_tls_is_spoken_where_it_is_configured() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    config["use_h2c"] = json!(true);
    let gateway = Gateway::start(config).await?;
    let url = format!("http://{}/x", gateway.address());
    assert_eq!(
        curl(&["--http2-prior-knowledge", &url]).await?,
        "ok version=2"
    );
    assert_eq!(curl(&["--http1.1", &url]).await?, "ok version=1.1");
    Ok(())
}

/// Sends `text`, and returns the status of the answer; 0 for none.
async fn status(address: SocketAddr, text: &str) -> anyhow::Result<u16> {
    let mut exchange = cuttle_tests::Exchange::connect(address).await?;
    // The gateway may close before it has read all of it.
    let _ = exchange.raw(text).await;
    Ok(exchange.head().await.map_or(0, |head| head.status()))
}

#[tokio::test]
async fn heads_that_could_mean_two_things_are_refused_before_routing() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut post = endpoint("/x", &origin.url());
    post["method"] = json!("POST");
    let gateway = Gateway::start(service(vec![endpoint("/x", &origin.url()), post])).await?;
    for head in [
        "GET /x HTTP/1.1\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n",
        "CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\n",
        "GET /x y HTTP/1.1\r\nHost: a\r\n",
    ] {
        let status = status(gateway.address(), &format!("{head}\r\n0\r\n\r\n")).await?;
        assert!(
            status == 0 || (400..500).contains(&status) || status == 501,
            "{status}: {head:?}"
        );
    }
    assert_eq!(origin.hits(), 0);
    assert_eq!(gateway.get("/x").await?.status, 200, "and all is well");
    Ok(())
}

#[tokio::test]
async fn a_target_in_absolute_form_changes_nothing_about_the_backend() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::start(service(vec![endpoint("/x", &origin.url())])).await?;
    let request = "GET http://elsewhere.example/x HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n";
    assert_eq!(status(gateway.address(), request).await?, 200);
    assert_eq!(origin.last().head.all("host"), [origin.authority()]);
    Ok(())
}

#[tokio::test]
async fn a_head_larger_than_the_limit_is_refused() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    config["max_header_bytes"] = json!(16 << 10);
    let gateway = Gateway::start(config).await?;
    let head = |length| {
        format!(
            "GET /x HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n",
            "x".repeat(length)
        )
    };
    assert_eq!(status(gateway.address(), &head(4 << 10)).await?, 200);
    let refused = status(gateway.address(), &head(256 << 10)).await?;
    assert!(matches!(refused, 0 | 431), "{refused}");
    assert_eq!(origin.hits(), 1);
    Ok(())
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_head_is_cut_off() -> TestResult {
    let mut config = json!({ "version": 3 });
    config["read_header_timeout"] = json!("300ms");
    let gateway = Gateway::start(config).await?;
    for begun in ["", "GET /__health HTTP/1.1\r\nHost: a\r\n"] {
        let start = std::time::Instant::now();
        let mut exchange = gateway.connect().await?;
        exchange.raw(begun).await?;
        // Answered or not, the connection ends.
        while exchange.head().await.is_ok() {}
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{begun:?}: {:?}",
            start.elapsed()
        );
    }
    Ok(())
}
