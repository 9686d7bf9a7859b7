//! `plugin inspect` and `plugin diff`: what a component may do, before it does
//! anything.

use std::{fs, path::Path};

use cuttle_tests::{Finished, bundled_plugin, fixture, fixture_names, repository, run};
use serde_json::{Value, json};

use crate::write;

async fn cuttle(arguments: &[&str]) -> Finished {
    run(Path::new("/"), arguments).await
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

async fn inspected(path: &Path) -> (i32, Value) {
    let shown = cuttle(&["plugin", "inspect", "--json", &text(path)]).await;
    let report = serde_json::from_str(&shown.stdout).expect("JSON");
    (shown.code, report)
}

async fn compared(old: &Path, new: &Path) -> (i32, Value) {
    let shown = cuttle(&["plugin", "diff", "--json", &text(old), &text(new)]).await;
    let report = serde_json::from_str(&shown.stdout).expect("JSON");
    (shown.code, report)
}

#[tokio::test]
async fn the_bundled_plugin_is_told_in_plain_words() {
    let shown = cuttle(&["plugin", "inspect", &text(&bundled_plugin())]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for line in [
        "plugin       http-proxy",
        "kind         plugin/http-client; cuttle:plugin@0.1.1",
        "loads        yes",
        "description  Sends the traffic of one backend through a forward proxy.",
        "may          send requests through a forward proxy",
        "may          write to the log",
        "asks for     environment variables and arguments: gets none",
        "cuttle:plugin/http-client@0.1.1",
        "\"proxy_address\": {",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
    assert!(
        !shown.stdout.contains("hosts of its backend"),
        "{}",
        shown.stdout
    );
}

#[tokio::test]
async fn a_program_gets_the_same_as_json() {
    let (code, report) = inspected(&fixture("uses-the-kit")).await;
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["kinds"], json!(["plugin/http-client"]));
    assert_eq!(report["loads"], true);
    assert_eq!(report["contract"], "0.1.1");
    assert_eq!(report["description"], "Uses what the author kit offers");
    assert_eq!(report["settings_schema"]["required"], json!(["greeting"]));
    assert!(report["memory"].as_u64().expect("bytes") >= 1 << 16);
    let outbound = json!({
        "name": "cuttle:plugin/outbound@0.1.1",
        "meaning": "may",
        "what": "send requests to the hosts of its backend",
    });
    let imports = report["imports"].as_array().expect("a list");
    assert!(imports.contains(&outbound), "{report}");
}

/// A component of an old contract has neither sections nor new names.
#[tokio::test]
async fn a_plugin_of_an_earlier_contract_is_shown_too() {
    let old = repository().join("tests/compat/contract/0.1.0/http-proxy.wasm");
    let (code, report) = inspected(&old).await;
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["contract"], "0.1.0");
    assert_eq!(report["settings_schema"], Value::Null);

    let (code, changes) = compared(&old, &bundled_plugin()).await;
    assert_eq!(code, 0, "{changes}");
    assert_eq!(changes["rights"]["new"], json!([]), "{changes}");
    assert_eq!(
        changes["contract"],
        json!({ "old": "0.1.0", "new": "0.1.1" })
    );
    assert_eq!(
        changes["required_settings"]["new"],
        json!(["proxy_address"])
    );
}

#[tokio::test]
async fn every_fixture_is_shown_and_those_that_do_not_load_say_why() {
    for name in fixture_names().expect("fixtures") {
        let (code, report) = inspected(&fixture(&name)).await;
        let loads = !["wants-unknown", "wrong-world"].contains(&name.as_str());
        assert_eq!(report["loads"], loads, "{name}: {report}");
        assert_eq!(code, i32::from(!loads), "{name}");
        assert_eq!(report["problem"].is_null(), loads, "{name}: {report}");
    }
}

#[tokio::test]
async fn an_upgrade_that_may_do_more_fails() {
    let (code, changes) = compared(&fixture("adds-header"), &fixture("uses-the-kit")).await;
    assert_eq!(code, 1, "{changes}");
    let new = changes["rights"]["new"].as_array().expect("a list");
    assert!(
        new.contains(&json!("may send requests through a forward proxy")),
        "{changes}"
    );
    assert_eq!(
        changes["settings"]["new"],
        json!(["greeting", "limit", "name", "pin", "proxy"])
    );

    // The way back takes rights away.
    let (code, changes) = compared(&fixture("uses-the-kit"), &fixture("adds-header")).await;
    assert_eq!(code, 0, "{changes}");
    assert_eq!(changes["rights"]["new"], json!([]));

    let (kit, unknown) = (
        text(&fixture("adds-header")),
        text(&fixture("wants-unknown")),
    );
    let shown = cuttle(&["plugin", "diff", &kit, &unknown]).await;
    assert_eq!(shown.code, 1, "{shown:?}");
    assert!(
        shown.stdout.contains("which the gateway refuses"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn hostile_files_are_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = fs::read(bundled_plugin()).expect("the plugin");
    let half = whole.get(..whole.len() / 2).expect("half of it");
    let mut damaged = whole.clone();
    for byte in damaged.iter_mut().skip(8).step_by(97) {
        *byte ^= 0x55;
    }
    let cases: [(&str, &[u8]); 6] = [
        ("empty.wasm", b""),
        ("text.wasm", b"not a component"),
        ("elf.wasm", b"\x7fELF\x02\x01\x01"),
        ("module.wasm", b"\0asm\x01\0\0\0"),
        ("half.wasm", half),
        ("damaged.wasm", &damaged),
    ];
    for (name, content) in cases {
        write(folder.path(), name, content);
        for arguments in [
            &["plugin", "inspect", name][..],
            &["plugin", "diff", name, name],
            &["plugin", "test", name, "cases.json"],
        ] {
            write(
                folder.path(),
                "cases.json",
                r#"{"cases": [{"request": {"uri": "http://a/"}}]}"#,
            );
            let shown = run(folder.path(), arguments).await;
            assert_eq!(shown.code, 255, "{arguments:?}: {shown:?}");
            assert!(
                shown.stderr.starts_with("ERROR "),
                "{arguments:?}: {shown:?}"
            );
            assert_eq!(shown.stdout, "", "{arguments:?}: {shown:?}");
        }
    }
    let missing = run(folder.path(), &["plugin", "inspect", "nowhere.wasm"]).await;
    assert_eq!(missing.code, 255, "{missing:?}");
}

/// The text of a stranger neither commands the terminal nor begins a line.
#[tokio::test]
async fn texts_of_the_file_are_escaped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = b"cuttle:description";
    let content = b"\x1b[31mred\r\nloads        yes";
    let length = u8::try_from(1 + name.len() + content.len()).expect("short");
    let mut file = fs::read(fixture("adds-header")).expect("the plugin");
    file.extend([0, length, u8::try_from(name.len()).expect("short")]);
    file.extend_from_slice(name);
    file.extend_from_slice(content);
    write(folder.path(), "red.wasm", file);
    let shown = run(folder.path(), &["plugin", "inspect", "red.wasm"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
    assert!(
        shown.stdout.contains("\\u{1b}[31mred\\r\\nloads"),
        "{shown:?}"
    );
}
