//! Plugins in front of the whole gateway.

use cuttle_tests::{Gateway, Origin, Outgoing, Reply, Step, TestResult, fixture};
use serde_json::{Value, json};

use crate::support::{endpoint, plugin_folder, plugins_from_folder, service, with};

fn guarded(settings: &Value, endpoints: Vec<Value>) -> Value {
    let mut config = plugins_from_folder(service(endpoints));
    config["extra_config"] = json!({ "plugin/http-server": settings });
    config
}

async fn start(settings: Value, endpoints: Vec<Value>) -> anyhow::Result<Gateway> {
    let folder = plugin_folder(&[&fixture("guards")]);
    let config = guarded(&settings, endpoints);
    Gateway::configured(config).dir(&folder).start().await
}

async fn one(origin: &Origin) -> anyhow::Result<Gateway> {
    let post = with(endpoint("/a", &origin.url()), "method", json!("POST"));
    let endpoints = vec![
        endpoint("/a", &origin.url()),
        post,
        endpoint("/b", &origin.url()),
    ];
    start(json!({ "name": "guards" }), endpoints).await
}

fn ask(target: &str, task: &str) -> Outgoing {
    Outgoing::new("GET", target).field("X-Guard", task)
}

#[tokio::test]
async fn everything_passes_through_them() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = one(&origin).await?;
    for (target, status) in [
        ("/a", 200),
        ("/nowhere", 404),
        ("/__health", 200),
        ("/b/", 301),
    ] {
        let answer = gateway.get(target).await?;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.field("x-guarded"), Some("guards"), "{target}");
    }
    let line = gateway.access("/a").await?;
    assert_eq!(line["span"]["endpoint"], "/a", "{line}");
    assert_eq!(origin.journal().heads.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_last_of_the_list_sees_a_request_first() -> TestResult {
    let folder = plugin_folder(&[&fixture("guards")]);
    let plugins = folder.path().join("plugins");
    for name in ["inner", "outer"] {
        std::fs::copy(fixture("guards"), plugins.join(name).with_extension("wasm"))?;
    }
    let settings = json!({ "name": ["inner", "outer"] });
    let config = guarded(&settings, vec![]);
    let mut config = config;
    config["extra_config"]["cuttle/http"] = json!({ "metrics_path": "/__metrics" });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    assert_eq!(gateway.ask(ask("/x", "refuse")).await?.status, 403);
    let page = gateway.get("/__metrics").await?.body;
    let calls = |plugin: &str| {
        let begin = format!("cuttle_plugin_calls_total{{plugin=\"{plugin}\"");
        let line = page
            .lines()
            .find(|line| line.starts_with(&begin))
            .map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next().map(str::to_owned))
    };
    // The request for the page itself is on its way through both.
    assert_eq!(calls("outer").as_deref(), Some("1"), "{page}");
    assert_eq!(calls("inner").as_deref(), Some("0"), "{page}");
    Ok(())
}

#[tokio::test]
async fn they_answer_lead_elsewhere_and_change_bodies() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = one(&origin).await?;
    let refused = gateway.ask(ask("/a", "refuse")).await?;
    assert_eq!((refused.status, refused.body.as_str()), (403, "not you"));
    assert_eq!(refused.field("x-why"), Some("test"));
    assert_eq!(
        refused.field("x-krakend"),
        None,
        "its answer is sent as it is"
    );
    assert_eq!(origin.journal().heads.len(), 0);

    assert_eq!(gateway.ask(ask("/a?q", "rewrite /b")).await?.status, 200);
    assert_eq!(origin.last().head.target(), "/b");

    let told = gateway.ask(ask("/a?q=1", "tell")).await?;
    let expected = format!("GET http://{}/a?q=1 127.0.0.1", gateway.address());
    assert_eq!(told.body, expected);

    let body = Outgoing::new("POST", "/a")
        .field("X-Guard", "body")
        .text("lower");
    assert_eq!(gateway.ask(body).await?.status, 200);
    assert!(origin.journal().text().ends_with("\r\n\r\nLOWER"));

    let twice = gateway.ask(ask("/a", "twice")).await?;
    assert_eq!((twice.status, twice.field("x-first")), (200, Some("200")));
    Ok(())
}

#[tokio::test]
async fn what_goes_wrong_in_them_costs_its_own_request() -> TestResult {
    let origin = Origin::replying("ok").await;
    let folder = plugin_folder(&[&fixture("guards")]);
    let mut config = guarded(
        &json!({ "name": "guards" }),
        vec![endpoint("/a", &origin.url())],
    );
    config["extra_config"]["cuttle/plugins"] =
        json!({ "limits": { "guards": { "timeout": "500ms" } } });
    config["extra_config"]["cuttle/http"] = json!({ "gateway_errors": true });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    for task in ["trap", "fail", "spin", "trap"] {
        let answer = gateway.ask(ask("/a", task)).await?;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""), "{task}");
        let next = gateway.get("/a").await?;
        assert_eq!(
            (next.status, next.body.as_str()),
            (200, "ok"),
            "after {task}"
        );
    }
    assert!(gateway.log().text().contains("plugin `guards` trapped"));
    Ok(())
}

/// Nobody is to be woken for what a client does.
#[tokio::test]
async fn a_clients_fault_in_front_is_no_error_of_the_log() -> TestResult {
    let folder = plugin_folder(&[&fixture("guards")]);
    let mut config = guarded(&json!({ "name": "guards" }), vec![]);
    config["extra_config"]["router"] = json!({ "max_payload": 4 });
    let gateway = Gateway::configured(config).dir(&folder).start().await?;
    let mut exchange = gateway.connect().await?;
    let request = "POST /a HTTP/1.1\r\nHost: a\r\nX-Guard: body\r\n\
                   Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n";
    exchange.raw(request).await?;
    assert_eq!(exchange.head().await?.status(), 413);
    let refused = |event: &Value| event["fields"]["kind"] == "BodyTooLarge";
    let event = gateway.log().find("the refusal", refused).await;
    let event = event.unwrap_or_default();
    assert_eq!(event["level"], "INFO", "{event}");
    assert_eq!(event["fields"]["message"], "request refused", "{event}");

    assert_eq!(gateway.ask(ask("/a", "fail")).await?.status, 500);
    let failed = |event: &Value| event["fields"]["kind"] == "ServerPlugin";
    let event = gateway.log().find("the failure", failed).await;
    assert_eq!(event.unwrap_or_default()["level"], "ERROR");
    Ok(())
}

/// Both bodies flow while the plugin has long returned.
#[tokio::test]
async fn bodies_stream_through_them() -> TestResult {
    let origin = Origin::start(|_| {
        Reply::steps(vec![
            Step::send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegi"),
            Step::Silence,
        ])
    })
    .await;
    let gateway = one(&origin).await?;
    let mut exchange = gateway.connect().await?;
    exchange.send(Outgoing::new("GET", "/a")).await?;
    let head = exchange.head().await?;
    assert_eq!(head.field("x-guarded"), Some("guards"));
    let piece = exchange.piece().await?.unwrap_or_default();
    assert_eq!(&piece[..], b"begi", "before the backend has sent the rest");
    Ok(())
}

#[tokio::test]
async fn one_that_cannot_be_used_stops_the_start() -> TestResult {
    for (settings, place, text) in [
        (
            json!({ "name": "nobody" }),
            "name",
            "there is no plugin `nobody`",
        ),
        (
            json!({ "name": ["guards", "http-proxy"] }),
            "name[1]",
            "does not export `http-server`",
        ),
        (json!({ "name": ["guards", ""] }), "name[1]", "is empty"),
        (json!({ "name": "guards", "mark": "" }), "mark", "is empty"),
    ] {
        let refused = start(settings, vec![]).await.err();
        let said = refused.map(|error| error.to_string()).unwrap_or_default();
        let place = format!("[\"plugin/http-server\"].{place}");
        assert!(said.contains(text), "{text}: {said}");
        assert!(said.contains(&place), "{place}: {said}");
    }
    Ok(())
}
