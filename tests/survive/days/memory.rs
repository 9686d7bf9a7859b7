//! Too little memory: for the start, and for those who want much of it at once.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cuttle_tests::{
    Exchange, Gateway, Origin, Outgoing, Pattern, Reply, Step, TestResult, Usage, fixture, soon,
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use super::{backend, recovers, service};

const MIB: u64 = 1 << 20;

/// The address space that a process may have, in bytes.
fn within(bytes: u64) -> [String; 2] {
    ["/usr/bin/prlimit".to_owned(), format!("--as={bytes}")]
}

/// A plugin needs room for as many instances as there may be.
#[tokio::test]
async fn too_little_address_space_for_plugins_is_told_with_the_way_out() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut config = service(backend("http://behind.test"));
    config["endpoints"][0]["backend"][0]["extra_config"]["plugin/http-client"] =
        json!({ "name": "http-proxy", "proxy_address": origin.url() });
    let [program, limit] = within(64 << 30);
    let started = Gateway::configured(config.clone()).under(&[&program, &limit]);
    let error = started.start().await.expect_err("a refusal").to_string();
    for part in [
        "extra_config[\"cuttle/plugins\"]",
        "the engine for plugins cannot start",
        "ulimit -v",
        "lower `max_instances`",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("there is no plugin"), "{error}");
    // That way out is one.
    config["extra_config"]["cuttle/plugins"]["max_instances"] = json!(20);
    let gateway = Gateway::configured(config).under(&[&program, &limit]);
    recovers(&gateway.start().await?).await;
    Ok(())
}

/// Bytes that a client's body may have.
const PAYLOAD: u64 = MIB;
/// Bytes that a backend's answer may have where it is read.
const DECODED: u64 = MIB / 4;
/// Instances of the plugin, and bytes of each.
const INSTANCES: u64 = 8;
const MEMORY: u64 = 8 * MIB;
/// Requests of each kind at a time.
const AT_ONCE: u64 = 24;
/// Requests beyond the number of instances.
const TOO_MANY: u64 = 8;

/// What `docs/limits.md` says of them. A request under way is 38 KiB, and more
/// than that in a program without optimisation.
const MOST: u64 = AT_ONCE * (PAYLOAD + 25 * DECODED)
    + INSTANCES * 2 * MEMORY
    + (2 * AT_ONCE + INSTANCES) * MIB / 4;

fn config(origin: &Origin) -> Value {
    let to = |path: &str| json!({ "url_pattern": path, "host": [origin.url()], "method": "POST" });
    let get = |path: &str| json!({ "url_pattern": path, "host": [origin.url()] });
    let mut plugin = to("/x");
    plugin["encoding"] = json!("no-op");
    plugin["extra_config"]["plugin/http-client"] = json!({ "name": "reads-body" });
    let mut config = service(backend(&origin.url()));
    let endpoints = config["endpoints"].as_array_mut().expect("a list");
    endpoints.extend([
        json!({ "endpoint": "/both", "method": "POST", "backend": [to("/hang"), to("/hang")] }),
        json!({ "endpoint": "/merged", "backend": [get("/json"), get("/hang")] }),
        json!({ "endpoint": "/alone", "backend": [get("/json")] }),
        json!({ "endpoint": "/large", "backend": [get("/large")] }),
        json!({
            "endpoint": "/plugin", "method": "POST", "output_encoding": "no-op",
            "backend": [plugin],
        }),
    ]);
    config["plugin"] = json!({ "folder": "./plugins/", "pattern": ".wasm" });
    config["extra_config"] = json!({
        "router": { "max_payload": PAYLOAD.to_string() },
        "cuttle/http": { "max_decoded_body": DECODED.to_string() },
        "cuttle/plugins": { "limits": { "reads-body": {
            "instances": INSTANCES, "memory": MEMORY,
        } } },
    });
    config
}

/// Numbers of one digit: the most values for their text.
fn numbers(bytes: u64) -> Reply {
    let count = usize::try_from(bytes / 2 - 10).expect("a number");
    let text = format!("{{\"a\":[{}1]}}", "1,".repeat(count));
    Reply::status(200, &[("Content-Type", "application/json")], &text)
}

async fn origin() -> Origin {
    let (fits, large) = (numbers(DECODED - 20), numbers(2 * DECODED));
    Origin::start(move |head| match head.target() {
        "/hang" => Reply::steps(vec![Step::Silence]),
        "/json" => fits.clone(),
        "/large" => large.clone(),
        _ => Reply::text("ok"),
    })
    .await
}

fn folder() -> std::io::Result<Arc<TempDir>> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("plugins"))?;
    let plugin = folder.path().join("plugins/reads-body.wasm");
    std::fs::copy(fixture("reads-body"), plugin)?;
    Ok(Arc::new(folder))
}

/// A whole request whose answer is not waited for.
async fn sent(address: SocketAddr, request: Outgoing) -> std::io::Result<Exchange> {
    let mut exchange = Exchange::connect(address).await?;
    soon("sending", exchange.send(request)).await?;
    Ok(exchange)
}

/// A body for the plugin without its last byte.
async fn unfinished(address: SocketAddr) -> std::io::Result<Exchange> {
    let mut exchange = Exchange::connect(address).await?;
    let head = format!("POST /plugin HTTP/1.1\r\nHost: a\r\nContent-Length: {PAYLOAD}\r\n\r\n");
    exchange.raw(head).await?;
    let most = usize::try_from(PAYLOAD).expect("a number") - 1;
    exchange.raw(vec![b'x'; most]).await?;
    Ok(exchange)
}

async fn all(starting: JoinSet<std::io::Result<Exchange>>) -> std::io::Result<Vec<Exchange>> {
    starting.join_all().await.into_iter().collect()
}

/// What it uses once it has done all that it can do.
async fn at_rest(gateway: &Gateway) -> std::io::Result<Usage> {
    loop {
        let before = gateway.usage()?;
        sleep(Duration::from_millis(300)).await;
        let now = gateway.usage()?;
        if now.cpu_micros < before.cpu_micros + 30_000 {
            return Ok(now);
        }
    }
}

/// Everybody takes as much as he may at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_for_others_stays_below_its_limits() -> TestResult {
    let origin = origin().await;
    let gateway = Gateway::configured(config(&origin)).dir(&folder()?);
    let gateway = gateway.start().await?;
    let address = gateway.address();
    // Code that runs for the first time is memory, too.
    assert_eq!(gateway.get("/alone").await?.status, 200);
    let whole = Outgoing::new("POST", "/plugin").body(Pattern::new(PAYLOAD));
    assert_eq!(gateway.ask(whole).await?.status, 200);
    let before = gateway.usage()?;
    Usage::reset_peak(gateway.pid())?;

    let (mut starting, mut plugin) = (JoinSet::new(), JoinSet::new());
    for _ in 0..AT_ONCE {
        let body = Pattern::new(PAYLOAD);
        starting.spawn(sent(address, Outgoing::new("POST", "/both").body(body)));
        starting.spawn(sent(address, Outgoing::new("GET", "/merged")));
    }
    for _ in 0..INSTANCES {
        plugin.spawn(unfinished(address));
    }
    let (held, waiting) = (all(starting).await?, all(plugin).await?);
    let under_way = origin.wait("all of them", |journal| {
        let to = |target: &str| {
            let heads = journal.heads.iter();
            heads.filter(|head| head.target() == target).count() as u64
        };
        (to("/hang") == 3 * AT_ONCE && to("/json") > AT_ONCE).then_some(())
    });
    under_way.await;

    for _ in 0..TOO_MANY {
        let more = Outgoing::new("POST", "/plugin").text("x");
        assert_eq!(gateway.ask(more).await?.status, 503, "no instance is free");
        let more = Outgoing::new("POST", "/both").body(Pattern::new(PAYLOAD + 1));
        assert_eq!(gateway.ask(more).await?.status, 413, "above `max_payload`");
        assert_eq!(
            gateway.get("/large").await?.status,
            500,
            "above `max_decoded_body`"
        );
        assert_eq!(gateway.get("/x").await?.status, 200, "what holds nothing");
    }
    let most = at_rest(&gateway).await?;
    let code = most.file.saturating_sub(before.file);
    let grown = most.peak.saturating_sub(before.resident + code);
    println!("{} KiB of {} KiB", grown >> 10, MOST >> 10);
    assert!(grown < MOST, "{grown} bytes of {MOST}");
    assert!(grown > AT_ONCE * PAYLOAD, "{grown} bytes: nothing was held");
    drop((held, waiting));
    recovers(&gateway).await;
    let again = async {
        let whole = || Outgoing::new("POST", "/plugin").text("x");
        while !matches!(gateway.ask(whole()).await, Ok(answer) if answer.status == 200) {}
    };
    soon("a free instance", again).await;
    Ok(())
}

/// So many bytes of address space more than it has.
fn limit_space(gateway: &Gateway, more: u64) -> anyhow::Result<()> {
    let sizes = std::fs::read_to_string(format!("/proc/{}/statm", gateway.pid()))?;
    let pages: u64 = sizes.split(' ').next().unwrap_or_default().parse()?;
    let all = Some(pages * 4096 + more);
    let limit = Rlimit {
        current: all,
        maximum: all,
    };
    let pid = Pid::from_raw(i32::try_from(gateway.pid())?);
    prlimit(pid, Resource::As, limit)?;
    Ok(())
}

/// There is no going on without memory: better an end, and another start.
#[tokio::test(flavor = "multi_thread")]
async fn where_memory_is_refused_the_process_ends_and_says_so() -> TestResult {
    let origin = origin().await;
    let gateway = Gateway::configured(config(&origin)).dir(&folder()?);
    let mut gateway = gateway.start().await?;
    let address = gateway.address();
    recovers(&gateway).await;
    limit_space(&gateway, 8 * MIB)?;
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        let body = Pattern::new(PAYLOAD);
        let request = Outgoing::new("POST", "/both").body(body);
        clients.spawn(Exchange::ask(address, request));
    }
    assert_eq!(gateway.ended().await?, -1, "a signal's");
    let text = gateway.log().text();
    assert!(text.contains("memory allocation of"), "{text}");
    // Nobody is left waiting.
    for answer in soon("an end for all of them", clients.join_all()).await {
        assert!(!answer.is_ok_and(|answer| answer.status == 200));
    }
    Ok(())
}
