use cuttle_pipeline::config::{self, BackendProxy, Loaded};

use super::*;

fn loaded(client: &str) -> Loaded {
    let text = format!(
        r#"{{"version": 3, "host": ["http://a.test"], "endpoints": [
            {{"endpoint": "/a", "output_encoding": "no-op", "backend": [
                {{"extra_config": {{"backend/http/client": {client}}}}}]}}]}}"#
    );
    config::parse(&text, "k.json".as_ref(), &config::Options::default()).unwrap()
}

fn settings(loaded: &Loaded) -> &ForwardProxy {
    match &loaded.service.endpoints[0].backends[0].http_client.proxy {
        BackendProxy::Forward(settings) => settings,
        other => panic!("{other:?} is no forward proxy"),
    }
}

fn variable(name: &str) -> Option<String> {
    match name {
        "PASSWORD" => Some("hunter2".to_owned()),
        "BROKEN" => Some("hunter2\nx: y".to_owned()),
        "PEM" => Some("hunter2".to_owned()),
        _ => None,
    }
}

/// The way, and what was said on the way to it.
fn way(client: &str) -> (Option<Way>, Vec<String>) {
    let loaded = loaded(client);
    let mut findings = Findings::new(&loaded);
    let proxies = Proxies::new(&variable, PacFiles::default());
    let way = proxies.way(settings(&loaded), &mut findings);
    let said = findings.problems.iter().map(ToString::to_string);
    (way, said.collect())
}

#[test]
fn references_become_options() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "Bearer tok-1\r\n").unwrap();
    let loaded = loaded(&format!(
        r#"{{"proxy_address": "http://p:1", "proxy_username": "al",
            "proxy_password": {{"env": "PASSWORD"}}, "proxy_tunnel": true,
            "proxy_connect_headers": {{"Proxy-Authorization": {{"file": {token:?}}}}},
            "no_proxy": ["a.test"], "proxy_http2": true, "proxy_connect_timeout": "2s"}}"#
    ));
    let mut findings = Findings::new(&loaded);
    let options = options(settings(&loaded), &variable, &mut findings).unwrap();
    assert_eq!(options.auth, Some(("al".into(), "hunter2".into())));
    assert_eq!(
        options.connect_headers["proxy-authorization"],
        "Bearer tok-1"
    );
    assert!(options.always_tunnel && options.http2);
    assert_eq!(options.no_proxy, ["a.test"]);
    assert_eq!(options.connect_timeout.unwrap().as_secs(), 2);
    assert!(findings.problems.is_empty());
}

#[test]
fn what_cannot_be_used_is_told_at_its_place_without_its_value() {
    let place = r#"endpoints[0].backend[0].extra_config["backend/http/client"]."#;
    for (client, key, reason) in [
        (
            r#""proxy_address": "hunter2://p:1""#,
            "proxy_address",
            "unknown scheme",
        ),
        (
            r#""proxy_address": ["http://p:1", "http://hunter2@p"]"#,
            "proxy_address[1]",
            "needs a port",
        ),
        (
            r#""proxy_address": "http://p:1", "proxy_username": "a", "proxy_password": {"env": "GONE"}"#,
            "proxy_password",
            "`GONE` is not set",
        ),
        (
            r#""proxy_address": "http://p:1", "proxy_username": {"file": "/nonexistent"}"#,
            "proxy_username",
            "cannot be read",
        ),
        (
            r#""proxy_address": "http://p:1", "proxy_connect_headers": {"x-a": {"env": "BROKEN"}}"#,
            r#"proxy_connect_headers["x-a"]"#,
            "line break",
        ),
        (
            r#""proxy_address": "https://p:1", "proxy_ca": {"env": "PEM"}"#,
            "proxy_ca",
            "no certificate",
        ),
        (
            r#""proxy_address": "https://p:1", "proxy_client_certificate": {"env": "PEM"}"#,
            "proxy_client_certificate",
            "no certificate",
        ),
        (
            r#""proxy_pac": "x.pac", "proxy_ca": {"env": "PEM"}"#,
            "proxy_ca",
            "no certificate",
        ),
    ] {
        let (way, said) = way(&format!("{{{client}}}"));
        assert!(way.is_none(), "{client}");
        let [problem] = said.as_slice() else {
            panic!("{client}: {said:?}");
        };
        assert!(
            problem.contains(&format!("error: {place}{key}: ")),
            "{problem}"
        );
        assert!(problem.contains(reason), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn settings_that_no_proxy_can_use_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let ca = rcgen::generate_simple_self_signed(vec!["p".to_owned()]).unwrap();
    std::fs::write(&file, ca.cert.pem()).unwrap();
    for (client, warned) in [
        (
            format!(r#""proxy_address": "http://p:1", "proxy_ca": {file:?}"#),
            true,
        ),
        (
            format!(r#""proxy_address": ["http://p:1", "https://q:1"], "proxy_ca": {file:?}"#),
            false,
        ),
        (
            r#""proxy_address": "socks5h://p:1", "proxy_http2": true"#.to_owned(),
            true,
        ),
        (
            r#""proxy_address": "socks5://p:1", "proxy_connect_headers": {"a": "b"}"#.to_owned(),
            true,
        ),
        (
            r#""proxy_address": "http://p:1", "proxy_http2": true"#.to_owned(),
            false,
        ),
    ] {
        let (way, said) = way(&format!("{{{client}}}"));
        assert!(way.is_some(), "{client}: {said:?}");
        assert_eq!(!said.is_empty(), warned, "{client}: {said:?}");
    }
}

#[tokio::test]
async fn several_addresses_are_one_way_in_their_order() {
    let (way, said) = way(r#"{"proxy_address": ["http://p:1", "socks5h://u:x@q:2"]}"#);
    let target = "http://a.test/".parse().unwrap();
    let decision = way.unwrap().explain(&target).await.unwrap();
    let via: Vec<_> = decision.via.iter().map(|label| label.as_deref()).collect();
    assert_eq!(via, [Some("http://p:1"), Some("socks5h://q:2")]);
    assert!(said.is_empty(), "{said:?}");
}

/// What one backend learns about a proxy holds for the others.
#[test]
fn backends_with_the_same_proxy_share_it() {
    let proxies = Proxies::new(&variable, PacFiles::default());
    let open = |address: &str, tunnel| {
        let options = ProxyOptions {
            always_tunnel: tunnel,
            ..ProxyOptions::default()
        };
        proxies.open(address, &options).unwrap()
    };
    let one = open("http://u:x@p:1", false);
    assert!(Arc::ptr_eq(&one, &open("http://u:x@p:1", false)));
    assert!(!Arc::ptr_eq(&one, &open("http://u:x@p:1", true)));
    assert!(!Arc::ptr_eq(&one, &open("http://u:y@p:1", false)));
}
