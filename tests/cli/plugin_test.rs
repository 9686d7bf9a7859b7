//! `plugin test`: cases against components, without a network.

use std::path::Path;

use cuttle_tests::{Finished, bundled_plugin, fixture, repository, run};
use serde_json::{Value, json};

use crate::write;

async fn tested(component: &Path, cases: &Value, more: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "cases.json", cases.to_string());
    let component = component.display().to_string();
    let mut arguments = vec!["plugin", "test", &component, "cases.json"];
    arguments.extend(more);
    run(folder.path(), &arguments).await
}

/// Runs one case.
async fn one(component: &Path, case: Value) -> Finished {
    tested(component, &json!({ "cases": [case] }), &[]).await
}

fn greeting(more: Value) -> Value {
    let mut case = json!({
        "name": "greets",
        "settings": { "greeting": "hello" },
        "request": { "uri": "http://backend.test/x", "headers": { "x-many": ["a", "b"] } },
        "outside": [{ "answer": { "status": 200, "body": "ok" } }],
        "expect": {},
    });
    let (Some(case_members), Value::Object(more)) = (case.as_object_mut(), more) else {
        panic!("objects");
    };
    case_members.extend(more);
    case
}

#[tokio::test]
async fn the_cases_of_the_repository_pass() {
    let cases = [
        (bundled_plugin(), "plugins/http-proxy/cases"),
        (fixture("adds-header"), "examples/own-plugin/cases.yaml"),
    ];
    for (component, cases) in cases {
        let component = component.display().to_string();
        let shown = run(repository(), &["plugin", "test", &component, cases]).await;
        assert_eq!(shown.code, 0, "{cases}: {}{}", shown.stdout, shown.stderr);
        assert!(shown.stdout.starts_with("TAP version 14\n1.."), "{shown:?}");
        assert!(
            shown.stdout.trim_end().ends_with(" cases, 0 failed"),
            "{shown:?}"
        );
    }
}

#[tokio::test]
async fn what_is_expected_is_found() {
    let case = greeting(json!({
        "outside": [{
            "via": "outbound",
            "method": "GET",
            "uri": "http://backend.test/x",
            "headers": { "x-joined": "a+b", "x-greeting": "***" },
            "absent": ["x-many"],
            "answer": { "status": 200, "headers": { "x-of": "origin" }, "body": "{\"a\": [1]}" },
        }],
        "expect": {
            "status": 202,
            "headers": { "x-answer": "by the kit", "x-of": "origin" },
            "absent": ["x-many"],
            "body": { "json": { "a": [1] } },
            "log": ["info: GET with hello"],
        },
    }));
    let shown = one(&fixture("uses-the-kit"), case).await;
    assert_eq!(shown.code, 0, "{}", shown.stdout);
}

/// Each expectation alone, wrong: the case fails and says what was found.
#[tokio::test]
async fn every_wrong_expectation_fails_with_what_was_found() {
    let cases = [
        (json!({ "expect": { "status": 200 } }), "+status 202"),
        (
            json!({ "expect": { "headers": { "x-answer": "no" } } }),
            "+x-answer: by the kit",
        ),
        (
            json!({ "expect": { "absent": ["x-answer"] } }),
            "+x-answer: by the kit",
        ),
        (json!({ "expect": { "body": "other" } }), "+ok"),
        (json!({ "expect": { "body": { "json": {} } } }), "+ok"),
        (
            json!({ "expect": { "error": "connect" } }),
            "connect is expected, status 202",
        ),
        (
            json!({ "expect": { "log": ["info: other"] } }),
            "+info: GET with hello",
        ),
        (
            json!({ "outside": [{ "headers": { "x-joined": "b+a" } }] }),
            "+x-joined: a+b",
        ),
        (
            json!({ "outside": [{ "absent": ["x-joined"] }] }),
            "+x-joined: a+b",
        ),
        (
            json!({ "outside": [{ "method": "POST" }] }),
            "not expected: GET http://backend.test/x via outbound",
        ),
        (
            json!({ "outside": [{ "uri": "http://other.test/" }] }),
            "was not called: any method http://other.test/",
        ),
        (
            json!({ "outside": [{ "via": "http://proxy.test:1" }] }),
            "was not called: any method any URI via http://proxy.test:1",
        ),
        (json!({ "outside": [{}, {}] }), "outside[1]: was not called"),
        (
            json!({ "outside": [] }),
            "not expected: GET http://backend.test/x",
        ),
        (json!({ "settings": {} }), "error: settings: "),
        (json!({ "budget": { "fuel": 1 } }), " used, the budget is 1"),
        (
            json!({ "budget": { "memory": 1 } }),
            " used, the budget is 1",
        ),
    ];
    for (more, expected) in cases {
        let shown = one(&fixture("uses-the-kit"), greeting(more.clone())).await;
        assert_eq!(shown.code, 1, "{more}: {}", shown.stdout);
        assert!(
            shown.stdout.contains("not ok 1 - greets"),
            "{more}: {}",
            shown.stdout
        );
        assert!(shown.stdout.contains(expected), "{more}: {}", shown.stdout);
    }
}

#[tokio::test]
async fn errors_of_the_outside_world_reach_the_plugin() {
    for error in [
        "connect: no way",
        "dns",
        "connect-timeout",
        "tls",
        "timeout",
        "protocol",
        "proxy-status 502",
    ] {
        let kind = error.split(':').next().unwrap_or(error);
        let case = greeting(json!({
            "outside": [{ "answer": { "error": error } }],
            "expect": { "error": kind },
        }));
        let shown = one(&fixture("uses-the-kit"), case).await;
        assert_eq!(shown.code, 0, "{error}: {}", shown.stdout);
    }
}

/// The rights are those of the gateway, not of whoever wrote the case.
#[tokio::test]
async fn a_case_grants_no_more_than_it_says() {
    let case = |grants: Value, expect: Value| {
        json!({
            "settings": { "greeting": "g", "proxy": "http://in.settings:1" },
            "grants": grants,
            "request": { "uri": "http://backend.test/" },
            "outside": [{ "via": "http://in.settings:1" }],
            "expect": expect,
        })
    };
    let kit = fixture("uses-the-kit");
    let shown = one(&kit, case(json!({}), json!({ "status": 202 }))).await;
    assert_eq!(shown.code, 0, "{}", shown.stdout);

    let reaching = |grants: Value, outside: Value, expect: Value| {
        json!({
            "request": { "uri": "http://backend.test/", "headers": { "x-target": "http://other.test/" } },
            "grants": grants,
            "outside": outside,
            "expect": expect,
        })
    };
    for case in [
        reaching(json!({}), json!([]), json!({ "error": "denied" })),
        reaching(
            json!({ "outbound": ["other.test"] }),
            json!([{ "uri": "http://other.test/" }]),
            json!({ "status": 200 }),
        ),
    ] {
        let shown = one(&fixture("reaches-out"), case).await;
        assert_eq!(shown.code, 0, "{}", shown.stdout);
    }
}

/// One that never ends is ended by its fuel, at the same place each time.
#[tokio::test]
async fn misbehaving_plugins_fail_their_case_only() {
    for (name, kind) in [
        ("traps", "trap"),
        ("spins", "trap"),
        ("recurses", "trap"),
        ("exits", "trap"),
        ("memory-bomb", "limit"),
        ("bad-status", "invalid"),
        ("rejects-settings", "settings"),
    ] {
        let case = |name: &str, expect: Value| json!({ "name": name, "request": { "uri": "http://a.test/" }, "expect": expect });
        let cases = json!({ "cases": [case("wrong", json!({ "status": 200 })), case("right", json!({ "error": kind }))] });
        let shown = tested(&fixture(name), &cases, &[]).await;
        assert_eq!(shown.code, 1, "{name}: {}", shown.stdout);
        assert!(
            shown.stdout.contains("not ok 1 - wrong"),
            "{name}: {}",
            shown.stdout
        );
        assert!(
            shown.stdout.contains("\nok 2 - right"),
            "{name}: {}",
            shown.stdout
        );
    }
}

#[tokio::test]
async fn the_same_case_costs_the_same_each_time() {
    let case = json!({ "cases": [greeting(json!({})), greeting(json!({}))] });
    let mut costs = Vec::new();
    for _ in 0..2 {
        let shown = tested(&fixture("uses-the-kit"), &case, &["--json"]).await;
        let report: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        assert_eq!(report["failed"], 0, "{report}");
        for case in report["cases"].as_array().expect("a list") {
            costs.push((case["fuel"].as_u64(), case["memory"].as_u64()));
        }
    }
    assert!(costs[0].0.is_some_and(|fuel| fuel > 1_000), "{costs:?}");
    assert!(costs.iter().all(|cost| cost == &costs[0]), "{costs:?}");
}

#[tokio::test]
async fn cases_that_cannot_be_run_are_said() {
    let kit = fixture("uses-the-kit");
    for (cases, expected) in [
        (json!({ "cases": [] }), "there are no cases"),
        (json!({ "cases": [{ "requst": {} }] }), "cases[0].requst"),
        (
            json!({ "cases": [{ "expect": { "status": "x" } }] }),
            "cases[0].expect.status",
        ),
        (json!([]), "not an object"),
    ] {
        let shown = tested(&kit, &cases, &[]).await;
        assert_eq!(shown.code, 255, "{cases}: {shown:?}");
        assert!(shown.stderr.contains(expected), "{cases}: {shown:?}");
    }
    for (more, expected) in [
        (
            json!({ "request": { "uri": "/relative" } }),
            "is not absolute",
        ),
        (
            json!({ "request": { "uri": "http://a/", "method": "A B" } }),
            "is not a method",
        ),
        (
            json!({ "request": { "uri": "http://a/", "headers": { "a": "\r\n" } } }),
            "cannot be sent",
        ),
        (
            json!({ "request": { "uri": "http://a/", "body": { "base64": "%" } } }),
            "base64",
        ),
        (
            json!({ "outside": [{ "answer": { "error": "nonsense" } }] }),
            "outside[0].answer",
        ),
        (
            json!({ "outside": [{ "answer": { "status": 1 } }] }),
            "status",
        ),
        (
            json!({ "grants": { "outbound": ["a b"] } }),
            "neither a host",
        ),
    ] {
        let shown = one(&kit, greeting(more.clone())).await;
        assert_eq!(shown.code, 1, "{more}: {shown:?}");
        assert!(shown.stdout.contains(expected), "{more}: {shown:?}");
    }
}
