//! What a request costs: the gateway on each way to a backend, against a bare
//! relay built of the same library, in the same run.
//!
//! Load comes from `wrk -t1 -c32`. The contenders take turns, and the median of
//! their rounds counts, so that a busy machine harms all of them alike. Cost is
//! the processor time of the contender's process: rates depend on what else
//! shares the cores.
//!
//! ```text
//! bench [ROUNDS [SECONDS]]
//! ```
//!
//! With a role as first argument it is one of its own peers.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for the command line that may give up"
)]

mod load;
mod peers;
mod report;

use std::{env, time::Duration};

use anyhow::{Context, ensure};
use cuttle_tests::{Authority, Exchange, Gateway, Outgoing};
use peers::{MARKER, Peer, THROUGH};
use serde_json::{Value, json};

/// One thing that is measured.
struct Contender {
    name: &'static str,
    address: std::net::SocketAddr,
    pid: u32,
    /// Whether its requests must go through the forward proxy.
    proxied: bool,
    /// Whether the proxy cannot mark the answers, as they pass it encrypted.
    hidden: bool,
    /// Resident memory before the first request, in bytes.
    idle: u64,
    rounds: Vec<load::Round>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let first = arguments.first().map(String::as_str);
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(role) = first.filter(|text| text.parse::<usize>().is_err()) {
        return runtime.block_on(peers::serve(role, arguments.get(1).map(String::as_str)));
    }
    let number = |index: usize, default| {
        arguments
            .get(index)
            .map_or(Ok(default), |text| text.parse())
    };
    let (rounds, seconds) = (number(0, 5)?, number(1, 3)?);
    runtime.block_on(bench(rounds, Duration::from_secs(seconds)))
}

async fn bench(rounds: u64, length: Duration) -> anyhow::Result<()> {
    let origin = Peer::start("origin", None).await?;
    let proxy = Peer::start("proxy", None).await?;
    let relay = Peer::start("relay", Some(&origin.address.to_string())).await?;
    let far_relay = Peer::start("relay", Some(&relay.address.to_string())).await?;
    let authority = Authority::new();
    let folder = tempfile::tempdir()?;
    authority.issue(&["127.0.0.1"], folder.path());
    let secure = Peer::start("secure-origin", folder.path().to_str()).await?;
    let direct = Gateway::start(config(&origin, json!({}))).await?;
    let proxy_address = format!("http://{}", proxy.address);
    let client = json!({ "backend/http/client": { "proxy_address": proxy_address } });
    let client = Gateway::start(config(&origin, client)).await?;
    let plugin =
        json!({ "plugin/http-client": { "name": "http-proxy", "proxy_address": proxy_address } });
    let plugin = Gateway::start(config(&origin, plugin)).await?;

    let client_only = json!({ "backend/http/client": { "proxy_address": proxy_address } });
    let direct_tls = Gateway::start(config_tls(&secure, json!({}), &authority)).await?;
    let tunnel = Gateway::start(config_tls(&secure, client_only, &authority)).await?;

    let data = Gateway::start(config_json(&origin)).await?;

    let mut contenders = vec![
        Contender::new("bare relay", relay.address, relay.pid(), false)?,
        Contender::new("relay to relay", far_relay.address, far_relay.pid(), false)?,
        Contender::of("direct", &direct, false)?,
        Contender::of("built-in proxy", &client, true)?,
        Contender::of("plugin http-proxy", &plugin, true)?,
        Contender::of("direct TLS", &direct_tls, false)?,
        Contender::of("tunnel TLS", &tunnel, true)?.hidden(),
        Contender::of("JSON, filtered", &data, false)?,
    ];
    for contender in &contenders {
        contender.verify().await.with_context(|| contender.name)?;
        load::warm_up(contender.address).await?;
    }
    for _ in 0..rounds {
        for contender in &mut contenders {
            let round = load::round(contender.address, contender.pid, length).await?;
            contender.rounds.push(round);
        }
    }
    for contender in &contenders {
        contender.verify().await.with_context(|| contender.name)?;
    }
    report::print(&contenders, rounds, length)
}

/// The answer is decoded, filtered and written anew: the same bytes.
fn config_json(origin: &Peer) -> Value {
    let mut config = config(origin, json!({}));
    let endpoint = &mut config["endpoints"][0];
    endpoint["output_encoding"] = json!("json");
    endpoint["backend"][0]["encoding"] = json!("json");
    endpoint["backend"][0]["allow"] = json!(["from"]);
    config
}

/// The same with a target that speaks TLS.
fn config_tls(origin: &Peer, extra: Value, authority: &Authority) -> Value {
    let mut config = config(origin, extra);
    config["endpoints"][0]["backend"][0]["host"] = json!([format!("https://{}", origin.address)]);
    config["client_tls"] = json!({ "ca_certs": [authority.file()] });
    config
}

fn config(origin: &Peer, extra: Value) -> Value {
    json!({
        "version": 3,
        "timeout": "10s",
        "endpoints": [{
            "endpoint": "/bench",
            "output_encoding": "no-op",
            "backend": [{
                "url_pattern": "/bench",
                "host": [format!("http://{}", origin.address)],
                "encoding": "no-op",
                "extra_config": extra,
            }],
        }],
        // The relay writes no log either.
        "extra_config": { "router": { "disable_access_log": true } },
    })
}

impl Contender {
    fn of(name: &'static str, gateway: &Gateway, proxied: bool) -> anyhow::Result<Self> {
        Self::new(name, gateway.address(), gateway.pid(), proxied)
    }

    fn new(
        name: &'static str,
        address: std::net::SocketAddr,
        pid: u32,
        proxied: bool,
    ) -> anyhow::Result<Self> {
        let idle = cuttle_tests::Usage::of(pid)?.resident;
        Ok(Self {
            name,
            address,
            pid,
            proxied,
            hidden: false,
            idle,
            rounds: Vec::new(),
        })
    }

    fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The right server has answered, and by the right way.
    async fn verify(&self) -> anyhow::Result<()> {
        let answer = Exchange::ask(self.address, Outgoing::new("GET", "/bench")).await?;
        ensure!(
            answer.status == 200 && answer.body == MARKER,
            "not the origin's answer: {answer:?}"
        );
        let through = answer.field(THROUGH).is_some();
        ensure!(
            through == (self.proxied && !self.hidden),
            "the forward proxy was used: {through}"
        );
        Ok(())
    }
}
