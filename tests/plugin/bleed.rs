//! What one request leaves behind for the next.

use std::time::Duration;

use cuttle_plugin::{Binding, Isolation, Limits, Plugin, PluginFailure};
use http::Request;
use http_body_util::BodyExt as _;

use crate::support::{NOWHERE, Origin, binding, call, component, get, get_with, limited, post};

async fn isolated(isolation: Isolation) -> Plugin {
    let binding = Binding {
        isolation,
        ..binding()
    };
    let component = component("keeps-things");
    Plugin::bind(&component, binding).await.unwrap()
}

/// What the plugin knew before it was told `secret`.
async fn known_before(plugin: &Plugin, secret: &str) -> String {
    let answer = call(plugin, get_with(NOWHERE, "x-secret", secret)).await;
    let answer = answer.unwrap();
    answer.headers()["x-seen"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn isolation_by_request_shows_no_request_the_secrets_of_another() {
    let plugin = isolated(Isolation::Request).await;
    let calls: Vec<_> = (0..8)
        .map(|client| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                for number in 0..50 {
                    let secret = format!("secret-{client}-{number}");
                    assert_eq!(known_before(&plugin, &secret).await, "", "{secret}");
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert!(plugin.instances().idle <= 1, "none of those comes back");
}

/// So that the test above would notice.
#[tokio::test]
async fn an_instance_that_is_used_again_remembers() {
    let plugin = isolated(Isolation::Instance).await;
    assert_eq!(known_before(&plugin, "first").await, "");
    assert_eq!(known_before(&plugin, "second").await, "first");
}

fn doing(uri: &str, what: &str) -> Request<cuttle_egress::Body> {
    get_with(uri, "x-do", what)
}

/// A request goes where the one in hand may go, whenever it was made.
#[tokio::test]
async fn rights_of_one_request_are_not_those_of_the_next() {
    let (first, second) = (Origin::start().await, Origin::start().await);
    let plugin = isolated(Isolation::Instance).await;
    call(&plugin, doing(&first.url("/kept"), "keep-request"))
        .await
        .unwrap();

    let error = call(&plugin, doing(&second.url("/"), "send-kept")).await;
    let error = error.unwrap_err();
    assert!(
        matches!(
            &error,
            cuttle_plugin::CallError::Failed {
                error: PluginFailure::Denied(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(first.seen().is_empty() && second.seen().is_empty());
}

#[tokio::test]
async fn a_body_ends_with_its_request() {
    let plugin = isolated(Isolation::Instance).await;
    let answer = call(&plugin, doing(NOWHERE, "keep-writer")).await.unwrap();
    let later = call(&plugin, doing(NOWHERE, "write-kept")).await.unwrap();

    assert_eq!(later.headers()["x-written"], "Some(false)");
    let broken = answer.into_body().collect().await;
    assert!(
        broken.is_err(),
        "it is cut off, and nothing was added to it"
    );
}

#[tokio::test]
async fn budgets_are_those_of_a_request() {
    let limits = Limits {
        body_read: 10,
        host_calls: 20,
        ..Limits::default()
    };
    let plugin = limited("keeps-things", limits).await;
    for _ in 0..20 {
        let mut request = post(NOWHERE, "12345678");
        let what = http::HeaderValue::from_static("read");
        request.headers_mut().insert("x-do", what);
        let answer = call(&plugin, request).await.unwrap();
        assert_eq!(answer.headers()["x-read"], "8");
    }
}

/// The client went away while the plugin waited for a peer, slept or computed.
#[tokio::test]
async fn nothing_is_left_of_a_call_that_was_given_up() {
    let limits = Limits {
        instances: 1,
        ..Limits::default()
    };
    let origin = Origin::start().await;
    for name in ["never-returns", "sleeps", "spins"] {
        let plugin = limited(name, limits.clone()).await;
        for _ in 0..3 {
            let waiting = call(&plugin, get(&origin.url("/silent")));
            let gone = tokio::time::timeout(Duration::from_millis(20), waiting).await;
            assert!(gone.is_err(), "{name}: {gone:?}");
            assert_eq!(plugin.instances().live, 0, "{name}");
        }
    }
}
