//! Commands that work, and commands that are not meant.

use std::net::TcpListener;

use cuttle_tests::{FaultProxy, Gateway, TestResult, run};
use serde_json::{Value, json};

use crate::{folder, write};

fn example() -> Value {
    json!({
        "version": 3,
        "endpoints": [{
            "endpoint": "/a/{x}",
            "output_encoding": "no-op",
            "timeout": "3s",
            "backend": [{ "url_pattern": "/b/{x}", "host": ["http://backend:8080"] }],
        }],
    })
}

#[tokio::test]
async fn a_good_file_passes_the_check() {
    let folder = folder(&example());
    for flags in [&[][..], &["-d"], &["-t"], &["-l"], &["-dd", "-t"]] {
        let mut arguments = vec!["check", "-c", "krakend.json"];
        arguments.extend(flags);
        let checked = run(folder.path(), &arguments).await;
        assert_eq!(
            (checked.code, checked.stdout.as_str()),
            (0, ""),
            "{flags:?}: {}",
            checked.stderr
        );
        let lines: Vec<_> = checked.stderr.lines().collect();
        assert_eq!(
            lines.first(),
            Some(&"Parsing configuration file: krakend.json"),
            "{flags:?}"
        );
        assert_eq!(lines.last(), Some(&"Syntax OK!"), "{flags:?}");
    }
}

#[tokio::test]
async fn validate_is_another_name_of_check() {
    let folder = folder(&example());
    let checked = run(folder.path(), &["validate", "--config", "krakend.json"]).await;
    assert_eq!(checked.code, 0, "{}", checked.stderr);
}

#[tokio::test]
async fn check_d_shows_endpoints_and_backends() {
    let folder = folder(&example());
    let checked = run(folder.path(), &["check", "-d", "-c", "krakend.json"]).await;
    for text in ["/a/", "3s", "http://backend:8080", "/b/"] {
        assert!(checked.stderr.contains(text), "{text}: {}", checked.stderr);
    }
}

#[tokio::test]
async fn files_may_be_yaml_or_toml() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "k.yaml", "version: 3\nendpoints: []\n");
    write(folder.path(), "k.yml", "version: 3\n");
    write(folder.path(), "k.toml", "version = 3\n");
    for file in ["k.yaml", "k.yml", "k.toml"] {
        let checked = run(folder.path(), &["check", "-c", file]).await;
        assert_eq!(checked.code, 0, "{file}: {}", checked.stderr);
    }
}

#[tokio::test]
async fn all_problems_are_shown_at_once_with_place_and_help() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "{\n  \"version\": 2,\n  \"endpoints\": [\n    { \"endpoint\": \"/a\", \"output_encoding\": \"no-op\", \"backend\": [] },\n    { \"endpoint\": \"/b\", \"timeout\": \"3\", \"output_encoding\": \"no-op\", \"backend\": [{ \"host\": [\"ftp://x\"] }] }\n  ]\n}\n";
    write(folder.path(), "krakend.json", text);
    let checked = run(folder.path(), &["check", "-c", "krakend.json"]).await;
    assert_eq!(checked.code, 1, "{}", checked.stderr);
    for place in [
        "krakend.json:2:",
        "krakend.json:4:",
        "krakend.json:5:",
        "error: version: ",
        "error: endpoints[0]",
        "error: endpoints[1].timeout: ",
        "error: endpoints[1].backend[0].host",
        "= help: ",
    ] {
        assert!(
            checked.stderr.contains(place),
            "{place}:\n{}",
            checked.stderr
        );
    }
    assert!(!checked.stderr.contains("Syntax OK!"));
}

#[tokio::test]
async fn a_problem_is_shown_with_its_source_in_every_format() {
    for (file, text, excerpt) in [
        (
            "k.json",
            "{\n  \"version\": 2\n}\n",
            "--> k.json:2:3\n  |\n2 |   \"version\": 2\n  |   ^^^^^^^^^^^^\n",
        ),
        (
            "k.yaml",
            "name: x\nversion: 2\n",
            "--> k.yaml:2:1\n  |\n2 | version: 2\n  | ^^^^^^^^^^\n",
        ),
        (
            "k.toml",
            "version = 2\n",
            "--> k.toml:1:1\n  |\n1 | version = 2\n  | ^^^^^^^^^^^\n",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), file, text);
        let checked = run(folder.path(), &["check", "-c", file]).await;
        assert_eq!((checked.code, checked.stdout.as_str()), (1, ""), "{file}");
        assert!(checked.stderr.contains(excerpt), "{}", checked.stderr);
        assert!(!checked.stderr.contains('\u{1b}'), "{}", checked.stderr);
    }
}

#[tokio::test]
async fn problems_come_as_json_for_programs() -> TestResult {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(
        folder.path(),
        "k.json",
        "{ \"namee\": 1,\n  \"version\": 2 }",
    );
    let checked = run(folder.path(), &["check", "--json", "-c", "k.json"]).await;
    assert_eq!(checked.code, 1, "{}", checked.stderr);
    let report: Value = serde_json::from_str(&checked.stdout)?;
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&json!(1), &json!(1))
    );
    let first = &report["problems"][0];
    for (key, value) in [
        ("severity", json!("error")),
        ("place", json!("version")),
        ("file", json!("k.json")),
        ("line", json!(2)),
        ("column", json!(3)),
        ("end_line", json!(2)),
        ("end_column", json!(15)),
        ("rendered", Value::Null),
    ] {
        assert_eq!(first[key], value, "{key}: {report:#}");
    }
    assert_eq!(report["problems"][1]["severity"], "warning");
    Ok(())
}

#[tokio::test]
async fn what_check_refuses_run_refuses() {
    let folder = folder(&json!({ "version": 2 }));
    let ran = run(folder.path(), &["run", "-c", "krakend.json", "-p", "0"]).await;
    assert_eq!(ran.code, 255, "{ran:?}");
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        output.contains("ERROR parsing the configuration file:"),
        "{output}"
    );
    assert!(output.contains("version"), "{output}");
}

#[tokio::test]
async fn unknown_keys_are_warnings_with_the_nearest_known_name() -> TestResult {
    let folder = folder(
        &json!({ "version": 3, "endpointz": [], "extra_config": { "plugin/http-clients": {} } }),
    );
    let checked = run(folder.path(), &["check", "-c", "krakend.json"]).await;
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(
        checked.stderr.contains("warning: endpointz: "),
        "{}",
        checked.stderr
    );
    assert!(
        checked.stderr.contains("\"endpoints\""),
        "{}",
        checked.stderr
    );
    assert!(
        checked.stderr.contains("plugin/http-client"),
        "{}",
        checked.stderr
    );
    Ok(())
}

#[tokio::test]
async fn without_a_file_run_gives_a_hint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = run(folder.path(), &["run"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains("-c"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for command in ["run", "check"] {
        let ran = run(folder.path(), &[command, "-c", "nowhere.json"]).await;
        assert_ne!(ran.code, 0, "{command}");
        assert!(
            format!("{}{}", ran.stdout, ran.stderr).contains("nowhere.json"),
            "{command}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() -> TestResult {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let folder = folder(&json!({ "version": 3, "listen_ip": "127.0.0.1" }));
    let ran = run(folder.path(), &["run", "-c", "krakend.json", "-p", &port]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains(&port),
        "{ran:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_port_comes_from_the_command_line_then_the_environment_then_the_file() -> TestResult {
    // Taken ports tell which one was tried, without anybody else in between.
    let sockets = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [flag, env, file] = sockets
        .each_ref()
        .map(|socket| socket.local_addr().expect("bound").port());
    let config = json!({ "version": 3, "listen_ip": "127.0.0.1", "port": file });
    for (flag, env, expected) in [
        (Some(flag), Some(env), flag),
        (None, Some(env), env),
        (None, None, file),
    ] {
        let folder = folder(&config);
        let mut command = cuttle_tests::command(
            cuttle_tests::gateway_binary(),
            &["run", "-c", "krakend.json"],
        );
        command.current_dir(folder.path());
        if let Some(flag) = flag {
            command.args(["-p", &flag.to_string()]);
        }
        if let Some(env) = env {
            command.env("KRAKEND_PORT", env.to_string());
        }
        let output = cuttle_tests::soon("the end", command.output()).await?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains(&format!(":{expected}")), "{expected}: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn unknown_commands_and_flags_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let unknown = run(folder.path(), &["fly"]).await;
    assert_eq!(unknown.code, 255, "{unknown:?}");
    assert!(
        unknown
            .stderr
            .contains("Error: unknown command \"fly\" for \"cuttle\""),
        "{unknown:?}"
    );
    for arguments in [
        &["run", "--fast"][..],
        &["run", "-p", "eighty"],
        &["run", "-p", "65536"],
        &["check", "-x"],
    ] {
        let refused = run(folder.path(), arguments).await;
        assert_ne!(refused.code, 0, "{arguments:?}");
        assert!(!refused.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn version_and_help_are_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let version = run(folder.path(), &["version"]).await;
    assert_eq!(version.code, 0);
    let text = format!("{}{}", version.stdout, version.stderr);
    assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    let help = run(folder.path(), &["help"]).await;
    assert_eq!(help.code, 0);
    let text = format!("{}{}", help.stdout, help.stderr);
    for command in ["run", "check", "version", "plugin", "test-plugin", "demo"] {
        assert!(text.contains(command), "{command}: {text}");
    }
}

#[tokio::test]
async fn debug_shows_debug_lines() -> TestResult {
    for (arguments, expected) in [(&[][..], false), (&["-d"], true)] {
        let mut config = example();
        config["endpoints"][0]["backend"][0]["host"] = json!([FaultProxy::refused().await]);
        config["extra_config"] = json!({ "telemetry/logging": { "level": "INFO" } });
        let configured = arguments
            .iter()
            .fold(Gateway::configured(config), |all, one| all.argument(one));
        let mut gateway = configured.start().await?;
        gateway.get("/a/x").await?;
        gateway.stop().await?;
        let events = gateway.log().events();
        let found = events.iter().any(|event| event["level"] == "DEBUG");
        assert_eq!(found, expected, "{arguments:?}: {events:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_demonstration_shows_a_request_at_the_forward_proxy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shown = run(folder.path(), &["demo", "--once"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    let output = format!("{}{}", shown.stdout, shown.stderr);
    for text in [
        "curl ",
        "200 OK",
        "the forward proxy logged:",
        "GET http://127.0.0.1:",
        "/__health",
    ] {
        assert!(output.contains(text), "{text}: {output}");
    }
}
