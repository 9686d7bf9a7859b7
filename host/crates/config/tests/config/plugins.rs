//! What becomes of the values that are about plugins.

use crate::{json, values::backend};

#[test]
fn a_plugin_gets_the_whole_object_with_its_numbers_as_written() {
    let backend = backend(
        r#"{"host": "a.com", "extra_config": {
            "github.com/devopsfaith/krakend/transport/http/client/executor": {
                "name": "http-proxy", "Weird": [1.50, 1e5, 12345678901234567890, "é\n"], "n": null}}}"#,
    );
    let plugin = backend.plugin.unwrap();

    assert_eq!(plugin.label(), "http-proxy");
    assert!(plugin.names[0].place.as_str().ends_with("].name"));
    assert_eq!(
        plugin.place.as_str(),
        r#"endpoints[0].backend[0].extra_config["plugin/http-client"]"#
    );
    assert_eq!(
        plugin.settings,
        r#"{"name":"http-proxy","Weird":[1.50,1e5,12345678901234567890,"é\n"],"n":null}"#
    );
}

#[test]
fn a_list_of_plugins_keeps_its_order_and_its_places() {
    let backend = backend(
        r#"{"host": "a.com", "extra_config": {
            "plugin/http-client": {"name": ["a", "b", "a"], "b": {"x": 1}}}}"#,
    );
    let plugins = backend.plugin.unwrap();
    assert_eq!(plugins.label(), "a, b, a");
    assert!(plugins.uses("b") && !plugins.uses("c"));
    assert_eq!(
        plugins.names[1].place.as_str(),
        r#"endpoints[0].backend[0].extra_config["plugin/http-client"].name[1]"#
    );
    assert_eq!(plugins.settings, r#"{"name":["a","b","a"],"b":{"x":1}}"#);
}

#[test]
fn a_grant_hides_no_address() {
    for (key, value, good) in [
        ("outbound", "127.0.0.1", true),
        ("outbound", "127.0.0.1:80", true),
        ("outbound", "[::1]:80", true),
        ("outbound", "[::ffff:127.0.0.1]", true),
        ("outbound", "4.example.com", true),
        ("outbound", "example.0xcom", true),
        ("outbound", "2130706433", false),
        ("outbound", "2130706433:80", false),
        ("outbound", "0x7f.1", false),
        ("outbound", "0x7F000001", false),
        ("outbound", "0177.0.0.1", false),
        ("outbound", "127.1", false),
        ("outbound", "127.0.0.1.", false),
        ("outbound", "0", false),
        ("addresses", "10.0.0.0/8", true),
        ("addresses", "fd00::/8", true),
        ("addresses", "10.1.2.3", true),
        ("addresses", "10.0.0.0/33", false),
        ("addresses", "localhost", false),
        ("addresses", "10.0.0.1:80", false),
    ] {
        let text = format!(
            r#"{{"version": 3, "extra_config": {{"cuttle/plugins": {{"grants": {{"p": {{"{key}": ["{value}"]}}}}}}}}}}"#
        );
        assert_eq!(json(&text).is_ok(), good, "{key}: {value}");
    }
}
