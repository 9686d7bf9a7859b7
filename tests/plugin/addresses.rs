//! Where requests of a plugin end up: names that stand for other addresses, and
//! redirects.

use cuttle_egress::Redirects;
use cuttle_plugin::{Binding, CallError, Plugin, PluginFailure};
use http::{Request, StatusCode};

use crate::support::{Journal, NOWHERE, Origin, binding, call, component, get, get_with, plugin};

/// What resolvers take for 127.0.0.1 though it looks like a name: every name can
/// be made to stand for it.
const REBOUND: [&str; 5] = ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1"];

async fn bound(binding: Binding) -> Plugin {
    Plugin::bind(&component("reaches-out"), binding)
        .await
        .unwrap()
}

fn denial(error: CallError) -> String {
    match error {
        CallError::Failed {
            error: PluginFailure::Denied(text),
            ..
        } => text,
        other => panic!("{other:?}"),
    }
}

fn port(origin: &Origin) -> String {
    origin.authority().rsplit(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_special_is_reached_without_a_grant() {
    let plugin = plugin("reaches-out").await;
    for target in [
        "http://127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fe80::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://localhost./",
        "http://own.test.evil.test/",
        "https://own.test/",
        "http://own.test:8080/",
    ] {
        let request = get_with("http://own.test/", "x-target", target);
        let text = denial(call(&plugin, request).await.unwrap_err());
        assert!(
            text.contains("grants.reaches-out.outbound"),
            "{target}: {text}"
        );
    }
    for target in [
        "http://own.test@127.0.0.1/",
        "http://127.0.0.1@own.test/",
        "http://own.test\\@127.0.0.1/",
        "http://[fe80::1%25lo]/",
        "file:///etc/passwd",
        "//127.0.0.1/",
    ] {
        let request = get_with("http://own.test/", "x-target", target);
        let error = call(&plugin, request).await.unwrap_err();
        assert!(
            matches!(
                &error,
                CallError::Failed {
                    error: PluginFailure::InvalidArgument(_) | PluginFailure::Denied(_),
                    ..
                }
            ),
            "{target}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_granted_name_is_good_for_public_addresses_only() {
    let journal = Journal::start();
    let origin = Origin::start().await;
    for name in REBOUND {
        let there = format!("{name}:{}", port(&origin));
        let request = || get_with("http://own.test/", "x-target", &format!("http://{there}/"));
        let granted = || Binding {
            granted: vec![there.parse().unwrap()],
            ..binding()
        };
        let plugin = bound(granted()).await;
        let text = denial(call(&plugin, request()).await.unwrap_err());
        assert!(text.contains("127.0.0.1 is loopback"), "{text}");
        assert!(text.contains("grants.reaches-out.addresses"), "{text}");
        assert!(origin.seen().is_empty(), "{name}");

        let plugin = bound(Binding {
            addresses: vec!["127.0.0.0/8".parse().unwrap()],
            ..granted()
        })
        .await;
        assert_eq!(call(&plugin, request()).await.unwrap().status(), 200);
        assert_eq!(origin.take_seen().len(), 1);
    }
    let lines = journal.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("WARN") && line.contains("denied: ")),
        "{lines:?}"
    );
}

/// The operator wrote them: a backend on a private network is the usual case.
#[tokio::test]
async fn the_operators_own_words_are_good_for_every_address() {
    let origin = Origin::start().await;
    for (name, is_backend) in [
        ("127.1", true),
        ("localhost", true),
        ("localhost", false),
        ("127.0.0.1", false),
    ] {
        let there = format!("{name}:{}", port(&origin));
        let hosts = vec![there.parse().unwrap()];
        let plugin = bound(if is_backend {
            Binding { hosts, ..binding() }
        } else {
            Binding {
                granted: hosts,
                ..binding()
            }
        })
        .await;
        let request = get_with("http://own.test/", "x-target", &format!("http://{there}/"));
        assert_eq!(
            call(&plugin, request).await.unwrap().status(),
            200,
            "{name}"
        );
    }
}

/// Connections of other places of use are in the same pool.
#[tokio::test]
async fn a_pooled_connection_is_no_way_around_the_check() {
    let origin = Origin::start().await;
    let there = format!("127.1:{}", port(&origin));
    let client = binding().client;
    let own = bound(Binding {
        client: client.clone(),
        ..binding()
    })
    .await;
    let answer = call(&own, get(&format!("http://{there}/"))).await.unwrap();
    crate::support::read(answer).await;
    assert_eq!(client.connections().idle, 1);

    let other = bound(Binding {
        client,
        granted: vec![there.parse().unwrap()],
        ..binding()
    })
    .await;
    let request = get_with("http://own.test/", "x-target", &format!("http://{there}/"));
    denial(call(&other, request).await.unwrap_err());
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn redirects_lead_no_further_than_the_rights() {
    let (own, other) = (Origin::start().await, Origin::start().await);
    let following = |free_redirects| Binding {
        redirects: Redirects::Follow { send_body: false },
        free_redirects,
        ..binding()
    };
    let request = |target: &str| get_with(&own.url("/to"), "x-location", target);

    let strict = bound(following(false)).await;
    let text = denial(call(&strict, request(&other.url("/"))).await.unwrap_err());
    assert!(text.contains("a redirect leads to"), "{text}");
    assert!(text.contains("grants.reaches-out.outbound"), "{text}");
    for target in ["http://2130706433/", "http://169.254.169.254/", "//[::1]/"] {
        denial(call(&strict, request(target)).await.unwrap_err());
    }
    assert!(other.seen().is_empty());
    assert_eq!(call(&strict, request("/end")).await.unwrap().status(), 200);

    let granted = Binding {
        granted: vec![other.authority().parse().unwrap()],
        ..following(false)
    };
    for allowed in [granted, following(true)] {
        let plugin = bound(allowed).await;
        let answer = call(&plugin, request(&other.url("/"))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(other.seen().len(), 2);
}

/// A line break in a method, a URI or a field would be a request of its own.
#[tokio::test]
async fn nothing_that_ends_a_line_leaves_a_plugin() {
    let origin = Origin::start().await;
    let binding = Binding {
        proxies: vec!["http://proxy.test:1".into()],
        ..binding()
    };
    let plugin = Plugin::bind(&component("injects"), binding).await.unwrap();
    let request = Request::get(origin.url("/"))
        .body(get(NOWHERE).into_body())
        .unwrap();
    let answer = call(&plugin, request).await.unwrap();
    assert_eq!(answer.headers()["x-passed"], "");
    assert!(origin.seen().is_empty());
}
