//! Endpoints whose answers are data, and what comes of a request to one.

use super::{recorder::Recorder, *};

/// What an endpoint has answered.
pub(super) struct Shown {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) completed: bool,
    pub(super) failures: Vec<Failure>,
}

/// An endpoint `/a` with a timeout of one second, these keys and one backend
/// for each of the objects in `backends`.
pub(super) fn endpoint_of(keys: &str, backends: &[&str]) -> Endpoint {
    let comma = if keys.is_empty() { "" } else { "," };
    let backends: Vec<_> = backends
        .iter()
        .enumerate()
        .map(|(index, keys)| {
            let comma = if keys.is_empty() { "" } else { "," };
            let url = match keys.contains("url_pattern") {
                true => String::new(),
                false => format!(r#""url_pattern": "/{index}","#),
            };
            let host = match keys.contains(r#""host""#) {
                true => String::new(),
                false => format!(r#""host": ["http://h{index}"] {comma}"#),
            };
            format!("{{{url} {host} {keys}}}")
        })
        .collect();
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"timeout": "1s", "endpoint": "/a" {comma} {keys},
           "backend": [{}]}}]}}"#,
        backends.join(",")
    );
    parse(&text).remove(0)
}

pub(super) fn pipeline_of(endpoint: &Endpoint, recorders: &[Arc<Recorder>]) -> Pipeline {
    pipeline_with(endpoint, Settings::default(), recorders)
}

pub(super) fn pipeline_with(
    endpoint: &Endpoint,
    settings: Settings,
    recorders: &[Arc<Recorder>],
) -> Pipeline {
    let executors = recorders
        .iter()
        .map(|recorder| Arc::clone(recorder) as Arc<dyn Executor>);
    Pipeline::build_with(endpoint, settings, executors.collect())
        .unwrap_or_else(|unsupported| panic!("{unsupported:?}"))
}

/// A GET to an endpoint.
pub(super) async fn ask(
    keys: &str,
    backends: &[&str],
    recorders: &[Arc<Recorder>],
) -> Result<Shown, Failure> {
    let pipeline = pipeline_of(&endpoint_of(keys, backends), recorders);
    show(pipeline.serve(inbound()).await).await
}

pub(super) async fn show(outcome: Result<Answer, Failure>) -> Result<Shown, Failure> {
    let Answer {
        response,
        completed,
        failures,
    } = outcome?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Ok(Shown {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        completed,
        failures,
    })
}

impl Shown {
    /// Body and completeness, as a table has it.
    pub(super) fn line(&self) -> (&str, bool) {
        (&self.body, self.completed)
    }

    pub(super) fn kinds(&self) -> Vec<(Option<usize>, FailureKind)> {
        let kind = |failure: &Failure| (failure.backend, failure.kind);
        self.failures.iter().map(kind).collect()
    }
}
