//! From the client's bytes to the backend's: decoded once, checked, and encoded
//! for the place where they stand, with nothing in between that reads them again.

use std::sync::Mutex;

use super::*;

/// What the backend is asked for, or the status instead.
async fn sent(path: &str, decoding: bool) -> Result<String, u16> {
    let asked = Arc::new(Mutex::new(None));
    let note = Arc::clone(&asked);
    let backend = Backend::new(move |request| {
        *note.lock().unwrap() = Some(request.uri().to_string());
        async { Ok(Response::new(full("{}"))) }
    });
    let service = service(&json!({
        "extra_config": { "router": { "disable_path_decoding": !decoding } },
        "endpoints": [{
            "endpoint": "/p/{a}", "output_encoding": "no-op", "input_query_strings": ["k"],
            "backend": [{ "url_pattern": "/v1/{a}/end?q={a}", "host": ["http://backend.test"] }],
        }],
    }));
    let answer = get(&gateway(&service, &backend), path).await;
    let asked = asked.lock().unwrap().take();
    asked.ok_or(answer.status().as_u16()).map(|uri| {
        let path = uri.strip_prefix("http://backend.test");
        path.expect("the host of the configuration").to_owned()
    })
}

#[tokio::test]
async fn what_a_client_writes_is_read_once() {
    #[rustfmt::skip]
    let cases = [
        // What the client asks for, what the backend is, and without the check.
        ("/p/a%20b",            Ok("/v1/a%20b/end?q=a+b"),              None),
        ("/p/%41",              Ok("/v1/A/end?q=A"),                    None),
        ("/p/a;b=c,d&e",        Ok("/v1/a;b=c,d&e/end?q=a%3Bb%3Dc%2Cd%26e"), None),
        ("/p/{a}",              Ok("/v1/%7Ba%7D/end?q=%7Ba%7D"),        None),
        ("/p/%7Ba%7D",          Ok("/v1/%7Ba%7D/end?q=%7Ba%7D"),        None),
        ("/p/%7B%7B.A%7D%7D",   Ok("/v1/%7B%7B.A%7D%7D/end?q=%7B%7B.A%7D%7D"), None),
        ("/p/%7Bresp0_x%7D",    Ok("/v1/%7Bresp0_x%7D/end?q=%7Bresp0_x%7D"), None),
        ("/p/%5C..%5Cx",        Ok("/v1/%5C..%5Cx/end?q=%5C..%5Cx"),    None),
        ("/p/@evil:80",         Ok("/v1/@evil:80/end?q=%40evil%3A80"),  None),
        ("/p/x?k=%2e%2e%2f",    Ok("/v1/x/end?q=x&k=..%2F"),            None),
        ("/p/x?k=%0d%0aA:b",    Ok("/v1/x/end?q=x&k=%0D%0AA%3Ab"),      None),
        ("/p/x?k=%2526j%253D1", Ok("/v1/x/end?q=x&k=%2526j%253D1"),     None),
        ("/p/x?j=1&k=%26j=2",   Ok("/v1/x/end?q=x&k=%26j%3D2"),         None),
        // Twice encoded: refused, or text.
        ("/p/%252e%252e",       Err(400), Some("/v1/%252e%252e/end?q=%252e%252e")),
        ("/p/%252f",            Err(400), Some("/v1/%252f/end?q=%252f")),
        ("/p/%2500",            Err(400), Some("/v1/%2500/end?q=%2500")),
        ("/p/%250d%250a",       Err(400), Some("/v1/%250d%250a/end?q=%250d%250a")),
        ("/p/%3Fx%23y",         Err(400), Some("/v1/%3Fx%23y/end?q=%3Fx%23y")),
        // Nothing that a URL should carry.
        ("/p/%2e%2e",           Err(400),                               None),
        ("/p/.",                Err(400),                               None),
        ("/p/%00",              Err(400),                               None),
        ("/p/a%0d%0ab",         Err(400),                               None),
        ("/p/a%0ab",            Err(400),                               None),
        // A slash that is encoded is a slash: another path.
        ("/p/a%2fb",            Err(404),                               None),
        ("/p/..%2f..%2fetc",    Err(404),                               None),
        ("/p/%c0%ae%c0%ae",     Err(400),                               None),
        ("/p/%zz",              Err(400),                               None),
    ];
    for (path, checked, unchecked) in cases {
        let checked = checked.map(str::to_owned);
        assert_eq!(sent(path, true).await, checked, "{path}");
        let expected = unchecked.map_or(checked, |uri| Ok(uri.to_owned()));
        assert_eq!(
            sent(path, false).await,
            expected,
            "{path} without the check"
        );
    }
}
