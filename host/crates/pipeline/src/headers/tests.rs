use super::*;

fn names(list: &[&str]) -> Vec<HeaderName> {
    list.iter()
        .map(|name| name.parse().expect("names in tests are names"))
        .collect()
}

/// Lines such as `Name: value`, to and from.
fn map(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("lines have a colon");
        let name: HeaderName = name.parse().expect("names in tests are names");
        headers.append(name, value.parse().expect("values in tests are values"));
    }
    headers
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    lines.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
    lines
}

const CLIENT: [&str; 9] = [
    "Accept: a/b",
    "Content-Type: text/plain",
    "User-Agent: curl",
    "X_Under: 1",
    "X-Two: first",
    "X-Two: second",
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Host: spoofed",
    "X-Forwarded-Via: spoofed",
];

fn sent(endpoint: &InputHeaders, backend: Option<&[&str]>, client: &[&str]) -> Vec<String> {
    let backend = backend.map(names);
    let filter = HeaderFilter::new(endpoint, backend.as_deref());
    let ip = "192.0.2.7".parse().expect("an address");
    lines(
        &filter
            .apply(map(client), ip, "api.example:8080")
            .expect("the host is a field value"),
    )
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn agent() -> String {
    format!("user-agent: Cuttle Version {VERSION}")
}

fn via() -> String {
    format!("x-forwarded-via: Cuttle Version {VERSION}")
}

const FOR: &str = "x-forwarded-for: 192.0.2.7";
const FORWARDED_HOST: &str = "x-forwarded-host: api.example:8080";

#[test]
fn each_level_lets_through_what_it_lists() {
    use InputHeaders::{All, List, None as Nothing};
    let (agent, via) = (agent(), via());
    type Case<'c> = (InputHeaders, Option<&'c [&'c str]>, Vec<&'c str>);
    #[rustfmt::skip]
    let cases: Vec<Case<'_>> = vec![
        (Nothing, None,
            vec!["content-type: text/plain", &agent, FOR, FORWARDED_HOST]),
        // A list replaces the default, so Content-Type has to be in it.
        (List(names(&["Accept"])), None,
            vec!["accept: a/b", &agent, FOR, FORWARDED_HOST]),
        (List(names(&["ACCEPT", "accept", "X_Under", "X-Absent"])), None,
            vec!["accept: a/b", &agent, FOR, FORWARDED_HOST, "x_under: 1"]),
        (List(names(&["X-Two"])), None,
            vec![&agent, FOR, FORWARDED_HOST, "x-two: first", "x-two: second"]),
        (List(names(&["User-Agent"])), None,
            vec!["user-agent: curl", FOR, FORWARDED_HOST, &via]),
        // What the client says about its way here is replaced, even if listed.
        (List(names(&["X-Forwarded-For", "X-Forwarded-Host"])), None,
            vec![&agent, FOR, FORWARDED_HOST]),
        (All, None,
            vec!["accept: a/b", "content-type: text/plain", "user-agent: curl", FOR,
                 FORWARDED_HOST, &via, "x-two: first", "x-two: second", "x_under: 1"]),
        // The backend's filter is about the result, the gateway's own included.
        (All, Some(&[]), vec![]),
        (All, Some(&["Accept"]), vec!["accept: a/b"]),
        (All, Some(&["User-Agent", "X-Forwarded-Via"]), vec!["user-agent: curl", &via]),
        (Nothing, Some(&["User-Agent", "X-Forwarded-For"]), vec![&agent, FOR]),
        (Nothing, Some(&["Accept"]), vec![]),
        (List(names(&["Accept", "X-Two"])), Some(&["X-Two", "Content-Type"]),
            vec!["x-two: first", "x-two: second"]),
        // The endpoint forwards the client's, so the gateway adds none.
        (List(names(&["User-Agent"])), Some(&["X-Forwarded-Via"]), vec![&via]),
    ];
    for (endpoint, backend, expected) in cases {
        assert_eq!(
            sent(&endpoint, backend, &CLIENT),
            expected,
            "{endpoint:?}, then {backend:?}"
        );
    }
}

#[test]
fn fields_about_the_connection_stay_behind_even_if_listed() {
    let about = [
        "Connection: X-Private, close",
        "Connection: x-Other",
        "Content-Length: 5",
        "Expect: 100-continue",
        "Host: client.example",
        "Keep-Alive: timeout=5",
        "Proxy: http://evil",
        "Proxy-Authenticate: Basic",
        "Proxy-Authorization: Basic c2VjcmV0",
        "Proxy-Connection: close",
        "Proxy-Whatever: 1",
        "TE: trailers",
        "Trailer: X-Checksum",
        "Transfer-Encoding: chunked",
        "Upgrade: h2c",
        "X-Other: 1",
        "X-Private: 1",
    ];
    let mut client = about.to_vec();
    client.push("X-Kept: 1");
    let mut listed: Vec<&str> = about.iter().filter_map(|l| l.split(':').next()).collect();
    listed.push("X-Kept");

    let agent = agent();
    let expected = [agent.as_str(), FOR, FORWARDED_HOST, "x-kept: 1"];
    assert_eq!(sent(&InputHeaders::All, None, &client), expected);
    assert_eq!(
        sent(&InputHeaders::List(names(&listed)), None, &client),
        expected
    );
    assert_eq!(
        sent(&InputHeaders::All, Some(&listed), &client),
        ["x-kept: 1"]
    );
}

#[test]
fn a_client_cannot_have_the_gateways_fields_removed() {
    let client = ["Connection: X-Forwarded-For, User-Agent", "User-Agent: a"];
    assert_eq!(
        sent(&InputHeaders::All, None, &client),
        [agent().as_str(), FOR, FORWARDED_HOST]
    );
}

#[test]
fn an_ipv4_client_of_an_ipv6_listener_is_shown_as_ipv4() {
    let filter = HeaderFilter::new(&InputHeaders::None, None);
    for (ip, shown) in [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        let ip = ip.parse().expect("an address");
        let headers = filter.apply(HeaderMap::new(), ip, "h").expect("a host");
        assert_eq!(headers.get(X_FORWARDED_FOR).expect("set"), shown);
    }
}

#[test]
fn a_host_that_is_no_field_value_is_an_error() {
    let filter = HeaderFilter::new(&InputHeaders::None, None);
    let ip = "::1".parse().expect("an address");
    assert!(filter.apply(HeaderMap::new(), ip, "a\r\nX: 1").is_err());
}

#[test]
fn no_spelling_with_underscores_stands_beside_a_field_of_the_gateway() {
    let aliases = [
        "X_Forwarded_For: 6.6.6.6",
        "x-forwarded_for: 6.6.6.6",
        "X_Forwarded_Host: spoofed",
        "X_Forwarded_Via: spoofed",
        "Content_Length: 5",
        "Transfer_Encoding: chunked",
        "Proxy_Authorization: Basic YTpi",
        "X_Under: 1",
    ];
    let sent = sent(&InputHeaders::All, None, &aliases);
    let left: Vec<_> = sent.iter().filter(|line| line.contains('_')).collect();
    assert_eq!(left, ["x_under: 1"]);
}
