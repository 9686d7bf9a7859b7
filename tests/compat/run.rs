//! Runs one case and says everything in which the gateway differs from it.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use cuttle_tests::{Answer, Exchange, Gateway, Head, Outgoing, Recorded};
use serde_json::Value;

use crate::{
    case::{Arrived, Case, Expected, Fields, Request, Step, values},
    group::{Group, Prepared, Words},
};

/// How long a request that must reach the backend may take for it after the
/// answer, as shadow traffic does.
const LATE: Duration = Duration::from_secs(5);

/// Runs the case at `index`; the error holds every difference.
pub(crate) async fn run(group: &Group, index: usize) -> Result<(), String> {
    let case = group.case(index);
    let steps = case.steps().map_err(|error| format!("{error:#}"))?;
    let placed = group.place(index).await;
    if !case.refused.is_empty() {
        return match placed {
            Ok(_) => Err("the gateway starts".to_owned()),
            Err(error) => refused(case, &format!("{error:#}")),
        };
    }
    let (gateway, prepared) = placed.map_err(|error| format!("{error:#}"))?;
    let mut differences = warnings(case, &gateway, &prepared.words);
    let mut seen = 0;
    for (number, step) in steps.iter().enumerate() {
        let found = perform(step, &gateway, &prepared, &mut seen).await;
        let found = found.into_iter();
        differences.extend(found.map(|text| match steps.len() {
            1 => text,
            _ => format!("request {}: {text}", number + 1),
        }));
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(differences.join("\n")),
    }
}

fn refused(case: &Case, said: &str) -> Result<(), String> {
    let missing: Vec<_> = case
        .refused
        .iter()
        .filter(|text| !said.contains(*text))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("it does not say {missing:#?}, but\n{said}")),
    }
}

fn warnings(case: &Case, gateway: &Gateway, words: &Words) -> Vec<String> {
    let Some(wanted) = &case.warned else {
        return Vec::new();
    };
    let said = gateway.warnings();
    if wanted.is_empty() && !said.is_empty() {
        return vec![format!("it warns: {said:#?}")];
    }
    let all = said.join("\n");
    // As the log writes it.
    let quoted = |text: &str| words.fill(text).replace('"', "\\\"");
    let missing = wanted.iter().filter(|text| !all.contains(&quoted(text)));
    missing
        .map(|text| format!("it does not warn of {text:?}, but says\n{all}"))
        .collect()
}

/// `seen` counts what the backend had received before.
async fn perform(
    step: &Step<'_>,
    gateway: &Gateway,
    prepared: &Prepared,
    seen: &mut usize,
) -> Vec<String> {
    let words = &prepared.words;
    let outgoing = outgoing(&step.request, words);
    let answer = match Exchange::ask(gateway.address(), outgoing).await {
        Ok(answer) => answer,
        Err(error) => {
            return vec![format!(
                "no answer: {error}\nthe gateway says:\n{}",
                gateway.log().text()
            )];
        }
    };
    let mut differences = Vec::new();
    if let Some(expected) = step.answer {
        differences.extend(compare_answer(expected, &answer, words));
    }
    if let Some(count) = step.received.map(<[_]>::len).or(step.calls) {
        let wait = prepared.origin.wait("the backend's requests", |journal| {
            (journal.requests.len() >= *seen + count).then_some(())
        });
        // Too few are told below, with what has come.
        let _ = tokio::time::timeout(LATE, wait).await;
    }
    let all = prepared.origin.journal().requests;
    let new = all.get(*seen..).unwrap_or_default();
    *seen = all.len();
    if let Some(calls) = step.calls.filter(|calls| *calls != new.len()) {
        differences.push(format!(
            "the backend got {} requests, not {calls}",
            new.len()
        ));
    }
    if let Some(expected) = step.received {
        differences.extend(compare_received(expected, new, words));
    }
    if !differences.is_empty() {
        differences.push(format!(
            "the answer was:\n{}{}",
            answer.head.raw, answer.body
        ));
    }
    differences
}

fn outgoing(request: &Request, words: &Words) -> Outgoing {
    let (method, target) = request
        .line
        .split_once(' ')
        .expect("a request has a method and a target");
    let mut outgoing = Outgoing::new(method, &words.target(target));
    for (name, value) in &request.headers {
        for value in values(value) {
            outgoing = outgoing.field(name, &words.fill(&value));
        }
    }
    match &request.body {
        Some(body) if request.chunked => outgoing.chunked_text(body),
        Some(body) => outgoing.text(body),
        None => outgoing,
    }
}

fn compare_answer(expected: &Expected, answer: &Answer, words: &Words) -> Vec<String> {
    let mut differences = Vec::new();
    if answer.status != expected.status {
        differences.push(format!("status {}, not {}", answer.status, expected.status));
    }
    if answer.complete == expected.aborted {
        differences.push(match expected.aborted {
            true => "the body came to its end".to_owned(),
            false => "the body broke off".to_owned(),
        });
    }
    if let Some(completed) = expected.completed {
        let found = answer.head.all("x-krakend-completed");
        if found != [completed.to_string()] {
            differences.push(format!("X-Krakend-Completed {found:?}, not {completed}"));
        }
    }
    differences.extend(compare_fields(&expected.headers, &answer.head, words));
    differences.extend(compare_names(
        expected.only_headers.as_deref(),
        &answer.head,
    ));
    differences.extend(compare_body(expected, answer, words));
    differences
}

fn compare_body(expected: &Expected, answer: &Answer, words: &Words) -> Vec<String> {
    let text = expected.json.as_ref().map(Value::to_string);
    let text = text.or(expected.body.clone());
    let text = text.map(|text| words.fill(&text));
    let mut differences = Vec::new();
    if let Some(text) = text
        && answer.digest.start != text.as_bytes()
    {
        differences.push(format!("body\n{}\nnot\n{text}", answer.body));
    }
    if let Some(encoded) = &expected.base64 {
        let found = BASE64_STANDARD.encode(&answer.digest.start);
        if found != *encoded {
            differences.push(format!("body\n{found}\nnot\n{encoded}"));
        }
    }
    let missing = expected.contains.iter().map(|text| words.fill(text));
    let missing = missing.filter(|text| !answer.body.contains(text));
    differences.extend(missing.map(|text| format!("the body does not hold {text:?}")));
    differences
}

fn compare_received(expected: &[Arrived], received: &[Recorded], words: &Words) -> Vec<String> {
    let mut left: Vec<_> = received.iter().collect();
    let mut missing = Vec::new();
    for one in expected {
        match left.iter().position(|r| arrived(one, r, words).is_empty()) {
            Some(index) => drop(left.remove(index)),
            None => missing.push(one),
        }
    }
    // With one left on each side the difference between them is the news.
    if let ([one], [recorded]) = (missing.as_slice(), left.as_slice()) {
        let mut differences = arrived(one, recorded, words);
        differences.push(format!("the backend got:\n{}", recorded.head.raw));
        return differences;
    }
    let missing = missing
        .iter()
        .map(|one| format!("the backend did not get {}", one.line));
    let unexpected = left
        .iter()
        .map(|one| format!("the backend got:\n{}", one.head.raw));
    missing.chain(unexpected).collect()
}

/// In what a request differs from the expected one.
fn arrived(expected: &Arrived, recorded: &Recorded, words: &Words) -> Vec<String> {
    let mut differences = Vec::new();
    let head = &recorded.head;
    let (line, wanted) = (
        format!("{} {}", head.method(), head.target()),
        words.fill(&expected.line),
    );
    if line != wanted {
        differences.push(format!("the backend got {line}, not {wanted}"));
    }
    differences.extend(compare_fields(&expected.headers, head, words));
    differences.extend(compare_names(expected.only_headers.as_deref(), head));
    if let Some(body) = &expected.body
        && recorded.body.text() != *body
    {
        differences.push(format!(
            "the backend got the body {:?}, not {body:?}",
            recorded.body.text()
        ));
    }
    differences
}

fn compare_fields(expected: &Fields, head: &Head, words: &Words) -> Vec<String> {
    let differences = expected.iter().filter_map(|(name, value)| {
        let wanted: Vec<_> = values(value).iter().map(|v| words.fill(v)).collect();
        let found = head.all(&name.to_ascii_lowercase());
        (found != wanted).then(|| format!("{name} {found:?}, not {wanted:?}"))
    });
    differences.collect()
}

fn compare_names(expected: Option<&[String]>, head: &Head) -> Option<String> {
    let expected = expected?;
    let mut names: Vec<_> = head.fields.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    // When a message was made says nothing.
    names.retain(|name| name != "date");
    (names != expected).then(|| format!("fields {names:?}, not {expected:?}"))
}
