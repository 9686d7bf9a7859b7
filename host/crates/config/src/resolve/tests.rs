use std::path::Path;

use crate::{KeyPath, PathPattern, read};

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
        segments
            .map(|s| match s.param {
                Some(param) => format!("{}<{param}>{}", s.prefix, s.suffix),
                None => s.prefix,
            })
            .collect()
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
        ("/a/*", Err(1), Err(1)),
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
