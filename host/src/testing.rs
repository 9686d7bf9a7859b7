//! A gateway with a made-up backend, and raw clients, for the tests.

use std::{future::Future, net::SocketAddr, path::Path, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use cuttle_pipeline::{
    Body, BoxError, ExecuteError, ExecuteFuture, Executor, FailureKind, Pipeline,
};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    gateway::Gateway,
    server::{BindError, Server, Verdict},
};

pub(crate) type Reply = Result<Response<Body>, ExecuteError>;
type Answer = dyn Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync;

/// A backend made of a function.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Answer>);

impl Backend {
    pub(crate) fn new<F, R>(answer: F) -> Self
    where
        F: Fn(Request<Body>) -> R + Send + Sync + 'static,
        R: Future<Output = Reply> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }

    /// Reads the whole request and answers with its body.
    pub(crate) fn echo() -> Self {
        Self::new(|request| async {
            match request.into_body().collect().await {
                Ok(body) => Ok(Response::new(full(body.to_bytes()))),
                Err(source) => Err(ExecuteError {
                    kind: FailureKind::Backend,
                    source,
                }),
            }
        })
    }

    /// Answers with a body of unknown length that is fed by hand.
    pub(crate) fn fed(length: Option<u64>) -> (Self, mpsc::Sender<Result<Bytes, BoxError>>) {
        let (feed, food) = mpsc::channel(8);
        let food = std::sync::Mutex::new(Some(food));
        let backend = Self::new(move |_| {
            let food = food.lock().unwrap().take().expect("one request");
            async move {
                let mut response = Response::new(channel(food));
                if let Some(length) = length {
                    response
                        .headers_mut()
                        .insert("content-length", length.into());
                }
                Ok(response)
            }
        });
        (backend, feed)
    }
}

impl Executor for Backend {
    fn execute(&self, request: Request<Body>, _: Instant) -> ExecuteFuture<'_> {
        (self.0)(request)
    }
}

pub(crate) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn channel(food: mpsc::Receiver<Result<Bytes, BoxError>>) -> Body {
    let frames = futures_util::stream::unfold(food, |mut food| async {
        food.recv()
            .await
            .map(|chunk| (chunk.map(Frame::data), food))
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

/// A checked configuration: `extra` over GET and POST of `/x`.
pub(crate) fn service(extra: &Value) -> cuttle_pipeline::config::Service {
    let endpoint = |method| {
        json!({
            "endpoint": "/x", "method": method, "output_encoding": "no-op", "timeout": "20s",
            "input_headers": ["*"],
            "backend": [{ "url_pattern": "/", "encoding": "no-op", "host": ["http://backend.test"] }],
        })
    };
    let mut file = json!({
        "version": 3, "listen_ip": "127.0.0.1", "endpoints": [endpoint("GET"), endpoint("POST")],
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        file[key] = value.clone();
    }
    let options = cuttle_pipeline::config::Options {
        port: Some(0),
        ..Default::default()
    };
    let loaded =
        cuttle_pipeline::config::parse(&file.to_string(), Path::new("test.json"), &options);
    loaded.unwrap_or_else(|report| panic!("{report}")).service
}

pub(crate) fn gateway(
    service: &cuttle_pipeline::config::Service,
    backend: &Backend,
) -> Arc<Gateway> {
    let endpoints = service.endpoints.iter().map(|endpoint| {
        let executors = endpoint.backends.iter();
        let executors = executors.map(|_| Arc::new(backend.clone()) as Arc<dyn Executor>);
        let pipeline = Pipeline::build(endpoint, executors.collect()).unwrap();
        (endpoint.clone(), pipeline)
    });
    Arc::new(
        Gateway::new(service, endpoints.collect()).unwrap_or_else(|_| panic!("routes conflict")),
    )
}

/// A running server. Dropping it ends it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    abort: Option<oneshot::Sender<()>>,
    task: JoinHandle<Verdict>,
}

impl Running {
    pub(crate) fn start(extra: &Value, backend: &Backend) -> Self {
        Self::try_start(extra, backend).unwrap()
    }

    pub(crate) fn try_start(extra: &Value, backend: &Backend) -> Result<Self, BindError> {
        Self::on_threads(1, extra, backend)
    }

    pub(crate) fn on_threads(
        threads: usize,
        extra: &Value,
        backend: &Backend,
    ) -> Result<Self, BindError> {
        let service = service(extra);
        let gateway = gateway(&service, backend);
        let limit = service.max_shutdown_wait_time;
        let server = Server::bind(&service.listen, Arc::clone(&gateway), limit)?;
        let server = server.on_threads(threads).unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let (abort, aborted) = oneshot::channel::<()>();
        let task =
            tokio::spawn(server.run(async { drop(stopped.await) }, async { drop(aborted.await) }));
        Ok(Self {
            address,
            gateway,
            stop: Some(stop),
            abort: Some(abort),
            task,
        })
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends `bytes` and reads until the server closes.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    /// First signal.
    pub(crate) fn stop(&mut self) {
        self.stop = None;
    }

    /// Second signal.
    pub(crate) fn abort(&mut self) {
        self.abort = None;
    }

    pub(crate) async fn verdict(self) -> Verdict {
        within(self.task).await.unwrap()
    }
}

/// A client that writes and reads bytes.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until `end` has come.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut got = String::new();
        while !got.ends_with(end) {
            let byte = within(self.0.read_u8()).await;
            got.push(char::from(
                byte.unwrap_or_else(|error| panic!("{error} after {got:?}")),
            ));
        }
        got
    }

    /// Reads until the server closes; a reset counts as a close.
    pub(crate) async fn rest(&mut self) -> String {
        let mut got = Vec::new();
        let _ = within(self.0.read_to_end(&mut got)).await;
        String::from_utf8_lossy(&got).into_owned()
    }
}

/// Fails instead of hanging.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("nothing happened for ten seconds")
}
