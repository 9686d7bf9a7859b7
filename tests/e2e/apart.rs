//! Components are compiled by processes of their own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use cuttle_tests::{Gateway, Origin, TestResult};
use serde_json::Value;

use crate::support::{by_plugin, endpoint, service};

fn config(origin: &Origin) -> Value {
    let nowhere = "http://127.0.0.1:1";
    let mut config = service(vec![by_plugin(endpoint("/x", &origin.url()), nowhere)]);
    config["endpoints"][0]["backend"][0]["extra_config"]["plugin/http-client"]["no_proxy"] =
        serde_json::json!(["127.0.0.1"]);
    config
}

/// The folders with machine code in `parent`.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).expect("the folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Says that another process has compiled something.
fn is_marked(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).expect("the folder");
    let mut names = entries.map(|entry| entry.expect("an entry").file_name());
    names.any(|name| name.to_string_lossy().starts_with("compiled-"))
}

#[tokio::test]
async fn machine_code_comes_from_another_process_and_goes_with_the_gateway() -> TestResult {
    let origin = Origin::replying("ok").await;
    let parent = tempfile::tempdir()?;
    let mut gateway = Gateway::configured(config(&origin))
        .env("TMPDIR", &parent.path().display().to_string())
        .start()
        .await?;
    assert_eq!(gateway.get("/x").await?.body, "ok");

    let found = folders(parent.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(is_marked(&found[0]), "{:?}", gateway.log());
    let mode = fs::metadata(&found[0])?.permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let children = fs::read_to_string(format!(
        "/proc/{pid}/task/{pid}/children",
        pid = gateway.pid()
    ))?;
    assert_eq!(children.trim(), "", "it has ended");

    gateway.stop().await?;
    assert_eq!(folders(parent.path()), Vec::<PathBuf>::new());
    Ok(())
}

#[tokio::test]
async fn without_a_folder_the_gateway_compiles_by_itself() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::configured(config(&origin))
        .env("TMPDIR", "/nowhere/at/all")
        .start()
        .await?;
    assert_eq!(gateway.get("/x").await?.body, "ok");
    Ok(())
}

#[tokio::test]
async fn a_cache_is_filled_by_another_process_once() -> TestResult {
    let origin = Origin::replying("ok").await;
    let (parent, cache) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut config = config(&origin);
    config["extra_config"]["cuttle/plugins"]["cache_dir"] =
        serde_json::json!(cache.path().display().to_string());
    for _ in 0..2 {
        let gateway = Gateway::configured(config.clone())
            .env("TMPDIR", &parent.path().display().to_string())
            .start()
            .await?;
        assert_eq!(gateway.get("/x").await?.body, "ok");
        assert!(is_marked(cache.path()), "{:?}", gateway.log());
    }
    Ok(())
}
