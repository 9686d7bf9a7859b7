//! One endpoint with a backend that answers as it is told, without sockets; a
//! whole gateway with sockets ([`rig`]); a second opinion on HTTP ([`strict`]).

pub mod rig;
pub mod strict;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cuttle_pipeline::{Body, ExecuteFuture, Executor, Failure, Inbound, Pipeline, Settings};
use http::{HeaderMap, Method, Request, Response, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::{runtime::Runtime, time::Instant};

/// A backend that gives everybody the same body and remembers where requests went.
#[derive(Default)]
pub struct Backend {
    /// What it answers.
    pub body: Bytes,
    /// The URIs it was asked for.
    pub asked: Mutex<Vec<Uri>>,
}

impl Executor for Backend {
    fn execute(&self, request: Request<Body>, _: Instant) -> ExecuteFuture<'_> {
        self.asked
            .lock()
            .expect("no panic before")
            .push(request.uri().clone());
        let body = full(self.body.clone());
        Box::pin(async move { Ok(Response::new(body)) })
    }
}

/// What reaches the client.
pub struct Outcome {
    /// Whether its content type says JSON.
    pub is_json: bool,
    pub body: Bytes,
}

/// The first line of an input, and what stands behind it.
pub fn line_and_rest(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    end.map_or((data, &[]), |end| (&data[..end], &data[end + 1..]))
}

/// Serves one request of `endpoint`, or nothing if the gateway refuses it.
pub fn serve(
    endpoint: &Value,
    backend: &Arc<Backend>,
    params: Vec<(Arc<str>, String)>,
    query: Option<String>,
) -> Option<Result<Outcome, Failure>> {
    let file = serde_json::json!({ "version": 3, "endpoints": [endpoint] }).to_string();
    let loaded = cuttle_config::parse(&file, Path::new("fuzz.json"), &Default::default()).ok()?;
    let endpoint = loaded.service.endpoints.first()?;
    let executors = endpoint
        .backends
        .iter()
        .map(|_| backend.clone() as Arc<dyn Executor>);
    let pipeline = build(endpoint, executors.collect(), &loaded.service)?;
    let inbound = Inbound {
        method: Method::GET,
        params,
        query,
        headers: HeaderMap::new(),
        body: full(Bytes::new()),
        client_ip: [127, 0, 0, 1].into(),
        host: "gateway.test".to_owned(),
    };
    Some(runtime().block_on(async {
        let response = pipeline.serve(inbound).await?.response;
        let content_type = response.headers().get(CONTENT_TYPE);
        let is_json = content_type.is_some_and(|value| value == "application/json; charset=utf-8");
        let body = response.into_body().collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Outcome { is_json, body })
    }))
}

fn build(
    endpoint: &cuttle_config::Endpoint,
    executors: Vec<Arc<dyn Executor>>,
    service: &cuttle_config::Service,
) -> Option<Pipeline> {
    Pipeline::build_with(endpoint, Settings::of(service), executors).ok()
}

fn full(body: Bytes) -> Body {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// For one thread.
#[must_use]
pub fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}
