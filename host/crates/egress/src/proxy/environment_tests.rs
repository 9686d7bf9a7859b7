use super::*;

const CASES: &str = include_str!("environment_cases.txt");

struct Case<'a> {
    name: &'a str,
    variables: Vec<(&'a str, &'a str)>,
    target: &'a str,
    expected: &'a str,
}

fn cases() -> Vec<Case<'static>> {
    let lines = CASES.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<_> = line.split(" | ").collect();
            let [name, variables, target, expected] = columns[..] else {
                panic!("not a case: {line}");
            };
            let variables = variables.split(";;");
            Case {
                name,
                variables: variables.filter_map(|pair| pair.split_once('=')).collect(),
                target: match target {
                    "O" => "http://10.77.0.10:8081",
                    "N" => "http://origin.plab.test:8081",
                    "S" => "https://origin.plab.test",
                    "V" => "http://[fd00:77::10]:8081",
                    url => url,
                },
                expected,
            }
        })
        .collect()
}

impl Case<'_> {
    fn outcome(&self) -> String {
        let variable = |name: &str| {
            let set = self.variables.iter().find(|(key, _)| *key == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let Ok(proxies) = EnvironmentProxies::from_vars(variable) else {
            return "refused".to_owned();
        };
        match proxies.proxy_for(&self.target.parse().unwrap()) {
            Ok(Some(proxy)) => proxy.label().to_owned(),
            Ok(None) => "direct".to_owned(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Denied);
                "denied".to_owned()
            }
        }
    }
}

#[test]
fn the_environment_decides_as_the_table_says() {
    let cases = cases();
    assert!(cases.len() >= 91, "{} cases", cases.len());
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| (case, case.outcome()))
        .filter(|(case, outcome)| outcome != case.expected)
        .map(|(case, outcome)| format!("{}: {outcome}, expected {}", case.name, case.expected))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let cases = cases();
    let names: std::collections::HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn an_error_names_the_variable_and_repeats_no_value() {
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        for value in [
            "foo://hunter2@p",
            "http://hunter2:a/b@p:1",
            "hunter2 x",
            "socks4a://hunter2:x@p",
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            let error = EnvironmentProxies::from_vars(variable)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}

/// CVE-2025-22870: the zone of an address must not make it a host of a domain.
#[test]
fn an_address_with_a_zone_matches_no_domain() {
    let rules = NoProxy::from_list("example.com");
    assert!(!rules.matches("1000::%25.example.com", 80));
    assert!(!rules.matches("1000::%.example.com", 80));
    assert!(rules.matches("www.example.com", 80));
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_the_same_address() {
    assert!(NoProxy::from_list("10.0.0.0/8").matches("::ffff:10.1.2.3", 80));
    assert!(is_loopback("::ffff:127.0.0.1"));
}
