//! What there is to say, for people and programs. Holds no secrets.

use std::{net::IpAddr, time::Duration};

use cuttle_pipeline::{
    BodyUse, CallOrder, ExplainedCall, ExplainedRequest, Explanation, Failure,
    config::{Backend, Endpoint, Service, is_secret},
};
use http::{Request, StatusCode, Uri};

use super::super::{check::Checked, dump, egress};
use crate::{
    assemble::BackendEgress,
    gateway::{Explained, ExplainedEndpoint},
    secrets,
    telemetry::chain,
};

/// Everything about one request.
pub(super) struct Report {
    /// Method and target.
    pub(super) request: String,
    /// Plugins that see every request first, and may change or answer it.
    pub(super) in_front: Vec<String>,
    pub(super) outcome: Outcome,
}

/// Where it leads.
pub(super) enum Outcome {
    Endpoint(Box<EndpointReport>),
    /// To an answer of the gateway's own.
    Answer(Answer),
}

/// An answer without any backend.
pub(super) struct Answer {
    /// For programs.
    pub(super) kind: &'static str,
    pub(super) status: StatusCode,
    /// For people.
    pub(super) text: String,
    /// Whether that is what the request is for.
    pub(super) served: bool,
}

pub(super) struct EndpointReport {
    /// Method and path as written.
    pub(super) endpoint: String,
    pub(super) place: String,
    pub(super) params: Vec<(String, String)>,
    pub(super) client: IpAddr,
    pub(super) timeout: Duration,
    pub(super) window: Option<Duration>,
    pub(super) order: &'static str,
    pub(super) body: String,
    /// Those that see the request first, and may change or answer it.
    pub(super) modifiers: Vec<String>,
    /// The client's query strings that no backend gets are told with each of
    /// them; these lines are about the answer.
    pub(super) answer: Vec<String>,
    /// Or why nobody is called.
    pub(super) calls: Result<Vec<CallReport>, String>,
}

pub(super) struct CallReport {
    pub(super) backend: usize,
    pub(super) place: String,
    pub(super) shadow: bool,
    pub(super) times: u32,
    pub(super) limit: Duration,
    /// Limits of single steps.
    pub(super) limits: Vec<String>,
    pub(super) hosts: Vec<String>,
    pub(super) plugin: Option<String>,
    pub(super) ways: Vec<WayReport>,
    pub(super) follows_redirects: bool,
    /// What is done with its answer.
    pub(super) answer: Vec<String>,
    /// Or why there is none.
    pub(super) request: Result<RequestReport, String>,
}

/// One way that the request may take.
pub(super) struct WayReport {
    /// In the order of trying. Empty if there is none.
    pub(super) via: Vec<String>,
    pub(super) rule: String,
}

pub(super) struct RequestReport {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) host_unknown: bool,
    pub(super) awaited: Vec<String>,
    /// Name, value and whether the gateway sets it.
    pub(super) headers: Vec<(String, String, bool)>,
    /// Name and reason.
    pub(super) dropped_headers: Vec<(String, String)>,
    pub(super) query: Vec<String>,
    /// Name and reason.
    pub(super) dropped_query: Vec<(String, String)>,
    /// Those that may change it still.
    pub(super) modifiers: Vec<String>,
}

impl Report {
    /// Of a request from `peer`. PAC files are evaluated.
    pub(super) async fn of(checked: &Checked, request: Request<()>, peer: IpAddr) -> Self {
        let target = secrets::url(&target(request.uri()));
        let shown = format!("{} {target}", request.method());
        let outcome = match checked.assembly.gateway.explain(request, peer) {
            Explained::Endpoint(endpoint) => endpoint_report(checked, *endpoint).await,
            other => Outcome::Answer(answer(other)),
        };
        Self {
            request: shown,
            in_front: checked.assembly.gateway.plugins_in_front(),
            outcome,
        }
    }

    /// Whether the configuration has something for the request.
    pub(super) fn is_served(&self) -> bool {
        match &self.outcome {
            Outcome::Endpoint(_) => true,
            Outcome::Answer(answer) => answer.served,
        }
    }
}

/// Path and query: what else an absolute form has is no matter of routing, and
/// may hold a password.
fn target(uri: &Uri) -> String {
    let target = uri.path_and_query();
    target.map_or_else(|| "/".to_owned(), ToString::to_string)
}

fn answer(explained: Explained) -> Answer {
    let (kind, status, text) = match explained {
        Explained::Own(page) => ("own", StatusCode::OK, format!("answered by {page}")),
        Explained::Options { allow } => {
            let text = format!("answered by \"auto_options\": Allow: {allow}");
            ("options", StatusCode::OK, text)
        }
        Explained::Redirect { status, location } => {
            let location = secrets::url(&location);
            let text = format!("redirected to {location}, the spelling of an endpoint's path");
            ("redirect", status, text)
        }
        Explained::MethodNotAllowed { allow } => {
            let text = format!("the path has endpoints for {allow} only");
            ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, text)
        }
        Explained::TooLarge { pattern, limit } => {
            let text = format!("the body is larger than the {limit} bytes that {pattern} takes");
            ("too-large", StatusCode::PAYLOAD_TOO_LARGE, text)
        }
        Explained::Refused(refusal) => {
            let text = format!("the head is refused: {refusal}");
            ("refused", refusal.status(), text)
        }
        Explained::BadParam(message) => {
            let text = format!("the path is refused: {message}");
            ("bad-parameter", StatusCode::BAD_REQUEST, text)
        }
        Explained::NotFound | Explained::Endpoint(_) => {
            let text = "no endpoint has this path: cuttle check -t lists them".to_owned();
            ("not-found", StatusCode::NOT_FOUND, text)
        }
    };
    let served = matches!(kind, "own" | "options");
    Answer {
        kind,
        status,
        text,
        served,
    }
}

async fn endpoint_report(checked: &Checked, explained: ExplainedEndpoint) -> Outcome {
    let service = &checked.loaded.service;
    let mut endpoints = service.endpoints.iter();
    let Some(endpoint) = endpoints.find(|endpoint| endpoint.place == explained.place) else {
        // Endpoints of the gateway are those of the service.
        return Outcome::Answer(answer(Explained::NotFound));
    };
    let Explanation {
        timeout,
        window,
        order,
        body,
        modifiers,
        calls,
        ..
    } = explained.explanation;
    let label = format!("{} {}", endpoint.method, endpoint.path.text);
    let calls = match calls {
        Ok(calls) => Ok(call_reports(checked, (endpoint, &label), calls).await),
        Err(failure) => Err(chain(&*failure.source)),
    };
    let params = explained.params.into_iter();
    Outcome::Endpoint(Box::new(EndpointReport {
        endpoint: label,
        place: endpoint.place.to_string(),
        params: params
            .map(|(name, value)| shown_param(&name, value))
            .collect(),
        client: explained.client,
        timeout,
        window,
        order: order_name(order),
        body: body_text(body, endpoint),
        modifiers,
        answer: dump::of_endpoint(endpoint, false),
        calls,
    }))
}

async fn call_reports(
    checked: &Checked,
    (endpoint, label): (&Endpoint, &str),
    calls: Vec<ExplainedCall>,
) -> Vec<CallReport> {
    let mut reports = Vec::new();
    for call in calls {
        let same = |one: &&BackendEgress| one.endpoint == label && one.backend == call.backend;
        let egress = checked.assembly.egress.iter().find(same);
        if let Some(backend) = endpoint.backends.get(call.backend) {
            let service = &checked.loaded.service;
            reports.push(call_report(call, backend, egress, service).await);
        }
    }
    reports
}

fn shown_param(name: &str, value: String) -> (String, String) {
    let value = match is_secret(name) {
        true => secrets::HIDDEN.to_owned(),
        false => value,
    };
    (name.to_owned(), value)
}

fn order_name(order: CallOrder) -> &'static str {
    match order {
        CallOrder::One => "one",
        CallOrder::Parallel => "parallel",
        CallOrder::Sequential => "sequential",
    }
}

fn body_text(body: BodyUse, endpoint: &Endpoint) -> String {
    let use_of = match body {
        BodyUse::Streamed => "streamed to the backend".to_owned(),
        BodyUse::First => "streamed to the first backend; the others get none".to_owned(),
        BodyUse::Copied(limit) => format!("read first, up to {limit} bytes: each call gets it"),
    };
    match endpoint.proxy.max_payload {
        Some(limit) => format!("{use_of}; \"max_payload\" of the endpoint is {limit} bytes"),
        None => use_of,
    }
}

async fn call_report(
    call: ExplainedCall,
    backend: &Backend,
    egress: Option<&BackendEgress>,
    service: &Service,
) -> CallReport {
    let ways = match (&call.request, egress) {
        (Ok(request), Some(egress)) => ways(egress, &request.uri).await,
        _ => Vec::new(),
    };
    let hosts = backend.hosts.iter();
    CallReport {
        backend: call.backend,
        place: backend.place.to_string(),
        shadow: call.shadow,
        times: call.times,
        limit: call.limit,
        limits: limits(service),
        hosts: hosts
            .map(|host| format!("{}://{}{}", host.scheme, host.authority, host.path))
            .collect(),
        plugin: egress.and_then(|egress| egress.plugin.clone()),
        ways,
        follows_redirects: egress.is_some_and(|egress| egress.follows_redirects),
        answer: dump::of_backend(backend, true),
        request: call.request.map(request_report).map_err(why_not),
    }
}

fn why_not(failure: Failure) -> String {
    format!("{failure}: {}", chain(&*failure.source))
}

/// Limits of the client for backends that are set.
fn limits(service: &Service) -> Vec<String> {
    let client = &service.client;
    let limits = [
        ("connecting", client.dialer_timeout),
        ("the head of the answer", client.response_header_timeout),
    ];
    let set = limits
        .into_iter()
        .filter_map(|(what, limit)| Some((what, limit?)));
    set.map(|(what, limit)| format!("{what}: {limit:?}"))
        .collect()
}

async fn ways(egress: &BackendEgress, uri: &Uri) -> Vec<WayReport> {
    let mut ways = Vec::new();
    for way in &egress.ways {
        ways.push(match way.explain(uri).await {
            Ok(decision) => WayReport {
                via: egress::via(&decision)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                rule: decision.rule,
            },
            Err(error) => WayReport {
                via: Vec::new(),
                rule: chain(&error),
            },
        });
    }
    ways
}

fn request_report(request: ExplainedRequest) -> RequestReport {
    let headers = request.headers.iter().map(|field| {
        let value = secrets::field(&field.name, &field.value);
        (field.name.to_string(), value, field.by_gateway)
    });
    let dropped = request.dropped.iter();
    let (mut query, mut dropped_query) = (Vec::new(), Vec::new());
    for (name, why) in request.query {
        match why {
            None => query.push(name),
            Some(why) => dropped_query.push((name, why.to_string())),
        }
    }
    RequestReport {
        method: request.method.to_string(),
        url: secrets::url(&request.url),
        host_unknown: request.host_unknown,
        awaited: request.awaited,
        headers: headers.collect(),
        dropped_headers: dropped
            .map(|(name, why)| (name.to_string(), why.to_string()))
            .collect(),
        query,
        dropped_query,
        modifiers: request.modifiers,
    }
}
