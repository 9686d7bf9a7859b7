//! Reload after reload, and the gateway is as it was.

use std::time::{Duration, Instant};

use cuttle_tests::{Gateway, Origin, TestResult};
use serde_json::json;

use super::{is_success, load::Load};
use crate::support::{by_plugin, endpoint, service};

/// Reloads that the test takes; `CUTTLE_SOAK=1000` is what `make soak` does.
fn reloads() -> usize {
    let wanted = std::env::var("CUTTLE_SOAK").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Of 50 plugins that are used, all of them compiled once.
#[tokio::test(flavor = "multi_thread")]
async fn reloads_of_50_plugin_uses_under_load_fail_no_request_and_keep_no_memory() -> TestResult {
    const USES: usize = 50;
    /// Each place in the pool of instances keeps up to 128 KiB of what was in
    /// it, and two generations meet in more and more of them for a while.
    const POOL: u64 = 2 * USES as u64 * (128 << 10);
    // Until what is made once has been made.
    const WARM: usize = 100;
    let origin = Origin::replying("ok").await;
    let paths: Vec<_> = (0..USES).map(|index| format!("/plugin/{index}")).collect();
    let uses = paths
        .iter()
        .map(|path| by_plugin(endpoint(path, "http://behind.test"), &origin.url()));
    let mut config = service(uses.collect());
    config["extra_config"] = json!({ "router": { "disable_access_log": true } });
    let gateway = Gateway::start(config.clone()).await?;
    let load = Load::start(&gateway, &paths, 4);
    let mut settled = gateway.usage()?;
    let (mut started, mut longest) = (Instant::now(), Duration::ZERO);
    for count in 1..=WARM + reloads() {
        let before = Instant::now();
        let event = gateway.reload(count).await?;
        assert!(is_success(&event), "{event}");
        load.go_on(10).await;
        if count == WARM {
            settled = gateway.usage()?;
            started = Instant::now();
        } else if count > WARM {
            longest = longest.max(before.elapsed());
        }
    }
    let taken = started.elapsed();
    let last = gateway.usage()?;
    let sent = load.end().await?;
    println!(
        "{} reloads in {taken:?}, the longest {longest:?}; {sent} requests; {} to {} bytes",
        reloads(),
        settled.resident,
        last.resident,
    );
    assert!(
        last.resident <= settled.resident + settled.resident / 10 + POOL
            && last.descriptors <= settled.descriptors + 10,
        "{settled:?} has become {last:?}"
    );
    Ok(())
}
