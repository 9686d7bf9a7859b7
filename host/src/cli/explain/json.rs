//! The report for programs.

use serde_json::{Map, Value, json};

use super::report::{CallReport, EndpointReport, Outcome, Report, RequestReport};

/// The report as one object.
pub(super) fn of(report: &Report) -> Value {
    let outcome = match &report.outcome {
        Outcome::Endpoint(endpoint) => of_endpoint(endpoint),
        Outcome::Answer(answer) => json!({
            "outcome": answer.kind,
            "status": answer.status.as_u16(),
            "message": answer.text,
        }),
    };
    let mut all = Map::new();
    all.insert("request".to_owned(), json!(report.request));
    all.insert("in_front".to_owned(), json!(report.in_front));
    all.insert("served".to_owned(), json!(report.is_served()));
    if let Value::Object(outcome) = outcome {
        all.extend(outcome);
    }
    Value::Object(all)
}

fn of_endpoint(endpoint: &EndpointReport) -> Value {
    let params = endpoint.params.iter();
    let (calls, error) = match &endpoint.calls {
        Ok(calls) => (calls.iter().map(of_call).collect(), None),
        Err(why) => (Vec::new(), Some(why)),
    };
    json!({
        "outcome": "endpoint",
        "endpoint": endpoint.endpoint,
        "place": endpoint.place,
        "params": params.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        "client": endpoint.client.to_string(),
        "timeout_ms": millis(endpoint.timeout),
        "window_ms": endpoint.window.map(millis),
        "order": endpoint.order,
        "body": endpoint.body,
        "modifiers": endpoint.modifiers,
        "answer": endpoint.answer,
        "calls": calls,
        "error": error,
    })
}

fn of_call(call: &CallReport) -> Value {
    let ways = call.ways.iter();
    let (request, error) = match &call.request {
        Ok(request) => (of_request(request), None),
        Err(why) => (Value::Null, Some(why)),
    };
    json!({
        "backend": call.backend,
        "place": call.place,
        "shadow": call.shadow,
        "times": call.times,
        "limit_ms": millis(call.limit),
        "hosts": call.hosts,
        "plugin": call.plugin,
        "ways": ways.map(|way| json!({ "via": way.via, "rule": way.rule })).collect::<Vec<_>>(),
        "follows_redirects": call.follows_redirects,
        "answer": call.answer,
        "request": request,
        "error": error,
    })
}

fn of_request(request: &RequestReport) -> Value {
    let headers = request.headers.iter().map(
        |(name, value, by_gateway)| json!({ "name": name, "value": value, "by_gateway": by_gateway }),
    );
    json!({
        "method": request.method,
        "url": request.url,
        "host_unknown": request.host_unknown,
        "awaited": request.awaited,
        "headers": headers.collect::<Vec<_>>(),
        "dropped_headers": reasons(&request.dropped_headers),
        "query": request.query,
        "dropped_query": reasons(&request.dropped_query),
        "modifiers": request.modifiers,
    })
}

fn reasons(dropped: &[(String, String)]) -> Value {
    let dropped = dropped.iter();
    dropped
        .map(|(name, why)| json!({ "name": name, "why": why }))
        .collect()
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
