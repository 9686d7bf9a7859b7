//! `test-plugin`, for scripts that build plugins.

use std::fs;

use cuttle_tests::{bundled_plugin, fixture, run};

#[tokio::test]
async fn good_plugins_are_ok() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(bundled_plugin(), folder.path().join("http-proxy.wasm")).expect("a copy");
    fs::copy(
        fixture("adds-header"),
        folder.path().join("adds-header.wasm"),
    )
    .expect("a copy");
    let tested = run(
        folder.path(),
        &["test-plugin", "-c", "http-proxy.wasm", "adds-header.wasm"],
    )
    .await;
    assert_eq!(tested.code, 0, "{tested:?}");
    let output = format!("{}{}", tested.stdout, tested.stderr);
    for text in [
        "[OK] CLIENT\thttp-proxy",
        "[OK] CLIENT\tadds-header",
        "[OK] 2 tested plugin(s) in ",
    ] {
        assert!(output.contains(text), "{text:?}: {output}");
    }
}

#[tokio::test]
async fn a_standard_component_is_ok_and_its_world_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["wasi-http-proxy", "wasi-http-service"] {
        let file = format!("{name}.wasm");
        fs::copy(fixture(name), folder.path().join(&file)).expect("a copy");
        let tested = run(folder.path(), &["test-plugin", "-c", &file]).await;
        assert_eq!(tested.code, 0, "{tested:?}");
        let world = match name {
            "wasi-http-proxy" => "wasi:http/incoming-handler@0.2",
            _ => "wasi:http/handler@0.3",
        };
        let output = format!("{}{}", tested.stdout, tested.stderr);
        let expected = format!("[OK] CLIENT\t{name} ({world})");
        assert!(output.contains(&expected), "{output}");
    }
}

#[tokio::test]
async fn bad_plugins_are_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("text.wasm"), "not a component").expect("a file");
    fs::copy(
        fixture("adds-header"),
        folder.path().join("adds-header.wasm"),
    )
    .expect("a copy");
    let tested = run(
        folder.path(),
        &["test-plugin", "-c", "text.wasm", "adds-header.wasm"],
    )
    .await;
    assert_eq!(tested.code, 1, "{tested:?}");
    let output = format!("{}{}", tested.stdout, tested.stderr);
    for text in [
        "[KO] CLIENT\ttext: ",
        "[OK] CLIENT\tadds-header",
        "[KO] 2 tested plugin(s) in ",
        "1 plugin(s) failed.",
    ] {
        assert!(output.contains(text), "{text:?}: {output}");
    }
}

#[tokio::test]
async fn a_missing_file_and_a_missing_kind_are_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = run(folder.path(), &["test-plugin", "-c", "nowhere.wasm"]).await;
    assert_eq!(missing.code, 1, "{missing:?}");
    let output = format!("{}{}", missing.stdout, missing.stderr);
    assert!(
        output.contains("[KO] Unable to open the plugin nowhere.wasm."),
        "{output}"
    );

    for arguments in [&["test-plugin"][..], &["test-plugin", "-c"]] {
        let nothing = run(folder.path(), arguments).await;
        assert_eq!(nothing.code, 1, "{nothing:?}");
    }
}

#[tokio::test]
async fn a_plugin_is_tested_as_the_kind_that_is_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["modifies-headers", "adds-header"] {
        let file = folder.path().join(name).with_extension("wasm");
        fs::copy(fixture(name), file).expect("a copy");
    }
    let good = run(
        folder.path(),
        &["test-plugin", "-m", "modifies-headers.wasm"],
    )
    .await;
    assert_eq!(good.code, 0, "{good:?}");
    let output = format!("{}{}", good.stdout, good.stderr);
    assert!(
        output.contains("[OK] MODIFIER\tmodifies-headers"),
        "{output}"
    );

    let both = run(
        folder.path(),
        &[
            "test-plugin",
            "-c",
            "-m",
            "modifies-headers.wasm",
            "adds-header.wasm",
        ],
    )
    .await;
    assert_eq!(both.code, 1, "{both:?}");
    let output = format!("{}{}", both.stdout, both.stderr);
    for text in [
        "[KO] CLIENT\tmodifies-headers: does not export `http-client`",
        "[OK] MODIFIER\tmodifies-headers",
        "[OK] CLIENT\tadds-header",
        "[KO] MODIFIER\tadds-header: does not export `req-resp-modifier`",
        "2 plugin(s) failed.",
    ] {
        assert!(output.contains(text), "{text:?}: {output}");
    }
}

#[tokio::test]
async fn one_in_front_of_the_gateway_is_a_kind_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(fixture("guards"), folder.path().join("guards.wasm")).expect("a copy");
    let good = run(folder.path(), &["test-plugin", "-s", "guards.wasm"]).await;
    assert_eq!(good.code, 0, "{good:?}");
    let output = format!("{}{}", good.stdout, good.stderr);
    assert!(output.contains("[OK] SERVER\tguards"), "{output}");
    let other = run(folder.path(), &["test-plugin", "-c", "guards.wasm"]).await;
    assert_eq!(other.code, 1, "{other:?}");
}
