//! `run --record`: live traffic becomes cases that pass.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use cuttle_tests::{Gateway, Origin, Outgoing, Reply, TestResult, bundled_plugin, fixture, run};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    by_plugin, endpoint, plugin_folder, plugins_from_folder, service, with, with_plugin,
};

const FOLDER: &str = "recorded";

/// The files of cases, once there are `count`.
async fn cases(folder: &Path, count: usize) -> Vec<(String, Value)> {
    let recorded = folder.join(FOLDER);
    cuttle_tests::soon("the cases", async {
        loop {
            let found = read(&recorded);
            if found.len() >= count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Those that are complete.
fn read(folder: &Path) -> Vec<(String, Value)> {
    let entries = fs::read_dir(folder).expect("the folder of cases");
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let case = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((path.display().to_string(), case))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

async fn passes(folder: &TempDir, component: &Path) {
    let component = component.display().to_string();
    let shown = run(folder.path(), &["plugin", "test", &component, FOLDER]).await;
    assert_eq!(shown.code, 0, "{}{}", shown.stdout, shown.stderr);
}

async fn recording(config: Value, folder: &Arc<TempDir>) -> anyhow::Result<Gateway> {
    let gateway = Gateway::configured(plugins_from_folder(config)).dir(folder);
    gateway.argument("--record").argument(FOLDER).start().await
}

#[tokio::test]
async fn what_is_recorded_passes_as_a_test_and_holds_no_secret() -> TestResult {
    let origin = Origin::start(|_| {
        let fields = [
            ("set-cookie", "sid=hunter2-cookie; Path=/"),
            ("x-plain", "plain"),
        ];
        Reply::status(
            200,
            &fields,
            r#"{"access_token": "hunter2-token", "name": "al"}"#,
        )
    })
    .await;
    let folder = plugin_folder(&[&fixture("uses-the-kit")]);
    let settings = json!({ "name": "uses-the-kit", "greeting": "hello" });
    let kit = with_plugin(endpoint("/kit", &origin.url()), settings);
    let kit = with(kit, "method", json!("POST"));
    let kit = with(kit, "input_headers", json!(["*"]));
    let gateway = recording(service(vec![kit]), &folder).await?;

    for body in ["first", r#"{"password": "hunter2-password", "n": 1}"#] {
        let request = Outgoing::new("POST", "/kit")
            .field("authorization", "Bearer hunter2-bearer")
            .field("x-many", "hunter2-bearer")
            .field("x-plain", "plain")
            .text(body);
        assert_eq!(gateway.ask(request).await?.status, 202);
    }
    let found = cases(folder.path(), 2).await;
    for (file, case) in &found {
        let text = case.to_string();
        assert!(!text.contains("hunter2"), "{file}: {case:#}");
        let case = &case["cases"][0];
        assert_eq!(case["request"]["headers"]["x-plain"], "plain", "{case:#}");
        assert_eq!(
            case["outside"][0]["headers"]["x-greeting"], "hello",
            "{case:#}"
        );
        assert_eq!(case["expect"]["status"], 202, "{case:#}");
        let mode = fs::metadata(file)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let mode = fs::metadata(folder.path().join(FOLDER))?
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    passes(&folder, &fixture("uses-the-kit")).await;

    // What is in there is looked at: another answer is a failure.
    let (file, mut case) = found.into_iter().next().expect("a case");
    case["cases"][0]["outside"][0]["answer"]["body"] = json!("something else");
    fs::write(&file, case.to_string())?;
    let component = fixture("uses-the-kit").display().to_string();
    let shown = run(folder.path(), &["plugin", "test", &component, FOLDER]).await;
    assert_eq!(shown.code, 1, "{}", shown.stdout);
    Ok(())
}

#[tokio::test]
async fn traffic_through_a_proxy_is_recorded_with_its_failures() -> TestResult {
    let proxy = Origin::replying("by the proxy").await;
    let folder = plugin_folder(&[]);
    let address = proxy.url().replacen("://", "://al:hunter2@", 1);
    let behind = "http://behind.test";
    let gateway = recording(
        service(vec![
            by_plugin(endpoint("/good", behind), &address),
            by_plugin(endpoint("/bad", behind), "http://127.0.0.1:1"),
        ]),
        &folder,
    )
    .await?;
    assert_eq!(gateway.get("/good").await?.body, "by the proxy");
    assert_eq!(gateway.get("/bad").await?.status, 500);

    let found = cases(folder.path(), 2).await;
    let text = format!("{found:?}");
    assert!(!text.contains("hunter2"), "{text}");
    let good = &found[0].1["cases"][0];
    let via = good["outside"][0]["via"].as_str().unwrap_or_default();
    assert!(via.starts_with("http://***@127.0.0.1:"), "{good:#}");
    let bad = &found[1].1["cases"][0];
    assert_eq!(bad["outside"][0]["answer"]["error"], "connect", "{bad:#}");
    assert_eq!(bad["expect"]["error"], "connect", "{bad:#}");
    passes(&folder, &bundled_plugin()).await;
    Ok(())
}

#[tokio::test]
async fn what_is_large_or_broken_off_passes_unrecorded() -> TestResult {
    let origin = Origin::start(|head| match head.target() {
        "/large" => Reply::text(&"x".repeat(2 << 20)),
        _ => Reply::text("small"),
    })
    .await;
    let folder = plugin_folder(&[&fixture("adds-header")]);
    let through = |path| {
        with_plugin(
            endpoint(path, &origin.url()),
            json!({ "name": "adds-header" }),
        )
    };
    let gateway = recording(service(vec![through("/large"), through("/small")]), &folder).await?;
    assert!(gateway.get("/large").await?.complete);
    assert_eq!(gateway.get("/small").await?.body, "small");

    let found = cases(folder.path(), 1).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1["cases"][0]["expect"]["body"], "small");
    passes(&folder, &fixture("adds-header")).await;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_stops_the_start() -> TestResult {
    let folder = plugin_folder(&[]);
    fs::write(folder.path().join(FOLDER), "a file")?;
    let config = service(vec![endpoint("/a", "http://backend.test")]);
    fs::write(folder.path().join("krakend.json"), config.to_string())?;
    let arguments = [
        "run",
        "-c",
        "krakend.json",
        "--port",
        "0",
        "--record",
        FOLDER,
    ];
    let ran = run(folder.path(), &arguments).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("cannot record into"), "{ran:?}");
    Ok(())
}

/// What those behind it do is what its `next` answers, and recording changes
/// nothing about it.
#[tokio::test]
async fn of_a_list_the_first_is_recorded_with_what_came_of_its_next() -> TestResult {
    let proxy = Origin::replying("by the proxy").await;
    let folder = plugin_folder(&[&fixture("hands-on")]);
    let through = |path, address: &str| {
        let list =
            json!({ "name": ["hands-on", "http-proxy"], "mark": "m", "proxy_address": address });
        with_plugin(endpoint(path, "http://behind.test"), list)
    };
    let gateway = recording(
        service(vec![
            through("/good", &proxy.url()),
            through("/bad", "http://127.0.0.1:1"),
        ]),
        &folder,
    )
    .await?;
    assert_eq!(gateway.get("/good").await?.body, "by the proxy");
    assert_eq!(gateway.get("/bad").await?.status, 500);
    gateway.access("/bad").await?;
    let log = gateway.log().text();
    assert!(log.contains("plugin `http-proxy`"), "whose failure: {log}");

    let found = cases(folder.path(), 2).await;
    let (good, bad) = (&found[0].1["cases"][0], &found[1].1["cases"][0]);
    assert_eq!(good["outside"][0]["via"], "next", "{good:#}");
    assert_eq!(
        good["outside"].as_array().map(Vec::len),
        Some(1),
        "{good:#}"
    );
    assert_eq!(bad["outside"][0]["answer"]["error"], "connect", "{bad:#}");
    passes(&folder, &fixture("hands-on")).await;
    Ok(())
}
