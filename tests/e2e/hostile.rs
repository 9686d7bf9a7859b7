//! Plugins made to do harm, one after the other in one gateway, while healthy
//! requests go on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cuttle_tests::{Gateway, HANDMADE, Origin, TestResult, Usage, fixture, handmade};
use serde_json::json;

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with, with_plugin};

/// What a call may take: some of them use all of it.
const LIMIT: &str = "300ms";
/// Clients that know of no plugin.
const HEALTHY: usize = 3;
/// What the limits give to one call by default: memory of its own, and as much
/// again for bodies.
const CAP: u64 = 128 << 20;
/// Everything else that the gateway may take meanwhile. Measured are 70 MiB:
/// of bodies and lists that are gone the allocator keeps much for the next.
const ROOM: u64 = 96 << 20;

/// Folders of `plugins/fixtures` that fail at every call.
const FIXTURES: [&str; 18] = [
    "bad-status",
    "body-hoard",
    "breaks-body-off",
    "drops-pipes",
    "exits",
    "fields-flood",
    "handle-leak",
    "host-call-flood",
    "huge-argument",
    "huge-return",
    "memory-bomb",
    "quad-list",
    "recurses",
    "returns-error",
    "sleeps",
    "spins",
    "tiny-pieces",
    "traps",
];

/// Handmade ones that do not start: those stop the gateway's own start.
const NEVER_START: [&str; 8] = [
    "huge-memory",
    "large-memory",
    "many-instances",
    "many-memories",
    "many-tables",
    "places-outside",
    "start-spins",
    "start-traps",
];

fn names() -> Vec<&'static str> {
    let handmade = HANDMADE.into_iter();
    let starting = handmade.filter(|name| !NEVER_START.contains(name));
    FIXTURES.into_iter().chain(starting).collect()
}

async fn gateway(origin: &Origin) -> anyhow::Result<Gateway> {
    let files: Vec<_> = FIXTURES.iter().map(|name| fixture(name)).collect();
    let files: Vec<_> = files.iter().map(AsRef::as_ref).collect();
    let folder = plugin_folder(&files);
    let mut endpoints = vec![endpoint("/healthy", &origin.url())];
    for name in names() {
        if HANDMADE.contains(&name) {
            let file = folder.path().join("plugins").join(name);
            std::fs::write(file.with_extension("wasm"), handmade(name))?;
        }
        let hostile = endpoint(&format!("/{name}"), &origin.url());
        let hostile = with_plugin(hostile, json!({ "name": name }));
        endpoints.push(with(hostile, "timeout", json!(LIMIT)));
    }
    let config = plugins_from_folder(service(endpoints));
    Gateway::configured(config).dir(&folder).start().await
}

/// Calls each hostile plugin; nobody gets an answer out of one.
async fn attack(gateway: &Gateway) {
    for name in names() {
        if let Ok(answer) = gateway.get(&format!("/{name}")).await {
            let failed = answer.status == 500 && answer.body.is_empty();
            assert!(failed || !answer.complete, "{name}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn healthy_requests_do_not_notice_hostile_plugins() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin).await?;
    let before = gateway.usage()?;
    Usage::reset_peak(gateway.pid())?;
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let healthy = || async {
        while !done.load(Ordering::Relaxed) {
            let answer = gateway.get("/healthy").await?;
            assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
            answered.fetch_add(1, Ordering::Relaxed);
        }
        anyhow::Ok(())
    };
    let attacks = async {
        // The second round meets whatever the first left behind.
        attack(&gateway).await;
        attack(&gateway).await;
        done.store(true, Ordering::Relaxed);
    };
    let clients = futures_util::future::join_all((0..HEALTHY).map(|_| healthy()));
    let ((), outcomes) = tokio::join!(attacks, clients);
    outcomes.into_iter().collect::<anyhow::Result<Vec<_>>>()?;

    let answered = answered.into_inner();
    assert!(answered > names().len(), "{answered}");
    let after = gateway.usage()?;
    // Code that runs for the first time, of which a program without
    // optimisation has much.
    let code = after.file.saturating_sub(before.file);
    let most = before.resident + code + CAP + ROOM;
    assert!(after.peak < most, "{after:?} of {most} bytes, {before:?}");
    Ok(())
}

/// The whole gateway stays down, and says which file it is.
#[tokio::test]
async fn what_cannot_start_stops_the_start() -> TestResult {
    let origin = Origin::replying("ok").await;
    for name in NEVER_START
        .into_iter()
        .filter(|name| *name != "start-spins")
    {
        let folder = plugin_folder(&[]);
        let file = folder.path().join("plugins").join(name);
        std::fs::write(file.with_extension("wasm"), handmade(name))?;
        let hostile = endpoint("/", &origin.url());
        let config = service(vec![with_plugin(hostile, json!({ "name": name }))]);
        let config = plugins_from_folder(config);
        let started = Gateway::configured(config).dir(&folder).start().await;
        let text = started.err().map(|error| error.to_string());
        assert!(text.is_some_and(|text| text.contains(name)), "{name}");
    }
    Ok(())
}
