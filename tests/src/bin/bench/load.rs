//! Load by `wrk`, and what it cost the processes under it.

use std::{fs, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use cuttle_tests::Usage;
use tokio::process::Command;

use crate::contender::Contender;

/// What is asked for, by how many at once.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) path: String,
    pub(crate) connections: usize,
    /// Bytes of each request's body; 0 is GET without one.
    pub(crate) upload: usize,
    /// Bytes of each answer's body.
    pub(crate) answer: usize,
    pub(crate) tls: bool,
}

impl Load {
    /// Bytes that pass in each request, in both directions.
    pub(crate) fn bytes(&self) -> usize {
        self.upload + self.answer
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Processor time of the contender for each request, in microseconds.
    pub(crate) cpu_micros: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    /// Median of latency, in milliseconds.
    pub(crate) p50_millis: f64,
    /// 99th percentile of latency, in milliseconds.
    pub(crate) p99_millis: f64,
    /// The most resident memory so far, in bytes.
    pub(crate) peak: u64,
}

/// Fills pools and caches.
pub(crate) async fn warm_up(contender: &Contender, load: &Load) -> anyhow::Result<()> {
    wrk(contender, load, Duration::from_secs(1)).await.map(drop)
}

/// Puts load on the contender and reads what its processes needed for it.
pub(crate) async fn round(
    contender: &Contender,
    load: &Load,
    length: Duration,
) -> anyhow::Result<Round> {
    let before = Usage::of_tree(contender.pid)?;
    let output = wrk(contender, load, length).await?;
    let after = Usage::of_tree(contender.pid)?;
    let (_, latency) = output
        .split_once("Latency Distribution")
        .with_context(|| format!("no latencies: {output}"))?;
    let requests: f64 = value(&output, " requests in ", false)?.parse()?;
    ensure!(requests > 0.0, "no request was answered: {output}");
    let cpu = after.cpu_micros.saturating_sub(before.cpu_micros);
    Ok(Round {
        cpu_micros: cpu as f64 / requests,
        rate: value(&output, "Requests/sec:", true)?.parse()?,
        p50_millis: millis(value(latency, "50%", true)?)?,
        p99_millis: millis(value(latency, "99%", true)?)?,
        peak: after.peak,
    })
}

async fn wrk(contender: &Contender, load: &Load, length: Duration) -> anyhow::Result<String> {
    let mut command = Command::new("wrk");
    command
        .args(["-t1", "--latency", "--timeout", "30"])
        .args(["-c", &load.connections.to_string()])
        .args(["-d", &length.as_secs().to_string()])
        .stdin(Stdio::null());
    let script = tempfile::NamedTempFile::new()?;
    if load.upload > 0 {
        let text = format!(
            "wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", {})\n",
            load.upload
        );
        fs::write(&script, text)?;
        command.arg("-s").arg(script.path());
    }
    let output = command.arg(contender.url(load)?).output().await;
    let output = output.context("wrk does not start: install the package wrk")?;
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
