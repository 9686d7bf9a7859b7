//! Name servers that fail, and that are well every other moment.

use std::time::Duration;

use cuttle_tests::{Gateway, Mood, NameServer, Origin, TestResult};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{recovers, service};

const BAD: [Mood; 3] = [Mood::Fails, Mood::Silent, Mood::Babbles];

fn discovered(server: &NameServer) -> Value {
    let mut config = service(json!({
        "url_pattern": "/x", "encoding": "no-op", "sd": "dns", "host": ["api.service.consul."],
    }));
    config["timeout"] = json!("2s");
    config["dns_cache_ttl"] = json!("1s");
    config["extra_config"] = json!({ "cuttle/http": {
        "dns_servers": [server.address().to_string()],
    } });
    config
}

/// What was found is used on, whatever becomes of the name server.
#[tokio::test]
async fn hosts_that_were_found_outlive_their_name_server() -> TestResult {
    let origin = Origin::replying("ok").await;
    let server = NameServer::start(vec![origin.port()]).await?;
    let gateway = Gateway::start(discovered(&server)).await?;
    assert_eq!(gateway.get("/x").await?.status, 200);
    for mood in BAD {
        server.turn(mood);
        let asked = server.asked().len();
        let start = Instant::now();
        // Until it was asked again, and for as long behind that.
        while server.asked().len() == asked || start.elapsed() < Duration::from_secs(2) {
            assert!(start.elapsed() < Duration::from_secs(30), "{mood:?}: asks");
            assert_eq!(gateway.get("/x").await?.status, 200, "{mood:?}");
            sleep(Duration::from_millis(10)).await;
        }
        server.turn(Mood::Answers);
    }
    Ok(())
}

/// Without any host yet it is an error within the timeout, and none any more
/// soon after the name server is well.
#[tokio::test]
async fn a_name_server_that_fails_from_the_start_is_an_error_until_it_is_well() -> TestResult {
    let origin = Origin::replying("ok").await;
    for mood in BAD {
        let server = NameServer::start(vec![origin.port()]).await?;
        server.turn(mood);
        let gateway = Gateway::start(discovered(&server)).await?;
        let start = Instant::now();
        let answer = gateway.get("/x").await?;
        assert!(answer.status >= 500, "{mood:?}: {}", answer.status);
        assert!(start.elapsed() < Duration::from_secs(10), "{mood:?}");
        server.turn(Mood::Answers);
        recovers(&gateway).await;
    }
    Ok(())
}
