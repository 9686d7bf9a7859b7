//! What is wrong with what came of a case.

use crate::cases::{Case, Exchange, Expected};

use super::{
    page::Page,
    run::{Found, Outcome},
    script::Call,
};

/// Every difference, each a title with lines below it.
pub(super) fn problems(case: &Case, found: &Found) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(calls(case, &found.calls));
    problems.extend(outcome(&case.expect, &found.outcome));
    problems.extend(log(&case.expect.log, &found.log));
    problems.extend(budget(case, found));
    problems
}

fn outcome(expected: &Expected, found: &Outcome) -> Option<String> {
    match (found, &expected.error) {
        (Outcome::Failed { kind, message }, Some(error)) => {
            let mut page = Page::default();
            page.line(error, kind);
            let part = expected.message.as_ref();
            if let Some(part) = part.filter(|part| !message.contains(*part)) {
                page.line(part, message);
            }
            page.diff("error")
        }
        (Outcome::Failed { kind, message }, None) => Some(format!(
            "error: {kind}: {}",
            crate::telemetry::Escaped(message)
        )),
        (Outcome::Answered { status, .. }, Some(error)) => Some(format!(
            "error: {error} is expected, status {status} was found"
        )),
        (Outcome::Answered { .. }, None) => response(expected, found),
    }
}

fn response(expected: &Expected, found: &Outcome) -> Option<String> {
    let Outcome::Answered {
        status,
        headers,
        body,
    } = found
    else {
        return None;
    };
    let mut page = Page::default();
    let wanted = expected.status.unwrap_or(*status);
    page.line(format!("status {wanted}"), format!("status {status}"));
    page.fields(&expected.headers, &expected.absent, headers);
    page.body(expected.body.as_ref(), body.as_deref());
    let differs = page.diff("response");
    differs.or_else(|| {
        body.is_none()
            .then(|| "response: its body broke off".to_owned())
    })
}

fn calls(case: &Case, found: &[Call]) -> Vec<String> {
    let mut problems = Vec::new();
    for call in found {
        match call.exchange.and_then(|index| case.outside.get(index)) {
            Some(exchange) => problems.extend(call_problem(exchange, call)),
            None => problems.push(format!("outside: not expected: {}", call.line())),
        }
    }
    let made = |index| found.iter().any(|call| call.exchange == Some(index));
    let missing = case.outside.iter().enumerate();
    let missing = missing.filter(|(index, _)| !made(*index));
    problems.extend(missing.map(|(index, exchange)| {
        let method = exchange.method.as_deref().unwrap_or("any method");
        let uri = exchange.uri.as_deref().unwrap_or("any URI");
        let via = exchange.via();
        format!("outside[{index}]: was not called: {method} {uri} via {via}")
    }));
    problems
}

fn call_problem(exchange: &Exchange, call: &Call) -> Option<String> {
    let mut page = Page::default();
    page.line(call.line(), call.line());
    page.fields(&exchange.headers, &exchange.absent, &call.headers);
    page.body(exchange.body.as_ref(), call.body.as_deref());
    page.diff("outside: request")
}

/// The expected lines in their order, others between them or not.
fn log(expected: &[String], found: &[String]) -> Option<String> {
    let mut rest = found.iter();
    let all = expected.iter().all(|line| rest.any(|found| found == line));
    if all {
        return None;
    }
    let mut page = Page::default();
    for line in expected {
        page.expect(line);
    }
    for line in found {
        page.find(line);
    }
    page.diff("log")
}

fn budget(case: &Case, found: &Found) -> Vec<String> {
    let spent = found.spent;
    let fuel = spent.and_then(|spent| spent.fuel);
    let memory = spent.map(|spent| spent.memory as u64);
    let budgets = [
        ("fuel", case.budget.fuel, fuel),
        (
            "memory",
            case.budget.memory.map(|bytes| bytes as u64),
            memory,
        ),
    ];
    let over = budgets.into_iter().filter_map(|(what, budget, used)| {
        let (budget, used) = (budget?, used?);
        (used > budget).then(|| format!("{what}: {used} used, the budget is {budget}"))
    });
    over.collect()
}
