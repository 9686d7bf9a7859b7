//! What a plugin may do, and what it may not.

use cuttle_plugin::{Binding, CallError, Plugin, PluginFailure};
use http::Request;

use crate::support::{
    Journal, NOWHERE, Origin, binding, call, component, get, get_with, plugin, read,
};

fn denial(error: CallError) -> String {
    match error {
        CallError::Failed {
            error: PluginFailure::Denied(text),
            ..
        } => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_in_ten_lines_adds_a_field() {
    let origin = Origin::start().await;
    let answer = call(&plugin("adds-header").await, get(&origin.url("/"))).await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(origin.seen()[0].headers["x-added"], "by a plugin");
}

#[tokio::test]
async fn other_hosts_are_out_of_reach_without_a_grant() {
    let own = Origin::start().await;
    let other = Origin::start().await;
    let request = || get_with(&own.url("/"), "x-target", &other.url("/"));

    let plugin = plugin("reaches-out").await;
    let text = denial(call(&plugin, request()).await.unwrap_err());
    assert!(text.contains("grants.reaches-out.outbound"), "{text}");
    assert!(text.contains(&other.authority()), "{text}");
    assert!(other.seen().is_empty());

    let granted = Binding {
        granted: vec![other.authority().parse().unwrap()],
        ..binding()
    };
    let plugin = Plugin::bind(&component("reaches-out"), granted)
        .await
        .unwrap();
    assert_eq!(call(&plugin, request()).await.unwrap().status(), 200);
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn targets_are_limited_through_a_proxy_too() {
    let proxy = Origin::start().await;
    let request = Request::get("http://own.test/")
        .header("x-target", "http://169.254.169.254/")
        .header("x-proxy", proxy.url(""))
        .body(get(NOWHERE).into_body())
        .unwrap();
    let granted = Binding {
        proxies: vec![proxy.url("")],
        ..binding()
    };
    let plugin = Plugin::bind(&component("reaches-out"), granted)
        .await
        .unwrap();
    denial(call(&plugin, request).await.unwrap_err());
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_needs_to_stand_in_the_settings_or_in_a_grant() {
    let proxy = Origin::start().await;
    let request = || get_with("http://origin.test/", "x-proxy", &proxy.url(""));
    let open = |settings: String, proxies: Vec<String>| async {
        let binding = Binding {
            settings,
            proxies,
            ..binding()
        };
        let plugin = Plugin::bind(&component("reaches-out"), binding)
            .await
            .unwrap();
        call(&plugin, request()).await
    };

    let text = denial(open("{}".into(), Vec::new()).await.unwrap_err());
    assert!(text.contains("grants.reaches-out.proxies"), "{text}");
    assert!(proxy.seen().is_empty());

    let settings = format!(r#"{{"a": [{{"b": "{}"}}]}}"#, proxy.url(""));
    open(settings, Vec::new()).await.unwrap();
    open("{}".into(), vec![proxy.url("")]).await.unwrap();
    assert_eq!(proxy.seen().len(), 2);
}

/// What is not dialled yet may be later, so it is denied at once.
#[tokio::test]
async fn a_fallback_needs_to_stand_in_the_settings_or_in_a_grant_too() {
    let (first, second) = (Origin::start().await, Origin::start().await);
    let (granted, fallback) = (first.url(""), second.url(""));
    let both = format!(r#"{{"a": ["{granted}", "{fallback}"]}}"#);
    let one = format!(r#"{{"a": "{granted}"}}"#);
    for (settings, proxies, allowed) in [
        ("{}".to_owned(), vec![granted.clone()], false),
        (one.clone(), vec![], false),
        // Letter for letter: nearly the same address is another one.
        (one.clone(), vec![format!("{fallback}/")], false),
        ("{}".to_owned(), vec![fallback.clone()], false),
        (one, vec![fallback.clone()], true),
        (
            "{}".to_owned(),
            vec![granted.clone(), fallback.clone()],
            true,
        ),
        (both, vec![], true),
    ] {
        let case = format!("{settings} {proxies:?}");
        let before = first.seen().len();
        let binding = Binding {
            settings,
            proxies,
            ..binding()
        };
        let plugin = Plugin::bind(&component("reaches-out"), binding)
            .await
            .unwrap();
        let request = Request::get("http://origin.test/")
            .header("x-proxy", &granted)
            .header("x-fallback", &fallback)
            .body(get(NOWHERE).into_body())
            .unwrap();
        match call(&plugin, request).await {
            Ok(response) => assert!(allowed && response.status() == 200, "{case}"),
            Err(error) => {
                let text = denial(error);
                assert!(!allowed, "{case}: {text}");
                assert!(text.contains("grants.reaches-out.proxies"), "{text}");
            }
        }
        assert_eq!(first.seen().len() - before, usize::from(allowed), "{case}");
    }
    assert!(second.seen().is_empty());
}

#[tokio::test]
async fn there_are_no_files_environment_or_sockets() {
    let journal = Journal::start();
    let origin = Origin::start().await;
    let answer = call(&plugin("wants-files").await, get(&origin.url("/"))).await;
    assert_eq!(
        read(answer.unwrap()).await,
        "files=false read=false env=0 args=0 tcp=false udp=false dns=false"
    );
    assert!(origin.seen().is_empty());
    let lines = journal.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("INFO") && line.contains("to standard output")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn framing_and_fields_of_a_connection_stay_the_gateways() {
    let origin = Origin::start().await;
    let plugin = plugin("adds-forbidden-headers").await;
    let answer = call(&plugin, get(&origin.url("/"))).await.unwrap();

    let sent = &origin.seen()[0].headers;
    assert_eq!(sent["host"], origin.authority().as_str());
    for name in [
        "content-length",
        "transfer-encoding",
        "x-named",
        "proxy-authorization",
        "x-smuggled",
    ] {
        assert!(!sent.contains_key(name), "{name}: {sent:?}");
    }
    for name in ["connection", "x-named", "keep-alive"] {
        assert!(!answer.headers().contains_key(name), "{name}: {answer:?}");
    }
    assert_eq!(answer.headers()["x-kept"], "1");
}
