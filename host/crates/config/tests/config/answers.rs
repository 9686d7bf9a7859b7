//! What the keys about answers become: encodings, manipulation, `proxy`,
//! `backend/http`.

use std::time::Duration;

use cuttle_config::{
    Backend, BackendErrors, Encoding, Endpoint, FlatmapOp, Manipulation, OutputEncoding,
    ResponseValue, Service, Shadow, StaticData, StaticStrategy, UrlPart,
};

use crate::json;

/// A service with one endpoint, whose other keys these are.
fn service(keys: &str) -> Service {
    let text = format!(
        r#"{{"version": 3, "host": ["a.com"], "endpoints": [{{"endpoint": "/a", {keys}}}]}}"#
    );
    json(&text).unwrap().service
}

fn endpoint(keys: &str) -> Endpoint {
    service(keys).endpoints.remove(0)
}

/// A backend with these keys, of an endpoint with JSON as output.
fn backend(keys: &str) -> Backend {
    endpoint(&format!(r#""backend": [{{{keys}}}]"#))
        .backends
        .remove(0)
}

fn manipulation(keys: &str) -> Manipulation {
    backend(keys).manipulation
}

/// A backend with this `proxy`, and these keys beside it.
fn with_proxy(proxy: &str, keys: &str) -> Backend {
    backend(&format!(
        r#"{keys} "extra_config": {{"proxy": {{{proxy}}}}}"#
    ))
}

/// An endpoint with these backends and this `proxy`.
fn composed(backends: &str, proxy: &str) -> Endpoint {
    endpoint(&format!(
        r#""backend": [{backends}], "extra_config": {{"proxy": {{{proxy}}}}}"#
    ))
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn backends_are_read_as_their_encoding_says() {
    let cases = [
        ("", Encoding::Json),
        (r#""encoding": """#, Encoding::Json),
        (r#""encoding": "json""#, Encoding::Json),
        (r#""encoding": "fast-json""#, Encoding::Json),
        (r#""encoding": "safejson""#, Encoding::SafeJson),
        (r#""encoding": "XML""#, Encoding::Xml),
        (r#""encoding": "rss""#, Encoding::Rss),
        (r#""encoding": "yaml""#, Encoding::Yaml),
        (r#""encoding": "string""#, Encoding::String),
        (r#""encoding": "no-op""#, Encoding::NoOp),
        (r#""encoding": "No-Op""#, Encoding::Json),
        (r#""encoding": "json-collection""#, Encoding::Json),
        (r#""encoding": "csv""#, Encoding::Json),
    ];
    for (keys, expected) in cases {
        let backend = backend(keys);
        assert_eq!(backend.encoding, expected, "{keys}");
    }
}

#[test]
fn endpoints_are_written_as_their_output_encoding_says() {
    let cases = [
        ("json", OutputEncoding::Json),
        ("fast-json", OutputEncoding::Json),
        ("json-collection", OutputEncoding::JsonCollection),
        ("negotiate", OutputEncoding::Negotiate),
        ("xml", OutputEncoding::Xml),
        ("yaml", OutputEncoding::Yaml),
        ("string", OutputEncoding::String),
        ("no-op", OutputEncoding::NoOp),
        ("", OutputEncoding::Json),
    ];
    for (name, expected) in cases {
        let keys = format!(r#""output_encoding": "{name}", "backend": [{{}}]"#);
        assert_eq!(endpoint(&keys).output_encoding, expected, "{name}");
    }
}

/// KrakenD tries the encoding of the only backend where it does not know the
/// output's. It compares with case.
#[test]
fn an_unknown_output_is_that_of_the_only_backend() {
    let cases = [
        (r#"{}"#, OutputEncoding::Json),
        (r#"{"encoding": "xml"}"#, OutputEncoding::Xml),
        (r#"{"encoding": "yaml"}"#, OutputEncoding::Yaml),
        (r#"{"encoding": "string"}"#, OutputEncoding::String),
        (r#"{"encoding": "no-op"}"#, OutputEncoding::NoOp),
        (r#"{"encoding": "rss"}"#, OutputEncoding::Json),
        (r#"{"encoding": "safejson"}"#, OutputEncoding::Json),
        (r#"{"encoding": "xml"}, {}"#, OutputEncoding::Json),
    ];
    for (backends, expected) in cases {
        for name in ["csv", "XML", "No-Op"] {
            let keys = format!(r#""output_encoding": "{name}", "backend": [{backends}]"#);
            let found = endpoint(&keys).output_encoding;
            assert_eq!(found, expected, "{name} with {backends}");
        }
    }
}

#[test]
fn a_no_op_backend_may_have_an_endpoint_of_another_encoding() {
    let endpoint = endpoint(r#""backend": [{"encoding": "no-op"}, {}]"#);
    assert_eq!(endpoint.output_encoding, OutputEncoding::Json);
    assert_eq!(endpoint.backends[0].encoding, Encoding::NoOp);
    assert_eq!(endpoint.backends[1].encoding, Encoding::Json);
}

/// A shadow counts, as in KrakenD.
#[test]
fn a_no_op_endpoint_has_one_backend() {
    let shadow = r#"{"extra_config": {"proxy": {"shadow": true}}}"#;
    for second in ["{}", shadow] {
        let text = format!(
            r#"{{"version": 3, "host": ["a.com"], "output_encoding": "no-op",
                "endpoints": [{{"endpoint": "/a", "backend": [{{}}, {second}]}}]}}"#
        );
        let report = json(&text).unwrap_err().to_string();
        assert!(
            report.contains("can not use NoOp encoding with more than one backends"),
            "{report}"
        );
    }
}

#[test]
fn manipulation_keeps_its_paths_in_parts() {
    let found = manipulation(
        r#""is_collection": true, "target": "data.items", "allow": ["a.b.c", "d"],
           "mapping": {"z": "y", "a": "b.c", "n": 5}, "group": "g.h""#,
    );
    let mut expected = Manipulation::default();
    expected.is_collection = true;
    expected.target = texts(&["data", "items"]);
    expected.allow = vec![texts(&["a", "b", "c"]), texts(&["d"])];
    expected.mapping = [("z", "y"), ("a", "b"), ("n", "5")]
        .map(|(old, new)| (old.to_owned(), new.to_owned()))
        .to_vec();
    expected.group = Some("g.h".to_owned());
    assert_eq!(found, expected);
}

#[test]
fn empty_manipulation_is_none() {
    let empty = r#""target": "", "allow": [], "deny": [], "mapping": {}, "group": """#;
    assert_eq!(manipulation(empty), Manipulation::default());
    assert_eq!(manipulation(""), Manipulation::default());
}

#[test]
fn of_allow_and_deny_only_one_is_left() {
    let both = manipulation(r#""allow": ["a"], "deny": ["b"]"#);
    assert_eq!((both.allow.len(), both.deny.len()), (1, 0));
    let denied = manipulation(r#""allow": [], "deny": "a.b""#);
    assert_eq!(denied.deny, [texts(&["a", "b"])]);
    assert!(denied.allow.is_empty());
}

#[test]
fn nothing_manipulates_what_passes_as_it_is() {
    let keys = r#""target": "t", "allow": ["a"], "mapping": {"a": "b"}, "group": "g","#;
    let flatmap = r#""flatmap_filter": [{"type": "del", "args": ["a"]}]"#;
    let no_op = with_proxy(flatmap, &format!(r#""encoding": "no-op", {keys}"#));
    assert_eq!(no_op.manipulation, Manipulation::default());
}

#[test]
fn a_flatmap_takes_the_place_of_allow_deny_and_mapping() {
    let keys = r#""target": "t", "allow": ["a"], "mapping": {"a": "b"}, "group": "g","#;
    let flatmap = r#""flatmap_filter": [
        {"type": "move", "args": ["a.*.b", "c"]},
        {"type": "append", "args": ["x", "y.0", "ignored"]},
        {"type": "turn", "args": ["x"]},
        {"type": "del", "args": ["p", "q.r"]}]"#;
    let found = with_proxy(flatmap, keys).manipulation;

    let (from, to) = (texts(&["a", "*", "b"]), texts(&["c"]));
    let moved = FlatmapOp::Move { from, to };
    let (from, to) = (texts(&["x"]), texts(&["y", "0"]));
    let appended = FlatmapOp::Append { from, to };
    let p = FlatmapOp::Delete {
        path: texts(&["p"]),
    };
    let path = texts(&["q", "r"]);
    let q = FlatmapOp::Delete { path };
    assert_eq!(found.flatmap, Some(vec![moved, appended, p, q]));
    assert_eq!(found.target, ["t"]);
    assert_eq!(found.group.as_deref(), Some("g"));
    assert!(found.allow.is_empty() && found.mapping.is_empty());
}

/// As in KrakenD: an operation nobody knows still puts `allow` out of effect,
/// an empty list does not.
#[test]
fn a_flatmap_without_operations_is_none() {
    let cases = [
        (r#""flatmap_filter": []"#, None),
        (r#""flatmap_filter": [{"args": ["a"]}]"#, None),
        (r#""flatmap_filter": [{"type": "turn"}]"#, Some(0)),
        (r#""flatmap_filter": [{"type": "del"}]"#, Some(0)),
    ];
    for (proxy, operations) in cases {
        let found = with_proxy(proxy, r#""allow": ["a"],"#).manipulation;
        assert_eq!(found.flatmap.map(|ops| ops.len()), operations, "{proxy}");
        assert_eq!(found.allow.is_empty(), operations.is_some(), "{proxy}");
    }
}

#[test]
fn the_flatmap_of_an_endpoint_needs_something_to_merge() {
    let proxy = r#""flatmap_filter": [{"type": "del", "args": ["a"]}]"#;
    let shadow = r#"{"extra_config": {"proxy": {"shadow": true}}}"#;
    let cases = [
        ("{}".to_owned(), 0),
        ("{}, {}".to_owned(), 1),
        (format!("{{}}, {shadow}"), 0),
        (format!("{{}}, {shadow}, {{}}"), 1),
    ];
    for (backends, operations) in cases {
        let found = composed(&backends, proxy).proxy.flatmap.len();
        assert_eq!(found, operations, "{backends}");
    }
}

#[test]
fn static_data_keeps_its_numbers() {
    let found = |proxy: &str| composed("{}", proxy).proxy.static_data;
    let data = r#"{"big":12345678901234567890,"exact":1.50,"list":[1e5,null]}"#;
    let cases = [
        ("", StaticStrategy::Always),
        (r#""strategy": "always","#, StaticStrategy::Always),
        (r#""strategy": "success","#, StaticStrategy::Success),
        (r#""strategy": "errored","#, StaticStrategy::Errored),
        (r#""strategy": "complete","#, StaticStrategy::Complete),
        (r#""strategy": "incomplete","#, StaticStrategy::Incomplete),
        (r#""strategy": "Success","#, StaticStrategy::Always),
        (r#""strategy": "sometimes","#, StaticStrategy::Always),
    ];
    for (key, strategy) in cases {
        let data = data.to_owned();
        let found = found(&format!(r#""static": {{{key} "data": {data}}}"#));
        assert_eq!(found, Some(StaticData { strategy, data }), "{key}");
    }
    assert_eq!(found(r#""static": {}"#), None);
}

#[test]
fn nothing_is_added_to_what_passes_as_it_is() {
    let endpoint = endpoint(
        r#""output_encoding": "no-op", "backend": [{}],
           "extra_config": {"proxy": {"static": {"data": {"a": 1}}}}"#,
    );
    assert_eq!(endpoint.proxy.static_data, None);
}

/// What may be a secret stays out of what is logged.
#[test]
fn static_data_is_not_shown() {
    let endpoint = composed("{}", r#""static": {"data": {"a": "hidden"}}"#);
    assert!(!format!("{endpoint:?}").contains("hidden"));
}

#[test]
fn backends_are_called_in_turn_if_there_are_several() {
    let shadow = r#"{"extra_config": {"proxy": {"shadow": true}}}"#;
    let two = "{}, {}";
    let with_shadow = format!("{{}}, {shadow}");
    let cases = [
        (two, "", false),
        (two, r#""sequential": false"#, false),
        (two, r#""sequential": true"#, true),
        (two, r#""strategy": "sequential""#, true),
        (
            two,
            r#""strategy": "sequential", "sequential": false"#,
            true,
        ),
        (two, r#""strategy": "parallel""#, false),
        (two, r#""strategy": "parallel", "sequential": true"#, true),
        (two, r#""strategy": "serial""#, false),
        ("{}", r#""sequential": true"#, false),
        (&with_shadow, r#""sequential": true"#, false),
    ];
    for (backends, proxy, expected) in cases {
        let found = composed(backends, proxy).proxy.sequential;
        assert_eq!(found, expected, "{proxy} with {backends}");
    }
    assert!(!endpoint(r#""backend": [{}, {}]"#).proxy.sequential);
}

/// The values of responses in the last of these backends.
fn values(backends: &str, proxy: &str) -> Vec<ResponseValue> {
    let mut backends = composed(backends, proxy).backends;
    let parts = backends.pop().unwrap().url_pattern.parts;
    let values = parts.into_iter().filter_map(|part| match part {
        UrlPart::Response(value) => Some(value),
        _ => None,
    });
    values.collect()
}

#[test]
fn placeholders_take_values_of_earlier_responses() {
    let found = values(
        r#"{}, {"url_pattern": "/x/{resp0_user.id}/y?z={resp0_a-b_c}"}"#,
        r#""sequential": true"#,
    );
    let value = |name: &str, path: &[&str]| ResponseValue {
        backend: 0,
        path: texts(path),
        name: name.to_owned(),
    };
    let user = value("resp0_user.id", &["user", "id"]);
    assert_eq!(found, [user, value("resp0_a-b_c", &["a-b_c"])]);
}

/// KrakenD does not number shadow backends.
#[test]
fn shadows_are_not_counted_among_responses() {
    let shadow = r#"{"extra_config": {"proxy": {"shadow": true}}}"#;
    let user = r#"{"url_pattern": "/{resp0_a}/{resp1_a}/{resp2_a}/{resp3_a}"}"#;
    let found = values(
        &format!("{shadow}, {{}}, {shadow}, {{}}, {user}"),
        r#""sequential": true"#,
    );
    let positions: Vec<_> = found.iter().map(|value| value.backend).collect();
    assert_eq!(positions, [1, 3, 4, usize::MAX]);
}

#[test]
fn a_parameter_of_the_path_goes_before_a_response() {
    let text = r#"{"version": 3, "host": ["a.com"], "endpoints": [{"endpoint": "/{resp0_a}",
        "backend": [{}, {"url_pattern": "/{resp0_a}"}]}]}"#;
    let endpoint = json(text).unwrap().service.endpoints.remove(0);
    assert_eq!(
        endpoint.backends[1].url_pattern.parts[1],
        UrlPart::Param("resp0_a".to_owned())
    );
}

#[test]
fn values_are_handed_on_from_backends_that_have_them() {
    let proxy = r#""sequential": true, "sequential_propagated_params":
        ["resp0_a.b", "Resp1", "resp0", "resp1_a", "resp2_x", "resp9_x", "a"]"#;
    let found = composed(r#"{}, {"encoding": "no-op"}, {}"#, proxy).proxy;
    let names: Vec<_> = found
        .propagated_params
        .iter()
        .map(|value| (value.backend, value.name.as_str(), value.path.len()))
        .collect();
    assert_eq!(
        names,
        [(0, "resp0_a.b", 2), (1, "Resp1", 0), (2, "resp2_x", 1)]
    );

    let parallel = composed("{}, {}", r#""sequential_propagated_params": ["resp0_a"]"#);
    assert!(parallel.proxy.propagated_params.is_empty());
}

#[test]
fn values_that_no_plugin_gets_are_warned_about() {
    let proxy = r#""sequential": true, "sequential_propagated_params": ["resp1_a"]"#;
    let plugin = r#"{"extra_config": {"plugin/http-client": {"name": "a"}}}"#;
    for (backends, warned) in [
        (format!("{{}}, {{}}, {plugin}"), true),
        (format!("{plugin}, {plugin}, {{}}"), false),
    ] {
        let text = format!(
            r#"{{"version": 3, "host": ["a.com"], "endpoints": [{{"endpoint": "/a",
            "extra_config": {{"proxy": {{{proxy}}}}}, "backend": [{backends}]}}]}}"#
        );
        let warnings = json(&text).unwrap().warnings;
        let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(!told.is_empty(), warned, "{told:?}");
        let whose = "for the plugin of endpoints[0].backend[2]";
        assert!(!warned || told[0].contains(whose), "{told:?}");
        let way_out = "`{resp1_a}` into its \"url_pattern\"";
        assert!(!warned || told[0].contains(way_out), "{told:?}");
    }
}

#[test]
fn a_shadow_has_a_timeout_of_its_own_or_none() {
    let shadow = |seconds: Option<u64>| {
        Some(Shadow {
            timeout: seconds.map(Duration::from_secs),
        })
    };
    let cases = [
        ("", None),
        (r#""shadow": false, "shadow_timeout": "5s""#, None),
        (r#""shadow": true"#, shadow(None)),
        (r#""shadow": true, "shadow_timeout": "5s""#, shadow(Some(5))),
        (r#""shadow": true, "shadow_timeout": "0s""#, shadow(None)),
    ];
    for (proxy, expected) in cases {
        assert_eq!(with_proxy(proxy, "").shadow, expected, "{proxy}");
    }
}

#[test]
fn the_body_is_copied_when_asked_for() {
    for (flag, expected) in [("true", true), ("false", false)] {
        let proxy = format!(r#""force_sandboxed_request": {flag}"#);
        let found = composed("{}", &proxy).proxy.force_sandboxed_request;
        assert_eq!(found, expected);
    }
}

#[test]
fn an_unexpected_status_leads_to_what_is_asked_for() {
    let details = || BackendErrors::ReturnDetails("a".to_owned());
    let cases = [
        ("", BackendErrors::Fail),
        (r#""return_error_code": false"#, BackendErrors::Fail),
        (r#""return_error_code": true"#, BackendErrors::ReturnCode),
        (r#""return_error_details": """#, BackendErrors::Fail),
        (r#""return_error_details": "a""#, details()),
        (
            r#""return_error_code": true, "return_error_details": "a""#,
            details(),
        ),
    ];
    for (keys, expected) in cases {
        let config = format!(r#""extra_config": {{"backend/http": {{{keys}}}}}"#);
        assert_eq!(backend(&config).errors, expected, "{keys}");
        let no_op = backend(&format!(r#""encoding": "no-op", {config}"#));
        assert_eq!(no_op.errors, BackendErrors::Fail, "{keys} with no-op");
    }
}

#[test]
fn calls_are_at_least_one() {
    for (keys, expected) in [
        ("", 1),
        (r#""concurrent_calls": 0,"#, 1),
        (r#""concurrent_calls": 3,"#, 3),
    ] {
        let found = endpoint(&format!(r#"{keys} "backend": [{{}}]"#));
        assert_eq!(found.concurrent_calls, expected, "{keys}");
    }
}

#[test]
fn endpoints_have_all_methods_that_can_be_routed() {
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "head",
    ] {
        let keys = format!(r#""method": "{method}", "backend": [{{}}]"#);
        let endpoint = endpoint(&keys);
        assert_eq!(endpoint.method.as_str(), method.to_uppercase());
        assert_eq!(endpoint.backends[0].method, endpoint.method);
    }
    for method in ["CONNECT", "TRACE", "PURGE"] {
        let keys = format!(r#""method": "{method}", "backend": [{{}}]"#);
        assert!(service(&keys).endpoints.is_empty(), "{method}");
    }
}

#[test]
fn limits_have_units() {
    let limits = |router: &str, http: &str| {
        let text = format!(
            r#"{{"version": 3, "extra_config": {{"router": {{{router}}}, "cuttle/http": {{{http}}}}}}}"#
        );
        let service = json(&text).unwrap().service;
        (service.router.max_payload, service.http.max_decoded_body)
    };
    assert_eq!(limits("", ""), (None, 64 << 20));
    assert_eq!(limits(r#""max_payload": 0"#, ""), (None, 64 << 20));
    assert_eq!(
        limits(r#""max_payload": 1000"#, r#""max_decoded_body": "2KiB""#),
        (Some(1000), 2048)
    );
    let limit = |value: &str| {
        let proxy = format!(r#""extra_config": {{"proxy": {{"max_payload": {value}}}}}"#);
        let keys = format!(r#"{proxy}, "backend": [{{}}]"#);
        endpoint(&keys).proxy.max_payload
    };
    assert_eq!((limit("0"), limit(r#""1KiB""#)), (None, Some(1024)));
}
