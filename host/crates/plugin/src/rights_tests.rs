use cuttle_egress::{Client, Settings};

use super::*;

fn binding() -> Binding {
    Binding::least(Client::new(Settings::default()).unwrap())
}

fn authorities<const N: usize>(texts: [&str; N]) -> Vec<Authority> {
    texts.map(|text| text.parse().unwrap()).into()
}

fn passage(binding: &Binding, own: &str) -> Passage {
    Passage {
        rights: Arc::new(Rights::new(&"mine".into(), binding)),
        own: Origin::of(&own.parse().unwrap()),
        in_front: false,
    }
}

#[test]
fn a_request_is_handed_on_for_hosts_whose_addresses_do_not_matter() {
    let binding = Binding {
        hosts: authorities(["a.test"]),
        granted: authorities(["named.test", "192.0.2.7:80"]),
        ..binding()
    };
    let rights = Rights::new(&"mine".into(), &binding);
    let own = Origin::of(&"http://own.test/".parse().unwrap());
    let further = authorities(["b.test"]);
    for (target, handed_on) in [
        ("http://a.test/", true),
        ("http://own.test/", true),
        ("http://b.test/", true),
        ("http://192.0.2.7/", true),
        ("http://named.test/", false),
        ("http://c.test/", false),
    ] {
        let target = target.parse().unwrap();
        assert_eq!(
            rights.may_hand_on(&target, own.as_ref(), &further),
            handed_on,
            "{target}"
        );
    }
    let own_only = "http://own.test/".parse().unwrap();
    assert!(!rights.may_hand_on(&own_only, None, &[]));
}

fn admits(passage: &Passage, target: &str, redirected: bool) -> Option<Reach> {
    passage.admit(&target.parse().ok()?, redirected).ok()
}

#[test]
fn only_granted_hosts_and_the_requests_own_are_reachable() {
    let passage = passage(
        &Binding {
            hosts: authorities(["api.example.com"]),
            granted: authorities(["other.example.com:8080", "[::1]:9"]),
            ..binding()
        },
        "http://own.example.com/x",
    );
    let cases = [
        ("http://own.example.com/y", true),
        ("http://own.example.com:80/", true),
        ("https://own.example.com/", false),
        ("http://OWN.example.com/", true),
        ("http://api.example.com/", true),
        ("https://api.example.com:443/", true),
        ("https://api.example.com:80/", false),
        ("http://api.example.com:8080/", false),
        ("http://other.example.com:8080/", true),
        ("https://other.example.com:8080/", true),
        ("http://other.example.com/", false),
        ("http://[::1]:9/", true),
        ("http://[::1]/", false),
        ("http://[::ffff:127.0.0.1]:9/", false),
        ("http://api.example.com.evil.com/", false),
        ("http://api.example.com@evil.com/", false),
        ("http://api.example.com:99999/", false),
        ("http://127.0.0.1/", false),
        ("http://2130706433/", false),
        ("http://0x7f.1/", false),
        ("http://0177.0.0.1/", false),
        ("ftp://api.example.com/", false),
        ("/relative", false),
    ];
    for (target, expected) in cases {
        let admitted = admits(&passage, target, false).is_some();
        assert_eq!(admitted, expected, "{target}");
    }
}

#[test]
fn granted_names_do_not_stand_for_every_address() {
    let passage = passage(
        &Binding {
            hosts: authorities(["10.0.0.1", "backend.internal"]),
            granted: authorities([
                "name.example",
                "10.0.0.2",
                "[::1]",
                "LOCALHOST",
                "2130706433",
            ]),
            addresses: vec!["10.9.0.0/16".parse().unwrap()],
            ..binding()
        },
        "http://own.internal/",
    );
    let (public, local) = (&passage.rights.public, &passage.rights.local);
    for (target, expected) in [
        ("http://own.internal/", &Reach::Any),
        ("http://backend.internal/", &Reach::Any),
        ("http://10.0.0.1/", &Reach::Any),
        ("http://10.0.0.2/", &Reach::Any),
        ("http://[::1]/", &Reach::Any),
        ("http://name.example/", public),
        ("http://2130706433/", public),
        ("http://localhost/", local),
    ] {
        assert_eq!(
            admits(&passage, target, false).as_ref(),
            Some(expected),
            "{target}"
        );
    }
    assert_ne!(public, local);
}

#[test]
fn redirects_stay_within_the_rights() {
    let strict = Binding {
        hosts: authorities(["backend.internal"]),
        ..binding()
    };
    let free = Binding {
        free_redirects: true,
        hosts: authorities(["backend.internal"]),
        ..binding()
    };
    let cases = [
        ("http://own.internal/", true),
        ("http://backend.internal/", true),
        ("https://own.internal/", true),
        ("https://own.internal:8443/", false),
        ("https://elsewhere.example/", false),
        ("http://169.254.169.254/", false),
    ];
    for (target, expected) in cases {
        let strict = passage(&strict, "http://own.internal/");
        let free = passage(&free, "http://own.internal/");
        assert_eq!(
            admits(&strict, target, true).is_some(),
            expected,
            "{target}"
        );
        assert_eq!(admits(&free, target, true), Some(Reach::Any), "{target}");
    }
}

#[test]
fn a_proxy_must_stand_in_the_settings_or_be_granted_letter_for_letter() {
    let settings = r#"{"proxy_address": "http://a:1", "more": [{"x": "http://b:2"}], "n": 3}"#;
    let binding = Binding {
        settings: settings.into(),
        proxies: vec!["http://c:3".into()],
        ..binding()
    };
    let rights = Rights::new(&"mine".into(), &binding);

    for open in ["http://a:1", "http://b:2", "http://c:3"] {
        assert!(rights.may_open(open), "{open}");
    }
    for closed in ["http://a:1/", "http://A:1", "http://a", "http://d:4", "3"] {
        assert!(!rights.may_open(closed), "{closed}");
    }
}
