//! Components, an origin, and log lines to look at.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, Once, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use cuttle_egress::{Body, Client, Settings};
use cuttle_plugin::{
    BindError, Binding, CallError, Component, Engine, EngineSettings, Limits, Plugin,
};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, time::Instant};

/// Long enough for everything that is not about time.
const PLENTY: Duration = Duration::from_secs(60);

/// One engine for all tests: compiling is what takes time.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&EngineSettings::default()).unwrap())
}

/// Bytes of a fixture, or of the bundled plugin.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/{name}.wasm", env!("CUTTLE_FIXTURES"))).unwrap()
}

/// A loaded fixture, or the bundled plugin.
pub(crate) fn component(name: &str) -> Component {
    static LOADED: OnceLock<Mutex<HashMap<String, Component>>> = OnceLock::new();
    let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap();
    loaded
        .entry(name.to_owned())
        .or_insert_with(|| engine().load(name, &bytes(name)).unwrap())
        .clone()
}

/// A binding with no settings, no rights and the limits by default.
pub(crate) fn binding() -> Binding {
    Binding {
        endpoint: "GET /test".into(),
        ..Binding::least(Client::new(Settings::default()).unwrap())
    }
}

/// The plugin `name`, bound without anything special.
pub(crate) async fn plugin(name: &str) -> Plugin {
    Plugin::bind(&component(name), binding()).await.unwrap()
}

/// The plugin `name` with other limits.
pub(crate) async fn limited(name: &str, limits: Limits) -> Plugin {
    let binding = Binding {
        limits,
        ..binding()
    };
    Plugin::bind(&component(name), binding).await.unwrap()
}

/// The plugin `name` with settings, or its refusal.
pub(crate) async fn configured(name: &str, settings: &str) -> Result<Plugin, BindError> {
    let binding = Binding {
        settings: settings.into(),
        ..binding()
    };
    Plugin::bind(&component(name), binding).await
}

/// A GET to `uri`.
pub(crate) fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(empty()).unwrap()
}

/// A GET to nobody, with one field.
pub(crate) fn get_with(uri: &str, name: &str, value: &str) -> Request<Body> {
    Request::get(uri).header(name, value).body(empty()).unwrap()
}

/// A POST with a body.
pub(crate) fn post(uri: &str, body: impl Into<Bytes>) -> Request<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {});
    Request::post(uri).body(body.boxed_unsync()).unwrap()
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A call with plenty of time.
pub(crate) async fn call(
    plugin: &Plugin,
    request: Request<Body>,
) -> Result<Response<Body>, CallError> {
    call_within(plugin, request, PLENTY).await
}

/// A call with a deadline.
pub(crate) async fn call_within(
    plugin: &Plugin,
    request: Request<Body>,
    time: Duration,
) -> Result<Response<Body>, CallError> {
    plugin.call(request, Instant::now() + time).await
}

/// The whole body of a response.
pub(crate) async fn read(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

/// Where no request of these tests ever gets.
pub(crate) const NOWHERE: &str = "http://nowhere.test/";

/// A backend that remembers. `/silent` never answers, `/echo` sends the body
/// back, `/to` redirects to the field `x-location`, everything else is `ok`.
pub(crate) struct Origin {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Seen>>>,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Seen>>>::default();
        tokio::spawn(serve(listener, Arc::clone(&requests)));
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, requests: Arc<Mutex<Vec<Seen>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let requests = Arc::clone(&requests);
        let service = service_fn(move |request| answer(request, Arc::clone(&requests)));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

async fn answer(
    request: Request<Incoming>,
    requests: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    requests.lock().unwrap().push(Seen {
        target: request.uri().to_string(),
        headers: request.headers().clone(),
    });
    if let ("/to", Some(location)) = (request.uri().path(), request.headers().get("x-location")) {
        let moved = Response::builder().status(302).header("location", location);
        return Ok(moved.body(Full::default()).unwrap());
    }
    let body = match request.uri().path() {
        "/silent" => std::future::pending().await,
        "/echo" => request.into_body().collect().await.unwrap().to_bytes(),
        "/large" => Bytes::from(vec![b'x'; 80 << 20]),
        _ => Bytes::from_static(b"ok"),
    };
    Ok(Response::new(Full::new(body)))
}

/// What nobody listens to is remembered as unwanted, and a listener that comes
/// while another thread does so may be overlooked. So somebody listens always.
fn want_everything() {
    static LISTENER: Once = Once::new();
    LISTENER.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(std::io::sink)
            .finish();
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

/// Log lines of the current thread, while the guard lives.
pub(crate) struct Journal {
    lines: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Journal {
    pub(crate) fn start() -> Self {
        want_everything();
        let lines = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || Sink(Arc::clone(&writer)))
            .finish();
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Everything.
    pub(crate) fn all(&self) -> String {
        String::from_utf8(self.lines.lock().unwrap().clone()).unwrap()
    }

    /// Lines of plugins.
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.lines.lock().unwrap().clone())
            .unwrap()
            .lines()
            .filter(|line| line.contains(" plugin: "))
            .map(str::to_owned)
            .collect()
    }
}

struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
