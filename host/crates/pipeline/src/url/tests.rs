use super::*;

/// `text` with `{name}` as placeholders.
fn pattern(text: &str) -> UrlPattern {
    let mut parts = Vec::new();
    let mut pieces = text.split('{');
    parts.extend(pieces.next().map(|t| UrlPart::Text(t.to_owned())));
    for piece in pieces {
        let (name, rest) = piece.split_once('}').expect("placeholders are closed");
        parts.push(UrlPart::Param(name.to_owned()));
        parts.push(UrlPart::Text(rest.to_owned()));
    }
    UrlPattern {
        text: text.to_owned(),
        parts,
    }
}

fn expand(text: &str, value: &str, query: &str) -> Result<String, String> {
    let params = [
        ("id".into(), value.to_owned()),
        ("o".into(), "O".to_owned()),
    ];
    let mut out = String::new();
    let values = Values {
        params: &params,
        responses: &params,
    };
    UrlTemplate::compile(&pattern(text))
        .expand(values, query, &mut out)
        .map(|()| out)
        .map_err(|e| e.to_string())
}

#[test]
fn a_value_stays_inside_its_segment() {
    #[rustfmt::skip]
    let cases = [
        ("42",              "/u/42/x"),
        ("a b",             "/u/a%20b/x"),
        ("é",               "/u/%C3%A9/x"),
        ("a&b=c;d+e,f",     "/u/a&b=c;d+e,f/x"),
        ("a:b@c",           "/u/a:b@c/x"),
        ("~._-!$'()*",      "/u/~._-!$'()*/x"),
        ("@10.0.0.1/",      "/u/@10.0.0.1%2F/x"),
        ("//10.0.0.1",      "/u/%2F%2F10.0.0.1/x"),
        ("../../admin",     "/u/..%2F..%2Fadmin/x"),
        ("%2e%2e",          "/u/%252e%252e/x"),
        ("%2f",             "/u/%252f/x"),
        ("?x",              "/u/%3Fx/x"),
        ("#x",              "/u/%23x/x"),
        ("\\evil",          "/u/%5Cevil/x"),
        ("...",             "/u/.../x"),
        ("{o}",             "/u/%7Bo%7D/x"),
        ("{{.O}}",          "/u/%7B%7B.O%7D%7D/x"),
        ("a\tb\x7f",        "/u/a%09b%7F/x"),
        ("\"<>^`|[]",       "/u/%22%3C%3E%5E%60%7C%5B%5D/x"),
    ];
    for (value, sent) in cases {
        assert_eq!(
            expand("/u/{id}/x", value, "").as_deref(),
            Ok(sent),
            "{value:?}"
        );
    }
}

#[test]
fn a_value_stays_inside_its_query_value() {
    #[rustfmt::skip]
    let cases = [
        ("42",        "/s?q=42&k=v"),
        ("a b",       "/s?q=a+b&k=v"),
        ("a+b",       "/s?q=a%2Bb&k=v"),
        ("a&b",       "/s?q=a%26b&k=v"),
        ("a=b;c",     "/s?q=a%3Db%3Bc&k=v"),
        ("#x?y/z",    "/s?q=%23x%3Fy%2Fz&k=v"),
        ("%26",       "/s?q=%2526&k=v"),
        ("é",         "/s?q=%C3%A9&k=v"),
        // Dots mean nothing here.
        ("..",        "/s?q=..&k=v"),
    ];
    for (value, sent) in cases {
        assert_eq!(
            expand("/s?q={id}&k=v", value, "").as_deref(),
            Ok(sent),
            "{value:?}"
        );
    }
}

#[test]
fn values_that_no_url_should_carry_are_refused() {
    #[rustfmt::skip]
    let cases = [
        ("/u/{id}",   "",         "path parameter `id` is empty"),
        ("/u/{id}",   ".",        "path parameter `id` is a dot segment"),
        ("/u/{id}",   "..",       "path parameter `id` is a dot segment"),
        ("/u/{id}",   "a\0",      "path parameter `id` contains a control character"),
        ("/u/{id}",   "a\r\nb",   "path parameter `id` contains a control character"),
        ("/u/{id}",   "a\nb",     "path parameter `id` contains a control character"),
        ("/s?q={id}", "a\r",      "path parameter `id` contains a control character"),
        ("/s?q={id}", "",         "path parameter `id` is empty"),
        ("/u/{no}",   "x",        "path parameter `no` has no value"),
    ];
    for (text, value, why) in cases {
        assert_eq!(
            expand(text, value, "").unwrap_err(),
            why,
            "{text} with {value:?}"
        );
    }
}

#[test]
fn what_a_wildcard_matched_stays_below_the_path_of_the_pattern() {
    #[rustfmt::skip]
    let cases = [
        ("",              Ok("/base/?k=v&q=1")),
        ("a",             Ok("/base/a?k=v&q=1")),
        ("a/b c/",        Ok("/base/a/b%20c/?k=v&q=1")),
        ("a//b",          Ok("/base/a//b?k=v&q=1")),
        ("...",           Ok("/base/...?k=v&q=1")),
        ("a?b#c%2f\\d",   Ok("/base/a%3Fb%23c%252f%5Cd?k=v&q=1")),
        ("http://é@b:1",  Ok("/base/http://%C3%A9@b:1?k=v&q=1")),
        ("{o}",           Ok("/base/%7Bo%7D?k=v&q=1")),
        ("..",            Err("path parameter `*` contains a dot segment")),
        ("a/../../b",     Err("path parameter `*` contains a dot segment")),
        ("a/.",           Err("path parameter `*` contains a dot segment")),
        ("a\nb",          Err("path parameter `*` contains a control character")),
    ];
    let pattern = UrlPattern {
        text: "/base?k=v".to_owned(),
        parts: vec![
            UrlPart::Text("/base".to_owned()),
            UrlPart::Rest,
            UrlPart::Text("?k=v".to_owned()),
        ],
    };
    for (value, expected) in cases {
        let params = [(REST.into(), value.to_owned())];
        let values = Values {
            params: &params,
            responses: &[],
        };
        let mut out = String::new();
        let expanded = UrlTemplate::compile(&pattern).expand(values, "q=1", &mut out);
        let expanded = expanded.map(|()| out).map_err(|e| e.to_string());
        assert_eq!(
            expanded.as_deref().map_err(String::as_str),
            expected,
            "{value:?}"
        );
    }
}

#[test]
fn the_text_of_the_pattern_is_kept_where_a_url_can_hold_it() {
    #[rustfmt::skip]
    let cases = [
        ("/",               "",     "/"),
        ("/a//b;c=d,e",     "",     "/a//b;c=d,e"),
        ("/a b/ü",          "",     "/a%20b/%C3%BC"),
        ("/a%20b%2Fc",      "",     "/a%20b%2Fc"),
        ("/100%/%zz",       "",     "/100%25/%25zz"),
        ("/a|\"b",          "",     "/a%7C%22b"),
        ("/a?x=1+2",        "",     "/a?x=1+2"),
        ("/a#top/{id}",     "",     "/a"),
        ("/a",              "k=v",  "/a?k=v"),
        ("/a?x=1",          "k=v",  "/a?x=1&k=v"),
        ("/a?x={id}",       "k=v",  "/a?x=V&k=v"),
        ("/{id}/{o}.{id}",  "",     "/V/O.V"),
        ("/{id}?{id}={o}",  "",     "/V?V=O"),
    ];
    for (text, query, sent) in cases {
        assert_eq!(expand(text, "V", query).as_deref(), Ok(sent), "{text}");
    }
}
