use super::*;

fn excerpt(text: &str, name: &str, line: usize, column: usize) -> Excerpt {
    let source = SourceText::new(text, Path::new(name));
    source.excerpt(line, column, &KeyPath::root()).unwrap()
}

fn marked(excerpt: &Excerpt) -> &str {
    excerpt.text.get(excerpt.marked.clone()).unwrap()
}

#[test]
fn a_key_is_marked_with_its_scalar_value() {
    for (text, name, column, expected, end) in [
        (
            r#"{ "timeout": "3", "x": 1 }"#,
            "k.json",
            3,
            r#""timeout": "3""#,
            17,
        ),
        (r#"{ "é": 12 }"#, "k.json", 3, r#""é": 12"#, 10),
        (r#"{ "a": { "b": 1 } }"#, "k.json", 3, r#""a""#, 6),
        (r#"["x", "y"]"#, "k.json", 7, r#""y""#, 10),
        ("timeout: 3 # why", "k.yaml", 1, "timeout: 3", 11),
        ("host: http://a:80", "k.yaml", 1, "host: http://a:80", 18),
        ("timeout = \"3\"", "k.toml", 1, "timeout = \"3\"", 14),
        ("endpoints:", "k.yaml", 1, "endpoints", 10),
        ("{", "k.json", 1, "{", 2),
        ("oops", "k.json", 9, "", 5),
    ] {
        let found = excerpt(text, name, 1, column);
        assert_eq!(
            (marked(&found), found.end_column),
            (expected, end),
            "{text}"
        );
    }
}

#[test]
fn secrets_are_not_shown() {
    for (text, name, shown) in [
        (
            r#""proxy_password": "hunter2", "a": 1"#,
            "k.json",
            r#""proxy_password": "***", "a": 1"#,
        ),
        (
            r#""proxy_password": hunter2", "a": 1"#,
            "k.json",
            r#""proxy_password": ***"#,
        ),
        (
            r#""proxy_password": "hunter2"#,
            "k.json",
            r#""proxy_password": "***"#,
        ),
        (
            r#""api_token": 12345, "a": 1"#,
            "k.json",
            r#""api_token": ***, "a": 1"#,
        ),
        (
            r#""p": "http://bob:hunter2@p:1""#,
            "k.json",
            r#""p": "http://***@p:1""#,
        ),
        (
            r#""p": "http://bob:hun/t@er2@p:1""#,
            "k.json",
            r#""p": "http://***@p:1""#,
        ),
        (
            r#""p": ["bob:hunter2@p:1", "http://q"]"#,
            "k.json",
            r#""p": ["***@p:1", "http://q"]"#,
        ),
        (
            r#""x": {"secrets": {"a": ["hunter2"]}, "b": "c"}"#,
            "k.json",
            r#""x": {"secrets": {"a": ["***"]}, "b": "c"}"#,
        ),
        (r#""h": "Bearer hunter2""#, "k.json", r#""h": "Bearer ***""#),
        (
            r#""u": "/x?a=1&api_key=hunter2&b=2""#,
            "k.json",
            r#""u": "/x?a=1&api_key=***&b=2""#,
        ),
        (
            r#""auth/api-keys":{"keys":[{"key":"4d2c","roles":["a"]}],"salt":"x"},"a":"b""#,
            "k.json",
            r#""auth/api-keys":{"keys":[{"key":"***","roles":["***"]}],"salt":"***"},"a":"b""#,
        ),
        (
            r#""auth/basic": {"users": {"bob": "hunter2"}}, "name": "x""#,
            "k.json",
            r#""auth/basic": {"users": {"bob": "***"}}, "name": "x""#,
        ),
        (
            r#""auth/client-credentials": {"client_id": "hunter2", "a": 1}"#,
            "k.json",
            r#""auth/client-credentials": {"client_id": "***", "a": ***}"#,
        ),
        (
            r#""public_key": "/a.pem", "session": "hunter2", "token_url": "http://i/t""#,
            "k.json",
            r#""public_key": "/a.pem", "session": "***", "token_url": "http://i/t""#,
        ),
        (r#""u": "/x?key=hunter2""#, "k.json", r#""u": "/x?key=***""#),
        (
            "proxy_password: hunter2, and more",
            "k.yaml",
            "proxy_password: ***",
        ),
        ("p: http://bob:hun ter2@p:1", "k.yaml", "p: http://***@p:1"),
        (
            "proxy_password = 'hunter2'",
            "k.toml",
            "proxy_password = '***'",
        ),
        (r#""@comment": "plain""#, "k.json", r#""@comment": "plain""#),
        (
            r#""auth/validator": "plain""#,
            "k.json",
            r#""auth/validator": "plain""#,
        ),
    ] {
        let found = excerpt(text, name, 1, 1);
        assert_eq!(found.text, shown, "{text}");
    }
}

#[test]
fn a_name_that_is_a_value_announces_a_secret() {
    for (text, shown) in [
        (
            r#""set": ["Authorization", "hunter2"]"#,
            r#""set": ["Authorization", "***"]"#,
        ),
        (
            r#"{"name": "X-Api-Key", "scope": ["request"], "value": "hunter2"}, {"value": 1}"#,
            r#"{"name": "X-Api-Key", "scope": ["request"], "value": "***"}, {"value": 1}"#,
        ),
        (
            r#"{ name = "cookie", value = "hunter2" }"#,
            r#"{ name = "cookie", value = "***" }"#,
        ),
    ] {
        assert_eq!(excerpt(text, "k.json", 1, 1).text, shown);
    }
    for text in [
        r#""input_headers": ["Authorization", "Accept"]"#,
        r#""name": ["add-token", "sign"], "value": 1"#,
        r#""set": ["Accept", "x"], "host": ["http://auth.test", "http://b.test"]"#,
    ] {
        assert_eq!(excerpt(text, "k.json", 1, 1).text, text);
    }
}

#[test]
fn a_text_without_secrets_keeps_its_lines() {
    let text = "{\"a\": 1,\n \"token\": \"hunter2\",\n\"b\": ";
    assert_eq!(
        without_secrets(text),
        "{\"a\": 1,\n \"token\": \"***\",\n\"b\": "
    );
    assert_eq!(
        without_secrets("user=al&password=x\n"),
        "user=al&password=***\n"
    );
}

#[test]
fn a_secret_on_lines_of_its_own_is_not_shown() {
    let json = "{\"password\":\n  \"hunter2\",\n \"credentials\": {\n  \"a\": \"hunter2\"\n }, \"b\": \"c\" }";
    for (line, shown) in [
        (2, "  \"***\","),
        (4, "  \"a\": \"***\""),
        (5, " }, \"b\": \"c\" }"),
    ] {
        assert_eq!(excerpt(json, "k.json", line, 3).text, shown);
    }
    let yaml = "password: |\n  hunter2\n  hunter3\nname: x\nsecrets:\n  a: hunter2\n\nb: c\n";
    for (line, shown) in [
        (2, "  ***"),
        (3, "  ***"),
        (4, "name: x"),
        (6, "  ***"),
        (8, "b: c"),
    ] {
        assert_eq!(excerpt(yaml, "k.yaml", line, 1).text, shown);
    }
}

#[test]
fn values_below_a_secret_key_are_hidden_by_their_path() {
    let source = SourceText::new("\"a\": 1, \"b\": \"hunter2\"", Path::new("k.json"));
    let path = KeyPath::root().key("credentials").key("b");
    let found = source.excerpt(1, 9, &path).unwrap();
    assert_eq!(found.text, "\"a\": ***, \"b\": \"***\"");
    assert_eq!(marked(&found), "\"b\": \"***\"");
}

#[test]
fn names_of_secrets_are_told_apart_from_others() {
    for name in [
        "Authorization",
        "auth",
        "auth/api-keys",
        "auth/basic",
        "auth/client-credentials",
        "a/token",
        "api-key",
        "connect_headers",
        "key",
        "pass",
        "private_key",
        "salt",
        "SESSION_ID",
        "sig",
        "x-auth-token",
    ] {
        assert!(is_secret(name), "{name}");
    }
    for name in [
        "auth/validator",
        "auth/signer",
        "backend/http/client",
        "bypass",
        "design",
        "disable_keep_alives",
        "htpasswd_path",
        "input_headers",
        "jwk_url",
        "plugin/http-client",
        "private_key_path",
        "public_key",
        "url_pattern",
    ] {
        assert!(!is_secret(name), "{name}");
    }
}

#[test]
fn a_mark_moves_with_what_is_hidden_in_front_of_it() {
    let found = excerpt(
        r#"{"proxy_password": "a-long-secret", "timeout": "x"}"#,
        "k.json",
        1,
        37,
    );
    assert_eq!(marked(&found), r#""timeout": "x""#);
}

#[test]
fn a_long_line_is_cut_around_the_mark() {
    let text = format!(
        "{}\"timeout\": \"x\",{}",
        "\"é\":1,".repeat(500),
        "\"é\":1,".repeat(500)
    );
    let column = text.chars().position(|c| c == 't').unwrap();
    let found = excerpt(&text, "k.json", 1, column);
    assert!(found.text.len() < 300, "{}", found.text);
    assert_eq!(marked(&found), r#""timeout": "x""#);
}

#[test]
fn no_place_is_no_excerpt() {
    let source = SourceText::new("a\n", Path::new("k.json"));
    for (line, column) in [(0, 1), (2, 1), (usize::MAX, usize::MAX)] {
        assert_eq!(source.excerpt(line, column, &KeyPath::root()), None);
    }
    assert!(source.excerpt(1, usize::MAX, &KeyPath::root()).is_some());
}
