use http::{Request, Version, header};

use super::*;

fn parts(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Parts {
    let (parts, ()) = build(Request::builder()).body(()).unwrap().into_parts();
    parts
}

fn cleaned(target: &str, fields: &[(&str, &str)]) -> Result<Head, Refusal> {
    let mut parts = parts(|mut builder| {
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.uri(target)
    });
    clean(&mut parts)
}

#[test]
fn exactly_one_valid_host_is_accepted() {
    let good = [
        "a",
        "a:80",
        "A.example",
        "127.0.0.1:8080",
        "[::1]:8080",
        "[::1]",
        "a_b.example",
        "a:",
    ];
    for host in good {
        assert_eq!(cleaned("/", &[("host", host)]).unwrap().host, host);
    }
    let bad = [
        "", "a b", "user@a", "a/b", "a:99999", "a:+1", "a:80:80", "::1", "a?b", "a#b", "a\\b",
        "a,b c", "ä",
    ];
    for host in bad {
        assert_eq!(
            cleaned("/", &[("host", host)]).unwrap_err(),
            Refusal::HostInvalid,
            "{host:?}"
        );
    }
    assert_eq!(cleaned("/", &[]).unwrap_err(), Refusal::HostMissing);
    assert_eq!(
        cleaned("/", &[("host", "a"), ("host", "a")]).unwrap_err(),
        Refusal::HostTwice
    );
}

#[test]
fn an_absolute_target_wins_over_host() {
    assert_eq!(
        cleaned("http://b:81/x", &[("host", "a")]).unwrap().host,
        "b:81"
    );
    assert_eq!(
        cleaned("http://u@b/x", &[("host", "a")]).unwrap_err(),
        Refusal::HostInvalid
    );
    assert_eq!(
        cleaned("ftp://b/x", &[("host", "a")]).unwrap_err(),
        Refusal::Target
    );
}

#[test]
fn http_1_0_may_come_without_host_but_not_with_two() {
    let mut none = parts(|b| b.version(Version::HTTP_10).uri("/"));
    assert_eq!(clean(&mut none).unwrap().host, "");
    let mut two = parts(|b| {
        b.version(Version::HTTP_10)
            .uri("/")
            .header("host", "a")
            .header("host", "b")
    });
    assert_eq!(clean(&mut two).unwrap_err(), Refusal::HostTwice);
}

#[test]
fn http_2_takes_its_host_from_the_authority() {
    let h2 = |target: &str, host: Option<&str>| {
        let mut parts = parts(|b| {
            let b = b.version(Version::HTTP_2).uri(target);
            match host {
                Some(host) => b.header("host", host),
                None => b,
            }
        });
        clean(&mut parts).map(|head| head.host)
    };
    assert_eq!(h2("http://a/", None).unwrap(), "a");
    assert_eq!(h2("http://a/", Some("A")).unwrap(), "a");
    assert_eq!(h2("http://a/", Some("b")).unwrap_err(), Refusal::HostTwice);
}

#[test]
fn methods_that_open_or_mirror_are_refused() {
    for method in [Method::CONNECT, Method::TRACE] {
        let mut parts = parts(|b| b.method(method).uri("/").header("host", "a"));
        assert_eq!(clean(&mut parts).unwrap_err(), Refusal::Method);
    }
}

#[test]
fn the_asterisk_is_for_options_only() {
    let star = |method| {
        let mut parts = parts(|b| b.method(method).uri("*").header("host", "a"));
        clean(&mut parts).map(|head| head.asterisk)
    };
    assert!(star(Method::OPTIONS).unwrap());
    assert_eq!(star(Method::GET).unwrap_err(), Refusal::Target);
}

#[test]
fn an_ambiguous_length_is_refused() {
    let cases: &[(&[(&str, &str)], Refusal)] = &[
        (
            &[("transfer-encoding", "gzip, chunked")],
            Refusal::TransferEncoding,
        ),
        (
            &[("transfer-encoding", "xchunked")],
            Refusal::TransferEncoding,
        ),
        (
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
            Refusal::TransferEncoding,
        ),
        (
            &[("transfer-encoding", "chunked"), ("content-length", "1")],
            Refusal::LengthTwice,
        ),
        (
            &[("content-length", "1"), ("content-length", "1")],
            Refusal::ContentLength,
        ),
        (&[("content-length", "+1")], Refusal::ContentLength),
        (&[("content-length", "1, 1")], Refusal::ContentLength),
        (&[("content-length", "")], Refusal::ContentLength),
        (
            &[("content-length", "99999999999999999999")],
            Refusal::ContentLength,
        ),
    ];
    for (fields, refusal) in cases {
        let mut all = vec![("host", "a")];
        all.extend_from_slice(fields);
        assert_eq!(cleaned("/", &all).unwrap_err(), *refusal, "{fields:?}");
    }
    assert!(cleaned("/", &[("host", "a"), ("transfer-encoding", "Chunked")]).is_ok());
    assert!(cleaned("/", &[("host", "a"), ("content-length", "12")]).is_ok());
}

#[test]
fn the_listeners_verdict_counts() {
    let mut parts = parts(|b| b.uri("/").header("host", "a").extension(Framing::Both));
    assert_eq!(clean(&mut parts).unwrap_err(), Refusal::LengthTwice);
}

#[test]
fn a_target_has_a_length_limit() {
    let longest = format!("/{}", "a".repeat(MAX_TARGET_BYTES - 1));
    assert!(cleaned(&longest, &[("host", "a")]).is_ok());
    let refusal = cleaned(&format!("{longest}a"), &[("host", "a")]).unwrap_err();
    assert_eq!(refusal.status(), 414);
}

#[test]
fn fields_of_the_connection_go_no_further() {
    let mut parts = parts(|b| {
        b.uri("/")
            .header("host", "a")
            .header("content-length", "3")
            .header("connection", "keep-alive, X-Secret, Host, content-length")
            .header("connection", "x-other")
            .header("keep-alive", "timeout=5")
            .header("x-secret", "1")
            .header("x-other", "1")
            .header("proxy-authorization", "Basic xyz")
            .header("proxy-connection", "keep-alive")
            .header("proxy", "http://evil")
            .header("te", "trailers")
            .header("trailer", "x")
            .header("upgrade", "h2c")
            .header("expect", "100-continue")
            .header("x-kept", "1")
    });
    clean(&mut parts).unwrap();
    let mut left: Vec<_> = parts.headers.keys().map(http::HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["content-length", "host", "x-kept"]);
    assert_eq!(parts.headers[header::HOST], "a");
}
