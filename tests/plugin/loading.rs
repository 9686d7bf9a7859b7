//! What is refused before it runs, in words a plugin author understands.

use cuttle_plugin::{Engine, EngineSettings, LoadError};

use crate::support::{Origin, bytes, call, component, configured, engine, get, read};

fn refusal(bytes: &[u8]) -> LoadError {
    match engine().load("mine", bytes) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error,
    }
}

#[test]
fn an_unknown_import_is_named() {
    let error = refusal(&bytes("wants-unknown"));
    assert!(matches!(error, LoadError::UnknownImport { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("`mine` imports `acme:secrets/vault@1.0.0`"),
        "{text}"
    );
}

#[test]
fn another_world_is_told_apart() {
    let error = refusal(&bytes("wrong-world"));
    assert!(matches!(error, LoadError::MissingExport { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("cuttle:plugin/http-client@0.1.1"), "{text}");
    assert!(text.contains("wasi:cli/run"), "{text}");
}

#[test]
fn files_that_are_no_components_are_refused() {
    let mut damaged = bytes("bad-status");
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xff);
    let whole = bytes("bad-status");
    let cases: [(&str, &[u8], &str); 7] = [
        ("core module", b"\0asm\x01\0\0\0", "wasm32-wasip2"),
        (
            "truncated",
            &whole[..whole.len() / 2],
            "not a valid component",
        ),
        ("head only", &whole[..6], "cut off"),
        ("damaged", &damaged, "not a valid component"),
        ("machine code", b"\x7fELF\x02\x01\x01", "machine code"),
        ("text", b"(component)", "not a WebAssembly file"),
        ("empty", b"", "empty"),
    ];
    for (case, bytes, expected) in cases {
        let text = refusal(bytes).to_string();
        assert!(text.contains("`mine`"), "{case}: {text}");
        assert!(text.contains(expected), "{case}: {text}");
    }
}

/// Each is refused or loaded; none takes the gateway with it.
#[test]
fn damage_anywhere_in_a_file_is_harmless() {
    let whole = bytes("spins");
    for number in 0..40 {
        let place = number * whole.len() / 40;
        let mut damaged = whole.clone();
        damaged[place] ^= 1 << (number % 8);
        let _loaded_or_refused = engine().load("mine", &damaged);
        assert!(engine().load("mine", &whole[..place]).is_err(), "{place}");
    }
}

#[test]
fn a_huge_file_is_refused_before_it_is_compiled() {
    let error = refusal(&vec![0; 65 << 20]);
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
}

#[test]
fn what_a_plugin_imports_can_be_listed() {
    let component = component("http-proxy");
    assert_eq!(component.name(), "http-proxy");
    let imports = component.imports();
    assert!(imports.contains(&"cuttle:plugin/forward-proxy@0.1.1".to_owned()));
    assert!(imports.is_sorted());
}

#[tokio::test]
async fn a_plugin_compiled_against_the_first_contract_goes_on_working() {
    let kept = include_bytes!("../compat/contract/0.1.0/http-proxy.wasm");
    let component = engine().load("kept", kept).unwrap();
    let proxy = Origin::start().await;
    let binding = cuttle_plugin::Binding {
        settings: format!(r#"{{"proxy_address": "{}"}}"#, proxy.url("")),
        ..crate::support::binding()
    };
    let plugin = cuttle_plugin::Plugin::bind(&component, binding)
        .await
        .unwrap();

    let answer = call(&plugin, get("http://origin.test/x")).await.unwrap();

    assert_eq!(read(answer).await, "ok");
    assert_eq!(proxy.seen()[0].target, "http://origin.test/x");
}

#[tokio::test]
async fn compiled_code_is_kept_and_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings = EngineSettings {
        cache_dir: Some(directory.path().join("code")),
        max_instances: Some(1),
        ..EngineSettings::default()
    };
    for _ in 0..2 {
        let engine = Engine::new(&settings).unwrap();
        engine.load("mine", &bytes("bad-status")).unwrap();
    }
    let files = std::fs::read_dir(directory.path().join("code")).unwrap();
    assert!(files.count() > 0);
}

#[tokio::test]
async fn the_bundled_plugin_sends_through_its_proxy() {
    let proxy = Origin::start().await;
    let settings = format!(
        r#"{{"name": "http-proxy", "proxy_address": "{}"}}"#,
        proxy.url("")
    );
    let plugin = configured("http-proxy", &settings).await.unwrap();

    let answer = call(&plugin, get("http://origin.test/x?y")).await.unwrap();

    assert_eq!(answer.status(), 200);
    assert_eq!(read(answer).await, "ok");
    assert_eq!(proxy.seen()[0].target, "http://origin.test/x?y");
}
