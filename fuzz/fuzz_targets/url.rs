//! Whatever a client writes into parameters and query, the backend's host, the
//! number of segments and the names in the pattern's own query stay.
//!
//! The lines of the input: three parameters, the client's query, and a pattern
//! of which only the host is known.
#![no_main]

use std::sync::Arc;

use cuttle_fuzz::{Backend, serve};
use http::Uri;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const PATTERN: &str = "/v1/{a}/x/{b}?q={c}&k=1";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<_> = text.splitn(5, '\n').collect();
    let [a, b, c, query, pattern] = lines.as_slice() else {
        return;
    };
    let values = [("a", *a), ("b", *b), ("c", *c)];
    for uri in asked(PATTERN, &values, query) {
        assert_eq!(uri.path().split('/').count(), 5, "{uri}");
        let mut own = uri.query().unwrap_or_default().split('&');
        assert!(own.next().is_some_and(|q| q.starts_with("q=")), "{uri}");
        assert_eq!(own.next(), Some("k=1"), "{uri}");
        let dots = |segment: &str| matches!(segment, "." | "..");
        assert!(!uri.path().split('/').any(dots), "{uri}");
    }
    asked(pattern, &values, query);
});

/// Where the backend's requests went.
fn asked(pattern: &str, values: &[(&str, &str)], query: &str) -> Vec<Uri> {
    let backend = Arc::new(Backend::default());
    let endpoint = json!({
        "endpoint": "/{a}/{b}/{c}", "output_encoding": "no-op", "input_query_strings": ["*"],
        "backend": [{ "url_pattern": pattern, "host": ["http://backend.test:8080"] }],
    });
    let params = values
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).to_owned()));
    drop(serve(
        &endpoint,
        &backend,
        params.collect(),
        Some(query.to_owned()),
    ));
    let asked = backend.asked.lock().expect("no panic before").clone();
    for uri in &asked {
        assert_eq!(
            uri.authority().map(|a| a.as_str()),
            Some("backend.test:8080"),
            "{uri}"
        );
        assert_eq!(uri.scheme_str(), Some("http"), "{uri}");
        assert!(
            uri.to_string().bytes().all(|byte| byte.is_ascii_graphic()),
            "{uri}"
        );
    }
    asked
}
