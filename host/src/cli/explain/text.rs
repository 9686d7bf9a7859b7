//! The report for people.

use super::report::{
    Answer, CallReport, EndpointReport, Outcome, Report, RequestReport, WayReport,
};
use crate::telemetry::Escaped;

/// The report, line by line. What comes from the request cannot start a line of
/// its own, nor talk to a terminal.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![report.request.clone()];
    lines.extend(changing("  plugins in front", &report.in_front));
    match &report.outcome {
        Outcome::Answer(answer) => lines.push(of_answer(answer)),
        Outcome::Endpoint(endpoint) => of_endpoint(endpoint, &mut lines),
    }
    let lines = lines.iter();
    lines.map(|line| Escaped(line).to_string()).collect()
}

fn of_answer(answer: &Answer) -> String {
    format!("  {}: {}", answer.status, answer.text)
}

fn of_endpoint(endpoint: &EndpointReport, lines: &mut Vec<String>) {
    lines.push(format!(
        "  matches {} ({})",
        endpoint.endpoint, endpoint.place
    ));
    for (name, value) in &endpoint.params {
        lines.push(format!("    {{{name}}} = {value}"));
    }
    lines.push(format!("  client: {}", endpoint.client));
    lines.push(format!(
        "  timeout: {:?}{}",
        endpoint.timeout,
        window(endpoint)
    ));
    lines.push(format!("  body: {}", endpoint.body));
    lines.extend(changing("  modifiers", &endpoint.modifiers));
    for line in &endpoint.answer {
        lines.push(format!("  {line}"));
    }
    match &endpoint.calls {
        Ok(calls) => {
            for call in calls {
                lines.push(String::new());
                of_call(call, lines);
            }
        }
        Err(why) => lines.push(format!("  nothing is sent: {why}")),
    }
}

/// Those after whom the request may be another one than is told here.
fn changing(what: &str, names: &[String]) -> Option<String> {
    let names = (!names.is_empty()).then(|| names.join(", "))?;
    Some(format!(
        "{what}: {names}, which may change the request or answer it"
    ))
}

fn window(endpoint: &EndpointReport) -> String {
    let Some(window) = endpoint.window else {
        return String::new();
    };
    let order = match endpoint.order {
        "sequential" => "one after the other",
        _ => "at once",
    };
    format!(", {window:?} of it for the backends, which are called {order}")
}

fn of_call(call: &CallReport, lines: &mut Vec<String>) {
    let request = match &call.request {
        Ok(request) => {
            lines.push(format!(
                "[{}] {} {}",
                call.backend, request.method, request.url
            ));
            request
        }
        Err(why) => return lines.push(format!("[{}] nothing is sent: {why}", call.backend)),
    };
    notes(call, lines);
    lines.extend(changing("    modifiers", &request.modifiers));
    hosts(call, request, lines);
    ways(call, lines);
    of_request(request, lines);
    list("answer", call.answer.iter().cloned(), lines);
}

fn notes(call: &CallReport, lines: &mut Vec<String>) {
    lines.push(format!("    {}", call.place));
    if call.shadow {
        lines.push("    shadow: its answer is not waited for".to_owned());
    }
    if call.times > 1 {
        let times = call.times;
        lines.push(format!(
            "    sent {times} times at once: the first good answer counts"
        ));
    }
    let limits: Vec<_> = std::iter::once(format!("{:?}", call.limit))
        .chain(call.limits.iter().cloned())
        .collect();
    lines.push(format!("    limit: {}", limits.join("; ")));
}

fn hosts(call: &CallReport, request: &RequestReport, lines: &mut Vec<String>) {
    if request.host_unknown {
        lines.push("    host: found by DNS (SRV) when it is called; here its name".to_owned());
    }
    if call.hosts.len() > 1 {
        let hosts = call.hosts.join(", ");
        lines.push(format!("    hosts, which take turns: {hosts}"));
    }
    for name in &request.awaited {
        lines.push(format!("    {{{name}}}: from an earlier answer"));
    }
}

fn ways(call: &CallReport, lines: &mut Vec<String>) {
    if let Some(plugin) = &call.plugin {
        lines.push(format!(
            "    plugin: {plugin}, which may change the request"
        ));
    }
    let ways: Vec<_> = call.ways.iter().map(way).collect();
    if !ways.is_empty() {
        lines.push(format!("    way: {}", ways.join(" | ")));
    } else if call.plugin.is_some() {
        lines.push("    way: none, the plugin answers by itself".to_owned());
    }
    if call.follows_redirects {
        lines.push("    redirects are followed, by the same rules".to_owned());
    }
}

fn way(way: &WayReport) -> String {
    match way.via.is_empty() {
        true => format!("none ({})", way.rule),
        false => format!("{} ({})", way.via.join(", then "), way.rule),
    }
}

fn of_request(request: &RequestReport, lines: &mut Vec<String>) {
    let sent = request.headers.iter().map(|(name, value, by_gateway)| {
        let whose = if *by_gateway { "  (gateway)" } else { "" };
        format!("{name}: {value}{whose}")
    });
    list("headers sent", sent, lines);
    let dropped = request.dropped_headers.iter();
    list("headers left behind", dropped.map(reason), lines);
    let dropped = request.dropped_query.iter();
    list("query strings left behind", dropped.map(reason), lines);
}

fn reason((name, why): &(String, String)) -> String {
    format!("{name}: {why}")
}

/// Nothing for an empty one.
fn list(title: &str, entries: impl Iterator<Item = String>, lines: &mut Vec<String>) {
    let mut entries = entries.peekable();
    if entries.peek().is_some() {
        lines.push(format!("    {title}"));
        lines.extend(entries.map(|entry| format!("      {entry}")));
    }
}
