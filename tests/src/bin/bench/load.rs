//! Load by `wrk`, and what it cost the process under it.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use cuttle_tests::Usage;
use tokio::process::Command;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Processor time of the contender for each request, in microseconds.
    pub(crate) cpu_micros: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    /// 99th percentile of latency, in milliseconds.
    pub(crate) p99_millis: f64,
    /// The most resident memory so far, in bytes.
    pub(crate) peak: u64,
}

/// Fills pools and caches.
pub(crate) async fn warm_up(address: SocketAddr) -> anyhow::Result<()> {
    wrk(address, Duration::from_secs(1)).await.map(drop)
}

/// Puts load on `address` and reads what the process `pid` needed for it.
pub(crate) async fn round(
    address: SocketAddr,
    pid: u32,
    length: Duration,
) -> anyhow::Result<Round> {
    let before = Usage::of(pid)?;
    let output = wrk(address, length).await?;
    let after = Usage::of(pid)?;
    let (_, latency) = output
        .split_once("Latency Distribution")
        .with_context(|| format!("no latencies: {output}"))?;
    let requests: f64 = value(&output, " requests in ", false)?.parse()?;
    Ok(Round {
        cpu_micros: (after.cpu_micros - before.cpu_micros) as f64 / requests,
        rate: value(&output, "Requests/sec:", true)?.parse()?,
        p99_millis: millis(value(latency, "99%", true)?)?,
        peak: after.peak,
    })
}

async fn wrk(address: SocketAddr, length: Duration) -> anyhow::Result<String> {
    let seconds = length.as_secs().to_string();
    let url = format!("http://{address}/bench");
    let mut command = Command::new("wrk");
    command
        .args(["-t1", "-c32", "-d", &seconds, "--latency", &url])
        .stdin(Stdio::null());
    let output = command
        .output()
        .await
        .context("wrk does not start: install the package wrk")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "wrk failed: {text}");
    ensure!(
        !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "failed requests: {text}"
    );
    Ok(text)
}

/// The word behind `mark`, or in front of it.
fn value<'a>(output: &'a str, mark: &str, behind: bool) -> anyhow::Result<&'a str> {
    let (before, after) = output
        .split_once(mark)
        .with_context(|| format!("no {mark:?}: {output}"))?;
    let word = if behind {
        after.split_whitespace().next()
    } else {
        before.split_whitespace().last()
    };
    word.with_context(|| format!("nothing at {mark:?}: {output}"))
}

fn millis(text: &str) -> anyhow::Result<f64> {
    for (unit, factor) in [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    anyhow::bail!("not a time: {text}")
}
