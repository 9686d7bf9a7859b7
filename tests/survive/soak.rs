//! Load at about half of peak with a fault every few seconds. No request may
//! fail that no fault explains, and memory and descriptors stay.
//!
//! `make soak` runs it for `CUTTLE_SOAK_MINUTES` with a fault every ten seconds
//! and writes `target/soak.md`; otherwise it takes seconds.

use std::{
    fmt::Write,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cuttle_tests::{
    Exchange, Gateway, Mood, NameServer, Outgoing, TestResult, Usage, fixture, repository,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Instant, interval, sleep},
};

const CLIENTS: usize = 4;
/// What the load asks for. Requests by the proxy may fail while it is restarted.
const LOAD: [&str; 3] = ["/x", "/found", "/proxied"];
/// How long behind the start of a proxy's restart a failure by it is explained.
const RESTART: Duration = Duration::from_secs(2);
const FAULTS: [&str; 6] = ["reset", "hang", "trap", "reload", "names", "proxy"];

struct Plan {
    length: Duration,
    every: Duration,
    report: bool,
}

fn plan() -> Plan {
    let minutes = std::env::var("CUTTLE_SOAK_MINUTES").ok();
    match minutes.and_then(|text| text.parse::<u64>().ok()) {
        Some(minutes) => Plan {
            length: Duration::from_secs(60 * minutes),
            every: Duration::from_secs(10),
            report: true,
        },
        None => Plan {
            length: Duration::from_secs(7),
            every: Duration::from_secs(1),
            report: false,
        },
    }
}

/// In front of an origin that stands in for a forward proxy: can be ended with
/// all of its connections and be started again where it was.
struct Relay {
    address: SocketAddr,
    to: SocketAddr,
    task: JoinHandle<()>,
}

impl Relay {
    async fn start(at: SocketAddr, to: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(to).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, to, task })
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        self.task.abort();
        while !self.task.is_finished() {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_millis(200)).await;
        *self = Self::start(self.address, self.to).await?;
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the load has seen.
#[derive(Default)]
struct Seen {
    asked: AtomicUsize,
    explained: AtomicUsize,
    unexplained: Mutex<Vec<String>>,
    restarted: Mutex<Option<Instant>>,
    stop: AtomicBool,
}

impl Seen {
    fn failed(&self, path: &str, what: String) {
        let restarted = *self.restarted.lock().expect("a lock");
        let explained = restarted.is_some_and(|at| at.elapsed() < RESTART);
        if path == "/proxied" && explained {
            self.explained.fetch_add(1, Ordering::Relaxed);
        } else {
            let mut all = self.unexplained.lock().expect("a lock");
            all.push(format!("{path}: {what}"));
        }
    }
}

/// One client; `pause` is the time from one request to the next.
async fn client(address: SocketAddr, seen: Arc<Seen>, first: usize, pause: Option<Duration>) {
    let mut ticks = pause.map(interval);
    let mut connection = None;
    let mut next = first;
    while !seen.stop.load(Ordering::Relaxed) {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let path = LOAD[next % LOAD.len()];
        next += 1;
        seen.asked.fetch_add(1, Ordering::Relaxed);
        match once(address, &mut connection, path).await {
            Ok(200) => {}
            Ok(status) => seen.failed(path, status.to_string()),
            Err(error) => seen.failed(path, error.to_string()),
        }
    }
}

async fn once(
    address: SocketAddr,
    connection: &mut Option<Exchange>,
    path: &str,
) -> std::io::Result<u16> {
    let mut exchange = match connection.take() {
        Some(exchange) => exchange,
        None => Exchange::connect(address).await?,
    };
    exchange.send(Outgoing::new("GET", path)).await?;
    let answer = exchange.answer().await?;
    if answer.field("connection") != Some("close") {
        *connection = Some(exchange);
    }
    Ok(if answer.complete { answer.status } else { 0 })
}

fn load(gateway: &Gateway, seen: &Arc<Seen>, pause: Option<Duration>) -> JoinSet<()> {
    let address = gateway.address();
    let clients = (0..CLIENTS).map(|first| client(address, seen.clone(), first, pause));
    clients.collect()
}

/// Requests a second that as many clients get that never pause.
async fn peak(gateway: &Gateway) -> f64 {
    let seen = Arc::new(Seen::default());
    let mut clients = load(gateway, &seen, None);
    let start = Instant::now();
    sleep(Duration::from_secs(1)).await;
    seen.stop.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    seen.asked.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn config(origin: SocketAddr, names: &NameServer, proxy: SocketAddr) -> Value {
    let endpoint = |path: &str, mut more: Value| {
        more["url_pattern"] = json!(path);
        more["encoding"] = json!("no-op");
        if more["host"].is_null() {
            more["host"] = json!([format!("http://{origin}")]);
        }
        json!({ "endpoint": path, "output_encoding": "no-op", "backend": [more] })
    };
    let by_proxy = json!({ "name": "http-proxy", "proxy_address": format!("http://{proxy}") });
    let mut hang = endpoint("/hang", json!({}));
    hang["timeout"] = json!("300ms");
    json!({
        "version": 3, "timeout": "10s", "dns_cache_ttl": "1s",
        "plugin": { "folder": "./plugins/", "pattern": ".wasm" },
        "endpoints": [
            endpoint("/x", json!({})),
            endpoint("/found", json!({ "sd": "dns", "host": ["api.service.consul."] })),
            endpoint("/proxied", json!({
                "host": ["http://behind.test"], "extra_config": { "plugin/http-client": by_proxy },
            })),
            endpoint("/reset", json!({})),
            hang,
            endpoint("/trap", json!({ "extra_config": { "plugin/http-client": { "name": "traps" } } })),
        ],
        "extra_config": {
            "router": { "disable_access_log": true },
            "cuttle/http": { "dns_servers": [names.address().to_string()] },
        },
    })
}

/// Answers without a record of what it saw, which would grow.
struct Plain {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Plain {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(converse(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whatever ends it has ended the connection, too.
async fn converse(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await? > 0 {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        if head.starts_with(b"GET /reset ") {
            // Half a head, so that nothing is to be tried again.
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le").await?;
            return Ok(());
        }
        if head.starts_with(b"GET /hang ") {
            stream.read_u8().await?;
            return Ok(());
        }
        head.clear();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        stream.write_all(answer).await?;
    }
    Ok(())
}

/// What the faults happen to.
struct Scene<'g> {
    gateway: &'g Gateway,
    names: NameServer,
    proxy: Relay,
    seen: Arc<Seen>,
    reloads: usize,
}

impl Scene<'_> {
    async fn fault(&mut self, count: usize) -> TestResult {
        match FAULTS[count % FAULTS.len()] {
            fault @ ("reset" | "hang" | "trap") => {
                let answer = self.gateway.get(&format!("/{fault}")).await?;
                anyhow::ensure!(answer.status >= 500, "{fault}: {}", answer.status);
            }
            "reload" => {
                self.reloads += 1;
                let event = self.gateway.reload(self.reloads).await?;
                let message = &event["fields"]["message"];
                anyhow::ensure!(message == "reload finished", "{event}");
            }
            "names" => {
                let moods = [Mood::Fails, Mood::Silent, Mood::Babbles];
                self.names.turn(moods[count / FAULTS.len() % moods.len()]);
                sleep(Duration::from_millis(600)).await;
                self.names.turn(Mood::Answers);
            }
            _ => {
                *self.seen.restarted.lock().expect("a lock") = Some(Instant::now());
                self.proxy.restart().await?;
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_under_load_are_explained_or_not_seen_and_nothing_grows() -> TestResult {
    let plan = plan();
    let (origin, stand_in) = (Plain::start().await?, Plain::start().await?);
    let names = NameServer::start(vec![origin.address.port()]).await?;
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let proxy = Relay::start(anywhere, stand_in.address).await?;
    let folder = Arc::new(tempfile::tempdir()?);
    std::fs::create_dir(folder.path().join("plugins"))?;
    std::fs::copy(fixture("traps"), folder.path().join("plugins/traps.wasm"))?;
    let gateway = Gateway::configured(config(origin.address, &names, proxy.address)).dir(&folder);
    let gateway = gateway.start().await?;

    let peak = peak(&gateway).await;
    let seen = Arc::new(Seen::default());
    let pause = Duration::from_secs_f64(CLIENTS as f64 / (peak / 2.0));
    let mut clients = load(&gateway, &seen, Some(pause));
    let mut scene = Scene {
        gateway: &gateway,
        names,
        proxy,
        seen: seen.clone(),
        reloads: 0,
    };
    let start = Instant::now();
    let (mut count, mut samples) = (0, vec![(Duration::ZERO, gateway.usage()?)]);
    while start.elapsed() < plan.length {
        sleep(plan.every).await;
        scene.fault(count).await?;
        count += 1;
        samples.push((start.elapsed(), gateway.usage()?));
    }
    let length = start.elapsed();
    seen.stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client?;
    }
    let text = report(length, peak, count, &seen, &samples);
    println!("{text}");
    if plan.report {
        std::fs::write(repository().join("target/soak.md"), &text)?;
    }
    let unexplained = seen.unexplained.lock().expect("a lock");
    assert!(unexplained.is_empty(), "{unexplained:?}");
    // Each fault has been there once by then, or it is a short run.
    let warm = samples[(samples.len() / 3).max(FAULTS.len()).min(samples.len() - 1)].1;
    let last = gateway.usage()?;
    assert!(
        last.resident <= warm.resident + warm.resident / 10 + (16 << 20)
            && last.descriptors <= warm.descriptors + 20,
        "{warm:?} has become {last:?}"
    );
    Ok(())
}

fn report(
    length: Duration,
    peak: f64,
    faults: usize,
    seen: &Seen,
    samples: &[(Duration, Usage)],
) -> String {
    let asked = seen.asked.load(Ordering::Relaxed);
    let rate = asked as f64 / length.as_secs_f64();
    let mut text = format!(
        "# Soak\n\n{asked} requests in {:.0} s: {rate:.0} a second, of {peak:.0} at peak. \
         {faults} faults ({}).\n\n\
         * failures that a restart of the proxy explains: {}\n\
         * failures that nothing explains: {}\n\n\
         | after | resident memory | descriptors |\n|---|---|---|\n",
        length.as_secs_f64(),
        FAULTS.join(", "),
        seen.explained.load(Ordering::Relaxed),
        seen.unexplained.lock().expect("a lock").len(),
    );
    for (at, usage) in samples.iter().step_by((samples.len() / 12).max(1)) {
        let mib = usage.resident as f64 / f64::from(1 << 20);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} s | {mib:.1} MiB | {} |",
            at.as_secs(),
            usage.descriptors
        );
    }
    text
}
