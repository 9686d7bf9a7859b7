//! A wall clock that is set forward and back. What has to end or to grow old is
//! measured by another one; dates in answers and in the log follow.

use std::{fs, io, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use cuttle_tests::{
    Configured, Exchange, Gateway, NameServer, Origin, Outgoing, Reply, Step, TestResult,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::backend;
use crate::healthy::Healthy;

const HOUR: i64 = 3600;
/// Timeout of `/hang`.
const LIMIT: Duration = Duration::from_secs(1);
/// What a busy machine may add to anything.
const GRACE: Duration = Duration::from_secs(10);

/// The wall clock of one process, by Debian's `faketime`.
struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    fn new() -> io::Result<Self> {
        let folders = fs::read_dir("/usr/lib")?.flatten();
        let library = folders
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|path| path.exists())
            .expect("no libfaketimeMT.so.1: install the package faketime");
        let clock = Self {
            folder: tempfile::tempdir()?,
            library,
        };
        clock.set(0)?;
        Ok(clock)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// So many seconds ahead of the right time.
    fn set(&self, ahead: i64) -> io::Result<()> {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{ahead:+}"))?;
        fs::rename(new, self.file())
    }

    fn of(&self, gateway: Configured) -> Configured {
        gateway
            .env("LD_PRELOAD", &self.library.to_string_lossy())
            .env("FAKETIME_TIMESTAMP_FILE", &self.file().to_string_lossy())
            .env("FAKETIME_NO_CACHE", "1")
            // Nobody can set that one.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }
}

async fn origin() -> Origin {
    Origin::start(|head| match head.target().starts_with("/hang") {
        true => Reply::steps(vec![Step::Silence]),
        false => Reply::text("ok"),
    })
    .await
}

fn config(origin: &Origin, names: &NameServer) -> Value {
    let endpoint = |path: &str, timeout: &str, backend: Value| {
        json!({
            "endpoint": path, "output_encoding": "no-op", "timeout": timeout, "backend": [backend],
        })
    };
    let mut found = backend("api.service.consul.");
    found["sd"] = json!("dns");
    let mut by_plugin = backend("http://behind.test");
    by_plugin["extra_config"]["plugin/http-client"] =
        json!({ "name": "http-proxy", "proxy_address": origin.url() });
    let mut hang = backend(&origin.url());
    hang["url_pattern"] = json!("/hang/{id}");
    json!({
        "version": 3, "dns_cache_ttl": "1s", "idle_timeout": "10m",
        "endpoints": [
            endpoint("/x", "30s", backend(&origin.url())),
            endpoint("/at/{id}", "30s", backend(&origin.url())),
            endpoint("/found", "30s", found),
            endpoint("/plugin", "30s", by_plugin),
            endpoint("/hang/{id}", "1s", hang),
        ],
        "extra_config": { "cuttle/http": { "dns_servers": [names.address().to_string()] } },
    })
}

/// How long it takes, and its status.
async fn hang(address: SocketAddr, path: String) -> io::Result<(Duration, u16)> {
    let start = Instant::now();
    let answer = Exchange::ask(address, Outgoing::new("GET", &path)).await?;
    Ok((start.elapsed(), answer.status))
}

/// The dates that a request gives are those of the gateway's clock.
async fn dates(gateway: &Gateway, round: usize, ahead: i64) -> TestResult {
    let path = format!("/at/{round}");
    let answer = gateway.get(&path).await?;
    let date = answer.field("date").context("a date")?;
    let date = httpdate::parse_http_date(date)?;
    let line = gateway.access(&path).await?;
    let logged: jiff::Timestamp = line["timestamp"].as_str().context("a time")?.parse()?;
    let took = line["span"]["duration_ms"].as_f64().context("a duration")?;
    assert!((0.0..10_000.0).contains(&took), "{took} ms");
    for told in [jiff::Timestamp::try_from(date)?, logged] {
        let off = told.as_second() - ahead - jiff::Timestamp::now().as_second();
        assert!(
            off.abs() < 20,
            "{off} s beside {ahead} s: {answer:?} {line}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_is_set_moves_no_deadline_and_fails_no_request() -> TestResult {
    let origin = origin().await;
    let names = NameServer::start(vec![origin.port()]).await?;
    let clock = Clock::new()?;
    let gateway = clock.of(Gateway::configured(config(&origin, &names)));
    let gateway = gateway.start().await?;
    let mut idle = gateway.connect().await?;
    idle.send(Outgoing::new("GET", "/x")).await?;
    assert_eq!(idle.answer().await?.status, 200);
    let load = Healthy::start(&gateway);
    for (round, ahead) in [HOUR, 0, -HOUR, 400 * 24 * HOUR, 0].into_iter().enumerate() {
        let path = format!("/hang/{round}");
        let hanging = tokio::spawn(hang(gateway.address(), path.clone()));
        let under_way = origin.wait("a request under way", |journal| {
            let mut heads = journal.heads.iter();
            heads.find(|head| head.target() == path).map(drop)
        });
        under_way.await;
        clock.set(ahead)?;
        dates(&gateway, round, ahead).await?;
        // What was looked up before is looked up anew by then.
        sleep(LIMIT / 2).await;
        for path in ["/found", "/plugin"] {
            assert_eq!(gateway.get(path).await?.status, 200, "{path} at {ahead} s");
        }
        let (took, status) = hanging.await??;
        assert_eq!(status, 500);
        assert!(
            took >= LIMIT && took < LIMIT + GRACE,
            "{took:?} at {ahead} s"
        );
    }
    load.unharmed().await;
    idle.send(Outgoing::new("GET", "/x")).await?;
    assert_eq!(idle.answer().await?.status, 200, "an idle client");
    Ok(())
}
