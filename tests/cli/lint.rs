//! `check --lint` and `cuttle schema`: the configuration against a JSON Schema.

use std::fs;

use cuttle_tests::{TestResult, repository, run};
use serde_json::{Value, json};

use crate::{folder, write};

/// What the gateway takes in silence, and no schema does.
const TAKEN: [(&str, &str, &str); 3] = [
    (
        "k.json",
        "{\n  \"version\": 3,\n  \"max_header_bytes\": \"7\"\n}\n",
        "--> k.json:3:3\n  |\n3 |   \"max_header_bytes\": \"7\"\n  |   ^^^^^^^^^^^^^^^^^^^^^^^\n",
    ),
    (
        "k.yaml",
        "version: 3\nmax_header_bytes: '7'\n",
        "--> k.yaml:2:1\n  |\n2 | max_header_bytes: '7'\n  | ^^^^^^^^^^^^^^^^^^^^^\n",
    ),
    (
        "k.toml",
        "version = 3\nmax_header_bytes = '7'\n",
        "--> k.toml:2:1\n  |\n2 | max_header_bytes = '7'\n  | ^^^^^^^^^^^^^^^^^^^^^^\n",
    ),
];

#[tokio::test]
async fn lint_shows_what_does_not_follow_the_schema_in_every_format() {
    for (file, text, excerpt) in TAKEN {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), file, text);
        let checked = run(folder.path(), &["check", "-c", file]).await;
        assert_eq!(checked.code, 0, "{file}: {}", checked.stderr);
        for flag in ["--lint", "-l", "-n"] {
            let linted = run(folder.path(), &["check", flag, "-c", file]).await;
            assert_eq!(linted.code, 1, "{file} {flag}: {}", linted.stderr);
            for text in [
                "ERROR linting the configuration file:\t1 problem\n",
                "warning: max_header_bytes: is a string, the schema wants a whole number\n",
                excerpt,
                "= help: the schema says: Largest head of a request",
            ] {
                assert!(linted.stderr.contains(text), "{text}: {}", linted.stderr);
            }
        }
    }
}

#[tokio::test]
async fn lint_tells_programs_the_same() -> TestResult {
    let folder = folder(&json!({ "version": 3, "Port": 8080, "timout": "3s" }));
    let arguments = ["check", "--lint", "--json", "-c", "krakend.json"];
    let linted = run(folder.path(), &arguments).await;
    assert_eq!(linted.code, 1, "{}", linted.stderr);
    let report: Value = serde_json::from_str(&linted.stdout)?;
    let told: Vec<_> = report["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|problem| (&problem["place"], &problem["column"], &problem["message"]))
        .collect();
    assert_eq!(
        told,
        [
            (
                &json!("Port"),
                &json!(14),
                &json!("is no key of the schema here")
            ),
            (
                &json!("timout"),
                &json!(26),
                &json!("unknown key, has no effect")
            ),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn lint_goes_on_where_the_start_is_refused() {
    let folder = folder(&json!({ "version": 2, "max_header_bytes": "7" }));
    let linted = run(folder.path(), &["check", "-l", "-c", "krakend.json"]).await;
    assert_eq!(linted.code, 1);
    for text in ["error: version: ", "warning: max_header_bytes: "] {
        assert!(linted.stderr.contains(text), "{text}: {}", linted.stderr);
    }
}

#[tokio::test]
async fn a_schema_of_ones_own_takes_the_place_of_the_gateways() {
    let folder = folder(&json!({ "version": 3, "max_header_bytes": "7", "name": "hunter2" }));
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "required": ["timeout"],
        "properties": { "name": { "description": "Team and service.", "pattern": "^[a-z]+-[a-z]+$" } },
    });
    write(folder.path(), "house.json", schema.to_string());
    for flag in ["-s", "--lint-schema", "--schema"] {
        let linted = run(
            folder.path(),
            &["check", flag, "house.json", "-c", "krakend.json"],
        )
        .await;
        assert_eq!(linted.code, 1, "{}", linted.stderr);
        for text in [
            ":\t2 problems\n",
            "warning: name: has not the form that the schema wants",
            "= help: the schema says: Team and service.",
            "warning: timeout: is missing: the schema requires it",
        ] {
            assert!(linted.stderr.contains(text), "{text}: {}", linted.stderr);
        }
    }
    write(folder.path(), "any.json", "{}");
    let linted = run(
        folder.path(),
        &["check", "-s", "any.json", "-c", "krakend.json"],
    )
    .await;
    assert_eq!(linted.code, 0, "{}", linted.stderr);
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_refused_by_name() {
    let folder = folder(&json!({ "version": 3 }));
    let elsewhere = json!({ "$ref": "http://127.0.0.1:9/schema.json" });
    write(folder.path(), "elsewhere.json", elsewhere.to_string());
    for (file, reason) in [
        ("nowhere.json", "No such file"),
        ("elsewhere.json", "nothing is ever downloaded"),
        (
            "https://www.krakend.io/schema/krakend.json",
            "nothing is ever downloaded",
        ),
    ] {
        let linted = run(folder.path(), &["check", "-s", file, "-c", "krakend.json"]).await;
        assert_eq!(linted.code, 1, "{file}: {}", linted.stderr);
        for text in ["ERROR reading the schema:\t1 problem\n", file, reason] {
            assert!(linted.stderr.contains(text), "{text}: {}", linted.stderr);
        }
    }
}

#[tokio::test]
async fn only_one_schema_is_linted_by() {
    let folder = folder(&json!({ "version": 3 }));
    for two in [&["-l", "-n"][..], &["-l", "-s", "a"], &["-n", "-s", "a"]] {
        let arguments = [&["check", "-c", "krakend.json"][..], two].concat();
        let refused = run(folder.path(), &arguments).await;
        assert_eq!(refused.code, 255, "{two:?}: {}", refused.stderr);
    }
}

#[tokio::test]
async fn the_schema_is_printed_as_it_is_published() -> TestResult {
    let folder = folder(&json!({ "version": 3 }));
    let printed = run(folder.path(), &["schema"]).await;
    let published = fs::read_to_string(repository().join("docs/cuttle.schema.json"))?;
    assert_eq!((printed.code, printed.stdout), (0, published));
    Ok(())
}

#[tokio::test]
async fn of_a_template_the_place_in_it_is_shown() -> TestResult {
    let folder = tempfile::tempdir()?;
    let text = "{\n  {{ $n := 7 }}\n  \"version\": 3, \"max_header_bytes\": \"{{ $n }}\"\n}\n";
    write(folder.path(), "krakend.json", text);
    let arguments = ["check", "--lint", "-c", "krakend.json"];
    let mut command = cuttle_tests::command(cuttle_tests::gateway_binary(), &arguments);
    command.current_dir(folder.path()).env("FC_ENABLE", "1");
    let output = cuttle_tests::soon("the end", command.output()).await?;
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for text in ["max_header_bytes: is a string", "--> krakend.json:3:17\n"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    Ok(())
}
