//! Traffic that must not notice what goes on beside it, and what the gateway
//! says of its listener.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cuttle_tests::{Exchange, Gateway, Origin, Outgoing, PATIENCE, Usage};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Clients that ask one thing after the other until they are stopped.
pub(crate) struct Healthy {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Healthy {
    /// Four of them: two on a connection of their own, two on a new one for
    /// each request.
    pub(crate) fn start(gateway: &Gateway) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |kept| tokio::spawn(ask(gateway.address(), stop.clone(), kept));
        Self {
            clients: [true, true, false, false].map(client).into(),
            stop,
        }
    }

    /// Ends it; none of its requests may have failed.
    pub(crate) async fn unharmed(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            let (asked, failures) = client.await.expect("a client");
            assert!(asked > 0, "it asked something");
            assert_eq!(failures, [""; 0], "of {asked}");
        }
    }
}

async fn ask(address: SocketAddr, stop: Arc<AtomicBool>, kept: bool) -> (usize, Vec<String>) {
    let (mut asked, mut failures) = (0, Vec::new());
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        asked += 1;
        match once(address, &mut connection).await {
            Ok(200) => {}
            Ok(status) => failures.push(status.to_string()),
            Err(error) => failures.push(error.to_string()),
        }
        if !kept {
            connection = None;
        }
        sleep(Duration::from_millis(5)).await;
    }
    (asked, failures)
}

async fn once(address: SocketAddr, connection: &mut Option<Exchange>) -> std::io::Result<u16> {
    let mut exchange = match connection.take() {
        Some(exchange) => exchange,
        None => Exchange::connect(address).await?,
    };
    exchange.send(Outgoing::new("GET", "/x")).await?;
    let answer = exchange.answer().await?;
    *connection = Some(exchange);
    Ok(if answer.complete { answer.status } else { 0 })
}

/// A gateway with `GET` and `POST /x` of `origin`, both passed on as they come,
/// `GET /whole`, which is read here before it goes on, both pages, and these
/// keys of the service and of `cuttle/http`.
pub(crate) async fn gateway(
    origin: &Origin,
    service: Value,
    http: Value,
) -> anyhow::Result<Gateway> {
    let endpoint = |path: &str, method: &str, encoding: &str| {
        json!({
            "endpoint": path, "method": method, "output_encoding": encoding,
            "input_headers": ["*"],
            "backend": [{ "url_pattern": path, "host": [origin.url()], "encoding": encoding }],
        })
    };
    let mut config = json!({
        "version": 3, "timeout": "30s", "use_h2c": true,
        "endpoints": [
            endpoint("/x", "GET", "no-op"), endpoint("/x", "POST", "no-op"),
            endpoint("/big", "GET", "no-op"), endpoint("/whole", "GET", "string"),
        ],
        "extra_config": { "cuttle/http": { "status_path": "/__status", "metrics_path": "/__metrics" } },
    });
    merge(&mut config, service);
    merge(&mut config["extra_config"]["cuttle/http"], http);
    room_for_connections();
    Gateway::start(config).await
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

/// `listener` of the status page.
pub(crate) async fn listener(gateway: &Gateway) -> Value {
    let answer = gateway.get("/__status").await.expect("the status page");
    let page: Value = serde_json::from_str(&answer.body).expect("JSON");
    page["listener"].clone()
}

/// Waits until so many connections have been cut for `limit`.
pub(crate) async fn cut(gateway: &Gateway, limit: &str, count: u64) {
    until(gateway, &format!("{count} cut for {limit}"), |listener| {
        listener["cut"][limit]
            .as_u64()
            .is_some_and(|cut| cut >= count)
    })
    .await;
}

/// Waits until the page says so.
pub(crate) async fn until(gateway: &Gateway, what: &str, done: impl Fn(&Value) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let listener = listener(gateway).await;
        if done(&listener) {
            return;
        }
        assert!(Instant::now() < end, "not {what}: {listener}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it has no more descriptors than before, but for a few of pooled
/// connections.
pub(crate) async fn descriptors_are_back(gateway: &Gateway, before: &Usage) {
    let end = Instant::now() + PATIENCE;
    loop {
        let now = gateway.usage().expect("a running gateway").descriptors;
        if now <= before.descriptors + 30 {
            return;
        }
        assert!(Instant::now() < end, "{now} descriptors, {before:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The tests themselves have thousands of connections.
fn room_for_connections() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let maximum = getrlimit(Resource::Nofile).maximum;
        let all = Rlimit {
            current: maximum,
            maximum,
        };
        setrlimit(Resource::Nofile, all).expect("more descriptors");
    });
}
