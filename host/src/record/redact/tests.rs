use super::*;

fn redacted(case: &str) -> String {
    let mut case: Case = serde_json::from_str(case).unwrap();
    redact(&mut case);
    serde_json::to_string(&case).unwrap()
}

#[test]
fn no_secret_survives_wherever_it_stands() {
    let text = redacted(
        r#"{
        "settings": {
            "proxy_address": "http://al:hunter2-user@proxy:1",
            "proxy_password": "hunter2-password",
            "proxy_connect_headers": {"x": "hunter2-connect"},
            "other": {"token": ["hunter2-list"]}
        },
        "grants": {"proxies": ["http://b:hunter2-grant@proxy"]},
        "request": {
            "uri": "http://a/?x=1&api_key=hunter2-query&pw=2",
            "headers": {"authorization": "Bearer hunter2-bearer", "cookie": "sid=hunter2-cookie; b=c",
                "x-api-key": "hunter2-api", "accept": "*/*"},
            "body": "user=al&password=hunter2-form"
        },
        "outside": [{
            "via": "http://al:hunter2-user@proxy:1",
            "headers": {"x-copied": "hunter2-bearer", "x-mixed": "a hunter2-password b"},
            "body": "{\"a\": {\"secret\": \"hunter2-json\", \"n\": 1}}",
            "answer": {"headers": {"set-cookie": ["sid=hunter2-set; Path=/", "t=hunter2-second"]},
                "body": "{\"access_token\": \"hunter2-token\", \"pin\": 1}"}
        }],
        "expect": {"headers": {"x-seen": "hunter2-token hunter2-set"}, "body": "it was hunter2-json"}
        }"#,
    );
    assert!(!text.contains("hunter2"), "{text}");
    for kept in [
        "\"accept\":\"*/*\"",
        "x=1&",
        "@proxy:1",
        "user=al",
        "\\\"n\\\":1",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[test]
fn values_of_rules_about_headers_are_hidden() {
    let text = redacted(
        r#"{"request": {"uri": "http://a/"}, "settings": {
            "set": ["Authorization", "hunter2-pair"],
            "rules": [{"name": "X-Api-Key", "value": "hunter2-rule"}, ["cookie", "hunter2-list"]],
            "input_headers": ["Authorization", "Accept"], "name": ["add-token", "sign"]
        }}"#,
    );
    assert!(!text.contains("hunter2"), "{text}");
    for kept in ["Accept", "sign", "Authorization", "X-Api-Key"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

/// Of which nothing but the text is known: the rest may have been cut off.
#[test]
fn broken_json_is_looked_through_as_well() {
    for text in [
        r#"{"password": "hunter2", "#,
        r#"{"a": 1, "password": "hunter2"}{"b": 2}"#,
        "{\"a\": {\"token\": \"hunter2",
    ] {
        let shown = super::redacted(text);
        assert!(
            !shown.contains("hunter2") && shown.contains("***"),
            "{shown}"
        );
    }
    assert_eq!(super::redacted(r#"{"a": "b", "#), r#"{"a": "b", "#);
}

#[test]
fn what_is_known_to_be_a_secret_is_hidden_whatever_its_name() {
    let mut case: Case = serde_json::from_str(
        r#"{"request": {"uri": "http://a/", "body": "it is hunter2"},
            "settings": {"user": "hunter2", "pin": "1", "other": "11"}}"#,
    )
    .unwrap();
    case.secrets = vec!["hunter2".to_owned(), "1".to_owned()];
    redact(&mut case);
    let text = serde_json::to_string(&case).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    for kept in [r#""pin":"***""#, r#""other":"11""#, "it is ***"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[test]
fn a_body_that_is_no_text_is_not_shown_at_all() {
    let text = redacted(
        r#"{"request": {"uri": "http://a/", "body": {"base64": "/2h1bnRlcjI="}},
        "outside": [{"body": {"base64": "/2h1bnRlcjI="},
            "answer": {"body": {"base64": "/2h1bnRlcjI="}}}],
        "expect": {"body": {"base64": "/2h1bnRlcjI="}}}"#,
    );
    assert!(!text.contains("2h1bnRlcjI"), "{text}");
    assert_eq!(text.matches(r#""body":"***""#).count(), 4, "{text}");
}

#[test]
fn user_information_of_every_url_of_a_text_is_hidden() {
    let text = redacted(
        r#"{"request": {"uri": "http://a/", "headers": {
            "link": "<http://a.test/>, <http://u:p@b.test/>; x=http://al:hunter2@c.test"},
        "body": "http://hunter2-user@d, http://hunter2-user@e"}}"#,
    );
    assert!(!text.contains("hunter2") && !text.contains("u:p"), "{text}");
    for kept in [
        "http://a.test/",
        "***@b.test",
        "***@c.test",
        "***@d",
        "***@e",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[test]
fn a_short_secret_is_hidden_in_its_place_only() {
    let text = redacted(
        r#"{"request": {"uri": "http://a/b?token=b&x=b"},
        "settings": {"proxy_address": "http://u:p@proxy"}}"#,
    );
    assert!(text.contains("http://a/b?token=***&x=b"), "{text}");
    assert!(text.contains("http://***@proxy"), "{text}");
}
