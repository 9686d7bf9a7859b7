//! SIGHUP and `--watch`: another configuration, and nobody notices.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cuttle_tests::{
    Authority, Credentials, Exchange, Gate, Gateway, Origin, Outgoing, Product, RealProxy, Reply,
    Signal, Step, TestResult, command, fixture, soon,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    both_ways, by_client, by_plugin, endpoint, plugin_folder, plugins_from_folder, service,
    with_plugin,
};

/// Clients that send one request after the other, each on a connection that is
/// kept alive, until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    clients: JoinSet<anyhow::Result<()>>,
}

impl Load {
    fn start(gateway: &Gateway, paths: &[String], clients: usize) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut set = JoinSet::new();
        for client in 0..clients {
            let (stop, sent, address) = (stop.clone(), sent.clone(), gateway.address());
            let paths = paths.to_owned();
            set.spawn(async move {
                let mut exchange = Exchange::connect(address).await?;
                let mut next = client;
                while !stop.load(Ordering::Relaxed) {
                    let path = &paths[next % paths.len()];
                    exchange.send(Outgoing::new("GET", path)).await?;
                    let answer = exchange.answer().await?;
                    anyhow::ensure!(answer.status == 200 && answer.complete, "{path}: {answer:?}");
                    sent.fetch_add(1, Ordering::Relaxed);
                    next += 1;
                }
                Ok(())
            });
        }
        Self {
            stop,
            sent,
            clients: set,
        }
    }

    /// Waits until so many more requests have been answered.
    async fn go_on(&self, requests: usize) {
        let goal = self.sent.load(Ordering::Relaxed) + requests;
        soon("answers under load", async {
            while self.sent.load(Ordering::Relaxed) < goal {
                assert!(!self.clients.is_empty());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// How many requests were answered; the first that was not is an error.
    async fn end(mut self) -> anyhow::Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        Ok(self.sent.load(Ordering::Relaxed))
    }
}

fn is_success(event: &Value) -> bool {
    event["level"] == "INFO" && event["fields"]["message"] == "reload finished"
}

fn is_failure(event: &Value) -> bool {
    let message = event["fields"]["message"].as_str().unwrap_or_default();
    event["level"] == "ERROR" && message.starts_with("reload failed")
}

/// Clients on kept-alive connections see the change at their next request, and
/// no request is lost while endpoints come and go.
#[tokio::test]
async fn routes_come_and_go_under_load_without_a_failed_request() -> TestResult {
    let origin = Origin::replying("ok").await;
    let stays = || {
        vec![
            endpoint("/stays", &origin.url()),
            by_plugin(endpoint("/plugin", "http://behind.test"), &origin.url()),
        ]
    };
    let mut more = stays();
    more.push(endpoint("/comes", &origin.url()));
    let configs = [service(stays()), service(more)];
    let gateway = Gateway::start(configs[0].clone()).await?;
    let mut idle = gateway.connect().await?;
    let load = Load::start(&gateway, &["/stays".into(), "/plugin".into()], 4);
    for count in 1..=20 {
        gateway.configure(configs[count % 2].clone())?;
        let event = gateway.reload(count).await?;
        assert!(is_success(&event), "{event}");
        assert_eq!(event["fields"]["generation"], count + 1, "{event}");
        idle.send(Outgoing::new("GET", "/comes")).await?;
        let expected = if count % 2 == 1 { 200 } else { 404 };
        assert_eq!(idle.answer().await?.status, expected, "reload {count}");
        load.go_on(20).await;
    }
    assert!(load.end().await? >= 400);
    Ok(())
}

/// It ends as it began, even if its endpoint is no longer there; then the old
/// generation goes, with all that it held.
#[tokio::test]
async fn a_request_under_way_is_finished_by_the_generation_it_began_with() -> TestResult {
    let gate = Gate::new();
    let steps = vec![
        Step::Wait(gate.clone()),
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"),
    ];
    let origin = Origin::start(move |_| Reply::steps(steps.clone())).await;
    let ways = || {
        vec![
            endpoint("/direct", &origin.url()),
            by_plugin(endpoint("/plugin", "http://behind.test"), &origin.url()),
            by_client(endpoint("/client", "http://behind.test"), &origin.url()),
        ]
    };
    let gateway = Gateway::start(service(ways())).await?;
    let mut under_way = Vec::new();
    for path in ["/direct", "/plugin", "/client"] {
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", path)).await?;
        under_way.push(exchange);
    }
    origin
        .wait("all requests", |journal| {
            (journal.heads.len() == 3).then_some(())
        })
        .await;
    gateway.configure(service(vec![]))?;
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!(gateway.get("/direct").await?.status, 404);
    let gone = "former generation is gone";
    assert!(!gateway.log().text().contains(gone));

    gate.open();
    for exchange in &mut under_way {
        assert_eq!(exchange.answer().await?.body, "done");
        // The same connection goes on with the new one.
        exchange.send(Outgoing::new("GET", "/direct")).await?;
        assert_eq!(exchange.answer().await?.status, 404);
    }
    let line = gateway.log().find("the end of the old generation", |event| {
        event["fields"]["message"] == gone
    });
    assert_eq!(line.await.unwrap()["fields"]["generation"], 1);
    Ok(())
}

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

/// All that is wrong is told, and everything goes on.
#[tokio::test]
async fn a_broken_configuration_changes_nothing_and_says_why() -> TestResult {
    let origin = Origin::replying("ok").await;
    let works = || service(vec![endpoint("/x", &origin.url())]);
    let gateway = Gateway::start(works()).await?;
    let mut unusable = service(vec![
        by_plugin(endpoint("/a", "http://a.test"), "nonsense"),
        with_plugin(endpoint("/b", "http://b.test"), json!({ "name": "missing" })),
    ]);
    unusable["version"] = json!(3);
    let mut refused = works();
    refused["endpoints"][0]["backend"] = json!([]);
    refused["timeout"] = json!("soon");
    for (index, (text, told)) in [
        ("{ \"version\": 3,".to_owned(), &[""][..]),
        (refused.to_string(), &["endpoints[0].backend", "timeout"]),
        (
            unusable.to_string(),
            &["proxy_address", "there is no plugin `missing`"],
        ),
    ]
    .iter()
    .enumerate()
    {
        let count = index + 1;
        gateway.write(text)?;
        let event = gateway.reload(count).await?;
        assert!(is_failure(&event), "{event}");
        assert_eq!(event["fields"]["generation"], 1, "{event}");
        assert_eq!(gateway.get("/x").await?.body, "ok");
        let errors: Vec<_> = gateway
            .log()
            .events()
            .into_iter()
            .filter(|event| event["level"] == "ERROR")
            .map(|event| event.to_string())
            .collect();
        for told in *told {
            assert!(
                errors.iter().any(|line| line.contains(told)),
                "{told}: {errors:?}"
            );
        }
    }
    gateway.configure(works())?;
    let event = gateway.reload(4).await?;
    assert!(is_success(&event));
    assert_eq!(event["fields"]["generation"], 2);
    assert_eq!(gateway.get("/x").await?.body, "ok");
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

#[tokio::test]
async fn what_needs_a_restart_is_named() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    let gateway = Gateway::start(config.clone()).await?;
    config["listen_ip"] = json!("::1");
    config["extra_config"] = json!({ "telemetry/logging": { "level": "ERROR" } });
    gateway.configure(config)?;
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!(gateway.get("/x").await?.body, "ok", "at its old place");
    let warnings = gateway.warnings().join("\n");
    for key in ["listen_ip", "telemetry/logging"] {
        let named = |line: &&String| line.contains(key) && line.contains("restart the gateway");
        assert!(
            gateway.warnings().iter().any(|line| named(&line)),
            "{key}: {warnings}"
        );
    }
    Ok(())
}

/// Signals in a row are at least one reload after the last of them, and far
/// fewer than there were.
#[tokio::test]
async fn many_signals_at_once_are_few_reloads() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::start(service(vec![endpoint("/x", &origin.url())])).await?;
    for _ in 0..200 {
        gateway.signal(Signal::HUP)?;
    }
    gateway.reloaded(1).await?;
    gateway.configure(service(vec![endpoint("/y", &origin.url())]))?;
    gateway.signal(Signal::HUP)?;
    soon("the last configuration", async {
        while gateway.get("/y").await.unwrap().status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let started = gateway.log().text().matches("\"reload started\"").count();
    assert!(started < 50, "{started} reloads");
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
    let sent = || origin.last().head.field("proxy-authorization").map(str::to_owned);
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
    gateway.write(&text[..text.len() / 2])?;
    assert!(is_failure(&gateway.reloaded(4).await?));
    assert_eq!(gateway.get("/b").await?.status, 200);
    gateway.write(&text.replace("{\"endpoints\"", "{\"listen_ip\":\"127.0.0.1\",\"endpoints\""))?;
    assert!(is_success(&gateway.reloaded(5).await?));
    assert_eq!(gateway.get("/c").await?.status, 200);
    Ok(())
}

/// Reloads that the test takes; `CUTTLE_SOAK=1000` is what `make soak` does.
fn reloads() -> usize {
    let wanted = std::env::var("CUTTLE_SOAK").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Of 50 plugins that are used, all of them compiled once.
#[tokio::test(flavor = "multi_thread")]
async fn reloads_of_50_plugin_uses_under_load_fail_no_request_and_keep_no_memory() -> TestResult {
    const USES: usize = 50;
    const WARM: usize = 20;
    let origin = Origin::replying("ok").await;
    let paths: Vec<_> = (0..USES).map(|index| format!("/plugin/{index}")).collect();
    let uses = paths
        .iter()
        .map(|path| by_plugin(endpoint(path, "http://behind.test"), &origin.url()));
    let mut config = service(uses.collect());
    config["extra_config"] = json!({ "router": { "disable_access_log": true } });
    let gateway = Gateway::start(config.clone()).await?;
    let load = Load::start(&gateway, &paths, 4);
    let mut settled = 0;
    let (mut started, mut longest) = (Instant::now(), Duration::ZERO);
    for count in 1..=WARM + reloads() {
        let before = Instant::now();
        let event = gateway.reload(count).await?;
        assert!(is_success(&event), "{event}");
        load.go_on(10).await;
        if count == WARM {
            settled = gateway.usage()?.resident;
            started = Instant::now();
        } else if count > WARM {
            longest = longest.max(before.elapsed());
        }
    }
    let taken = started.elapsed();
    let last = gateway.usage()?.resident;
    let sent = load.end().await?;
    println!(
        "{} reloads in {taken:?}, the longest {longest:?}; {sent} requests; {settled} to {last} bytes",
        reloads()
    );
    assert!(
        last <= settled + settled / 10,
        "{settled} bytes have become {last}"
    );
    Ok(())
}
