//! Plugins in front of the gateway, with something simple in its place.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cuttle_egress::Body;
use cuttle_plugin::{
    Answering, BindError, Binding, CallError, Handler, Plugin, PluginFailure, ServerPlugin, World,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::time::Instant;

use crate::support::{Origin, binding, component, get, get_with, post, read};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

/// Answers with what it got: target in a field, and the body.
#[derive(Default)]
struct Behind(AtomicUsize);

impl Handler for Behind {
    fn answer(&self, request: Request<Body>) -> Answering<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut response = Response::new(body);
            let target = parts.uri.to_string().parse().unwrap();
            response.headers_mut().insert("x-target", target);
            response
        })
    }
}

async fn guards(settings: &str) -> ServerPlugin {
    let binding = Binding {
        settings: settings.into(),
        ..binding()
    };
    let bound = ServerPlugin::bind(&component("guards"), binding, None).await;
    bound.unwrap()
}

async fn ask(
    plugin: &ServerPlugin,
    request: Request<Body>,
    time: Duration,
) -> Result<Response<Body>, CallError> {
    let behind = Arc::new(Behind::default());
    plugin
        .call(request, CLIENT, behind, Instant::now() + time)
        .await
}

async fn asked(plugin: &ServerPlugin, request: Request<Body>) -> Result<Response<Body>, CallError> {
    ask(plugin, request, Duration::from_secs(60)).await
}

#[tokio::test]
async fn what_is_handed_on_reaches_the_gateway_and_its_answer_comes_back() {
    let plugin = guards("{}").await;
    let answer = asked(&plugin, post("http://a.test/x", "body"))
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-target"], "http://a.test/x");
    assert_eq!(answer.headers()["x-guarded"], "guards");
    assert_eq!(read(answer).await, "body");
}

#[tokio::test]
async fn the_following_of_a_list_is_asked_before_the_gateway() {
    let inner = guards(r#"{"mark": "inner"}"#).await;
    let outer = Binding {
        settings: r#"{"mark": "outer"}"#.into(),
        ..binding()
    };
    let outer = ServerPlugin::bind(&component("guards"), outer, Some(&inner)).await;
    let answer = asked(&outer.unwrap(), get("http://a.test/")).await.unwrap();
    let marks: Vec<_> = answer.headers().get_all("x-guarded").iter().collect();
    assert_eq!(marks, ["inner", "outer"]);
    assert_eq!(inner.meter().cost().calls, 1);
    assert_eq!(inner.meter().world(), World::HttpServer);
}

#[tokio::test]
async fn it_may_answer_by_itself_and_learn_who_asks() {
    let plugin = guards("{}").await;
    let behind = Arc::new(Behind::default());
    let deadline = Instant::now() + Duration::from_secs(60);
    let request = get_with("http://a.test/b?c", "x-guard", "tell");
    let answer = plugin.call(request, CLIENT, behind.clone(), deadline).await;
    let text = answer
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert_eq!(text, "GET http://a.test/b?c 203.0.113.7");
    assert_eq!(behind.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn it_may_ask_twice() {
    let plugin = guards("{}").await;
    let request = get_with("http://a.test/", "x-guard", "twice");
    let answer = asked(&plugin, request).await.unwrap();
    assert_eq!(answer.headers()["x-first"], "200");
}

/// The host of a request is its client's to choose: no right comes of it.
#[tokio::test]
async fn the_host_of_a_request_is_not_one_it_may_send_to() {
    let own = Origin::start().await;
    let out = || {
        let task = format!("out {}", own.url("/"));
        get_with(&own.url("/"), "x-guard", &task)
    };
    match asked(&guards("{}").await, out()).await.unwrap_err() {
        CallError::Failed {
            error: PluginFailure::Denied(text),
            ..
        } => {
            assert!(text.contains("grants.guards.outbound"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert!(own.seen().is_empty());

    let granted = Binding {
        hosts: vec![own.authority().parse().unwrap()],
        ..binding()
    };
    let granted = ServerPlugin::bind(&component("guards"), granted, None).await;
    asked(&granted.unwrap(), out()).await.unwrap();
    assert_eq!(own.seen().len(), 1);
}

#[tokio::test]
async fn what_goes_wrong_is_its_own_request() {
    let plugin = guards("{}").await;
    let request = |task| get_with("http://a.test/", "x-guard", task);
    let trap = asked(&plugin, request("trap")).await.unwrap_err();
    assert!(matches!(trap, CallError::Trap { .. }), "{trap:?}");
    let failed = asked(&plugin, request("fail")).await.unwrap_err();
    assert!(matches!(failed, CallError::Failed { .. }), "{failed:?}");
    let late = ask(&plugin, request("spin"), Duration::from_millis(100)).await;
    assert!(matches!(late, Err(CallError::Deadline { .. })), "{late:?}");
    assert_eq!(asked(&plugin, request("")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_plugin_of_another_kind_is_refused_by_name() {
    let client = ServerPlugin::bind(&component("adds-header"), binding(), None).await;
    let error = client.unwrap_err();
    assert!(matches!(error, BindError::World { .. }), "{error}");
    assert!(error.to_string().contains("`http-server`"), "{error}");
    let server = Plugin::bind(&component("guards"), binding()).await;
    assert!(server.unwrap_err().to_string().contains("`http-client`"));
}
