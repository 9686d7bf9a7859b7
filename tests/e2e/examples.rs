//! Every example is checked, and run as its README says.
//!
//! The `sh` blocks of a README hold one `curl` command for `127.0.0.1:8080`,
//! its `text` block what that prints. The gateway and its peers take free
//! ports here: `8080` becomes the gateway's, `8000` the origin's and `3128` the
//! forward proxy's. Variables in front of `cuttle run` are set.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context;
use cuttle_tests::{
    Configured, Origin, Product, RealProxy, Reply, TestResult, command, fixture, repository, run,
    soon,
};
use tempfile::TempDir;

/// Port of the origin in every example.
const ORIGIN: &str = ":8000";
/// Port of the forward proxy in every example.
const PROXY: &str = ":3128";

struct Example {
    name: String,
    curl: String,
    answer: String,
    env: Vec<(String, String)>,
}

fn examples() -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for entry in fs::read_dir(repository().join("examples"))? {
        let path = entry?.path();
        if !path.join("krakend.json").exists() {
            continue;
        }
        let readme =
            fs::read_to_string(path.join("README.md")).with_context(|| format!("{path:?}"))?;
        let shell = blocks(&readme, "sh");
        let curl = shell.lines().find(|line| line.starts_with("curl "));
        let curl = curl.with_context(|| format!("no curl line: {path:?}"))?;
        examples.push(Example {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            curl: curl.to_owned(),
            answer: blocks(&readme, "text"),
            env: environment(&shell),
        });
    }
    examples.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(examples)
}

/// `NAME=value` in front of `cuttle run`.
fn environment(shell: &str) -> Vec<(String, String)> {
    let line = shell
        .lines()
        .find(|line| line.contains("cuttle run"))
        .unwrap_or_default();
    let words = line
        .split_whitespace()
        .take_while(|word| !word.ends_with("cuttle"));
    words
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// All blocks of a language, joined.
fn blocks(readme: &str, language: &str) -> String {
    let opening = format!("```{language}\n");
    let blocks = readme.split(&opening).skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

/// A copy of the example with the plugins that its README says to build.
fn copy(name: &str) -> anyhow::Result<Arc<TempDir>> {
    let folder = tempfile::tempdir()?;
    copy_files(&repository().join("examples").join(name), folder.path())?;
    if name == "own-plugin" {
        let plugins = folder.path().join("plugins");
        fs::create_dir_all(&plugins)?;
        fs::copy(fixture("adds-header"), plugins.join("adds-header.wasm"))?;
    }
    Ok(Arc::new(folder))
}

fn copy_files(from: &Path, to: &Path) -> TestResult {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a name")?);
        if path.is_dir() {
            fs::create_dir_all(&target)?;
            copy_files(&path, &target)?;
        } else {
            fs::copy(&path, target)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_example_passes_the_check() -> TestResult {
    for example in examples()? {
        let folder = copy(&example.name)?;
        let checked = run(folder.path(), &["check", "-c", "krakend.json"]).await;
        assert_eq!(checked.code, 0, "{}: {}", example.name, checked.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn every_example_answers_as_its_readme_says() -> TestResult {
    for example in examples()? {
        runs(&example).await.with_context(|| example.name.clone())?;
    }
    Ok(())
}

async fn runs(example: &Example) -> TestResult {
    let (origin, proxy) = (
        Origin::start(|_| Reply::text("hello from the origin\n")).await,
        RealProxy::start(Product::Squid, None).await,
    );
    let port = |url: &str| format!(":{}", url.rsplit(':').next().unwrap_or_default());
    let rewrite = |text: &str| {
        text.replace(ORIGIN, &port(&origin.url()))
            .replace(PROXY, &port(&proxy.url()))
    };

    let folder = copy(&example.name)?;
    let text = fs::read_to_string(folder.path().join("krakend.json"))?;
    let mut configured = Configured::text(&rewrite(&text))
        .env("KRAKEND_LISTEN_IP", "127.0.0.1")
        .dir(&folder);
    for (name, value) in &example.env {
        configured = configured.env(name, &rewrite(value));
    }
    let gateway = configured.start().await?;
    assert_eq!(gateway.warnings(), Vec::<String>::new());

    let curl = example
        .curl
        .replace("127.0.0.1:8080", &gateway.address().to_string());
    let arguments: Vec<_> = curl.split_whitespace().skip(1).collect();
    let output = soon(
        "curl's answer",
        command("/usr/bin/curl", &arguments).output(),
    )
    .await?;
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        example.answer,
        "{:?}",
        gateway.log()
    );

    let head = origin.last().head;
    if text.contains(PROXY) || example.env.iter().any(|(_, value)| value.contains(PROXY)) {
        proxy.logged(head.target()).await;
    } else {
        assert!(!proxy.access_log().contains(head.target()));
    }
    if text.contains("adds-header") {
        assert_eq!(head.field("x-added"), Some("by a plugin"));
    }
    Ok(())
}

#[test]
fn every_folder_of_examples_is_an_example() -> TestResult {
    let found = examples()?.len();
    let folders = fs::read_dir(repository().join("examples"))?.count();
    assert!(found >= 3, "{found}");
    assert_eq!(found, folders, "each needs krakend.json and README.md");
    Ok(())
}
