//! `Debug` of what a configuration becomes shows no secret: it ends up in logs and panics.

use std::path::Path;

use cuttle_config::{Options, parse};

use crate::json;

/// Every kind of value that is kept and may be a secret.
const FILE: &str = r#"{
    "version": 3,
    "plugin": {"folder": "/nonexistent", "pattern": ".wasm"},
    "extra_config": {
        "cuttle/plugins": {"grants": {"p": {"proxies": ["http://al:hunter2@p:1"]}}},
        "plugin/http-server": {"name": "p", "any": "hunter2"}
    },
    "endpoints": [{
        "endpoint": "/a/{id}",
        "extra_config": {
            "proxy": {"static": {"strategy": "always", "data": {"any": "hunter2"}}},
            "plugin/req-resp-modifier": {"name": ["p"], "p": {"any": "hunter2"}}
        },
        "backend": [
            {
                "url_pattern": "/b/{id}?api_key=hunter2&x={id}hunter2",
                "host": ["http://al:hunter2@a.test"],
                "disable_host_sanitize": true,
                "extra_config": {"plugin/http-client": {"name": "p", "any": "hunter2"}}
            },
            {
                "url_pattern": "/c",
                "host": ["http://a.test"],
                "extra_config": {"backend/http/client": {
                    "proxy_address": "http://al:hunter2@p:1",
                    "proxy_username": "hunter2",
                    "proxy_password": "hunter2",
                    "proxy_connect_headers": {"x": "hunter2"}
                }}
            }
        ]
    }]
}"#;

#[test]
fn debug_of_a_configuration_shows_no_secret() {
    let loaded = json(FILE).unwrap();
    let service = &loaded.service;
    let pattern = &service.endpoints[0].backends[0].url_pattern;
    for shown in [
        format!("{loaded:?}"),
        format!("{service:#?}"),
        format!("{pattern:?} {:?}", pattern.parts),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("/b/{id}"),
            "what is left tells what it is: {shown}"
        );
    }
}

#[test]
fn debug_of_problems_and_options_shows_no_secret() {
    let broken = FILE.replace("\"proxy_username\": \"hunter2\",", "\"unknown\": 1,");
    let environment = vec![("KRAKEND_PORT".to_owned(), "hunter2".to_owned())];
    let options = Options {
        environment,
        port: None,
    };
    let report = parse(&broken, Path::new("krakend.json"), &options).unwrap_err();
    assert!(report.problems.len() > 1, "{report}");
    let shown = format!("{report:?} {report} {options:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
