//! Memory of a call that waits for its backend, with and without a plugin.
//!
//! `cargo bench -p cuttle-tests --bench in_flight`. Each way is measured in a
//! process of its own: what its resident memory grows by with so many more calls
//! that wait, divided by their number. The backend, which answers none of them, is in
//! the first process.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement reports by panicking"
)]

use std::{
    env,
    future::pending,
    net::TcpListener,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use bytes::Bytes;
use cuttle_egress::{Body, Client, Redirects, SendOptions, Settings, Way};
use cuttle_plugin::{Binding, Engine, EngineSettings, Isolation, Limits, Plugin};
use cuttle_tests::fixture;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tokio::time::{Instant, sleep};
use wasmtime::{
    Config, Store,
    component::{Accessor, Component, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    p3::{self, bindings::ServicePre},
};

/// Calls that wait. Each has a socket, of which a process may have 1,024.
const CALLS: usize = 300;
/// Calls before them.
const FIRST: usize = 50;
const WAYS: [(&str, &str); 5] = [
    ("direct", "no plugin: the client and its connection"),
    ("adds-header", "a plugin of the contract, with them"),
    ("wasi-http-proxy", "a component of 0.2, with them"),
    ("wasi-http-service", "a component of 0.3, with them"),
    (
        "one-instance",
        "a call in one instance of 0.3 for all, without them",
    ),
];

fn main() {
    match (env::args().nth(1).as_deref(), env::args().nth(2)) {
        (Some("measure"), Some(way)) => measure(&way, &env::args().nth(3).expect("a URL")),
        _ => compare(),
    }
}

/// Runs a process for each way, with a backend that never answers.
fn compare() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            kept.push(stream);
        }
    });
    for (way, what) in WAYS {
        let output = Command::new(env::current_exe().expect("this program"))
            .args(["measure", way, &url])
            .stderr(Stdio::inherit())
            .output()
            .expect("a process");
        let bytes: usize = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .expect("a number");
        println!("{:6.1} KiB  {what}", bytes as f64 / 1024.0);
    }
}

fn measure(way: &str, url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let grown = runtime.block_on(async {
        match way {
            "direct" => direct(url).await,
            "one-instance" => one_instance().await,
            plugin => through(plugin, url).await,
        }
    });
    println!("{}", grown / CALLS);
}

/// What the process grows by while `CALLS` of `calls` wait beside those that
/// came first, with which everything is there that is needed once.
async fn growth<F: Future>(mut calls: impl Iterator<Item = F>) -> usize {
    let mut waiting: FuturesUnordered<_> = calls.by_ref().take(FIRST).collect();
    let before = settled(&mut waiting).await;
    waiting.extend(calls.take(CALLS));
    settled(&mut waiting).await.saturating_sub(before)
}

/// The memory of this process, once it grows no more.
async fn settled<F: Future>(waiting: &mut FuturesUnordered<F>) -> usize {
    let still = async {
        let mut last = 0;
        loop {
            sleep(Duration::from_millis(500)).await;
            let now = resident();
            if now == last {
                return now;
            }
            last = now;
        }
    };
    tokio::select! {
        _ = waiting.next() => panic!("a call has ended"),
        now = still => now,
    }
}

/// Bytes of memory this process has.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}

fn client() -> Client {
    Client::new(Settings::default()).expect("a client")
}

fn request(url: &str) -> Request<Body> {
    let body = Empty::new().map_err(|never| match never {});
    Request::get(url)
        .body(body.boxed_unsync())
        .expect("a request")
}

fn late() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

async fn direct(url: &str) -> usize {
    let client = client();
    let options = SendOptions {
        deadline: late(),
        redirects: Redirects::None,
        gate: None,
    };
    let calls = (0..FIRST + CALLS).map(|_| client.send(request(url), &Way::Direct, &options));
    growth(calls).await
}

async fn through(name: &str, url: &str) -> usize {
    let engine = Engine::new(&EngineSettings::default()).expect("an engine");
    let bytes = std::fs::read(fixture(name)).expect("a component");
    let component = engine.load(name, &bytes).expect("a plugin");
    let binding = Binding {
        limits: Limits {
            instances: FIRST + CALLS,
            ..Limits::default()
        },
        isolation: Isolation::Request,
        endpoint: "GET /".into(),
        ..Binding::least(client())
    };
    let plugin = Plugin::bind(&component, binding)
        .await
        .expect("an instance");
    growth((0..FIRST + CALLS).map(|_| plugin.call(request(url), late()))).await
}

/// Calls that wait, in `Silent`.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Sends nothing and never gets a response.
struct Silent;

impl WasiHttpHooks for Silent {
    fn send_request(
        &mut self,
        _request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Box::new(pending())
    }
}

type Sent = Result<
    (
        Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

struct Plain {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Silent,
}

impl WasiView for Plain {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Plain {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// What one instance needs for each call: a lower bound, outside of the
/// gateway, which gives each call an instance.
async fn one_instance() -> usize {
    let engine = wasmtime::Engine::new(&Config::new()).expect("an engine");
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("linked");
    wasmtime_wasi::p3::add_to_linker(&mut linker).expect("linked");
    p3::add_to_linker(&mut linker).expect("linked");
    let component = Component::from_file(&engine, fixture("wasi-http-service")).expect("compiled");
    let pre =
        ServicePre::new(linker.instantiate_pre(&component).expect("linked")).expect("a service");
    let mut store = Store::new(
        &engine,
        Plain {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Silent,
        },
    );
    let service = pre
        .instantiate_async(&mut store)
        .await
        .expect("an instance");
    let measured = store.run_concurrent(async |accessor: &Accessor<Plain>| {
        let grown =
            growth((0..FIRST + CALLS).map(|_| service.handle(accessor, service_request()))).await;
        assert_eq!(WAITING.load(Ordering::Relaxed), FIRST + CALLS);
        grown
    });
    measured.await.expect("no trap")
}

fn service_request() -> p3::Request {
    let (request, _sent) = p3::Request::new(
        http::Method::GET,
        Some(http::uri::Scheme::HTTP),
        Some(http::uri::Authority::from_static("nowhere.test")),
        Some(http::uri::PathAndQuery::from_static("/")),
        wasmtime_wasi_http::FieldMap::default(),
        None,
        Empty::<Bytes>::new(),
    );
    request
}
