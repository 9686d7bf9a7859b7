use super::*;

fn secrets() -> [&'static str; 4] {
    // Plain, percent-encoded, and base64 of `al:ice` is refused, so of `alice:s3 cr@t`.
    ["s3 cr@t", "s3%20cr%40t", "YWxpY2U6czMgY3JAdA==", "tok-1"]
}

#[test]
fn credentials_are_shown_by_nothing() {
    let mut options = ProxyOptions {
        auth: Some(("alice".to_owned(), "s3 cr@t".to_owned())),
        ..ProxyOptions::default()
    };
    let token = HeaderValue::from_static("Bearer tok-1");
    options.connect_headers.insert(PROXY_AUTHORIZATION, token);
    let shown = format!("{options:?}");
    let by_option = Proxy::new("http://p:3128", options).unwrap();
    let by_address =
        Proxy::new("http://alice:s3%20cr%40t@p:3128", ProxyOptions::default()).unwrap();
    let shown = format!(
        "{shown} {by_option:?} {by_address:?} {:?} {} {:?} {:?}",
        Way::Proxy(Arc::new(
            Proxy::new("http://alice:s3%20cr%40t@p:1", ProxyOptions::default()).unwrap()
        )),
        by_address.label(),
        by_address.identity().authorization(),
        by_option.identity().tunnel_fields().collect::<Vec<_>>(),
    );
    for secret in secrets() {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn credentials_are_decoded_once() {
    for (address, expected) in [
        (
            "http://alice:s3%20cr%40t@p:3128",
            "Basic YWxpY2U6czMgY3JAdA==",
        ),
        // A name alone has an empty password: `alice:`.
        ("http://alice@p:3128", "Basic YWxpY2U6"),
        ("http://alice:@p:3128", "Basic YWxpY2U6"),
        // `a:b:c`, the second colon belongs to the password.
        ("http://a:b:c@p:3128", "Basic YTpiOmM="),
        // The last `@` ends the credentials: `a:b@c`.
        ("http://a:b@c@p:3128", "Basic YTpiQGM="),
        ("http://%C3%A4:x@p:3128", "Basic w6Q6eA=="),
    ] {
        let proxy = Proxy::new(address, ProxyOptions::default()).unwrap();
        let value = proxy.identity().authorization().unwrap();
        assert_eq!(value.to_str().unwrap(), expected, "{address}");
    }
}

#[test]
fn options_take_the_place_of_credentials_in_the_address() {
    let options = ProxyOptions {
        auth: Some(("alice".to_owned(), String::new())),
        ..ProxyOptions::default()
    };
    let proxy = Proxy::new("http://bob:x@p:3128", options).unwrap();
    assert_eq!(proxy.identity().authorization().unwrap(), "Basic YWxpY2U6");
}

#[test]
fn an_address_that_cannot_be_used_is_refused_without_repeating_it() {
    for (address, reason) in [
        ("", "needs a scheme"),
        ("hunter2@p:3128", "needs a scheme"),
        ("p:3128", "needs a scheme"),
        ("//hunter2@p:3128", "needs a scheme"),
        ("http://hunter2@p", "needs a port"),
        ("http://p:", "needs a port"),
        ("http://[::1]", "needs a port"),
        ("http://", "needs a host"),
        ("http://hunter2@:3128", "needs a host"),
        ("hunter2://p:3128", "unknown scheme"),
        ("ftp://hunter2@p:3128", "unknown scheme"),
        (" http://hunter2@p:3128", "unknown scheme"),
        ("socks://hunter2@p:1080", "which SOCKS"),
        ("socks4://hunter2@p:1080", "cannot carry names"),
        ("socks4a://hunter2:x@p:1080", "has a password"),
        ("socks4a://hunter2%00@p:1080", "zero byte"),
        ("socks5://:hunter2@p:1080", "empty user name"),
        ("socks5://hunter2@p", "needs a port"),
        ("http://hunter2@p:3128/path", "must end after the port"),
        ("http://hunter2@p:3128?x", "must end after the port"),
        ("http://hunter2@p:3128#x", "must end after the port"),
        ("http://hunter2:a/b@p:3128", "must end after the port"),
        ("http://p:3128 ", "blank"),
        ("http://hunter2@p\r\nX: y:3128", "blank"),
        ("http://p\0:3128", "blank"),
        ("http://p:0", "port"),
        ("http://p:65536", "port"),
        ("http://p:+80", "port"),
        ("http://hunter2@p:x", "port"),
        ("http://::1:3128", "needs a host"),
        ("http://[::1:3128", "neither a name nor an address"),
        ("http://[hunter2]:3128", "neither a name nor an address"),
        ("http://[::1]x:3128", "between host and port"),
        ("http://p%20q:3128", "neither a name nor an address"),
        ("http://hunter2:100%@p:3128", "percent-encoding"),
        ("http://hunter2%3Ax:y@p:3128", "user name"),
    ] {
        let error = Proxy::new(address, ProxyOptions::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{address:?}: {error}");
        assert!(!error.contains("hunter2"), "{address:?}: {error}");
    }
}

#[test]
fn a_complete_address_is_taken() {
    for (address, label) in [
        ("http://p:3128", "http://p:3128"),
        ("http://p:3128/", "http://p:3128"),
        ("HTTPS://P.Example:443", "https://p.example:443"),
        ("http://u:p@[::1]:3128", "http://[::1]:3128"),
        ("http://my_proxy:3128", "http://my_proxy:3128"),
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("socks5://u:p@p:1080", "socks5://p:1080"),
        ("SOCKS5H://p:1080/", "socks5h://p:1080"),
        ("socks4a://u@[::1]:1080", "socks4a://[::1]:1080"),
    ] {
        let proxy = Proxy::new(address, ProxyOptions::default()).unwrap();
        assert_eq!(proxy.label(), label);
    }
}

#[test]
fn proxies_are_one_if_credentials_and_options_are() {
    let proxy = |address: &str, always_tunnel| {
        let options = ProxyOptions {
            always_tunnel,
            ..ProxyOptions::default()
        };
        Proxy::new(address, options).unwrap()
    };
    let same = |a: &Proxy, b: &Proxy| a.identity() == b.identity();
    let one = proxy("http://u:p@h:1", false);
    assert!(same(&one, &proxy("http://u:p@h:1/", false)));
    assert!(!same(&one, &proxy("http://u:q@h:1", false)));
    assert!(!same(&one, &proxy("http://h:1", false)));
    assert!(!same(&one, &proxy("https://u:p@h:1", false)));
    assert!(!same(&one, &proxy("http://u:p@h:1", true)));
}

#[test]
fn framing_fields_of_connect_cannot_be_set() {
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        let mut options = ProxyOptions::default();
        options
            .connect_headers
            .insert(name, HeaderValue::from_static("1"));
        assert!(Proxy::new("http://p:3128", options).is_err());
    }
}

#[test]
fn a_ca_that_is_none_is_refused() {
    let options = ProxyOptions {
        ca_pem: Some("x".to_owned()),
        ..ProxyOptions::default()
    };
    let error = Proxy::new("https://p:3128", options).unwrap_err();
    assert!(error.message.starts_with("ca: "), "{error}");
}

#[test]
fn socks_credentials_keep_to_their_limits() {
    let take = |scheme: &str, user: usize, password: usize| {
        let options = ProxyOptions {
            auth: Some(("u".repeat(user), "p".repeat(password))),
            ..ProxyOptions::default()
        };
        Proxy::new(&format!("{scheme}://p:1080"), options).is_ok()
    };
    for (scheme, user, password, taken) in [
        ("socks5", 1, 1, true),
        ("socks5", 255, 255, true),
        ("socks5", 256, 1, false),
        ("socks5h", 1, 256, false),
        ("socks5h", 0, 1, false),
        ("socks5h", 1, 0, true),
        ("socks4a", 255, 0, true),
        ("socks4a", 256, 0, false),
        ("socks4a", 1, 1, false),
    ] {
        assert_eq!(
            take(scheme, user, password),
            taken,
            "{scheme} {user} {password}"
        );
    }
}

/// Basic authentication has no place for a colon in the name, SOCKS has.
#[test]
fn a_socks_user_may_hold_a_colon() {
    let proxy = Proxy::new("socks5h://a%3Ab:c@p:1", ProxyOptions::default()).unwrap();
    let credentials = proxy.identity().socks_credentials().unwrap();
    assert_eq!(credentials.user, b"a:b");
    assert!(proxy.identity().authorization().is_none());
}

#[test]
fn socks_proxies_with_other_credentials_share_nothing() {
    let proxy = |address| Proxy::new(address, ProxyOptions::default()).unwrap();
    let one = proxy("socks5h://u:p@h:1");
    for other in [
        "socks5h://u:q@h:1",
        "socks5h://v:p@h:1",
        "socks5h://h:1",
        "socks5://u:p@h:1",
    ] {
        assert!(one.identity() != proxy(other).identity(), "{other}");
    }
    assert!(one.identity() == proxy("socks5h://u:p@h:1").identity());
}

#[test]
fn a_client_certificate_without_its_key_is_refused() {
    let certified = rcgen::generate_simple_self_signed(vec!["c".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["c".to_owned()]).unwrap();
    let (chain, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    for (pem, reason) in [
        (format!("{chain}{key}"), None),
        (format!("{key}{chain}"), None),
        (chain.clone(), Some("no private key")),
        (key, Some("no certificate")),
        (
            format!("{chain}{}", other.signing_key.serialize_pem()),
            Some("do not fit"),
        ),
    ] {
        let options = ProxyOptions {
            client_certificate_pem: Some(pem),
            ..ProxyOptions::default()
        };
        let outcome = Proxy::new("https://p:3128", options);
        match (outcome, reason) {
            (Ok(_), None) => {}
            (Err(error), Some(reason)) => {
                assert!(error.message.contains(reason), "{error}");
                assert!(!error.message.contains("BEGIN"), "{error}");
            }
            (outcome, _) => panic!("{outcome:?}, expected {reason:?}"),
        }
    }
}
