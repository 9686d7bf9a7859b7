//! Whatever a plugin returns as a request or a response is refused, or is a
//! message that a second, strict parser reads in the same way.
//!
//! The first line of the input is a status, or a method and a URI; the others
//! are fields (`name:value`), where `\r` and `\n` stand for the characters.
#![no_main]

use cuttle_fuzz::strict;
use cuttle_plugin::fuzzing::{request, response};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let fields: Vec<_> = lines.filter_map(field).collect();
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    if let Ok(status) = first.parse() {
        if let Some(response) = response(status, &fields) {
            assert!((200..=599).contains(&response.status().as_u16()));
            readable(response.headers());
            for name in [
                "connection",
                "transfer-encoding",
                "content-length",
                "upgrade",
            ] {
                assert!(!response.headers().contains_key(name), "{name}");
            }
        }
        return;
    }
    let (method, uri) = first.split_once(' ').unwrap_or((&first, ""));
    if let Some(request) = request(&unescaped(method), &unescaped(uri), &fields) {
        readable(request.headers());
        assert_eq!(request.method().as_str(), method);
        absolute(request.uri());
    }
});

fn unescaped(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n")
}

fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    let name = unescaped(&String::from_utf8_lossy(name));
    let value = match std::str::from_utf8(&value[1..]) {
        Ok(text) => unescaped(text).into_bytes(),
        Err(_) => value[1..].to_vec(),
    };
    Some((name, value))
}

/// Each field is one line with that name and that value.
fn readable(headers: &HeaderMap) {
    let mut size = 0;
    for (name, value) in headers {
        let line = [name.as_str().as_bytes(), b": ", value.as_bytes()].concat();
        size += line.len();
        assert!(!line.contains(&b'\n') && !line.contains(&b'\r'), "{line:?}");
        let (read, text) = strict::field(&line).expect("a field");
        assert_eq!(read, name.as_str());
        assert_eq!(text, value.as_bytes().trim_ascii());
    }
    assert!(size <= 64 << 10, "{size} bytes of fields");
}

fn absolute(uri: &http::Uri) {
    let text = uri.to_string();
    assert!(
        !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f),
        "{text:?}"
    );
    assert!(
        matches!(uri.scheme_str(), Some("http" | "https")),
        "{text:?}"
    );
    let authority = uri.authority().expect("a host").as_str();
    assert!(
        !authority.is_empty() && !authority.contains('@'),
        "{text:?}"
    );
}
