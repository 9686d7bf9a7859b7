//! Pipelines of real configurations, with an executor that keeps what it gets.

mod answers;
mod bodies;
mod concurrent;
mod explain;
mod failures;
mod harness;
mod modifiers;
mod parallel;
mod recorder;
mod refused;
mod requests;
mod sequential;
mod shadow;
mod static_data;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::config::{Endpoint, Options};
use recorder::{Recorder, Script, Then, body_of, scripted};

/// The only endpoint of a configuration with these keys.
fn endpoint(endpoint: &str, backend: &str) -> Endpoint {
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"output_encoding": "no-op", "timeout": "2s", {endpoint},
           "backend": [{{"encoding": "no-op", {backend}}}]}}]}}"#
    );
    parse(&text).remove(0)
}

fn parse(text: &str) -> Vec<Endpoint> {
    let file = Path::new("krakend.json");
    match config::parse(text, file, &Options::default()) {
        Ok(loaded) => loaded.service.endpoints,
        Err(report) => panic!("{report}\n{text}"),
    }
}

fn pipeline(endpoint: &Endpoint, recorder: &Arc<Recorder>) -> Pipeline {
    Pipeline::build(endpoint, vec![Arc::clone(recorder) as Arc<dyn Executor>])
        .unwrap_or_else(|unsupported| panic!("{unsupported:?}"))
}

const PLAIN: (&str, &str) = (
    r#""endpoint": "/a""#,
    r#""host": ["http://h:80"], "url_pattern": "/b""#,
);

fn plain(recorder: &Arc<Recorder>) -> Pipeline {
    pipeline(&endpoint(PLAIN.0, PLAIN.1), recorder)
}

fn inbound() -> Inbound {
    Inbound {
        method: Method::GET,
        params: Vec::new(),
        query: None,
        headers: HeaderMap::new(),
        body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
        client_ip: [192, 0, 2, 7].into(),
        host: "client.example".to_owned(),
    }
}

fn with_params(params: &[(&str, &str)]) -> Inbound {
    Inbound {
        params: params
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).to_owned()))
            .collect(),
        ..inbound()
    }
}

fn causes(failure: &Failure) -> String {
    let cause = StdError::source(failure).expect("a failure has a cause");
    format!("{failure}: {cause}")
}
