//! A gateway on loopback, and a backend that reads its bytes by the letter.

use std::{
    future::pending,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cuttle::{gateway::Gateway, server::Server};
use cuttle_egress::{Client, Redirects, SendOptions, Settings, Way};
use cuttle_pipeline::{Body, ExecuteError, ExecuteFuture, Executor, FailureKind, Pipeline};
use http::Request;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    time::{Instant, timeout},
};

use crate::strict::{self, Message, Read, Sender};

/// Names the call that a request belongs to.
const CALL: &str = "x-call";
/// Nothing here takes longer.
const PLENTY: Duration = Duration::from_secs(10);

/// Gateway and backend, on one thread.
pub struct Rig {
    runtime: Runtime,
    gateway: SocketAddr,
    backend: SocketAddr,
    round: Arc<AtomicU64>,
    arrived: Arc<Mutex<Vec<Message>>>,
}

impl Rig {
    #[must_use]
    pub fn start() -> Self {
        let runtime = super::runtime();
        let arrived = Arc::<Mutex<Vec<Message>>>::default();
        let round = Arc::<AtomicU64>::default();
        let (gateway, backend) = runtime.block_on(async {
            let backend = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = backend.local_addr().expect("an address");
            tokio::spawn(serve(backend, Arc::clone(&arrived)));
            (listen(address, &round), address)
        });
        Self {
            runtime,
            gateway,
            backend,
            round,
            arrived,
        }
    }

    /// The authority of the backend.
    #[must_use]
    pub fn backend(&self) -> String {
        self.backend.to_string()
    }

    /// Sends `first` and then `second` by one connection, and gives what has
    /// arrived at the backend, in the order of the calls.
    pub fn exchange(&self, first: &[u8], second: &[u8]) -> Vec<Message> {
        let round = self.round.fetch_add(1, Ordering::Relaxed) + 1;
        let sent = self.runtime.block_on(async {
            let talk = talk(self.gateway, first.to_vec(), second.to_vec());
            timeout(PLENTY, talk).await
        });
        sent.expect("the gateway closes the connection in time");
        let all = std::mem::take(&mut *self.arrived.lock().expect("no panic before"));
        let mut mine: Vec<_> = all
            .into_iter()
            .filter_map(|message| Some((call(&message, round)?, message)))
            .collect();
        mine.sort_by_key(|(call, _)| *call);
        // One that a kept connection did not take is sent once more.
        mine.dedup_by_key(|(call, _)| *call);
        mine.into_iter().map(|(_, message)| message).collect()
    }
}

/// The number of its call, if it is one of this round.
fn call(message: &Message, round: u64) -> Option<u64> {
    let (_, value) = message.fields.iter().find(|(name, _)| name == CALL)?;
    let value = std::str::from_utf8(value).ok()?;
    let (of, number) = value.split_once('-')?;
    (of == round.to_string()).then(|| number.parse().ok())?
}

async fn talk(gateway: SocketAddr, first: Vec<u8>, second: Vec<u8>) {
    let mut stream = TcpStream::connect(gateway).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    let (mut input, mut output) = stream.split();
    let write = async {
        // It may have been refused by now.
        let _ = output.write_all(&first).await;
        tokio::task::yield_now().await;
        let _ = output.write_all(&second).await;
        let _ = output.shutdown().await;
    };
    let read = async {
        let mut answers = Vec::new();
        let _ = input.read_to_end(&mut answers).await;
    };
    tokio::join!(write, read);
}

/// Calls the backend by the gateway's client.
struct Wired {
    client: Client,
    round: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
}

impl Executor for Wired {
    fn execute(&self, mut request: Request<Body>, deadline: Instant) -> ExecuteFuture<'_> {
        let round = self.round.load(Ordering::Relaxed);
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = format!("{round}-{number}");
        request
            .headers_mut()
            .insert(CALL, call.parse().expect("a value"));
        let options = SendOptions {
            deadline,
            redirects: Redirects::None,
            gate: None,
        };
        Box::pin(async move {
            let sent = self.client.send(request, &Way::Direct, &options).await;
            sent.map_err(|error| ExecuteError {
                kind: FailureKind::Backend,
                source: error.into(),
            })
        })
    }
}

fn listen(backend: SocketAddr, round: &Arc<AtomicU64>) -> SocketAddr {
    let service = service(backend);
    let client = Client::new(Settings::default()).expect("a client");
    let calls = Arc::<AtomicU64>::default();
    let endpoints = service.endpoints.iter().map(|endpoint| {
        let executors = endpoint.backends.iter().map(|_| {
            Arc::new(Wired {
                client: client.clone(),
                round: Arc::clone(round),
                calls: Arc::clone(&calls),
            }) as Arc<dyn Executor>
        });
        let pipeline = Pipeline::build(endpoint, executors.collect()).expect("a pipeline");
        (endpoint.clone(), pipeline)
    });
    let gateway = Gateway::new(&service, endpoints.collect());
    let gateway = gateway.unwrap_or_else(|_| panic!("routes conflict"));
    let server = Server::bind(&service.listen, Arc::new(gateway), None).expect("a port");
    let address = server.local_addr();
    tokio::spawn(server.run(pending(), pending()));
    address
}

fn service(backend: SocketAddr) -> cuttle_config::Service {
    let endpoint = |path: &str, method| {
        json!({
            "endpoint": path, "method": method, "output_encoding": "no-op",
            "input_headers": ["*"], "input_query_strings": ["*"],
            "backend": [{
                "url_pattern": format!("/base{path}"), "host": [format!("http://{backend}")],
            }],
        })
    };
    let file = json!({
        "version": 3, "listen_ip": "127.0.0.1",
        "endpoints": [
            endpoint("/{a}", "GET"), endpoint("/{a}", "POST"), endpoint("/{a}/{b}", "GET"),
        ],
    });
    let options = cuttle_config::Options {
        port: Some(0),
        ..cuttle_config::Options::default()
    };
    let loaded = cuttle_config::parse(&file.to_string(), Path::new("fuzz.json"), &options);
    loaded.unwrap_or_else(|report| panic!("{report}")).service
}

/// Answers what it can read, and fails on everything else.
async fn serve(listener: TcpListener, arrived: Arc<Mutex<Vec<Message>>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(answer(stream, Arc::clone(&arrived)));
    }
}

async fn answer(mut stream: TcpStream, arrived: Arc<Mutex<Vec<Message>>>) {
    let mut bytes = Vec::new();
    let note = |message| arrived.lock().expect("no panic before").push(message);
    loop {
        match strict::read(&bytes, Sender::Gateway) {
            Read::Whole(message, length) => {
                note(message);
                bytes.drain(..length);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
            }
            Read::Part(part) => {
                if matches!(stream.read_buf(&mut bytes).await, Ok(0) | Err(_)) {
                    part.into_iter().for_each(note);
                    return;
                }
            }
            Read::Bad(why) => panic!("{why}: {:?}", bytes.escape_ascii().to_string()),
        }
    }
}
