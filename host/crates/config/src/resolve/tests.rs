use std::{path::Path, time::Duration};

use http::uri::Scheme;

use crate::{
    DnsDiscovery, Encoding, InputHeaders, InputQueryStrings, KeyPath, Options, OutputEncoding,
    PathPattern, UrlPart, read,
};

use super::{
    At, Problems,
    duration::{self, DurationError},
    hosts, nearest, pattern,
};

#[test]
fn durations_are_those_of_go() {
    use DurationError::{Invalid, MissingUnit, OutOfRange, UnknownUnit};
    let cases = [
        ("0", Ok(0)),
        ("-0", Ok(0)),
        ("3s", Ok(3_000_000_000)),
        ("200ms", Ok(200_000_000)),
        ("1h30m", Ok(5_400_000_000_000)),
        ("1.5h", Ok(5_400_000_000_000)),
        (".5s", Ok(500_000_000)),
        ("1.s", Ok(1_000_000_000)),
        ("250\u{b5}s", Ok(250_000)),
        ("250\u{3bc}s", Ok(250_000)),
        ("250us", Ok(250_000)),
        ("7ns", Ok(7)),
        ("0.3333333333333333333h", Ok(1_200_000_000_000 - 1)),
        ("-1.5s", Ok(-1_500_000_000)),
        ("+1s", Ok(1_000_000_000)),
        ("9223372036854775807ns", Ok(i64::MAX)),
        ("-9223372036854775808ns", Ok(i64::MIN)),
        ("9223372036854775808ns", Err(OutOfRange)),
        ("3000000h", Err(OutOfRange)),
        (
            "99999999999999999999999999999999999999999999s",
            Err(OutOfRange),
        ),
        ("3", Err(MissingUnit)),
        ("1h30", Err(MissingUnit)),
        ("3 s", Err(UnknownUnit)),
        ("3d", Err(UnknownUnit)),
        ("3S", Err(UnknownUnit)),
        ("", Err(Invalid)),
        ("-", Err(Invalid)),
        (".s", Err(Invalid)),
        ("s", Err(Invalid)),
        ("3s ", Err(UnknownUnit)),
        ("--3s", Err(Invalid)),
    ];
    for (text, expected) in cases {
        assert_eq!(duration::parse(text), expected, "{text:?}");
    }
}

#[test]
fn hosts_are_cleaned_as_krakend_cleans_them() {
    let cases = [
        ("h:80", Some("http://h:80")),
        ("http://a.com/", Some("http://a.com")),
        ("https://a.com:8443/", Some("https://a.com:8443")),
        ("a.com", Some("http://a.com")),
        ("10.0.0.1", Some("http://10.0.0.1")),
        ("my_service-1", Some("http://my_service-1")),
        ("http://a.com//", Some("http://a.com")),
        (" http://a.com ", Some("http://a.com")),
        ("(a.com)", Some("http://a.com")),
        ("http", Some("http://http")),
        ("http://", Some("http://http")),
        ("a:123456", Some("http://a:123456")),
        ("a:1234567", None),
        ("a:8", None),
        ("a:", Some("http://a")),
        ("a.com/path", None),
        ("http://user@a.com", None),
        ("http://user:secret@a.com", None),
        ("ftp://a.com", None),
        ("HTTP://a.com", None),
        ("[::1]", None),
        ("http://[::1]:8080", None),
        ("a.com,b.com", None),
        ("a b", None),
        ("", None),
        ("//", None),
        ("é", None),
        ("{{.Host}}", Some("http://.Host")),
    ];
    for (host, expected) in cases {
        let clean = hosts::clean(host).map(|clean| clean.url);
        assert_eq!(clean.as_deref(), expected, "{host:?}");
    }
}

/// The pattern of an endpoint's path, as `prefix<param>suffix` per segment, or
/// the number of errors.
fn segments(path: &str, relaxed: bool) -> Result<Vec<String>, usize> {
    let (sources, _) = read::tree("{}", Path::new("k.json")).unwrap();
    let problems = Problems::new(&sources);
    let at = At::Key(KeyPath::root());
    let shown = |pattern: PathPattern| {
        let segments = pattern.segments.into_iter();
        let segments = segments.map(|s| match s.param {
            Some(param) => format!("{}<{param}>{}", s.prefix, s.suffix),
            None => s.prefix,
        });
        let wildcard = pattern.wildcard.then(|| "**".to_owned());
        segments.chain(wildcard).collect()
    };
    pattern::endpoint(path, "GET /", relaxed, &at, &problems)
        .map(shown)
        .ok_or_else(|| problems.count())
}

#[test]
fn placeholders_follow_a_slash_unless_rest_is_disabled() {
    let ok = |segments: &[&str]| Ok(segments.iter().map(ToString::to_string).collect());
    let cases = [
        ("/", ok(&[""]), ok(&[""])),
        ("", ok(&[""]), ok(&[""])),
        ("//a", ok(&["", "a"]), ok(&["", "a"])),
        ("/a/", ok(&["a", ""]), ok(&["a", ""])),
        ("a/{x}", ok(&["a", "<x>"]), ok(&["a", "<x>"])),
        ("/{x}.json", ok(&["<x>.json"]), ok(&["<x>.json"])),
        ("/{a_b-1}/c", ok(&["<a_b-1>", "c"]), ok(&["<a_b-1>", "c"])),
        ("/pre{x}", ok(&["pre{x}"]), ok(&["pre<x>"])),
        ("/{x.json}", ok(&["{x.json}"]), ok(&["<x.json>"])),
        ("/{a/b}/c", ok(&["{a", "b}", "c"]), ok(&["<a/b>", "c"])),
        ("/{}", ok(&["{}"]), ok(&["{}"])),
        ("/{x", ok(&["{x"]), ok(&["{x"])),
        ("/{é}", ok(&["{é}"]), ok(&["{é}"])),
        ("/{a}{b}", Err(1), Err(1)),
        ("/{a}-{b}", Err(1), Err(1)),
        ("/{a}/{a}", Err(1), Err(1)),
        ("/a/*", ok(&["a", "**"]), ok(&["a", "**"])),
        ("a/{x}/*", ok(&["a", "<x>", "**"]), ok(&["a", "<x>", "**"])),
        ("/__catchall", ok(&["**"]), ok(&["**"])),
        (
            "/__catchall/a",
            ok(&["__catchall", "a"]),
            ok(&["__catchall", "a"]),
        ),
        ("/*", Err(1), Err(1)),
        ("/a*", Err(1), Err(1)),
        ("/a/*/b", Err(1), Err(1)),
        ("/a*b", Err(1), Err(1)),
        ("/__debug", Err(1), Err(1)),
        ("/a/__echo/b", Err(1), Err(1)),
        ("/__healthy", ok(&["__healthy"]), ok(&["__healthy"])),
        ("/a?b", Err(1), Err(1)),
    ];
    for (path, strict, relaxed) in cases {
        assert_eq!(segments(path, false), strict, "{path:?}");
        assert_eq!(segments(path, true), relaxed, "{path:?} with disable_rest");
    }
}

/// The parts of a `url_pattern`, placeholders in angle brackets.
fn parts(text: &str, wildcard: bool) -> Vec<String> {
    let (sources, _) = read::tree("{}", Path::new("k.json")).unwrap();
    let problems = Problems::new(&sources);
    let around = pattern::Around {
        endpoint: "GET /",
        backend: 0,
        params: Some(&["id"]),
        wildcard,
    };
    let parts = pattern::backend(text, &around, &At::Key(KeyPath::root()), &problems).parts;
    assert_eq!(problems.count(), 0, "{text}");
    let shown = parts.into_iter().map(|part| match part {
        UrlPart::Text(text) => text,
        UrlPart::Param(name) => format!("<{name}>"),
        UrlPart::Response(value) => format!("<{}: {:?}>", value.backend, value.path),
        UrlPart::Rest => "<*>".to_owned(),
    });
    shown.collect()
}

#[test]
fn what_a_wildcard_matched_goes_to_the_end_of_the_path() {
    #[rustfmt::skip]
    let cases: [(&str, &[&str], &[&str]); 11] = [
        ("",               &["/"],                     &["<*>"]),
        ("/",              &["/"],                     &["<*>"]),
        ("/*",             &["/*"],                    &["<*>"]),
        ("/api",           &["/api"],                  &["/api", "<*>"]),
        ("api/",           &["/api/"],                 &["/api", "<*>"]),
        ("/api/*",         &["/api/*"],                &["/api", "<*>"]),
        ("/api*",          &["/api*"],                 &["/api*", "<*>"]),
        ("/api?k=v/",      &["/api?k=v/"],             &["/api", "<*>", "?k=v/"]),
        ("/?{id}",         &["/?", "<id>"],            &["<*>", "?", "<id>"]),
        ("/{id}/a",        &["/", "<id>", "/a"],       &["/", "<id>", "/a", "<*>"]),
        ("/{resp0_a.b}/",  &["/", "<0: [\"a\", \"b\"]>", "/"], &["/", "<0: [\"a\", \"b\"]>", "<*>"]),
    ];
    for (text, plain, wildcard) in cases {
        assert_eq!(parts(text, false), plain, "{text:?}");
        assert_eq!(parts(text, true), wildcard, "{text:?} with a wildcard");
    }
}

/// The service that `text` describes, although it may be refused.
fn refused(text: &str) -> crate::Service {
    let (sources, _) = read::tree(text, Path::new("k.json")).unwrap();
    let problems = Problems::new(&sources);
    super::service(&sources, &Options::default(), &problems)
}

#[test]
fn discovery_is_resolved() {
    let service = refused(
        r#"{"version": 3, "host": ["http://service.com:80"], "endpoints": [{"endpoint": "/a",
            "backend": [
                {"sd": "dns", "host": ["api.consul"], "disable_host_sanitize": true},
                {"sd": "dns", "host": ["http://api.consul/"], "sd_scheme": "https"},
                {"sd": "dns"},
                {"sd": "", "host": ["a.com"], "sd_scheme": "https"}]}]}"#,
    );
    let discovery = |name: &str, scheme: Scheme| {
        Some(DnsDiscovery {
            name: name.to_owned(),
            scheme,
            ttl: Duration::from_secs(30),
        })
    };
    let expected = [
        discovery("api.consul", Scheme::HTTP),
        discovery("api.consul", Scheme::HTTPS),
        discovery("service.com", Scheme::HTTP),
        None,
    ];
    let backends = service.endpoints.first().unwrap().backends.iter();
    for (backend, expected) in backends.zip(expected) {
        assert_eq!(backend.discovery, expected, "{}", backend.place);
        assert_eq!(backend.hosts.is_empty(), expected.is_some());
    }
}

#[test]
fn what_discovery_finds_is_used_for_a_second_at_least() {
    for (ttl, seconds) in [("0s", 30), ("10ms", 1), ("1s", 1), ("5m", 300)] {
        let service = refused(&format!(
            r#"{{"version": 3, "dns_cache_ttl": "{ttl}", "endpoints": [{{"endpoint": "/a",
                "backend": [{{"sd": "dns", "host": "a"}}]}}]}}"#
        ));
        let backend = service.endpoints.first().unwrap().backends.first().unwrap();
        let found = backend.discovery.as_ref().unwrap().ttl;
        assert_eq!(found, Duration::from_secs(seconds), "{ttl}");
    }
}

#[test]
fn tls_of_one_backend_is_resolved_although_it_is_refused() {
    let service = refused(
        r#"{"version": 3, "client_tls": {"allow_insecure_connections": true},
            "endpoints": [{"endpoint": "/a", "backend": [{"host": "a.com", "extra_config":
            {"backend/http/client": {"client_tls": {"ca_certs": ["ca.pem"]}}}}]}]}"#,
    );
    let backend = service.endpoints.first().unwrap().backends.first().unwrap();
    let tls = backend.http_client.tls.as_ref().unwrap();
    assert_eq!(tls.ca_certs, [Path::new("ca.pem")]);
    assert!(!tls.allow_insecure_connections, "it stands alone");
    assert!(tls.place.as_str().ends_with(".client_tls"), "{}", tls.place);
}

#[test]
fn a_catch_all_passes_everything_on() {
    let service = refused(
        r#"{"version": 3, "output_encoding": "xml", "endpoints": [{"endpoint": "__catchall",
            "input_headers": ["Accept"], "backend": [{"host": "a.com", "group": "g"}]}]}"#,
    );
    let endpoint = service.endpoints.first().unwrap();
    assert_eq!(endpoint.output_encoding, OutputEncoding::NoOp);
    assert_eq!(endpoint.input_headers, InputHeaders::All);
    assert_eq!(endpoint.input_query_strings, InputQueryStrings::All);
    assert!(endpoint.path.wildcard && endpoint.path.segments.is_empty());
    let backend = endpoint.backends.first().unwrap();
    assert_eq!(backend.encoding, Encoding::NoOp);
    assert_eq!(backend.url_pattern.parts, [UrlPart::Rest]);
}

#[test]
fn only_a_near_name_is_suggested() {
    let known = ["timeout", "port", "host", "plugin/http-client"];
    let cases = [
        ("timout", Some("timeout")),
        ("Port", Some("port")),
        ("hosts", Some("host")),
        ("plugin/http-clients", Some("plugin/http-client")),
        ("is_stream", None),
        ("", None),
    ];
    for (written, expected) in cases {
        assert_eq!(nearest(written, known), expected, "{written:?}");
    }
}
