//! `KRAKEND_<KEY>` variables and the port of the command line.

use std::path::Path;

use cuttle_config::{Loaded, Options, Report, parse};

/// A configuration with `variables` in the environment.
fn with(text: &str, variables: &[(&str, &str)], port: Option<u16>) -> Result<Loaded, Report> {
    let environment = variables.iter();
    let environment = environment
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    parse(
        text,
        Path::new("krakend.json"),
        &Options { environment, port },
    )
}

const FILE: &str = r#"{"version": 3, "port": 1000, "name": "file"}"#;

#[test]
fn the_command_line_beats_the_environment_and_that_the_file() {
    let port =
        |variables: &[(&str, &str)], port| with(FILE, variables, port).unwrap().service.listen.port;
    let variable = [("KRAKEND_PORT", "2000")];

    assert_eq!(port(&[], None), 1000);
    assert_eq!(port(&variable, None), 2000);
    assert_eq!(port(&variable, Some(3000)), 3000);
    assert_eq!(port(&variable, Some(0)), 0, "any free port");
}

#[test]
fn variables_replace_scalars_of_every_type() {
    let variables = [
        ("KRAKEND_NAME", "environment"),
        ("KRAKEND_READ_TIMEOUT", "3s"),
        ("KRAKEND_USE_H2C", "true"),
        ("KRAKEND_LISTEN_IP", "::1"),
    ];
    let service = with(FILE, &variables, None).unwrap().service;

    assert_eq!(service.name, "environment");
    assert_eq!(service.listen.read_timeout.unwrap().as_secs(), 3);
    assert!(service.listen.h2c);
    assert!(service.listen.ip.unwrap().is_ipv6());
}

#[test]
fn empty_and_foreign_variables_have_no_effect() {
    let variables = [
        ("KRAKEND_PORT", ""),
        ("KRAKEND_SERVICE_HOST", "10.0.0.1"),
        ("PORT", "2000"),
        ("krakend_port", "2000"),
    ];
    let loaded = with(FILE, &variables, None).unwrap();

    assert_eq!(loaded.service.listen.port, 1000);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_variable_that_does_not_fit_is_an_error_with_its_name() {
    let cases = [
        ("KRAKEND_PORT", "tcp://10.0.0.1:8080", "not a whole number"),
        ("KRAKEND_TIMEOUT", "3", "missing unit in duration"),
        ("KRAKEND_VERSION", "two", "not a whole number"),
        ("KRAKEND_ENDPOINTS", "x", "is a string, not an object"),
        ("KRAKEND_TLS", "x", "is a string, not an object"),
        ("KRAKEND_EXTRA_CONFIG", "x", "is a string, not an object"),
        (
            "KRAKEND_LISTEN_IP",
            "localhost",
            "invalid ip address localhost",
        ),
    ];
    for (name, value, expected) in cases {
        let report = with(FILE, &[(name, value)], None).unwrap_err();
        let problem = &report.problems[0];
        assert_eq!(report.problems.len(), 1, "{report}");
        assert_eq!(problem.file, None, "{report}");
        let start = format!("environment variable {name}: ");
        assert!(problem.message.starts_with(&start), "{report}");
        assert!(problem.message.contains(expected), "{report}");
    }
}
