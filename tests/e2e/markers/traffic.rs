//! Requests and answers with a secret in every place that can carry one.

use cuttle_tests::{Outgoing, Reply};

use super::marker::text;

/// Requests with a secret in every place. Answers of those in the second list are
/// what the configuration lets through.
pub(super) fn requests() -> Vec<(Outgoing, bool)> {
    let mut requests = Vec::new();
    for (path, passes) in [
        ("/plugin/user", true),
        ("/client/user", true),
        ("/client/text", true),
        ("/client/env", true),
        ("/plugin/env", true),
        ("/client/file", false),
        ("/plugin/file", false),
        ("/plugin/certificate", true),
        ("/pac", false),
        ("/environment", true),
        ("/environment/tls", false),
        ("/host", true),
        ("/signed", true),
        ("/kit/file", true),
        ("/broken", true),
        ("/status", false),
        ("/code", true),
        ("/redirect", false),
        ("/secure", true),
        ("/nowhere", false),
        // Its answer leads the client back to its own query.
        ("/signed/", true),
        ("/__health", false),
        ("/__status", false),
        ("/__metrics", false),
        ("/__debug/any", false),
    ] {
        requests.push((carrying("GET", path), passes));
    }
    let body = format!(
        r#"{{"user": "al", "password": "{}"}}"#,
        text("body of a request")
    );
    let form = format!("user=al&password={}", text("form of a request"));
    for path in ["/list", "/kit", "/__debug/any"] {
        let broken = body.trim_end_matches('}');
        for body in [body.as_str(), broken, form.as_str()] {
            requests.push((carrying("POST", path).text(body), !path.starts_with("/__")));
        }
    }
    requests.push((carrying("BAD METHOD", "/signed"), false));
    requests.push((carrying("GET", "/signed").field("Bad Name", "x"), false));
    requests
}

/// Path with query, and the fields.
pub(super) fn asked(path: &str) -> (String, Vec<String>) {
    let query = format!(
        "token={}&X-Amz-Signature={}",
        text("token of a query"),
        text("signature of a query"),
    );
    let fields = vec![
        format!("Authorization: Bearer {}", text("Authorization")),
        format!("Cookie: sid={}; a=b", text("Cookie")),
        format!("X-Api-Key: {}", text("X-Api-Key")),
        format!("Proxy-Authorization: Basic {}", text("Proxy-Authorization")),
    ];
    (format!("{path}?{query}"), fields)
}

fn carrying(method: &str, path: &str) -> Outgoing {
    let (target, fields) = asked(path);
    let fields = fields.iter().filter_map(|field| field.split_once(": "));
    fields.fold(Outgoing::new(method, &target), |request, (name, value)| {
        request.field(name, value)
    })
}

/// What the origin answers.
pub(super) fn answer(target: &str) -> Reply {
    let cookie = format!("sid={}; Path=/", text("Set-Cookie"));
    let fields = [("Set-Cookie", cookie.as_str())];
    let body = format!(r#"{{"access_token": "{}"}}"#, text("body of an answer"));
    let broken = format!(r#"{{"access_token": "{}", !"#, text("broken body"));
    let error = format!(r#"{{"secret": "{}"}}"#, text("body of an error"));
    let location = format!("http://user:{0}@127.0.0.1:1/?token={0}", text("Location"));
    match target.split('?').next().unwrap_or_default() {
        "/broken" => Reply::status(200, &fields, &broken),
        "/status" | "/code" => Reply::status(418, &fields, &error),
        "/redirect" => Reply::status(302, &[fields[0], ("Location", &location)], ""),
        _ => Reply::status(200, &fields, &body),
    }
}
