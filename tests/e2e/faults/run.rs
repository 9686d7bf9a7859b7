//! Puts a gateway before many bad proxies at once.

use std::{fmt::Write as _, time::Duration};

use anyhow::{anyhow, ensure};
use cuttle_tests::{
    Answer, Authority, FaultProxy, Gateway, Origin, Reply, TestResult, Usage, soon,
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::support::{by_client, by_plugin, endpoint, trusting, with};

/// Endpoint timeout of these tests.
const LIMIT: Duration = Duration::from_secs(1);
/// What a failure may take beyond the endpoint's timeout.
const GRACE: Duration = Duration::from_secs(1);
/// Requests at the same time. They mostly wait.
const AT_ONCE: usize = 12;

/// What the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 500 with an empty body.
    Failure,
    /// 200, and a body that breaks off.
    Truncated,
    /// A complete answer with this status and body.
    Passes(u16, &'static str),
}

/// A proxy's address, and what to expect of it.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) expected: Outcome,
}

/// Runs every case by both ways of using a proxy, against an origin that only
/// somebody who goes around the proxy can reach.
pub(super) async fn run(authority: &Authority, scheme: &str, cases: Vec<Case>) -> TestResult {
    let origin = origin(authority, scheme).await;
    let secure = origin_tls(authority).await;
    let working = FaultProxy::working().await;
    let mut endpoints = vec![
        by_plugin(endpoint("/healthy/plugin", &secure.url()), &working.url()),
        by_client(endpoint("/healthy/client", &secure.url()), &working.url()),
    ];
    for case in &cases {
        let [plugin, client] = paths(case.name);
        endpoints.push(limited(by_plugin(
            endpoint(&plugin, &origin.url()),
            &case.address,
        )));
        endpoints.push(limited(by_client(
            endpoint(&client, &origin.url()),
            &case.address,
        )));
    }
    let gateway = Gateway::start(trusting(authority, endpoints)).await?;
    healthy(&gateway).await?;
    let before = gateway.usage()?;

    let calls = cases
        .iter()
        .flat_map(|case| paths(case.name).map(|path| (path, case.expected)));
    let mut text = wrong(&gateway, calls).await;
    if !origin.journal().received.is_empty() {
        writeln!(text, "went around the proxy:\n{}", origin.journal().text())?;
    }
    ensure!(text.is_empty(), "{text}");
    healthy(&gateway).await?;
    are_closed(&gateway, &before).await;
    Ok(())
}

/// Makes these calls; what did not come out as expected.
pub(super) async fn wrong(
    gateway: &Gateway,
    calls: impl IntoIterator<Item = (String, Outcome)>,
) -> String {
    let wrong: Vec<String> = stream::iter(calls)
        .map(|(path, expected)| call(gateway, path, expected))
        .buffer_unordered(AT_ONCE)
        // The context of an error is the whole log of all cases.
        .filter_map(|verdict| async {
            verdict
                .err()
                .map(|error| format!("{}\n", error.root_cause()))
        })
        .collect()
        .await;
    wrong.concat()
}

/// Waits until there are no more descriptors than `before`.
pub(super) async fn are_closed(gateway: &Gateway, before: &Usage) {
    soon("descriptors to be closed", async {
        while gateway
            .usage()
            .is_ok_and(|now| now.descriptors > before.descriptors)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn call(gateway: &Gateway, path: String, expected: Outcome) -> TestResult {
    let answer = gateway.get(&path).await;
    let answer = match answer {
        Ok(answer) => answer,
        // A body that breaks off at once may take the head with it.
        Err(_) if expected == Outcome::Truncated => return in_time(gateway, &path).await,
        Err(error) => return Err(anyhow!("{path}: {}", error.root_cause())),
    };
    ensure!(
        fits(&answer, expected),
        "{path}: {} {:?}, complete: {}, expected {expected:?}",
        answer.status,
        answer.body,
        answer.complete
    );
    for field in ["proxy-authenticate", "proxy-connection", "upgrade"] {
        ensure!(answer.field(field).is_none(), "{path}: {}", answer.head.raw);
    }
    in_time(gateway, &path).await
}

/// By the gateway's clock: the peers that flood it are in this process, and
/// keep its clock waiting.
async fn in_time(gateway: &Gateway, path: &str) -> TestResult {
    let line = gateway.access(path).await?;
    ensure!(line["level"] == "INFO", "{path}: {line}");
    let millis = line["span"]["duration_ms"].as_f64();
    let elapsed = Duration::from_secs_f64(millis.unwrap_or(1e6) / 1000.0);
    ensure!(elapsed < LIMIT + GRACE, "{path} took {elapsed:?}");
    Ok(())
}

fn fits(answer: &Answer, expected: Outcome) -> bool {
    match expected {
        // Details are for the log.
        Outcome::Failure => answer.status == 500 && answer.complete && answer.body.is_empty(),
        Outcome::Truncated => answer.status < 500 && !answer.complete,
        Outcome::Passes(status, body) => {
            answer.status == status && answer.complete && answer.body == body
        }
    }
}

/// The control of all of the above, and the proof that nothing of it lasts.
async fn healthy(gateway: &Gateway) -> TestResult {
    for path in ["/healthy/plugin", "/healthy/client"] {
        let answer = gateway.get(path).await?;
        ensure!(
            answer.body == "tunnelled",
            "{path}: {answer:?}\n{:?}",
            gateway.log()
        );
    }
    Ok(())
}

async fn origin(authority: &Authority, scheme: &str) -> Origin {
    match scheme {
        "https" => Origin::start_tls(authority, |_| Reply::text("direct")).await,
        _ => Origin::replying("direct").await,
    }
}

async fn origin_tls(authority: &Authority) -> Origin {
    Origin::start_tls(authority, |_| Reply::text("tunnelled")).await
}

fn paths(name: &str) -> [String; 2] {
    ["plugin", "client"].map(|way| format!("/{name}/{way}"))
}

pub(super) fn limited(endpoint: Value) -> Value {
    let limit = format!("{}ms", LIMIT.as_millis());
    with(endpoint, "timeout", json!(limit))
}
