//! The bad days of the host: what each of them does to clients, and that the
//! gateway is well again within [`RECOVERY`] without a restart.

mod bombs;
mod clock;
mod memory;
mod names;
mod network;
mod output;
mod process;

use std::time::Duration;

use cuttle_tests::{Gateway, soon};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// The longest that requests may fail once the cause is gone.
const RECOVERY: Duration = Duration::from_secs(5);

/// A service with `GET /x` of these backends.
fn service(backend: Value) -> Value {
    json!({
        "version": 3, "timeout": "30s",
        "endpoints": [{ "endpoint": "/x", "output_encoding": "no-op", "backend": [backend] }],
    })
}

/// `/x` of `host`, passed on.
fn backend(host: &str) -> Value {
    json!({ "url_pattern": "/x", "host": [host], "encoding": "no-op" })
}

/// Waits until `/x` is 200 again.
async fn recovers(gateway: &Gateway) {
    let start = Instant::now();
    soon("an answer", async {
        while !matches!(gateway.get("/x").await, Ok(answer) if answer.status == 200) {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(start.elapsed() < RECOVERY, "took {:?}", start.elapsed());
}
