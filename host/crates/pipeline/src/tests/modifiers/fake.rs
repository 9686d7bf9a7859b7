//! A modifier that does as it is told, and endpoints with modifiers.

use std::sync::Mutex;

use crate::tests::{
    harness::{Shown, endpoint_of, show},
    recorder::{Recorder, answer, body_of},
    *,
};

pub(super) type OnRequest = dyn Fn(PassingRequest) -> Verdict<PassingRequest> + Send + Sync;
pub(super) type OnResponse = dyn Fn(PassingResponse) -> Verdict<PassingResponse> + Send + Sync;

/// A modifier that does as it is told.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) hooks: Hooks,
    on_request: Option<Box<OnRequest>>,
    on_response: Option<Box<OnResponse>>,
    /// Fails instead.
    fails: bool,
    /// Method, URI and params of requests, originals included; data of responses.
    seen: Mutex<Vec<String>>,
}

impl Fake {
    pub(super) fn asked(
        on_request: impl Fn(PassingRequest) -> Verdict<PassingRequest> + Send + Sync + 'static,
    ) -> Self {
        Self {
            hooks: Hooks {
                request: true,
                ..Hooks::default()
            },
            on_request: Some(Box::new(on_request)),
            ..Self::default()
        }
    }

    pub(super) fn answered(
        on_response: impl Fn(PassingResponse) -> Verdict<PassingResponse> + Send + Sync + 'static,
    ) -> Self {
        Self {
            hooks: Hooks {
                response: true,
                ..Hooks::default()
            },
            on_response: Some(Box::new(on_response)),
            ..Self::default()
        }
    }

    pub(super) fn failing(self) -> Self {
        Self {
            fails: true,
            ..self
        }
    }

    pub(super) fn partial(mut self) -> Self {
        self.hooks.partial = true;
        self
    }

    pub(super) fn with_original(mut self) -> Self {
        self.hooks.original_request = true;
        self
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn note(&self, line: String) {
        self.seen.lock().unwrap().push(line);
    }

    fn failure(&self) -> Option<ExecuteError> {
        self.fails.then(|| ExecuteError {
            kind: FailureKind::Plugin,
            source: "the modifier's cause".into(),
        })
    }
}

pub(super) fn line(passing: &PassingRequest) -> String {
    let request = &passing.request;
    let params: Vec<_> = passing
        .params
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    format!(
        "{} {} {}",
        request.method(),
        request.uri(),
        params.join(",")
    )
}

impl Modifier for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn hooks(&self) -> Hooks {
        self.hooks
    }

    fn modify_request(
        &self,
        passing: PassingRequest,
        _: Instant,
    ) -> ModifyFuture<'_, PassingRequest> {
        self.note(line(&passing));
        let verdict = match (self.failure(), &self.on_request) {
            (Some(failure), _) => Err(failure),
            (None, Some(on_request)) => Ok(on_request(passing)),
            (None, None) => Ok(Verdict::Proceed(passing)),
        };
        Box::pin(async { verdict })
    }

    fn modify_response(
        &self,
        passing: PassingResponse,
        original: Option<PassingRequest>,
        _: Instant,
    ) -> ModifyFuture<'_, PassingResponse> {
        if let Some(original) = &original {
            self.note(line(original));
        }
        let verdict = match (self.failure(), &self.on_response) {
            (Some(failure), _) => Err(failure),
            (None, Some(on_response)) => Ok(on_response(passing)),
            (None, None) => Ok(Verdict::Proceed(passing)),
        };
        Box::pin(async { verdict })
    }
}

pub(super) fn set(passing: &mut PassingRequest, name: &'static str, value: &'static str) {
    let value = HeaderValue::from_static(value);
    passing.request.headers_mut().insert(name, value);
}

/// Sets `x-order` on requests, after what is there.
pub(super) fn stamps(stamp: &'static str) -> Fake {
    Fake::asked(move |mut passing| {
        let value = HeaderValue::from_static(stamp);
        passing.request.headers_mut().append("x-order", value);
        Verdict::Proceed(passing)
    })
}

pub(super) fn replaces(body: &'static str) -> Fake {
    Fake::answered(move |mut passing| {
        *passing.response.body_mut() = body_of(body);
        passing.replaced = true;
        Verdict::Proceed(passing)
    })
}

pub(super) fn answers<T>(status: u16, body: &'static str) -> Verdict<T> {
    let fields = [("x-from", "modifier")];
    Verdict::Answer(answer(status, &fields, body))
}

pub(super) fn refuses<T>() -> Verdict<T> {
    Verdict::Refuse(Refusal {
        status: StatusCode::FORBIDDEN,
        headers: [(http::header::WARNING, HeaderValue::from_static("no"))]
            .into_iter()
            .collect(),
        content_type: None,
        message: "not you".to_owned(),
        source: "told so".into(),
    })
}

pub(super) type Fakes<'a> = &'a [&'a Arc<Fake>];

pub(super) fn list(fakes: Fakes<'_>) -> Vec<Arc<dyn Modifier>> {
    let each = fakes
        .iter()
        .map(|fake| Arc::clone(fake) as Arc<dyn Modifier>);
    each.collect()
}

/// An endpoint, its backends, and who stands around them.
pub(super) struct Scene<'a> {
    pub(super) keys: &'a str,
    pub(super) backends: &'a [&'a str],
    pub(super) around: Fakes<'a>,
    pub(super) of_backends: &'a [Fakes<'a>],
}

impl Scene<'_> {
    pub(super) fn pipeline(&self, recorders: &[Arc<Recorder>]) -> Pipeline {
        let endpoint = match self.keys.contains(r#""endpoint""#) {
            true => of_path(self.keys, self.backends),
            false => endpoint_of(self.keys, self.backends),
        };
        let executors = recorders
            .iter()
            .map(|recorder| Arc::clone(recorder) as Arc<dyn Executor>);
        let modifiers = Modifiers {
            endpoint: list(self.around),
            backends: self.of_backends.iter().map(|fakes| list(fakes)).collect(),
        };
        Pipeline::build_modified(
            &endpoint,
            Settings::default(),
            executors.collect(),
            modifiers,
        )
        .unwrap_or_else(|unsupported| panic!("{unsupported:?}"))
    }

    pub(super) async fn ask(&self, recorders: &[Arc<Recorder>]) -> Result<Shown, Failure> {
        self.send(inbound(), recorders).await
    }

    pub(super) async fn send(
        &self,
        inbound: Inbound,
        recorders: &[Arc<Recorder>],
    ) -> Result<Shown, Failure> {
        show(self.pipeline(recorders).serve(inbound).await).await
    }
}

/// As `endpoint_of`, with the path among the keys.
pub(super) fn of_path(keys: &str, backends: &[&str]) -> Endpoint {
    let backends: Vec<_> = backends
        .iter()
        .map(|keys| format!(r#"{{"host": ["http://h0"], {keys}}}"#))
        .collect();
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"timeout": "1s", {keys}, "backend": [{}]}}]}}"#,
        backends.join(",")
    );
    parse(&text).remove(0)
}

pub(super) const NO_OP: &str = r#""output_encoding": "no-op""#;
pub(super) const ONE: &[&str] = &[r#""url_pattern": "/b""#];
pub(super) const JSON: &str = r#"{"a":1}"#;

/// Modifiers around the endpoint only. A macro, for what it borrows has to live on.
macro_rules! around {
    ($keys:expr, $backends:expr, $around:expr) => {
        Scene {
            keys: $keys,
            backends: $backends,
            around: $around,
            of_backends: &[],
        }
    };
}

pub(super) use around;
