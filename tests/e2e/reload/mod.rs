//! SIGHUP and `--watch`: another configuration, and nobody notices.

mod files;
mod load;
mod soak;

use std::time::Duration;

use cuttle_tests::{Gate, Gateway, Origin, Outgoing, Reply, Signal, Step, TestResult, soon};
use serde_json::{Value, json};

use crate::support::{by_client, by_plugin, endpoint, service, with_plugin};
use load::Load;

fn is_success(event: &Value) -> bool {
    event["level"] == "INFO" && event["fields"]["message"] == "reload finished"
}

fn is_failure(event: &Value) -> bool {
    let message = event["fields"]["message"].as_str().unwrap_or_default();
    event["level"] == "ERROR" && message.starts_with("reload failed")
}

/// Clients on kept-alive connections see the change at their next request, and
/// no request is lost while endpoints come and go.
#[tokio::test]
async fn routes_come_and_go_under_load_without_a_failed_request() -> TestResult {
    let origin = Origin::replying("ok").await;
    let stays = || {
        vec![
            endpoint("/stays", &origin.url()),
            by_plugin(endpoint("/plugin", "http://behind.test"), &origin.url()),
        ]
    };
    let mut more = stays();
    more.push(endpoint("/comes", &origin.url()));
    let configs = [service(stays()), service(more)];
    let gateway = Gateway::start(configs[0].clone()).await?;
    let mut idle = gateway.connect().await?;
    let load = Load::start(&gateway, &["/stays".into(), "/plugin".into()], 4);
    for count in 1..=20 {
        gateway.configure(configs[count % 2].clone())?;
        let event = gateway.reload(count).await?;
        assert!(is_success(&event), "{event}");
        assert_eq!(event["fields"]["generation"], count + 1, "{event}");
        idle.send(Outgoing::new("GET", "/comes")).await?;
        let expected = if count % 2 == 1 { 200 } else { 404 };
        assert_eq!(idle.answer().await?.status, expected, "reload {count}");
        load.go_on(20).await;
    }
    assert!(load.end().await? >= 400);
    Ok(())
}

/// It ends as it began, even if its endpoint is no longer there; then the old
/// generation goes, with all that it held.
#[tokio::test]
async fn a_request_under_way_is_finished_by_the_generation_it_began_with() -> TestResult {
    let gate = Gate::new();
    let steps = vec![
        Step::Wait(gate.clone()),
        Step::send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"),
    ];
    let origin = Origin::start(move |_| Reply::steps(steps.clone())).await;
    let ways = || {
        vec![
            endpoint("/direct", &origin.url()),
            by_plugin(endpoint("/plugin", "http://behind.test"), &origin.url()),
            by_client(endpoint("/client", "http://behind.test"), &origin.url()),
        ]
    };
    let gateway = Gateway::start(service(ways())).await?;
    let mut under_way = Vec::new();
    for path in ["/direct", "/plugin", "/client"] {
        let mut exchange = gateway.connect().await?;
        exchange.send(Outgoing::new("GET", path)).await?;
        under_way.push(exchange);
    }
    origin
        .wait("all requests", |journal| {
            (journal.heads.len() == 3).then_some(())
        })
        .await;
    gateway.configure(service(vec![]))?;
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!(gateway.get("/direct").await?.status, 404);
    let gone = "former generation is gone";
    assert!(!gateway.log().text().contains(gone));

    gate.open();
    for exchange in &mut under_way {
        assert_eq!(exchange.answer().await?.body, "done");
        // The same connection goes on with the new one.
        exchange.send(Outgoing::new("GET", "/direct")).await?;
        assert_eq!(exchange.answer().await?.status, 404);
    }
    let line = gateway
        .log()
        .find("the end of the old generation", |event| {
            event["fields"]["message"] == gone
        });
    assert_eq!(line.await.unwrap()["fields"]["generation"], 1);
    Ok(())
}

/// All that is wrong is told, and everything goes on.
#[tokio::test]
async fn a_broken_configuration_changes_nothing_and_says_why() -> TestResult {
    let origin = Origin::replying("ok").await;
    let works = || service(vec![endpoint("/x", &origin.url())]);
    let gateway = Gateway::start(works()).await?;
    let mut unusable = service(vec![
        by_plugin(endpoint("/a", "http://a.test"), "nonsense"),
        with_plugin(
            endpoint("/b", "http://b.test"),
            json!({ "name": "missing" }),
        ),
    ]);
    unusable["version"] = json!(3);
    let mut refused = works();
    refused["endpoints"][0]["backend"] = json!([]);
    refused["timeout"] = json!("soon");
    for (index, (text, told)) in [
        ("{ \"version\": 3,".to_owned(), &[""][..]),
        (refused.to_string(), &["endpoints[0].backend", "timeout"]),
        (
            unusable.to_string(),
            &["proxy_address", "there is no plugin `missing`"],
        ),
    ]
    .iter()
    .enumerate()
    {
        let count = index + 1;
        gateway.write(text)?;
        let event = gateway.reload(count).await?;
        assert!(is_failure(&event), "{event}");
        assert_eq!(event["fields"]["generation"], 1, "{event}");
        assert_eq!(gateway.get("/x").await?.body, "ok");
        let errors: Vec<_> = gateway
            .log()
            .events()
            .into_iter()
            .filter(|event| event["level"] == "ERROR")
            .map(|event| event.to_string())
            .collect();
        for told in *told {
            assert!(
                errors.iter().any(|line| line.contains(told)),
                "{told}: {errors:?}"
            );
        }
    }
    gateway.configure(works())?;
    let event = gateway.reload(4).await?;
    assert!(is_success(&event));
    assert_eq!(event["fields"]["generation"], 2);
    assert_eq!(gateway.get("/x").await?.body, "ok");
    Ok(())
}

#[tokio::test]
async fn what_needs_a_restart_is_named() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut config = service(vec![endpoint("/x", &origin.url())]);
    let gateway = Gateway::start(config.clone()).await?;
    config["listen_ip"] = json!("::1");
    config["extra_config"] = json!({ "telemetry/logging": { "level": "ERROR" } });
    gateway.configure(config)?;
    assert!(is_success(&gateway.reload(1).await?));
    assert_eq!(gateway.get("/x").await?.body, "ok", "at its old place");
    let warnings = gateway.warnings().join("\n");
    for key in ["listen_ip", "telemetry/logging"] {
        let named = |line: &&String| line.contains(key) && line.contains("restart the gateway");
        assert!(
            gateway.warnings().iter().any(|line| named(&line)),
            "{key}: {warnings}"
        );
    }
    Ok(())
}

/// Signals in a row are at least one reload after the last of them, and far
/// fewer than there were.
#[tokio::test]
async fn many_signals_at_once_are_few_reloads() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::start(service(vec![endpoint("/x", &origin.url())])).await?;
    for _ in 0..200 {
        gateway.signal(Signal::HUP)?;
    }
    gateway.reloaded(1).await?;
    gateway.configure(service(vec![endpoint("/y", &origin.url())]))?;
    gateway.signal(Signal::HUP)?;
    soon("the last configuration", async {
        while gateway.get("/y").await.unwrap().status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let started = gateway.log().text().matches("\"reload started\"").count();
    assert!(started < 50, "{started} reloads");
    Ok(())
}
