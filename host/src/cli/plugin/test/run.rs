//! One case, run.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cuttle_egress::{Body, Client, Redirects, Settings, Way};
use cuttle_plugin::{
    BindError, Binding, CallError, Component, Isolation, Limits, Plugin, Spent, observe,
};
use http::{HeaderMap, Method, Request, Response, Uri};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    log::Captured,
    script::{Call, Script, body, collect, headers},
};
use crate::{
    cases::{self, Asked, Case},
    telemetry::chain,
};

/// For one call: fuel ends one that computes; this ends one that waits.
const TIME: Duration = Duration::from_secs(60);

/// What came of a case.
pub(super) struct Found {
    pub(super) outcome: Outcome,
    pub(super) calls: Vec<Call>,
    pub(super) log: Vec<String>,
    pub(super) spent: Option<Spent>,
}

/// What came of the request.
pub(super) enum Outcome {
    Answered {
        status: u16,
        headers: HeaderMap,
        /// `None`: it broke off.
        body: Option<Bytes>,
    },
    Failed {
        /// As [`Expected::error`](crate::cases::Expected::error) names it.
        kind: String,
        message: String,
    },
}

/// Runs `case`. An error is one of the case itself.
pub(super) async fn run(component: &Component, case: &Case) -> Result<Found, String> {
    let binding = binding(component, case)?;
    let mut request = request(&case.request).map_err(|why| format!("request: {why}"))?;
    check(case)?;
    let script = Arc::new(Script::new(&case.outside));
    observe(&mut request, Arc::clone(&script) as _);
    let captured = Captured::start();
    let outcome = match Plugin::bind(component, binding).await {
        Ok(plugin) => answered(plugin.call(request, Instant::now() + TIME).await).await,
        Err(error @ BindError::World { .. }) => return Err(chain(&error)),
        Err(error) => refused(&error),
    };
    let (calls, spent) = script.finish().await;
    Ok(Found {
        outcome,
        calls,
        log: captured.lines(),
        spent,
    })
}

/// What would otherwise be found out in the middle of the call.
fn check(case: &Case) -> Result<(), String> {
    for (index, exchange) in case.outside.iter().enumerate() {
        let answer = &exchange.answer;
        let error = answer.error.as_deref().map(cases::failure).transpose();
        error
            .map(drop)
            .and_then(|()| headers(&answer.headers).map(drop))
            .and_then(|()| body(answer.body.as_ref()).map(drop))
            .map_err(|why| format!("outside[{index}].answer: {why}"))?;
    }
    Ok(())
}

async fn answered(answered: Result<Response<Body>, CallError>) -> Outcome {
    match answered {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            Outcome::Answered {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: collect(body).await,
            }
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &CallError) -> Outcome {
    Outcome::Failed {
        kind: cases::call_kind(error),
        message: chain(error),
    }
}

fn refused(error: &BindError) -> Outcome {
    let kind = match error {
        BindError::Settings { .. } => "settings".to_owned(),
        BindError::Start { source, .. } => cases::call_kind(source),
        _ => "limit".to_owned(),
    };
    let message = chain(error);
    Outcome::Failed { kind, message }
}

fn binding(component: &Component, case: &Case) -> Result<Binding, String> {
    let mut settings = case.settings.clone();
    let name = || Value::from(component.name());
    settings.entry("name").or_insert_with(name);
    let hosts = case.grants.outbound.iter().map(|text| {
        let wrong = || format!("grants: `{text}` is neither a host nor host:port");
        text.parse().map_err(|_| wrong())
    });
    Ok(Binding {
        settings: Value::Object(settings).to_string(),
        client: Client::new(Settings::default()).map_err(|error| chain(&error))?,
        way: Way::Direct,
        redirects: Redirects::None,
        free_redirects: false,
        hosts: hosts.collect::<Result<_, _>>()?,
        granted: Vec::new(),
        addresses: Vec::new(),
        proxies: case.grants.proxies.clone(),
        limits: Limits {
            // Every line counts, however fast this machine is.
            log_lines_per_second: u32::MAX,
            ..Limits::default()
        },
        isolation: Isolation::Instance,
        endpoint: case.name.clone(),
    })
}

fn request(asked: &Asked) -> Result<Request<Body>, String> {
    let mut request = Request::new(body(asked.body.as_ref())?);
    let method = asked.method.as_deref().unwrap_or("GET");
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not a method"))?;
    *request.uri_mut() = absolute(&asked.uri)?;
    *request.headers_mut() = headers(&asked.headers)?;
    Ok(request)
}

fn absolute(text: &str) -> Result<Uri, String> {
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("uri `{text}`: {error}"))?;
    match uri.scheme().and(uri.authority()) {
        Some(_) => Ok(uri),
        None => Err(format!("uri `{text}` is not absolute")),
    }
}
