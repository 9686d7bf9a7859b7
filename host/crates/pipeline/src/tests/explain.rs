//! What would be sent, against what is sent.

use std::collections::BTreeSet;

use http::{HeaderName, uri::Authority, uri::Scheme};
use proptest::prelude::*;

use super::{
    harness::{endpoint_of, pipeline_of},
    *,
};

const SHADOW: &str = r#""extra_config": {"proxy": {"shadow": true, "shadow_timeout": "5s"}}"#;
const CHAIN: &str = r#""extra_config": {"proxy": {"sequential": true}}"#;

/// A request that has something for each rule.
fn asked() -> Inbound {
    let mut inbound = Inbound {
        query: Some("q=a%20b&z&p=1&q=c&s=1;2&e=%zz".to_owned()),
        ..inbound()
    };
    for (name, value) in [
        ("accept", "text/plain"),
        ("authorization", "Bearer t"),
        ("content-type", "text/x"),
        ("host", "client.example"),
        ("user-agent", "curl"),
        ("x-forwarded-for", "9.9.9.9"),
        ("x-one", "1"),
        ("x-two", "2"),
    ] {
        inbound
            .headers
            .append(name, HeaderValue::from_static(value));
    }
    inbound
        .headers
        .append("x-one", HeaderValue::from_static("1b"));
    inbound
}

fn explain(endpoint: &Endpoint, inbound: Inbound) -> Explanation {
    let recorders: Vec<_> = endpoint
        .backends
        .iter()
        .map(|_| Arc::<Recorder>::default())
        .collect();
    let arrived = inbound.headers.clone();
    let explanation = pipeline_of(endpoint, &recorders).explain(inbound, &arrived);
    let sent: usize = recorders.iter().map(|recorder| recorder.calls()).sum();
    assert_eq!(sent, 0, "nothing is sent");
    explanation
}

fn calls(explanation: &Explanation) -> &[ExplainedCall] {
    let calls = explanation.calls.as_ref();
    calls.unwrap_or_else(|why| panic!("{why}"))
}

fn request(explanation: &Explanation, call: usize) -> &ExplainedRequest {
    let request = &calls(explanation)[call].request;
    request.as_ref().unwrap_or_else(|why| panic!("{why}"))
}

#[tokio::test]
async fn what_is_explained_is_what_is_sent() {
    let all = r#""input_headers": ["*"], "input_query_strings": ["*"]"#;
    let some =
        r#""input_headers": ["X-One", "Accept", "User-Agent"], "input_query_strings": ["q", "p"]"#;
    let narrow = r#""input_headers": ["X-One"], "input_query_strings": ["q"]"#;
    let userinfo = r#""host": ["http://u:p@h/base"], "disable_host_sanitize": true"#;
    #[rustfmt::skip]
    let cases: [(&str, &[&str]); 11] = [
        ("", &[""]),
        (all, &[""]),
        (some, &[narrow]),
        (some, &["", narrow, r#""method": "POST""#]),
        (all, &[userinfo]),
        (r#""concurrent_calls": 3"#, &[""]),
        ("", &[SHADOW, ""]),
        (r#""output_encoding": "no-op""#, &[r#""encoding": "no-op""#]),
        (r#""output_encoding": "no-op", "concurrent_calls": 2"#, &[r#""encoding": "no-op""#]),
        ("", &[r#""encoding": "no-op""#, ""]),
        (CHAIN, &["", ""]),
    ];
    for (keys, backends) in cases {
        let endpoint = endpoint_of(keys, backends);
        let explanation = explain(&endpoint, asked());
        let recorders: Vec<_> = backends
            .iter()
            .map(|_| Recorder::saying(200, r#"{"a":1}"#))
            .collect();
        let pipeline = pipeline_of(&endpoint, &recorders);
        pipeline.serve(asked()).await.unwrap();
        assert_eq!(
            calls(&explanation).len(),
            backends.len(),
            "{keys} {backends:?}"
        );
        for (index, recorder) in recorders.iter().enumerate() {
            while recorder.calls() == 0 {
                tokio::task::yield_now().await;
            }
            let explained = request(&explanation, index);
            let mut headers = HeaderMap::new();
            for field in &explained.headers {
                headers.append(field.name.clone(), field.value.clone());
            }
            for seen in recorder.seen.lock().unwrap().iter() {
                assert_eq!(explained.method, seen.head.method, "{keys} {backends:?}");
                assert_eq!(explained.uri, seen.head.uri, "{keys} {backends:?}");
                assert_eq!(headers, seen.head.headers, "{keys} {backends:?}");
            }
        }
    }
}

#[test]
fn every_field_that_stays_behind_has_its_reason() {
    use HeaderReason::*;
    let endpoint = endpoint_of(
        r#""input_headers": ["X-One", "X-Two", "X-Forwarded-For", "Te", "X-Named"]"#,
        &[r#""input_headers": ["X-One", "X-Forwarded-For"]"#],
    );
    let mut inbound = asked();
    let arrived = {
        let mut arrived = inbound.headers.clone();
        for (name, value) in [
            ("connection", "close, x-named"),
            ("content-length", "5"),
            ("expect", "100-continue"),
            ("proxy", "http://evil"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("x-named", "1"),
        ] {
            arrived.append(name, HeaderValue::from_static(value));
        }
        arrived
    };
    inbound.headers = arrived.clone();
    let explanation = pipeline_of(&endpoint, &[Arc::default()]).explain(inbound, &arrived);
    let explained = request(&explanation, 0);
    let mut dropped = explained.dropped.clone();
    dropped.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    let dropped: Vec<_> = dropped.iter().map(|(n, why)| (n.as_str(), *why)).collect();
    let expected = [
        ("accept", HeaderReason::Endpoint),
        ("authorization", HeaderReason::Endpoint),
        ("connection", HopByHop),
        ("content-length", Framing),
        ("content-type", HeaderReason::Endpoint),
        ("expect", Expectation),
        ("host", Host),
        ("proxy", ProxyVariable),
        ("proxy-authorization", HopByHop),
        ("te", HopByHop),
        ("transfer-encoding", Framing),
        ("user-agent", HeaderReason::Endpoint),
        ("x-forwarded-for", Replaced),
        ("x-named", Named),
        ("x-two", HeaderReason::Backend),
    ];
    assert_eq!(dropped, expected);
    let fields = explained.headers.iter();
    let mut fields: Vec<_> = fields.map(|f| (f.name.as_str(), f.by_gateway)).collect();
    fields.sort_unstable();
    let sent = [
        ("accept-encoding", true),
        ("x-forwarded-for", true),
        ("x-one", false),
        ("x-one", false),
    ];
    assert_eq!(fields, sent);
}

#[test]
fn every_query_string_that_stays_behind_has_its_reason() {
    let endpoint = endpoint_of(
        r#""input_query_strings": ["q", "p", "s", "e"]"#,
        &[r#""input_query_strings": ["q", "s", "e"]"#],
    );
    let explanation = explain(&endpoint, asked());
    let query = &request(&explanation, 0).query;
    let query: Vec<_> = query.iter().map(|(n, why)| (n.as_str(), *why)).collect();
    let expected = [
        ("q", None),
        ("z", Some(QueryReason::Endpoint)),
        ("p", Some(QueryReason::Backend)),
        ("q", None),
        ("s", Some(QueryReason::Semicolon)),
        ("e", Some(QueryReason::Escape)),
    ];
    assert_eq!(query, expected);
    assert_eq!(request(&explanation, 0).url, "http://h0/0?q=a+b&q=c");
}

#[test]
fn values_that_only_answers_know_stand_as_placeholders() {
    let second = r#""url_pattern": "/p/{resp0_a.b}/x?y={resp0_c}&k={resp0_a.b}""#;
    let third = r#""url_pattern": "/p/{resp0_c}""#;
    let explanation = explain(&endpoint_of(CHAIN, &["", second, third]), asked());
    assert_eq!(explanation.order, CallOrder::Sequential);
    let second = request(&explanation, 1);
    assert_eq!(
        second.url,
        "http://h1/p/{resp0_a.b}/x?y={resp0_c}&k={resp0_a.b}"
    );
    assert_eq!(second.awaited, ["resp0_a.b", "resp0_c"]);
    assert_eq!(request(&explanation, 2).url, "http://h2/p/{resp0_c}");
    // What the client writes is the client's.
    let mut odd = asked();
    odd.query = Some("q={resp0_c}".to_owned());
    let endpoint = endpoint_of(r#""input_query_strings": ["q"]"#, &[""]);
    let explanation = explain(&endpoint, odd);
    assert_eq!(request(&explanation, 0).url, "http://h0/0?q=%7Bresp0_c%7D");
}

#[test]
fn times_order_and_body_are_those_of_the_calls() {
    let window = Some(Duration::from_millis(850));
    let limit = 16 << 20;
    #[rustfmt::skip]
    let cases: [(&str, &[&str], _, _, _); 6] = [
        ("", &[""], None, CallOrder::One, BodyUse::Streamed),
        ("", &["", ""], window, CallOrder::Parallel, BodyUse::First),
        (CHAIN, &["", ""], window, CallOrder::Sequential, BodyUse::First),
        (r#""method": "POST""#, &["", ""], window, CallOrder::Parallel, BodyUse::Copied(limit)),
        (r#""concurrent_calls": 3"#, &[""], None, CallOrder::One, BodyUse::Copied(limit)),
        ("", &[SHADOW, ""], None, CallOrder::One, BodyUse::Copied(limit)),
    ];
    for (keys, backends, window, order, body) in cases {
        let explanation = explain(&endpoint_of(keys, backends), asked());
        assert_eq!(explanation.timeout, Duration::from_secs(1));
        assert_eq!(explanation.window, window, "{keys}");
        assert_eq!(explanation.order, order, "{keys}");
        assert_eq!(explanation.body, body, "{keys}");
        for call in calls(&explanation) {
            let whole = window.unwrap_or(explanation.timeout);
            let (limit, times) = match call.shadow {
                true => (Duration::from_secs(5), 1),
                false => (whole, if keys.contains('3') { 3 } else { 1 }),
            };
            assert_eq!((call.limit, call.times), (limit, times), "{keys}");
        }
    }
    let nobody = explain(&endpoint_of("", &[SHADOW]), asked());
    assert_eq!(nobody.calls.unwrap_err().kind, FailureKind::NoHosts);
}

#[test]
fn a_call_that_could_not_be_made_says_why() {
    let explanation = explain(&endpoint_of("", &[r#""host": []"#]), asked());
    let failure = calls(&explanation)[0].request.as_ref().unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoHosts);
}

/// Hosts that nobody has asked for yet.
struct Sought;

impl Executor for Sought {
    fn execute(&self, _: http::Request<Body>, _: Instant) -> ExecuteFuture<'_> {
        panic!("nothing is sent")
    }

    fn hosts(&self) -> Option<&dyn HostSource> {
        Some(self)
    }
}

impl HostSource for Sought {
    fn host(&self) -> HostFuture<'_> {
        panic!("nobody is asked")
    }

    fn sought(&self) -> Option<(Scheme, Authority)> {
        Some((Scheme::HTTPS, Authority::from_static("api.consul")))
    }
}

#[test]
fn a_host_that_is_to_be_found_is_told_by_its_name() {
    let endpoint = endpoint_of("", &[r#""host": []"#]);
    let pipeline = Pipeline::build(&endpoint, vec![Arc::new(Sought)]).unwrap();
    let explanation = pipeline.explain(asked(), &HeaderMap::new());
    let explained = request(&explanation, 0);
    assert_eq!(explained.url, "https://api.consul/0");
    assert!(explained.host_unknown);
}

const NAMES: [&str; 8] = [
    "accept",
    "connection",
    "expect",
    "te",
    "user-agent",
    "x-a",
    "x-forwarded-for",
    "x-forwarded-via",
];

fn names() -> impl Strategy<Value = Option<Vec<&'static str>>> {
    let list = prop::collection::vec(prop::sample::select(&NAMES[..]), 0..5);
    prop::option::of(list)
}

proptest! {
    /// Nothing disappears without a word, and nothing is said to disappear that
    /// is sent.
    #[test]
    fn a_field_is_sent_or_has_a_reason(
        arrived in prop::collection::vec((prop::sample::select(&NAMES[..]), "[a-c]{1,2}"), 0..8),
        endpoint in names(),
        backend in names(),
    ) {
        let list = |names: &Option<Vec<&str>>| match names {
            None => String::new(),
            Some(names) => format!(r#""input_headers": {names:?}"#),
        };
        let endpoint = endpoint_of(&list(&endpoint), &[&list(&backend)]);
        let mut asked = inbound();
        for (name, value) in &arrived {
            let name = HeaderName::from_static(name);
            asked.headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let explanation = explain(&endpoint, asked);
        let explained = request(&explanation, 0);
        let sent: BTreeSet<_> = explained
            .headers
            .iter()
            .filter(|field| !field.by_gateway)
            .map(|field| field.name.as_str())
            .collect();
        let dropped: BTreeSet<_> = explained.dropped.iter().map(|(n, _)| n.as_str()).collect();
        let told: BTreeSet<_> = sent.union(&dropped).copied().collect();
        let came: BTreeSet<_> = arrived.iter().map(|(name, _)| *name).collect();
        prop_assert_eq!(told, came);
        prop_assert!(sent.is_disjoint(&dropped));
    }
}
