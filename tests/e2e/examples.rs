//! Every example is checked, and run as its README says.
//!
//! The `sh` blocks of a README hold `curl` commands for `127.0.0.1:8080`, its
//! `text` blocks what they print, in the same order. The gateway and its peers
//! take free ports here: `8080` becomes the gateway's, `8000` the origin's and
//! `3128` the forward proxy's. Variables in front of `cuttle run` are set. The
//! origin has the files of the folder `site`, or else one text for everything.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context;
use cuttle_tests::{
    Configured, Origin, Product, RealProxy, Reply, TestResult, command, fixture, gateway_binary,
    repository, soon,
};
use tempfile::TempDir;

/// Port of the origin in every example.
const ORIGIN: &str = ":8000";
/// Port of the forward proxy in every example.
const PROXY: &str = ":3128";

struct Example {
    name: String,
    /// Commands, and what they print.
    requests: Vec<(String, String)>,
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
        let shell = blocks(&readme, "sh").concat();
        let commands: Vec<_> = shell.lines().filter(|l| l.starts_with("curl ")).collect();
        let answers = blocks(&readme, "text");
        assert!(!commands.is_empty(), "no curl line: {path:?}");
        assert_eq!(commands.len(), answers.len(), "{path:?}");
        let requests = commands.into_iter().map(str::to_owned).zip(answers);
        examples.push(Example {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            requests: requests.collect(),
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

/// All blocks of a language.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let blocks = readme.split(&opening).skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

/// What a file server on the folder `site` says, or a text if there is none.
fn reply(site: &Path, target: &str) -> Reply {
    if !site.exists() {
        return Reply::text("hello from the origin\n");
    }
    match fs::read_to_string(site.join(target.trim_start_matches('/'))) {
        Ok(text) => Reply::text(&text),
        Err(_) => Reply::status(404, &[], "no such file"),
    }
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
        let mut check = command(gateway_binary(), &["check", "-c", "krakend.json"]);
        check.envs(example.env).current_dir(folder.path());
        let checked = soon("the check's end", check.output()).await?;
        let problems = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {problems}", example.name);
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
    let site = repository()
        .join("examples")
        .join(&example.name)
        .join("site");
    let (origin, proxy) = (
        Origin::start(move |head| reply(&site, head.target())).await,
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

    for (curl, answer) in &example.requests {
        let curl = curl.replace("127.0.0.1:8080", &gateway.address().to_string());
        let arguments: Vec<_> = curl.split_whitespace().skip(1).collect();
        let output = soon(
            "curl's answer",
            command("/usr/bin/curl", &arguments).output(),
        )
        .await?;
        let printed = String::from_utf8_lossy(&output.stdout);
        // JSON has no line break at its end, and a block of a README has one.
        let printed = printed.trim_end_matches('\n');
        let answer = answer.trim_end_matches('\n');
        assert_eq!(printed, answer, "{:?}", gateway.log());
    }

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
    // Those of plugins, one for each language, are run by `languages`.
    let folders = fs::read_dir(repository().join("examples"))?
        .filter(|entry| {
            entry
                .as_ref()
                .is_ok_and(|entry| entry.file_name() != "plugins")
        })
        .count();
    assert!(found >= 3, "{found}");
    assert_eq!(found, folders, "each needs krakend.json and README.md");
    Ok(())
}
