//! What cannot work refuses to start, with one message that names the place.

use std::{
    fs::{self, File},
    path::Path,
};

use cuttle_tests::{Configured, bundled_plugin, fixture, run};
use serde_json::{Value, json};

use crate::{folder, write};

/// Where the plugin's settings stand in the files of this module.
const SETTINGS: &str = "endpoints[0].backend[0].extra_config[\"plugin/http-client\"]";

/// Size of a file that is no component; nothing of it is on the disk.
const HUGE: u64 = 200 << 20;

fn using(settings: Value) -> Value {
    json!({
        "version": 3,
        "listen_ip": "127.0.0.1",
        "plugin": { "folder": "./plugins/", "pattern": ".wasm" },
        "endpoints": [{
            "endpoint": "/x",
            "output_encoding": "no-op",
            "backend": [{
                "host": ["http://127.0.0.1:10"],
                "url_pattern": "/",
                "extra_config": { "plugin/http-client": settings },
            }],
        }],
    })
}

/// `check` and `run` refuse; each message holds all of `expected`.
async fn refused(folder: &Path, expected: &[&str]) {
    let checked = run(folder, &["check", "-c", "krakend.json"]).await;
    assert_eq!(checked.code, 1, "{expected:?}: {checked:?}");
    let errors: Vec<_> = checked
        .stderr
        .lines()
        .filter(|line| line.contains("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "one message: {}", checked.stderr);
    for text in expected {
        assert!(checked.stderr.contains(text), "{text}: {}", checked.stderr);
    }
    let ran = run(folder, &["run", "-c", "krakend.json", "-p", "0"]).await;
    assert_ne!(ran.code, 0, "{expected:?}: {ran:?}");
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!output.contains("listening"), "{output}");
    for text in expected {
        assert!(output.contains(text), "{text}: {output}");
    }
}

fn with_plugins(settings: Value) -> tempfile::TempDir {
    let folder = folder(&using(settings));
    fs::create_dir(folder.path().join("plugins")).expect("a folder for plugins");
    folder
}

#[tokio::test]
async fn an_unknown_plugin_is_refused_with_the_known_ones() {
    let folder = with_plugins(json!({ "name": "http-poxy", "proxy_address": "http://proxy:8080" }));
    refused(folder.path(), &[SETTINGS, "http-poxy", "http-proxy"]).await;
}

#[tokio::test]
async fn a_plugin_without_a_name_is_refused() {
    for settings in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": [] }),
        json!({ "name": ["http-proxy", 7], "proxy_address": "http://proxy:8080" }),
    ] {
        let folder = with_plugins(settings);
        refused(folder.path(), &[SETTINGS, "name"]).await;
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_at_its_place() {
    let place = format!("{SETTINGS}.proxy_address");
    let missing = with_plugins(json!({ "name": "http-proxy" }));
    refused(missing.path(), &[SETTINGS, "proxy_address"]).await;
    for (address, reason) in [
        (json!("myproxy:8080"), "scheme"),
        (json!("//myproxy:8080"), "scheme"),
        (json!("http://myproxy"), "port"),
        (json!("gopher://myproxy:70"), "scheme"),
        (json!("http://:8080"), "host"),
        (json!("http://my proxy:8080"), ""),
        (json!("http://myproxy:8080\r\nX: y"), ""),
        (json!("http://myproxy:99999"), "port"),
        (json!(""), ""),
        (json!(8080), ""),
        (json!(null), ""),
        (json!([]), ""),
        (json!(["http://a:1", "http://b"]), "address 2 needs a port"),
    ] {
        let folder = with_plugins(json!({ "name": "http-proxy", "proxy_address": address }));
        refused(folder.path(), &[&place, reason]).await;
    }
}

#[tokio::test]
async fn the_clients_own_setting_is_refused_for_the_same_reasons() {
    let place = "endpoints[0].backend[0].extra_config[\"backend/http/client\"].proxy_address";
    for address in [
        json!("myproxy:8080"),
        json!("http://myproxy"),
        json!("gopher://myproxy:70"),
        json!(8080),
    ] {
        let mut config = using(json!({}));
        config["plugin"] = Value::Null;
        config["endpoints"][0]["backend"][0]["extra_config"] =
            json!({ "backend/http/client": { "proxy_address": address } });
        config.as_object_mut().expect("an object").remove("plugin");
        let folder = folder(&config);
        refused(folder.path(), &[place]).await;
    }
}

/// A core module without anything: magic, version 1, layer 0.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

#[tokio::test]
async fn a_file_that_is_no_component_is_refused_by_name() {
    let whole = fs::read(bundled_plugin()).expect("the bundled plugin");
    for (content, reason) in [
        (b"this is text".to_vec(), ""),
        (Vec::new(), ""),
        (CORE_MODULE.to_vec(), "not a component"),
        (whole[..whole.len() / 2].to_vec(), ""),
        (whole[..20].to_vec(), ""),
        (b"\x7fELF\x02\x01\x01\0".to_vec(), ""),
    ] {
        let folder = with_plugins(json!({ "name": "own" }));
        write(&folder.path().join("plugins"), "own.wasm", &content);
        refused(folder.path(), &["own.wasm", reason]).await;
    }
}

#[tokio::test]
async fn a_file_of_200_mib_is_refused_before_it_is_read() {
    let folder = with_plugins(json!({ "name": "own" }));
    let file = File::create(folder.path().join("plugins/own.wasm")).expect("a file");
    file.set_len(HUGE).expect("a sparse file");
    refused(folder.path(), &["own.wasm"]).await;
}

#[tokio::test]
async fn two_files_of_one_name_are_refused_with_both() {
    let mut config = using(json!({ "name": "own" }));
    // Both files below hold the pattern; the stem is the name.
    config["plugin"]["pattern"] = json!("own");
    let folder = folder(&config);
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder for plugins");
    fs::copy(fixture("adds-header"), plugins.join("own.wasm")).expect("a copy");
    fs::copy(fixture("adds-header"), plugins.join("own.component")).expect("a copy");
    refused(folder.path(), &["own.wasm", "own.component"]).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_refused_by_name() {
    // Root may read everything, so this one cannot be read by anybody.
    for name in ["http-proxy", "own"] {
        let settings = json!({ "name": name, "proxy_address": "http://proxy:8080" });
        let folder = folder(&using(settings));
        write(folder.path(), "plugins", "a file in the place of a folder");
        refused(folder.path(), &["plugins", "plugin.folder"]).await;
    }
}

#[tokio::test]
async fn a_component_of_another_world_is_refused_in_the_words_of_its_author() {
    for (name, reason) in [
        ("wrong-world", "http-client"),
        ("wants-unknown", "acme:secrets/vault"),
    ] {
        let folder = with_plugins(json!({ "name": name }));
        fs::copy(
            fixture(name),
            folder.path().join("plugins").join(format!("{name}.wasm")),
        )
        .expect("a copy");
        refused(folder.path(), &[name, reason]).await;
    }
}

#[tokio::test]
async fn a_plugins_own_refusal_is_shown_at_its_settings() {
    let folder = with_plugins(json!({ "name": "rejects-settings" }));
    fs::copy(
        fixture("rejects-settings"),
        folder.path().join("plugins/rejects-settings.wasm"),
    )
    .expect("a copy");
    refused(folder.path(), &[SETTINGS]).await;
}

#[tokio::test]
async fn a_plugin_may_stand_behind_an_endpoint_that_answers_with_data() {
    for encoding in ["json", "string"] {
        let mut config =
            using(json!({ "name": "http-proxy", "proxy_address": "http://proxy:8080" }));
        config.as_object_mut().expect("an object").remove("plugin");
        config["endpoints"][0]["output_encoding"] = json!(encoding);
        let folder = folder(&config);
        let checked = run(folder.path(), &["check", "-c", "krakend.json"]).await;
        assert_eq!(checked.code, 0, "{encoding}: {}", checked.stderr);
    }
}

#[tokio::test]
async fn duplicates_are_refused_with_both_places() {
    let endpoint = |path: &str| {
        json!({ "endpoint": path, "output_encoding": "no-op",
                "backend": [{ "host": ["http://127.0.0.1:10"], "url_pattern": "/" }] })
    };
    for (one, two) in [("/a", "/a"), ("/a/{x}", "/a/{y}")] {
        let config = json!({ "version": 3, "endpoints": [endpoint("/other"), endpoint(one), endpoint(two)] });
        let folder = folder(&config);
        refused(folder.path(), &["endpoints[1]", "endpoints[2]"]).await;
    }
}

#[tokio::test]
async fn text_that_is_no_json_is_refused_with_line_and_column() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(
        folder.path(),
        "krakend.json",
        "{\n  \"version\": 3,\n  oops\n}\n",
    );
    refused(folder.path(), &["krakend.json:3:"]).await;
}

#[tokio::test]
async fn the_harness_sees_a_refused_start_as_an_error() {
    let refused = Configured::text("{}").start().await;
    assert!(
        refused
            .expect_err("no version")
            .to_string()
            .contains("version")
    );
}
