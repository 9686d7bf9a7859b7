//! A misbehaving plugin costs its own request and nothing else, seen through
//! the whole gateway.

use std::time::{Duration, Instant};

use cuttle_tests::{Gateway, Origin, Outgoing, Reply, Step, TestResult, fixture};
use serde_json::json;

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with, with_plugin};

/// Endpoint timeout of the misbehaving ones.
const LIMIT: Duration = Duration::from_millis(1000);

/// Folders of `plugins/fixtures` whose `handle` goes wrong.
const MISBEHAVING: [&str; 11] = [
    "bad-status",
    "body-hoard",
    "exits",
    "handle-leak",
    "huge-return",
    "memory-bomb",
    "recurses",
    "returns-error",
    "sleeps",
    "spins",
    "traps",
];

async fn beside_healthy(name: &str, origin: &Origin) -> anyhow::Result<Gateway> {
    let folder = plugin_folder(&[&fixture(name)]);
    let broken = with_plugin(endpoint("/broken", &origin.url()), json!({ "name": name }));
    let limit = json!(format!("{}ms", LIMIT.as_millis()));
    let config = plugins_from_folder(service(vec![
        with(broken, "timeout", limit),
        endpoint("/healthy", &origin.url()),
    ]));
    Gateway::configured(config).dir(&folder).start().await
}

#[tokio::test]
async fn a_misbehaving_plugin_fails_its_own_request_only() -> TestResult {
    for name in MISBEHAVING {
        let origin = Origin::replying("ok").await;
        let gateway = beside_healthy(name, &origin).await?;
        // The second round meets whatever the first left behind.
        for _ in 0..2 {
            let start = Instant::now();
            let (broken, healthy) = tokio::join!(gateway.get("/broken"), gateway.get("/healthy"));
            let (broken, healthy) = (broken?, healthy?);
            assert!(
                start.elapsed() < LIMIT + Duration::from_secs(2),
                "{name} took {:?}",
                start.elapsed()
            );
            assert_eq!(
                (broken.status, broken.body.as_str()),
                (500, ""),
                "{name}: its text is for the log"
            );
            assert_eq!(
                (healthy.status, healthy.body.as_str()),
                (200, "ok"),
                "{name}"
            );
        }
        let line = gateway.access("/broken").await?;
        assert_eq!(line["span"]["plugin"], name, "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_spinning_plugin_does_not_hold_its_neighbours_up() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = beside_healthy("spins", &origin).await?;
    let spinning = async {
        tokio::join!(
            gateway.get("/broken"),
            gateway.get("/broken"),
            gateway.get("/broken"),
            gateway.get("/broken")
        )
    };
    let healthy = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let start = Instant::now();
            assert_eq!(gateway.get("/healthy").await?.status, 200);
            slowest = slowest.max(start.elapsed());
        }
        anyhow::Ok(slowest)
    };
    let (_, slowest) = tokio::join!(spinning, healthy);
    let slowest = slowest?;
    assert!(slowest < LIMIT / 2, "a neighbour waited {slowest:?}");
    Ok(())
}

#[tokio::test]
async fn a_body_that_a_plugin_does_not_finish_is_broken_for_the_client() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = beside_healthy("breaks-body-off", &origin).await?;
    // The break may come before the head has left; then there is no answer.
    if let Ok(answer) = gateway.get("/broken").await {
        assert!(!answer.complete, "{answer:?}");
    }
    let line = gateway.access("/broken").await?;
    assert_eq!(line["fields"]["outcome"], "aborted", "{line}");
    Ok(())
}

#[tokio::test]
async fn a_body_may_pass_through_a_plugins_memory() -> TestResult {
    let origin = Origin::replying("lower case").await;
    let gateway = beside_healthy("pipes-body", &origin).await?;
    let answer = gateway.get("/broken").await?;
    assert_eq!(
        (answer.status, answer.body.as_str(), answer.complete),
        (200, "LOWER CASE", true)
    );
    Ok(())
}

#[tokio::test]
async fn instances_are_used_again_unless_isolation_says_otherwise() -> TestResult {
    let origin = Origin::replying("ok").await;
    for (isolation, expected) in [("instance", ["0", "1", "2"]), ("request", ["0", "0", "0"])] {
        let folder = plugin_folder(&[&fixture("remembers")]);
        let counting = with_plugin(
            endpoint("/count", &origin.url()),
            json!({ "name": "remembers" }),
        );
        let mut config = plugins_from_folder(service(vec![counting]));
        config["extra_config"] =
            json!({ "cuttle/plugins": { "isolation": { "remembers": isolation } } });
        let gateway = Gateway::configured(config).dir(&folder).start().await?;
        for count in expected {
            let answer = gateway.get("/count").await?;
            assert_eq!(
                answer.field("x-calls-before"),
                Some(count),
                "isolation by {isolation}"
            );
        }
    }
    Ok(())
}

/// A call that is dropped while the plugin waits takes its instance and its
/// connection with it.
#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_a_call_harms_nobody() -> TestResult {
    let origin = Origin::start(|head| match head.target() {
        "/healthy" => Reply::text("ok"),
        _ => Reply::steps(vec![Step::Silence]),
    })
    .await;
    let gateway = beside_healthy("never-returns", &origin).await?;
    for round in 1..=20 {
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", "/broken")).await?;
        origin
            .wait("the call", |journal| {
                (journal.heads.len() >= round).then_some(())
            })
            .await;
        drop(exchange);
        origin
            .wait("the end of the call", |journal| {
                (journal.gone >= round).then_some(())
            })
            .await;
    }
    assert_eq!(gateway.get("/healthy").await?.body, "ok");
    Ok(())
}
