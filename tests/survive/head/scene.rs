//! A server under test, the origin behind it, and a client that sends bytes.

use std::{net::SocketAddr, time::Duration};

use cuttle_tests::{Gateway, Head, Journal, Origin, PATIENCE, Reply, Server, Wire};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};

use super::{case::Case, rivals::Rival};

/// How long others may keep a client waiting before it gives up, which costs
/// them the case.
const RIVALS_PATIENCE: Duration = Duration::from_millis(1500);

/// Bytes of a body that are let in.
pub(super) const MAX_BODY: usize = 64 << 10;
/// Bytes of a head that are let in.
pub(super) const MAX_HEAD: usize = 32 << 10;

/// A server with its origin.
pub(super) struct Scene {
    address: SocketAddr,
    origin: Origin,
    authority: String,
    patience: Duration,
    _subject: Subject,
}

/// Ended when it is dropped.
#[expect(dead_code, reason = "held for the end of its life")]
enum Subject {
    Gateway(Box<Gateway>),
    Rival(Box<Server>),
}

/// What has become of a case.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Final answers.
    pub(super) statuses: Vec<u16>,
    pub(super) answers: Vec<Head>,
    /// The server let the client wait.
    pub(super) hung: bool,
    /// Heads at the origin.
    pub(super) heads: Vec<Head>,
    /// Bodies of the complete requests there.
    pub(super) bodies: Vec<String>,
    /// An ordinary request was answered afterwards.
    pub(super) healthy: bool,
}

impl Scene {
    pub(super) async fn gateway() -> anyhow::Result<Self> {
        let origin = origin().await;
        let gateway = Gateway::start(configuration(&origin.url())).await?;
        Ok(Self {
            address: gateway.address(),
            authority: origin.authority(),
            origin,
            patience: PATIENCE,
            _subject: Subject::Gateway(Box::new(gateway)),
        })
    }

    pub(super) async fn rival(rival: Rival) -> anyhow::Result<Self> {
        let origin = origin().await;
        let running = rival.start(&origin.authority()).await?;
        let [address, _] = running.addresses();
        Ok(Self {
            address,
            authority: origin.authority(),
            origin,
            patience: RIVALS_PATIENCE,
            _subject: Subject::Rival(Box::new(running)),
        })
    }

    /// What `Host` has to be at the origin.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a case and looks what has become of it.
    pub(super) async fn run(&self, case: &Case, number: usize) -> Outcome {
        let [heads, complete] = self.seen(|j| [j.heads.len(), j.requests.len()]).await;
        let mut outcome = Outcome::default();
        self.send(case, &mut outcome).await;
        // Behind it, nothing of the case can be on its way to the origin.
        outcome.healthy = self.answers(number).await;
        let is_case = |head: &Head| !head.target().contains("probe=");
        let new = self.seen(|j| (j.heads[heads..].to_vec(), j.requests[complete..].to_vec()));
        let (heads, requests) = new.await;
        outcome.heads = heads.into_iter().filter(|head| is_case(head)).collect();
        let requests = requests
            .into_iter()
            .filter(|request| is_case(&request.head));
        outcome.bodies = requests.map(|request| request.body.text()).collect();
        outcome
    }

    async fn seen<T>(&self, look: impl Fn(&Journal) -> T) -> T {
        self.origin
            .wait("a look", |journal| Some(look(journal)))
            .await
    }

    async fn send(&self, case: &Case, outcome: &mut Outcome) {
        let Ok(stream) = TcpStream::connect(self.address).await else {
            return;
        };
        let mut wire = Wire::new(stream);
        let head_only = case.bytes.starts_with(b"HEAD");
        let talk = async {
            // It may have closed before the last byte.
            let _ = wire.send(&case.bytes).await;
            if case.finish {
                let _ = wire.finish().await;
            }
            read(&mut wire, head_only, outcome).await;
        };
        outcome.hung = timeout(self.patience, talk).await.is_err();
    }

    /// Whether an ordinary request on a connection of its own is answered.
    async fn answers(&self, number: usize) -> bool {
        let Ok(stream) = TcpStream::connect(self.address).await else {
            return false;
        };
        let request =
            format!("GET /x?probe={number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let mut wire = Wire::new(stream);
        let mut outcome = Outcome::default();
        let talk = async {
            let _ = wire.send(request.as_bytes()).await;
            read(&mut wire, false, &mut outcome).await;
        };
        timeout(PATIENCE, talk).await.is_ok() && outcome.statuses == [200]
    }
}

/// Reads answers to the end of the connection.
async fn read(wire: &mut Wire<TcpStream>, head_only: bool, outcome: &mut Outcome) {
    let method = if head_only { "HEAD" } else { "GET" };
    while let Ok(Some(head)) = wire.head().await {
        if matches!(head.status(), 100..=199) {
            continue;
        }
        let mut framing = head.response_framing(method);
        outcome.statuses.push(head.status());
        outcome.answers.push(head);
        while let Ok(Some(_)) = wire.piece(&mut framing).await {}
    }
}

/// `/back/NAME` answers with a field of this name that is for nobody else.
async fn origin() -> Origin {
    Origin::start(|head| {
        let body = if head.method() == "HEAD" { "" } else { "ok" };
        match head.target().strip_prefix("/back/") {
            Some("nominated") => {
                let fields = [
                    ("Connection", "X-Named, Content-Length"),
                    ("X-Named", "leaked"),
                ];
                Reply::status(200, &fields, body)
            }
            Some(name) => Reply::status(200, &[(name, "leaked")], body),
            None => Reply::status(200, &[], body),
        }
    })
    .await
}

fn configuration(origin: &str) -> Value {
    let endpoint = |method: &str, path: &str, pattern: &str| {
        json!({
            "endpoint": path,
            "method": method,
            "output_encoding": "no-op",
            "input_headers": ["*"],
            "input_query_strings": ["*"],
            "backend": [{ "url_pattern": pattern, "host": [origin], "encoding": "no-op" }],
        })
    };
    let mut query = endpoint("GET", "/q", "/q");
    query["input_query_strings"] = json!(["a"]);
    let mut fields = endpoint("GET", "/h", "/h");
    fields["input_headers"] = json!(["X-Allowed"]);
    json!({
        "version": 3,
        "timeout": "30s",
        "max_header_bytes": MAX_HEAD,
        // A limit that passes would look like an answer.
        "read_header_timeout": "10m",
        "read_timeout": "10m",
        "idle_timeout": "10m",
        "extra_config": { "router": { "max_payload": MAX_BODY } },
        "endpoints": [
            endpoint("GET", "/x", "/x"),
            endpoint("POST", "/x", "/x"),
            endpoint("HEAD", "/x", "/x"),
            endpoint("GET", "/smuggled", "/smuggled"),
            endpoint("GET", "/p/{id}", "/v1/p/{id}"),
            endpoint("GET", "/back/{name}", "/back/{name}"),
            query,
            fields,
        ],
    })
}
