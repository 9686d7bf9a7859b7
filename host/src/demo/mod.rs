//! `cuttle demo`: an origin, a forward proxy and the gateway in one process, on
//! free ports of the loopback interface, with a request sent through all three.

mod peers;

use std::{
    future::pending, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration,
};

use anyhow::Context;
use cuttle_egress::{Body, Client, Redirects, SendOptions, Way};
use cuttle_pipeline::config;
use http::Request;
use http_body_util::{BodyExt, Empty};
use tokio::time::Instant;

use crate::{assemble, cli::say, server::Server};

/// Limit for one request of the demonstration.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until Ctrl-C, or with `once` until the answer is shown.
pub(crate) fn run(once: bool) -> ExitCode {
    let outcome = tokio::runtime::Runtime::new()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(demo(once)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("ERROR the demonstration failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn demo(once: bool) -> anyhow::Result<()> {
    let client = peers::client()?;
    let (proxy_log, mut proxied) = tokio::sync::mpsc::unbounded_channel();
    let origin = peers::origin().await.context("cannot start the origin")?;
    let proxy = peers::proxy(client.clone(), proxy_log)
        .await
        .context("cannot start the forward proxy")?;
    let text = configuration(origin, proxy);
    let gateway = gateway(&text).await?;

    say(&format!("origin         http://{origin}"));
    say(&format!("forward proxy  http://{proxy}"));
    say(&format!("gateway        http://{gateway}\n"));
    say(&format!("configuration:\n{text}\n"));
    say(&format!("$ curl -i http://{gateway}/health"));
    say(&show(&client, &format!("http://{gateway}/health")).await?);
    let line = tokio::time::timeout(PATIENCE, proxied.recv()).await;
    let line = line
        .ok()
        .flatten()
        .context("the request did not go through the proxy")?;
    say(&format!("the forward proxy logged:  {line}\n"));
    if once {
        return Ok(());
    }
    say("Try it:");
    say(&format!("  curl -i http://{gateway}/health"));
    say(&format!(
        "  curl -i http://{gateway}/hello/world    # direct, without the plugin"
    ));
    say(&format!("  curl -i http://{gateway}/nowhere"));
    say("Ctrl-C ends the demonstration.\n");
    follow(proxied).await;
    Ok(())
}

/// The documented example, with a second endpoint that goes directly.
fn configuration(origin: SocketAddr, proxy: SocketAddr) -> String {
    let config = serde_json::json!({
        "version": 3,
        "listen_ip": "127.0.0.1",
        "endpoints": [
            {
                "endpoint": "/health",
                "output_encoding": "no-op",
                "backend": [{
                    "url_pattern": "/__health",
                    "host": [format!("http://{origin}")],
                    "encoding": "no-op",
                    "extra_config": {
                        "plugin/http-client": {
                            "name": "http-proxy",
                            "proxy_address": format!("http://{proxy}"),
                        },
                    },
                }],
            },
            {
                "endpoint": "/hello/{name}",
                "output_encoding": "no-op",
                "backend": [{
                    "url_pattern": "/hello/{name}",
                    "host": [format!("http://{origin}")],
                    "encoding": "no-op",
                }],
            },
        ],
    });
    serde_json::to_string_pretty(&config).unwrap_or_else(|_| config.to_string())
}

/// Builds the gateway as `run` does and lets it listen on a free port.
async fn gateway(text: &str) -> anyhow::Result<SocketAddr> {
    let options = config::Options {
        environment: Vec::new(),
        port: Some(0),
    };
    let loaded = config::parse(text, Path::new("demo.json"), &options)
        .map_err(|report| problems(&report.problems))?;
    let assembly = assemble::assemble(&loaded, &|_| None, &mut assemble::Kept::default())
        .await
        .map_err(|found| problems(&found))?;
    let server = Server::bind(&loaded.service.listen, Arc::new(assembly.gateway), None)?;
    let address = server.local_addr();
    tokio::spawn(server.run(pending(), pending()));
    Ok(address)
}

fn problems(found: &[config::Problem]) -> anyhow::Error {
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    anyhow::anyhow!(lines.join("\n"))
}

async fn show(client: &Client, url: &str) -> anyhow::Result<String> {
    let request = Request::get(url).body(Body::new(
        Empty::new().map_err(|never: std::convert::Infallible| match never {}),
    ))?;
    let options = SendOptions {
        deadline: Instant::now() + PATIENCE,
        redirects: Redirects::None,
        gate: None,
    };
    let response = client.send(request, &Way::Direct, &options).await?;
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?
        .to_bytes();
    let mut text = format!("{:?} {}\n", head.version, head.status);
    for (name, value) in &head.headers {
        text.push_str(&format!(
            "{name}: {}\n",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
    Ok(format!("{text}\n{}\n", String::from_utf8_lossy(&body)))
}

/// Shows what the proxy logs until Ctrl-C.
async fn follow(mut proxied: tokio::sync::mpsc::UnboundedReceiver<String>) {
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return,
            line = proxied.recv() => match line {
                Some(line) => say(&format!("forward proxy: {line}")),
                None => return,
            },
        }
    }
}
