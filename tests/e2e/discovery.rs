//! `sd: dns`: hosts come from a name server, which is asked over a real socket.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use cuttle_tests::{Gateway, Origin, TestResult, soon};
use serde_json::{Value, json};
use tokio::{net::UdpSocket, task::JoinHandle};

use crate::support::service;

/// Kind of SRV records (RFC 2782) in questions and answers.
const SRV: [u8; 2] = [0, 33];

/// Answers for one name: a host on loopback for each of the ports. Without any
/// the name is unknown.
struct NameServer {
    address: SocketAddr,
    ports: Arc<Mutex<Vec<u16>>>,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl NameServer {
    async fn start(ports: Vec<u16>) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let address = socket.local_addr()?;
        let ports = Arc::new(Mutex::new(ports));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(socket, Arc::clone(&ports), Arc::clone(&asked)));
        Ok(Self {
            address,
            ports,
            asked,
            task,
        })
    }

    fn set(&self, ports: Vec<u16>) {
        *self.ports.lock().unwrap() = ports;
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, ports: Arc<Mutex<Vec<u16>>>, asked: Arc<Mutex<Vec<String>>>) {
    let mut buffer = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        let (name, answer) = answer(&buffer[..length], &ports.lock().unwrap().clone());
        asked.lock().unwrap().push(name);
        socket.send_to(&answer, client).await.expect("a socket");
    }
}

/// The name that is asked for, and what to say (RFC 1035 section 4.1).
fn answer(query: &[u8], ports: &[u16]) -> (String, Vec<u8>) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).into_owned());
        at = end;
    }
    let kind = &query[at + 1..at + 3];
    let records = if kind == SRV { ports } else { &[] };
    // The question again, without what may follow it.
    let mut answer = query[..at + 5].to_vec();
    let known: u8 = if records.is_empty() { 0x83 } else { 0x80 };
    let count = u8::try_from(records.len()).expect("few records");
    answer[2..12].copy_from_slice(&[0x81, known, 0, 1, 0, count, 0, 0, 0, 0]);
    for port in records {
        let target = b"\x03127\x010\x010\x011\x00";
        // Name (the question's), kind, class, time to live, length.
        answer.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 14, 16]);
        answer.extend([0, 6 + u8::try_from(target.len()).expect("a short name")]);
        // Priority, weight, port, target.
        answer.extend([0, 1, 0, 1]);
        answer.extend(port.to_be_bytes());
        answer.extend(target);
    }
    (labels.join("."), answer)
}

fn config(server: &NameServer) -> Value {
    let mut config = service(vec![json!({
        "endpoint": "/found",
        "output_encoding": "no-op",
        "backend": [{
            "url_pattern": "/x", "encoding": "no-op",
            "sd": "dns", "host": ["api.service.consul."],
        }],
    })]);
    config["dns_cache_ttl"] = json!("1s");
    config["extra_config"] = json!({ "cuttle/http": {
        "dns_servers": [server.address.to_string()], "gateway_errors": true,
    } });
    config
}

#[tokio::test]
async fn requests_go_where_the_name_server_says_and_follow_it() -> TestResult {
    let origins = [
        Origin::replying("one").await,
        Origin::replying("two").await,
        Origin::replying("three").await,
    ];
    let [one, two, three] = origins.each_ref().map(|origin| origin.port());
    let server = NameServer::start(vec![one, two]).await?;
    let gateway = Gateway::start(config(&server)).await?;
    assert!(
        server.asked().is_empty(),
        "nobody is asked before a request"
    );

    let mut bodies = Vec::new();
    for _ in 0..4 {
        bodies.push(gateway.get("/found").await?.body);
    }
    bodies.sort_unstable();
    assert_eq!(bodies, ["one", "one", "two", "two"], "they take turns");
    assert_eq!(
        server.asked().first().map(String::as_str),
        Some("api.service.consul")
    );
    let host = origins[0].last().head.field("host").map(str::to_owned);
    assert_eq!(host, Some(format!("127.0.0.1:{one}")));

    // What was found is used for its time, and on until something else is found.
    server.set(vec![three]);
    soon("the new host", async {
        while gateway.get("/found").await?.body != "three" {}
        anyhow::Ok(())
    })
    .await?;
    let asked = server.asked().len();
    server.set(Vec::new());
    soon("the next question", async {
        while server.asked().len() == asked {
            assert_eq!(gateway.get("/found").await?.body, "three");
        }
        anyhow::Ok(())
    })
    .await?;
    assert_eq!(gateway.get("/found").await?.body, "three");
    Ok(())
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_backend_without_hosts() -> TestResult {
    let server = NameServer::start(Vec::new()).await?;
    let gateway = Gateway::start(config(&server)).await?;
    let answer = gateway.get("/found").await?;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!server.asked().is_empty());
    Ok(())
}
