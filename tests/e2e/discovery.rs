//! `sd: dns`: hosts come from a name server, which is asked over a real socket.

use cuttle_tests::{Gateway, NameServer, Origin, TestResult, soon};
use serde_json::json;

use crate::support::service;

fn config(server: &NameServer) -> serde_json::Value {
    let mut config = service(vec![json!({
        "endpoint": "/found",
        "output_encoding": "no-op",
        "backend": [{
            "url_pattern": "/x", "encoding": "no-op",
            "sd": "dns", "host": ["api.service.consul."],
        }],
    })]);
    config["dns_cache_ttl"] = json!("1s");
    config["extra_config"] = json!({ "cuttle/http": {
        "dns_servers": [server.address().to_string()], "gateway_errors": true,
    } });
    config
}

#[tokio::test]
async fn requests_go_where_the_name_server_says_and_follow_it() -> TestResult {
    let origins = [
        Origin::replying("one").await,
        Origin::replying("two").await,
        Origin::replying("three").await,
    ];
    let [one, two, three] = origins.each_ref().map(|origin| origin.port());
    let server = NameServer::start(vec![one, two]).await?;
    let gateway = Gateway::start(config(&server)).await?;
    assert!(
        server.asked().is_empty(),
        "nobody is asked before a request"
    );

    let mut bodies = Vec::new();
    for _ in 0..4 {
        bodies.push(gateway.get("/found").await?.body);
    }
    bodies.sort_unstable();
    assert_eq!(bodies, ["one", "one", "two", "two"], "they take turns");
    assert_eq!(
        server.asked().first().map(String::as_str),
        Some("api.service.consul")
    );
    let host = origins[0].last().head.field("host").map(str::to_owned);
    assert_eq!(host, Some(format!("127.0.0.1:{one}")));

    // What was found is used for its time, and on until something else is found.
    server.set(vec![three]);
    soon("the new host", async {
        while gateway.get("/found").await?.body != "three" {}
        anyhow::Ok(())
    })
    .await?;
    let asked = server.asked().len();
    server.set(Vec::new());
    soon("the next question", async {
        while server.asked().len() == asked {
            assert_eq!(gateway.get("/found").await?.body, "three");
        }
        anyhow::Ok(())
    })
    .await?;
    assert_eq!(gateway.get("/found").await?.body, "three");
    Ok(())
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_backend_without_hosts() -> TestResult {
    let server = NameServer::start(Vec::new()).await?;
    let gateway = Gateway::start(config(&server)).await?;
    let answer = gateway.get("/found").await?;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!server.asked().is_empty());
    Ok(())
}
